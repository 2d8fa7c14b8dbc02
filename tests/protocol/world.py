"""A world of its own for the protocol: the app's own composition over stores in memory, in virtual time."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from shared.breaker import Service, Step
from shared.breaker_table import Breakers
from shared.configuration import Configuration
from shared.configuration_file import configuration_of
from shared.errors import Transient, Unavailable
from shared.graph.answers import Attachment, Message
from shared.identities import filing_key
from shared.journal_row import Row
from shared.queue_messages import (
    LIFECYCLE_EVENT,
    MAIL_ARRIVED,
    MAIL_FILED,
    VAULT_IMPORT,
    MailArrived,
    MailFiled,
    VaultImport,
)
from shared.services import Services
from shared.settings import Settings, read_settings
from shared.testing.breaker_table import InMemoryBreakerTable
from shared.testing.journal import InMemoryJournal
from shared.testing.queues import POISON, InMemoryQueues, QueuedMessage
from shared.testing.staging_area import InMemoryStagingArea
from shared.testing.unfinished import InMemoryUnfinished
from tests.protocol.hooks import Died, Hook, Hooked, HookedVault
from tests.shared.clock import FakeClock
from tests.shared.made import arrived
from tests.shared.mailbox import FakeMailbox, Mail
from tests.shared.vault.fake import FIRST_ID, FakeVault, Kept

SOURCE, MAILBOX = "invoices", "invoices@example.com"
LEASE, VISIBLE_AGAIN, MOST_DEQUEUES = 600, 30, 5
_QUEUES = (MAIL_ARRIVED, VAULT_IMPORT, MAIL_FILED)
_SETTINGS = {
    "VAULTPOST_NOTIFICATION_URL": "https://app.example.com/api",
    "KEY_VAULT_URL": "https://kv.vault.azure.net",
    "MailStorage": "AccountName=mail;AccountKey=c2VjcmV0;BlobEndpoint=https://mail.example.com/",
}
_SOURCES = f"""
[vault]
url = "https://mfiles.example.com"
guid = "{{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}}"
filing-key = "PD.FilingKey"

[[source]]
name = "{SOURCE}"
mailbox = "{MAILBOX}"

[source.document]
class = "CL.Invoice"
"""


def _configuration() -> tuple[Settings, Configuration]:
    return read_settings(_SETTINGS, Path()), configuration_of(tomllib.loads(_SOURCES), "mail-sources.toml")


@dataclass
class World:
    """Everything that outlives a worker."""

    composition: ClassVar[tuple[Settings, Configuration]] = _configuration()
    clock: FakeClock = field(default_factory=FakeClock)
    announced: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = InMemoryJournal()
        self.unfinished = InMemoryUnfinished()
        self.queues = InMemoryQueues(self.clock)
        self.area = InMemoryStagingArea()
        self.breakers = InMemoryBreakerTable()
        self.mailbox = FakeMailbox(MAILBOX)
        self.vault = FakeVault(clock=self.clock)
        self.down: set[Service] = set()

    def go(self, service: Service, *, is_down: bool) -> None:
        """A service goes down, or comes back."""
        (self.down.add if is_down else self.down.discard)(service)
        fault = Unavailable(f"{service} is down", origin=service) if is_down else None
        if service == "vault":
            self.vault.find_fault = fault
            self.vault.before_create = None if fault is None else _raising(fault)
        elif fault is None:
            self.mailbox.faults.clear()
        else:
            self.mailbox.faults.update(dict.fromkeys(("message", "attachments", "mime"), fault))

    def commit(self, kept: Kept) -> None:
        """A create whose answer was lost comes to its end now."""
        number = FIRST_ID + len(self.vault.objects)
        created = self.clock.now().replace(microsecond=0)
        kept.shown = replace(kept.shown, id=number, created=created)
        self.vault.objects.append(kept)

    def worker(self, hook: Hook | None = None) -> Worker:
        """A new worker, with the app's own composition."""
        return Worker(self, hook or Hook())

    def mail(self, attachments: int = 0) -> str:
        """A new mail in the mailbox; answers its id."""
        number = len(self.mailbox.mails)
        message = f"AAkALg{number:04}="
        contents = [
            (Attachment(id=f"{number}-{one}", name=f"file{one}.txt"), f"bytes {number}/{one}".encode())
            for one in range(attachments)
        ]
        subject = f"Mail {number}"
        mime = f"Subject: {subject}\r\n\r\nThe body of mail {number}, in some pieces".encode()
        self.mailbox.add(message, Mail(Message(id=message, subject=subject), mime, contents))
        return message

    async def announce(self, message: str) -> None:
        """A notification of it is queued."""
        if message not in self.announced:
            self.announced.append(message)
        await self.queues.send(MAIL_ARRIVED, arrived(SOURCE, message))

    async def row(self, message: str) -> Row | None:
        """What the journal says of a mail."""
        return await self.journal.read(SOURCE, filing_key(SOURCE, message))

    async def settle(self, within: timedelta = timedelta(hours=6), worker: Worker | None = None) -> None:
        """Let a host run until nothing is queued and nothing is open, or for so long."""
        end = self.clock.now() + within
        worker = worker or self.worker()
        while self.clock.now() < end:
            worker = await self.turn(worker)
            if await self.is_quiet():
                return
            self.advance()

    async def turn(self, worker: Worker) -> Worker:
        """All visible messages are taken, and the watch runs once; a worker that dies is replaced."""
        while messages := await self._visible():
            for message in messages:
                if worker.hook.is_dead:
                    worker = self.worker()
                await worker.take(message)
        if worker.hook.is_dead:
            worker = self.worker()
        await worker.watch()
        return self.worker() if worker.hook.is_dead else worker

    def advance(self) -> None:
        """On to the next message, and by a minute at most: that is when the watch runs again."""
        now = self.clock.now()
        visible = self.queues.next_visible_at()
        wait = timedelta(minutes=1) if visible is None else visible - now
        self.clock.advance(seconds=min(60.0, max(1.0, wait.total_seconds())))

    async def is_quiet(self) -> bool:
        """Whether nothing is queued, and nothing is open."""
        return not self.queues.messages() and not [mail async for mail in self.unfinished.all()]

    async def _visible(self) -> list[QueuedMessage]:
        queues = [name for queue in (*_QUEUES, LIFECYCLE_EVENT) for name in (queue, f"{queue}{POISON}")]
        return [message for queue in queues for message in await self.queues.receive(queue, 8, LEASE)]

    async def assert_well(self) -> None:
        """Vault set = set of announced mail, with every byte, nothing twice, no open row."""
        for message in self.announced:
            row = await self.row(message)
            assert row is not None, f"{message}: lost"
            assert row.state == "filed", f"{message}: {row}"
            assert row.is_closed
            assert not row.owner
            alive = [kept for kept in self.vault.objects if kept.key == row.key and not kept.shown.deleted]
            assert [kept.shown.id for kept in alive] == [row.object_id], f"{message}: {alive}"
            mail = self.mailbox.mails[message]
            contents = [mail.mime, *(content for _, content in mail.attachments)]
            assert alive[0].contents == contents
            assert row.digests == tuple(hashlib.sha256(content).digest() for content in contents)
        assert [mail async for mail in self.unfinished.all()] == []
        known = {filing_key(SOURCE, message) for message in self.announced}
        assert {kept.key for kept in self.vault.objects} <= known


class Worker:
    """One worker process: it goes through a hook for each side effect."""

    def __init__(self, world: World, hook: Hook) -> None:
        self.world = world
        self.hook = hook
        settings, configuration = World.composition
        self.services = Services(settings, configuration, world.clock)
        self.services.__dict__.update(
            journal=Hooked("journal", world.journal, hook),
            unfinished=Hooked("unfinished", world.unfinished, hook),
            queues=Hooked("queues", world.queues, hook),
            area=Hooked("area", world.area, hook),
            breakers=Breakers(Hooked("breakers", world.breakers, hook), world.clock),
            mailboxes=Hooked("mailboxes", world.mailbox, hook),
            vault=HookedVault("vault", world.vault, hook),
            ping=self._ping,
        )

    async def _ping(self, service: Service, step: Step, source: str) -> None:
        if service in self.world.down:
            raise Transient(f"{service} is down", origin=service)

    async def take(self, message: QueuedMessage) -> None:
        """Take a message that was received, as the host does."""
        queues = self.world.queues
        try:
            await self._function(message.queue)(message.text.encode())
        except Died:
            return  # its lease runs out
        except Exception:  # noqa: BLE001 - whatever a function raises, the host settles its message
            if message.dequeue_count >= MOST_DEQUEUES and not message.queue.endswith(POISON):
                await queues.poison(message)
            else:
                await queues.hide(message, VISIBLE_AGAIN)
        else:
            await queues.delete(message)

    async def watch(self) -> None:
        """The timer."""
        try:
            await self.services.watch.run()
        except (Died, Transient):
            return  # it runs again in a minute

    def _function(self, queue: str) -> Callable[[bytes], Awaitable[None]]:
        receiver, services = self.services.receiver, self.services
        if queue.endswith(POISON):
            return lambda body: services.dead_letters.take(queue.removesuffix(POISON), body)
        return {
            MAIL_ARRIVED: lambda body: receiver.receive(services.staging, MailArrived, body),
            VAULT_IMPORT: lambda body: receiver.receive(services.filing, VaultImport, body),
            MAIL_FILED: lambda body: receiver.receive(services.mailbox, MailFiled, body),
        }[queue]


def text_of(message: QueuedMessage) -> dict[str, Any]:
    """The fields of a queued message."""
    found: dict[str, Any] = json.loads(message.text)
    return found


def _raising(fault: Exception) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise fault

    return fail
