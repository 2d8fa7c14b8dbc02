"""A queue in memory, with the same port as a queue of Azure Storage, and functions to run on it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.host.functions import Function, QueueTrigger
from sandbox.host.queues import LeaseLost, QueueFault, QueueMessage, QueueMissing


@dataclass
class Stored:
    """What the queue knows of a message."""

    message: QueueMessage
    visible_from: datetime


@dataclass
class FakeQueue:
    """Messages by id. `fault`, when set, is what every call raises."""

    name: str = "fake-queue"
    exists: bool = True
    fault: QueueFault | None = None
    stored: dict[str, Stored] = field(default_factory=dict)
    hidden_for: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def contents(self) -> list[str]:
        """Content of every message, visible or not."""
        return [stored.message.content for stored in self.stored.values()]

    async def receive(self, count: int, lease: int) -> Sequence[QueueMessage]:
        """As the port says."""
        self._check()
        now = datetime.now(UTC)
        free = [stored for stored in self.stored.values() if stored.visible_from <= now][:count]
        self.received.append(len(free))
        for stored in free:
            self._lease(stored, lease)
            stored.message = replace(stored.message, dequeue_count=stored.message.dequeue_count + 1)
        return [stored.message for stored in free]

    async def hide(self, message: QueueMessage, seconds: int) -> QueueMessage:
        """As the port says."""
        stored = self._held(message)
        self._lease(stored, seconds)
        self.hidden_for.append(seconds)
        return stored.message

    async def delete(self, message: QueueMessage) -> None:
        """As the port says."""
        del self.stored[self._held(message).message.id]

    async def put(self, content: str) -> None:
        """As the port says."""
        self.exists = True
        self._check()
        self.add(content)

    def add(self, content: str, dequeue_count: int = 0) -> str:
        """Put a message that was taken `dequeue_count` times before; gives its id."""
        now = datetime.now(UTC)
        number = str(next(self._numbers))
        message = QueueMessage(number, content, "0", dequeue_count, now, now + timedelta(days=7), now)
        self.stored[number] = Stored(message, now)
        return number

    def _lease(self, stored: Stored, seconds: int) -> None:
        stored.visible_from = datetime.now(UTC) + timedelta(seconds=seconds)
        receipt = f"receipt {next(self._numbers)}"
        stored.message = replace(stored.message, receipt=receipt, next_visible=stored.visible_from)

    def _held(self, message: QueueMessage) -> Stored:
        self._check()
        stored = self.stored.get(message.id)
        if stored is None or stored.message.receipt != message.receipt:
            raise LeaseLost(message.id)
        return stored

    def _check(self) -> None:
        if self.fault:
            raise self.fault
        if not self.exists:
            raise QueueMissing(self.name)


def queue_function(call: Callable[..., Any]) -> Function:
    """A function with a queue trigger; its parameter is `message`."""
    return Function(
        "consume", call, "message", QueueTrigger("fake-queue", "MailStorage"), wants_context=False
    )
