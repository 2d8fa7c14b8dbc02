"""A world of its own for the protocol: the app's own composition over stores in memory, in virtual time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from shared.configuration import Configuration
from shared.configuration_file import configuration_of
from shared.graph.answers import Attachment, Message
from shared.identities import filing_key, linked_key
from shared.journal_row import Row
from shared.queue_messages import LIFECYCLE_EVENT, MAIL_ARRIVED, MAIL_FILED, VAULT_IMPORT
from shared.settings import Settings, read_settings
from shared.testing.breaker_table import InMemoryBreakerTable
from shared.testing.fingerprints import InMemoryFingerprints
from shared.testing.folder_register import InMemoryFolderRegister
from shared.testing.journal import InMemoryJournal
from shared.testing.queues import POISON, InMemoryQueues, QueuedMessage
from shared.testing.staging_area import InMemoryStagingArea
from shared.testing.unfinished import InMemoryUnfinished
from tests.protocol.hooks import Hook
from tests.protocol.simulated import Mailboxes, Outages, Vault, Writer
from tests.protocol.worker import Worker
from tests.shared.clock import FakeClock
from tests.shared.made import arrived
from tests.shared.mailbox import Mail

SOURCE = "invoices"
LEASE, BATCH = 600, 8
WATCHED_EVERY = timedelta(minutes=1)
_STEPS = (MAIL_ARRIVED, VAULT_IMPORT, MAIL_FILED)
_QUEUES = tuple(name for queue in (*_STEPS, LIFECYCLE_EVENT) for name in (queue, f"{queue}{POISON}"))
_SETTINGS = {
    "VAULTPOST_NOTIFICATION_URL": "https://app.example.com/api",
    "KEY_VAULT_URL": "https://kv.vault.azure.net",
    "GRAPH_CREDENTIAL": "client-secret",
    "GRAPH_TENANT_ID": "11111111-2222-3333-4444-555555555555",
    "GRAPH_CLIENT_ID": "66666666-7777-8888-9999-aaaaaaaaaaaa",
    "MailStorage": "AccountName=mail;AccountKey=c2VjcmV0;BlobEndpoint=https://mail.example.com/",
}
_VAULT = {
    "url": "https://mfiles.example.com",
    "guid": "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}",
    "filing-key": "PD.FilingKey",
}


@cache
def configured(
    content: str = "message-and-attachments",
    message_format: str = "eml",
    give_up_after: str = "3d",
    **classes: str,
) -> tuple[Settings, Configuration]:
    """Settings, and a configuration with these sources, each with the class of its documents."""
    document = {"content": content, "message-format": message_format}
    sources = [
        {"name": name, "mailbox": mailbox_of(name), "document": {"class": alias, **document}}
        for name, alias in classes.items()
    ]
    whole = {"vault": _VAULT, "give-up-after": give_up_after, "source": sources}
    return read_settings(_SETTINGS, Path()), configuration_of(whole, "mail-sources.toml")


def mailbox_of(source: str) -> str:
    """The address of its mailbox."""
    return f"{source}@example.com"


@dataclass
class World:
    """Everything that outlives a worker.

    `composition` is that of workers that begin from now on, and `fate` gives each of them its hook.
    """

    fed: ClassVar[tuple[str, ...]] = _QUEUES
    composition: tuple[Settings, Configuration] = field(
        default_factory=lambda: configured(invoices="CL.Invoice")
    )
    fate: Callable[[], Hook | None] = lambda: None
    clock: FakeClock = field(default_factory=FakeClock)
    announced: list[str] = field(default_factory=list)
    poisoned: int = 0

    def __post_init__(self) -> None:
        self.journal = InMemoryJournal()
        self.unfinished = InMemoryUnfinished()
        self.queues = InMemoryQueues(self.clock)
        self.area = InMemoryStagingArea()
        self.breakers = InMemoryBreakerTable()
        self.fingerprints = InMemoryFingerprints()
        self.register = InMemoryFolderRegister()
        self.outages = Outages(self.clock)
        self.mailboxes = Mailboxes(self.outages)
        self.writer = Writer(self.outages)
        self.vault = Vault(self.outages)
        self.source_of: dict[str, str] = {}
        self._next_watch = self.clock.now()

    def worker(self, hook: Hook | None = None) -> Worker:
        """A new worker, with the app's own composition."""
        return Worker(self, hook or self.fate())

    def mail(self, attachments: int = 0, source: str = SOURCE) -> str:
        """A new mail in the mailbox of a source; answers its id."""
        number = len(self.source_of)
        message = f"AAkALg{number:04}="
        contents: list[tuple[Attachment, bytes | Exception]] = [
            (Attachment(id=f"{number}-{one}", name=f"file{one}.txt"), f"bytes {number}/{one}".encode())
            for one in range(attachments)
        ]
        subject = f"Mail {number}"
        mime = f"Subject: {subject}\r\n\r\nThe body of mail {number}, in some pieces".encode()
        sent = Message(id=message, subject=subject, internet_message_id=f"<{number}@example.com>")
        mail = Mail(sent, mime, contents)
        self.mailboxes.put(mailbox_of(source), message, mail)
        self.writer.put(message, "Red")
        self.source_of[message] = source
        return message

    async def announce(self, message: str) -> None:
        """A notification of it is queued."""
        if message not in self.announced:
            self.announced.append(message)
        await self.queues.send(MAIL_ARRIVED, arrived(self.source_of[message], message))

    def key(self, message: str) -> str:
        """The filing key of a mail."""
        return filing_key(self.source_of[message], message)

    async def row(self, message: str) -> Row:
        """What the journal says of a mail."""
        row = await self.journal.read(self.source_of[message], self.key(message))
        assert row is not None, f"{message}: lost"
        return row

    async def settle(self, within: timedelta = timedelta(hours=6), worker: Worker | None = None) -> None:
        """Let a host run until nothing is queued and nothing is open, or for so long."""
        end = self.clock.now() + within
        worker = worker or self.worker()
        while self.clock.now() < end:
            worker = await self.turn(worker)
            if await self.is_quiet():
                return
            self.advance(end)

    async def turn(self, worker: Worker) -> Worker:
        """All visible messages are taken, and the watch runs if its minute is over.

        A worker that dies is replaced; answers the last one.
        """
        while messages := await self.visible():
            for message in messages:
                if worker.is_dead:
                    worker = self.worker()
                await worker.take(message)
        if worker.is_dead:
            worker = self.worker()
        await self.watch(worker)
        return self.worker() if worker.is_dead else worker

    async def watch(self, worker: Worker) -> None:
        """The timer of the watch, if its minute is over."""
        now = self.clock.now()
        if now >= self._next_watch:
            self._next_watch = now + WATCHED_EVERY
            await worker.watch()

    def advance(self, end: datetime) -> None:
        """On to what happens next: a message is visible, the watch runs, a create commits; `end` at last."""
        now = self.clock.now()
        times = (self.queues.next_visible_at(), self._next_watch, self.vault.next_commit(), end)
        then = min(time for time in times if time is not None)
        self.jump(max(1.0, (then - now).total_seconds()))

    def jump(self, seconds: float) -> None:
        """So much time passes; creates that were under way come to their end meanwhile."""
        self.clock.advance(seconds=seconds)
        self.vault.commit()

    async def is_quiet(self) -> bool:
        """Whether nothing is queued, and nothing is open."""
        return not self.queues.messages() and not [mail async for mail in self.unfinished.all()]

    async def visible(self) -> list[QueuedMessage]:
        """A batch of each queue that has something now."""
        now, batch = self.clock.now(), []
        for queue in self.fed:
            first = self.queues.next_visible_at(queue)
            if first is not None and first <= now:
                batch += await self.queues.receive(queue, BATCH, LEASE)
        return batch

    async def states(self) -> Mapping[str, int]:
        """How many mails the journal has in each state."""
        rows = [row async for row in self.journal.rows()]
        return {state: sum(row.state == state for row in rows) for state in {row.state for row in rows}}

    async def assert_well(self) -> None:
        """Vault set = set of announced mail, with every byte, nothing twice, no open row."""
        for message in self.announced:
            await self._assert_filed(message, await self.row(message))
        assert [mail async for mail in self.unfinished.all()] == []
        known = {self.key(message) for message in self.announced}
        known |= {linked_key(key, number) for key in known for number in range(1, 10)}
        assert {kept.key for kept in self.vault.objects} <= known
        assert self.vault.too_early == []

    async def _assert_filed(self, message: str, row: Row) -> None:
        assert row.state == "filed", f"{message}: {row}"
        assert row.is_closed
        assert not row.owner
        assert row.creating is None
        mail = self.mailboxes.mails[message]
        contents = [mail.mime, *(content for _, content in mail.attachments if isinstance(content, bytes))]
        assert row.digests == tuple(hashlib.sha256(content).digest() for content in contents)
        assert row.object_id is not None
        if not row.linked:
            self._assert_once(row, row.key, row.object_id, contents)
            return
        self._assert_once(row, row.key, row.object_id, contents[:1])
        assert [number for number, _ in row.linked] == list(range(1, len(contents)))
        for number, object_id in row.linked:
            self._assert_once(row, linked_key(row.key, number), object_id, [contents[number]])

    def _assert_once(self, row: Row, key: str, object_id: int, contents: list[bytes]) -> None:
        """One object stays, whole: the one that the journal names. Of its twins the journal tells."""
        objects = [kept for kept in self.vault.objects if kept.key == key]
        alive = [kept for kept in objects if not kept.shown.deleted]
        assert [kept.shown.id for kept in alive] == [object_id], f"{row.message}: {alive}"
        told = "\n".join(row.warnings)
        for kept in objects:
            assert kept in alive or f"object {kept.shown.id} was filed twice, and was marked deleted" in told
        assert alive[0].contents == contents


def text_of(message: QueuedMessage) -> dict[str, Any]:
    """The fields of a queued message."""
    found: dict[str, Any] = json.loads(message.text)
    return found
