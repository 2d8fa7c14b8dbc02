"""A ground for sweeps: the app's own composition, Graph of the sandbox, all else in memory.

The way of a mail goes on to its end, so that what is told in the end is what the vault has. Time is that
of a clock that is moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from sandbox.box import Sandbox
from sandbox.faults import Latency
from sandbox.tenant.graph import Delivered
from shared import queue_messages as queues
from shared.breaker_table import Breakers
from shared.configuration import Source
from shared.errors import Transient, VaultpostError
from shared.folder_register import SweptFolder
from shared.graph.delta import DeltaReader
from shared.graph.mailbox import MailboxReader
from shared.identities import filing_key
from shared.journal_row import Row
from shared.queue_messages import FolderSweep, MailArrived, MailFiled, VaultImport
from shared.services import Services
from shared.sweep_state import SweepState, SweepStates
from shared.testing.breaker_table import InMemoryBreakerTable
from shared.testing.fingerprints import InMemoryFingerprints
from shared.testing.folder_register import InMemoryFolderRegister
from shared.testing.journal import InMemoryJournal
from shared.testing.queues import InMemoryQueues, QueuedMessage
from shared.testing.staging_area import InMemoryStagingArea
from shared.testing.sweep_states import InMemorySweepStates
from shared.testing.unfinished import InMemoryUnfinished
from tests.protocol.hooks import Died, Hook, Hooked

from . import made
from .clock import FakeClock
from .graph.samples import mail
from .vault.fake import FakeVault

LEASE, VISIBLE_AGAIN = 600.0, 30.0
OLD = timedelta(days=400)


@dataclass
class Subscribing:
    """Notes for which sources subscriptions were wanted."""

    wanted: list[str] = field(default_factory=list)
    fault: Exception | None = None

    async def ensure(self, name: str) -> None:
        self.wanted.append(name)
        if self.fault is not None:
            raise self.fault


class Ground:
    """A mailbox with a source on it, and everything that outlives a worker."""

    def __init__(self, box: Sandbox, base: Services, clock: FakeClock, page_size: int = 3) -> None:
        self.box, self.base, self.clock, self.page_size = box, base, clock, page_size
        self.journal: InMemoryJournal = InMemoryJournal()
        self.unfinished = InMemoryUnfinished()
        self.queues = InMemoryQueues(clock)
        self.area = InMemoryStagingArea()
        self.breakers = InMemoryBreakerTable()
        self.fingerprints = InMemoryFingerprints()
        self.register = InMemoryFolderRegister()
        self.states = InMemorySweepStates()
        self.vault = FakeVault(clock=clock)
        self.subscribing = Subscribing()
        self.may_delete = False
        self.name = made.unique_name("sweep")
        self.configure()
        box.tenant.add_mailbox(self.mailbox)

    def configure(self, **changed: Any) -> None:
        """Have the source so from the next worker on."""
        self.source: Source = made.source(self.name, **changed)

    @property
    def mailbox(self) -> str:
        return self.source.mailbox

    def deliver(self, subject: str = "Hello", folder: str = "inbox", ago: timedelta = timedelta(0)) -> str:
        """A mail comes, or came so long `ago`; answers its immutable id."""
        received = self.clock.now() - ago
        message_id = f"<{made.unique_name(subject)}@contoso.com>"
        delivered = self.box.tenant.deliver(
            self.mailbox, mail(subject, message_id), folder, received=received
        )
        return delivered.immutable_id

    def fill(self, number: int, ago: timedelta = timedelta(0), folder: str = "inbox") -> list[str]:
        """Many mails at once."""
        received = self.clock.now() - ago
        filled: list[Delivered] = self.box.tenant.fill(
            self.mailbox, mail("Hello"), number, folder, received=received
        )
        return [one.immutable_id for one in filled]

    def worker(self, hook: Hook | None = None) -> Worker:
        """A new worker, with the app's own composition."""
        return Worker(self, hook or Hook())

    def allow_deletion(self) -> None:
        """Mail may be deleted, from the next worker on."""
        self.may_delete = True

    async def sweep(self, worker: Worker | None = None) -> Worker:
        """The timer, and all that follows at once."""
        worker = worker or self.worker()
        await worker.order()
        await worker.run()
        return worker

    async def settle(self, worker: Worker | None = None, within: timedelta = timedelta(hours=2)) -> None:
        """Let time pass, with its watch, until nothing is queued and nothing is open."""
        end, worker = self.clock.now() + within, worker or self.worker()
        while self.clock.now() < end:
            if worker.hook.is_dead:
                worker = self.worker()
            await worker.run()
            if not worker.hook.is_dead:
                await worker.watch()
            if await self.is_quiet():
                return
            following = self.queues.next_visible_at()
            wait = 60.0 if following is None else (following - self.clock.now()).total_seconds()
            self.clock.advance(seconds=min(60.0, max(1.0, wait)))
        raise AssertionError(f"not quiet: {self.queues.messages()}")

    async def is_quiet(self) -> bool:
        return not self.queues.messages() and not [one async for one in self.unfinished.all()]

    async def row(self, message: str) -> Row | None:
        return await self.journal.read(self.name, filing_key(self.name, message))

    async def states_of(self, messages: list[str]) -> list[str]:
        """How the mails stand in the journal: their states, or the rule that has skipped them."""
        rows = [await self.row(message) for message in messages]
        return ["" if row is None else row.rule or row.state for row in rows]

    async def folder(self, name: str = "inbox") -> SweptFolder:
        found = await self.register.read(self.name, name)
        assert found is not None
        return found

    async def state(self, name: str = "inbox") -> SweepState:
        state, _ = await self.states.read(await self.folder(name))
        assert state is not None
        return state

    def documents(self, message: str) -> int:
        """How many documents a mail has."""
        return sum(kept.key == filing_key(self.name, message) for kept in self.vault.objects)

    def queued(self, queue: str = queues.MAIL_ARRIVED) -> int:
        return len(self.queues.messages(queue))

    def counted(self, route: str = "") -> Counting:
        """Counts the requests about this mailbox from now on."""
        return Counting(self, f"* /users/{self.mailbox}/.*{route}")


class Counting:
    """Counts requests that Graph of the sandbox has got."""

    def __init__(self, ground: Ground, route: str) -> None:
        self._placed = ground.box.faults.graph.add(Latency(seconds=0.0, route=route))

    @property
    def number(self) -> int:
        return self._placed.struck


class Worker:
    """One worker process: it goes through a hook for each side effect."""

    def __init__(self, ground: Ground, hook: Hook) -> None:
        self.ground, self.hook = ground, hook
        configuration = msgspec.structs.replace(
            ground.base.configuration, source=(ground.source,), allow_delete=ground.may_delete
        )
        self.services = Services(ground.base.settings, configuration, ground.clock)
        graph = ground.base.graph
        container: Any = Hooked("state", ground.states.container, hook)
        self.services.__dict__.update(
            graph=graph,
            journal=Hooked("journal", ground.journal, hook),
            unfinished=Hooked("unfinished", ground.unfinished, hook),
            queues=Hooked("queues", ground.queues, hook),
            area=ground.area,
            breakers=Breakers(Hooked("breakers", ground.breakers, hook), ground.clock),
            fingerprints=Hooked("fingerprints", ground.fingerprints, hook),
            folder_register=Hooked("register", ground.register, hook),
            sweep_states=SweepStates(container),
            delta=Hooked("delta", DeltaReader(graph, page_size=ground.page_size), hook),
            mailboxes=Hooked("mailboxes", MailboxReader(graph), hook),
            subscriptions=Hooked("subscriptions", ground.subscribing, hook),
            vault=ground.vault,
        )
        self.taken: Counter[str] = Counter()

    async def order(self) -> None:
        """The timer `sweep`, as far as it gets."""
        try:
            await self.services.sweeper.order_all()
        except (Died, VaultpostError):
            return  # it runs again in half an hour

    async def run(self) -> None:
        """Take what is visible in all queues, until nothing is."""
        while await self._take_one():
            pass

    async def watch(self) -> None:
        """The timer `watch`."""
        try:
            await self.services.watch.run()
        except (Died, Transient):
            return

    async def _take_one(self) -> bool:
        for queue in (
            queues.FOLDER_SWEEP,
            queues.MAIL_ARRIVED,
            queues.VAULT_IMPORT,
            queues.MAIL_FILED,
        ):
            for message in await self.ground.queues.receive(queue, 1, LEASE):
                await self.take(message)
                return not self.hook.is_dead
        return False

    async def take(self, message: QueuedMessage) -> None:
        """Take a message that was received, as the host does."""
        store = self.ground.queues
        self.taken[message.queue] += 1
        try:
            await self._function(message.queue)(message.text.encode())
        except Died:
            return  # its lease runs out
        except Exception:  # noqa: BLE001 - whatever a function raises, the host settles its message
            await store.hide(message, VISIBLE_AGAIN)
        else:
            await store.delete(message)

    def _function(self, queue: str) -> Callable[[bytes], Awaitable[None]]:
        receiver, services = self.services.receiver, self.services
        functions: dict[str, Callable[[bytes], Awaitable[None]]] = {
            queues.FOLDER_SWEEP: lambda body: receiver.receive_event(
                queues.FOLDER_SWEEP, FolderSweep, body, services.sweeper.sweep
            ),
            queues.MAIL_ARRIVED: lambda body: receiver.receive(services.staging, MailArrived, body),
            queues.VAULT_IMPORT: lambda body: receiver.receive(services.filing, VaultImport, body),
            queues.MAIL_FILED: lambda body: receiver.receive(services.mailbox, MailFiled, body),
        }
        return functions[queue]
