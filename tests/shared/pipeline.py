"""The way of a mail in one process: the app's own receiver, with queues and breakers in memory.

Journal, open mails and staging area are those of a storage account. Time is that of a clock that is moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.journal_row import Row
from shared.mail_step import MailStep
from shared.queue_messages import KINDS, MailMessage, encode
from shared.receiving import Receiver
from shared.testing.queues import InMemoryQueues
from shared.unfinished import OpenMail

from .accounts import Stores
from .clock import FakeClock
from .protocol import Protocol

_LEASE = 600.0


@dataclass
class Pipeline:
    """Feeds steps from their queues, as the host does."""

    stores: Stores
    clock: FakeClock
    queues: InMemoryQueues
    receiver: Receiver
    steps: dict[str, MailStep[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, stores: Stores, clock: FakeClock, queues: InMemoryQueues) -> Pipeline:
        """One without steps; its delays are the shortest ones."""
        parts = Protocol(stores, clock, queues=queues, keeper=stores.area, jitter=0.0)
        return cls(stores, clock, queues, parts.receiver)

    def serve(self, *steps: MailStep[Any]) -> None:
        """Feed these steps from now on, in place of what was fed from their queues."""
        self.steps.update({step.queue: step for step in steps})

    async def take(self, step: MailStep[Any], message: MailMessage) -> None:
        """Give one message to a step, as its function does."""
        await self._receive(step, encode(message))

    async def run(self) -> None:
        """Take what is visible in the queues that are fed, until nothing is."""
        while await self._take_one():
            pass

    async def run_for(self, **amount: float) -> None:
        """Let that time pass, as `timedelta` counts, and take every message when it is visible."""
        end = self.clock.now() + timedelta(**amount)
        while True:
            await self.run()
            following = self.queues.next_visible_at(*self.steps)
            if following is None or following > end:
                break
            self.clock.advance(seconds=(following - self.clock.now()).total_seconds())
        self.clock.advance(seconds=(end - self.clock.now()).total_seconds())

    async def row(self, source: str, key: str) -> Row:
        """What the journal has of a mail."""
        found = await self.stores.journal.read(source, key)
        assert found is not None
        return found

    async def open_mails(self) -> list[OpenMail]:
        """What is in table `unfinished`."""
        return [mail async for mail in self.stores.unfinished.all()]

    def waiting(self, queues: Iterable[str] = KINDS) -> dict[str, int]:
        """How many messages each of these queues has, visible or not; those that have none are left out."""
        numbers = {queue: len(self.queues.messages(queue)) for queue in queues}
        return {queue: number for queue, number in numbers.items() if number}

    async def _take_one(self) -> bool:
        for queue, step in self.steps.items():
            for message in await self.queues.receive(queue, 1, _LEASE):
                await self._receive(step, message.text)
                assert await self.queues.delete(message)
                return True
        return False

    async def _receive(self, step: MailStep[Any], text: str) -> None:
        await self.receiver.receive(step, KINDS[step.queue], text.encode())
