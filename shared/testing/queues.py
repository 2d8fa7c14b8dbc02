"""Queues kept in memory, in the time of a clock, with what a host does to them."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.errors import Unavailable
from shared.queue_messages import Message, encode

LARGEST = 64 * 1024
"""Bytes of a message, at most (learn.microsoft.com/azure/storage/queues, scalability targets)."""
LONGEST_DELAY = 7 * 24 * 3600
"""Seconds."""
POISON = "-poison"
_NAME = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*")
"""learn.microsoft.com/rest/api/storageservices/naming-queues-and-metadata"""


@dataclass(frozen=True)
class QueuedMessage:
    """A message as it stands in its queue. `inserted` has whole seconds, as Azure gives it.

    `receipt` is empty until it is received; each receiving and hiding gives it a new one.
    """

    queue: str
    id: str
    text: str
    inserted: datetime
    visible_at: datetime
    dequeue_count: int = 0
    receipt: str = ""


class InMemoryQueues:
    """What `Queues` does, for one process. Each access is counted, and lets others go first.

    Messages come in the order in which they became visible, then in that of their insertion.
    """

    def __init__(self, clock: Clock) -> None:
        self.reads = 0
        self.writes = 0
        self._clock = clock
        self._messages: dict[str, QueuedMessage] = {}
        self._lines: defaultdict[str, list[tuple[datetime, int, str, str]]] = defaultdict(list)
        self._numbers = itertools.count(1)

    async def send(self, queue: str, message: Message, *, delay: int = 0) -> None:
        """Put `message` into `queue`, visible after `delay` seconds (7 days at most); it never expires.

        Raises Unavailable where Azure would refuse it.
        """
        await self.send_text(queue, encode(message), delay=delay)

    async def send_text(self, queue: str, text: str, *, delay: int = 0) -> None:
        """Put a message into `queue` that is text already. As `send`, otherwise."""
        await asyncio.sleep(0)
        delay = min(delay, LONGEST_DELAY)
        if not _NAME.fullmatch(queue) or delay < 0 or len(text.encode()) > LARGEST:
            raise Unavailable(f"queue {queue}: a message was refused", origin="storage")
        self._insert(queue, text, delay)

    async def oldest_visible(self, queue: str) -> datetime | None:
        """When the first of the messages that are visible now was inserted; None where there is none."""
        await asyncio.sleep(0)
        self.reads += 1
        first = self._first(queue)
        return first.inserted if first is not None and self._is_visible(first) else None

    async def receive(self, queue: str, count: int, lease_seconds: float) -> list[QueuedMessage]:
        """Up to `count` visible messages, each invisible to others until its lease ends."""
        await asyncio.sleep(0)
        self.reads += 1
        until = self._clock.now() + timedelta(seconds=lease_seconds)
        received: list[QueuedMessage] = []
        while len(received) < count:
            first = self._first(queue)
            if first is None or not self._is_visible(first):
                break
            heapq.heappop(self._lines[queue])
            received.append(replace(first, dequeue_count=first.dequeue_count + 1))
        return [self._placed(message, until) for message in received]

    async def delete(self, message: QueuedMessage) -> bool:
        """Take a received message away; False, and nothing done, when its receipt does not hold any more."""
        await asyncio.sleep(0)
        self.writes += 1
        return self._holds(message) and self._messages.pop(message.id) is not None

    async def hide(self, message: QueuedMessage, seconds: float) -> QueuedMessage | None:
        """Make a received message visible so many seconds from now; answers it with its new receipt.

        None, and nothing done, when its receipt does not hold any more.
        """
        await asyncio.sleep(0)
        self.writes += 1
        if not self._holds(message):
            return None
        return self._placed(message, self._clock.now() + timedelta(seconds=seconds))

    async def poison(self, message: QueuedMessage) -> None:
        """Move a received message to its poison queue, as a host does: the copy first, so that it stays."""
        await self.send_text(f"{message.queue}{POISON}", message.text)
        await self.delete(message)

    def drop(self, is_lost: Callable[[QueuedMessage], bool]) -> int:
        """Lose messages, visible or not; answers how many."""
        lost = [message.id for message in self._messages.values() if is_lost(message)]
        for number in lost:
            del self._messages[number]
        return len(lost)

    def messages(self, queue: str | None = None) -> list[QueuedMessage]:
        """The messages of a queue or all, visible or not, in the order in which they come."""
        found = [message for message in self._messages.values() if queue in (None, message.queue)]
        return sorted(found, key=lambda message: (message.visible_at, int(message.id)))

    def next_visible_at(self, *queues: str) -> datetime | None:
        """When the first message of these queues or all becomes visible, or became so; None without any."""
        firsts = [self._first(queue) for queue in queues or list(self._lines)]
        return min((first.visible_at for first in firsts if first is not None), default=None)

    def _insert(self, queue: str, text: str, delay: int) -> None:
        self.writes += 1
        now = self._clock.now()
        visible_at = now + timedelta(seconds=delay)
        message = QueuedMessage(queue, str(next(self._numbers)), text, now.replace(microsecond=0), visible_at)
        self._stand(message)

    def _placed(self, message: QueuedMessage, visible_at: datetime) -> QueuedMessage:
        placed = replace(message, visible_at=visible_at, receipt=str(next(self._numbers)))
        self._stand(placed)
        return placed

    def _stand(self, message: QueuedMessage) -> None:
        self._messages[message.id] = message
        place = (message.visible_at, int(message.id), message.id, message.receipt)
        heapq.heappush(self._lines[message.queue], place)

    def _first(self, queue: str) -> QueuedMessage | None:
        """The message that becomes visible first; what has left its place is cleared away."""
        line = self._lines[queue]
        while line:
            *_, number, receipt = line[0]
            message = self._messages.get(number)
            if message is not None and message.receipt == receipt:
                return message
            heapq.heappop(line)
        return None

    def _is_visible(self, message: QueuedMessage) -> bool:
        return message.visible_at <= self._clock.now()

    def _holds(self, message: QueuedMessage) -> bool:
        found = self._messages.get(message.id)
        return found is not None and bool(message.receipt) and found.receipt == message.receipt
