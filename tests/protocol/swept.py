"""The world with its sweep: mail that nobody announced, tokens that are lost, folders in pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from shared.errors import VaultpostError
from shared.graph.answers import Entry
from shared.graph.delta import DeltaPage
from shared.graph.faults import TokenLost
from shared.queue_messages import FOLDER_SWEEP, FolderSweep
from shared.sweep_state import SweepStates
from shared.testing.queues import POISON
from shared.testing.sweep_states import InMemorySweepStates
from tests.protocol.hooks import Died, Hook
from tests.protocol.simulated import Outages
from tests.protocol.worker import Worker
from tests.protocol.world import SOURCE, World

if TYPE_CHECKING:
    from tests.shared.clock import FakeClock

PAGE = 2
_OPEN = 10**9
"""In a link of the next round, whose end is not known yet."""
OLD = timedelta(days=30)


@dataclass
class Inbox:
    """The watched folder as the delta query tells it: what has come in, in pages, some of it twice."""

    outages: Outages
    clock: FakeClock
    repeats: bool = False
    _events: list[tuple[str, str, str]] = field(default_factory=list)
    _age: int = 0

    def put(self, message: str, ago: timedelta = timedelta(0)) -> None:
        """A mail that was received so long ago comes into the folder now."""
        now = self.clock.now()
        self._events.append((message, (now - ago).isoformat(), now.isoformat()))

    def lose_tokens(self) -> None:
        """Whatever link was given before is not known any more."""
        self._age += 1

    async def page(self, mailbox: str, folder: str, link: str | None) -> DeltaPage:
        """A page. Links name the age of the tokens, where the round ends, and where the page begins."""
        self.outages.reach("graph")
        age, end, start = (self._age, len(self._events), 0) if link is None else map(int, link.split("-"))
        if age != self._age:
            raise TokenLost("the delta token is not known")
        if end == _OPEN:
            end = len(self._events)
        first = max(0, start - 1) if self.repeats else start
        entries = [
            Entry(id=message, received_date_time=received, last_modified_date_time=modified)
            for message, received, modified in self._events[first : start + PAGE]
        ]
        if start + PAGE < end:
            return DeltaPage(entries, f"{age}-{end}-{start + PAGE}", None)
        return DeltaPage(entries, None, f"{age}-{_OPEN}-{end}")


class SweptWorld(World):
    """The world, with the folder that its source watches."""

    fed: ClassVar[tuple[str, ...]] = (*World.fed, FOLDER_SWEEP, f"{FOLDER_SWEEP}{POISON}")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sweep_states = InMemorySweepStates()
        self.inbox = Inbox(self.outages, self.clock)

    def worker(self, hook: Hook | None = None) -> SweptWorker:
        return SweptWorker(self, hook or self.fate())

    def arrive(self, attachments: int = 0, ago: timedelta = timedelta(0)) -> str:
        """A mail comes into the folder, and nobody announces it."""
        message = self.mail(attachments, SOURCE)
        self.inbox.put(message, ago)
        return message


class SweptWorker(Worker):
    """A worker that sweeps, too."""

    def __init__(self, world: SweptWorld, hook: Hook | None) -> None:
        super().__init__(world, hook)
        self.services.__dict__.update(
            sweep_states=SweepStates(self._hooked("states", world.sweep_states.container)),
            delta=self._hooked("delta", world.inbox),
            subscriptions=_NoSubscriptions(),
        )

    async def sweep(self) -> None:
        """The timer of the sweep."""
        with suppress(Died, VaultpostError):  # it runs again in half an hour
            await self.services.sweeper.order_all()

    def _function(self, queue: str) -> Callable[[bytes], Awaitable[None]]:
        if queue != FOLDER_SWEEP:
            return super()._function(queue)
        receiver, work = self.services.receiver, self.services.sweeper.sweep
        return lambda body: receiver.receive_event(FOLDER_SWEEP, FolderSweep, body, work)


class _NoSubscriptions:
    """Where subscriptions cannot be made, the sweep goes on all the same."""

    async def ensure(self, name: str) -> None:
        raise VaultpostError("no subscription can be made")
