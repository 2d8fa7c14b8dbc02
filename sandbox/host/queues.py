"""What the host needs of a storage queue: a narrow port, spoken by `storage_queue.StorageQueue`.

QueueFault
├── QueueMissing       it is not there (yet)
├── LeaseLost          the message is another's, or gone: the receipt is no longer valid
└── QueueUnavailable   storage did not answer, or refused; the same call may work later
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class QueueFault(Exception):
    """A call to a queue did not do what it was to do."""


class QueueMissing(QueueFault):
    """The queue does not exist."""


class LeaseLost(QueueFault):
    """The receipt is no longer valid."""


class QueueUnavailable(QueueFault):
    """Storage failed or refused the call."""


@dataclass(frozen=True)
class QueueMessage:
    """A message under lease; `content` is as stored, `receipt` as of the last call on it."""

    id: str
    content: str
    receipt: str
    dequeue_count: int
    inserted: datetime
    expires: datetime
    next_visible: datetime


class Queue(Protocol):
    """One queue. Leases and delays are in whole seconds; every method raises QueueFault and nothing else."""

    @property
    def name(self) -> str:
        """Its name in the storage account."""

    async def receive(self, count: int, lease: int) -> Sequence[QueueMessage]:
        """Up to `count` visible messages, invisible to others for `lease`."""

    async def hide(self, message: QueueMessage, seconds: int) -> QueueMessage:
        """Let `message` be visible again in `seconds` from now; gives it with its new receipt."""

    async def delete(self, message: QueueMessage) -> None:
        """Remove `message`, on its present receipt only."""

    async def put(self, content: str) -> None:
        """Add a message, and make the queue if it is missing."""
