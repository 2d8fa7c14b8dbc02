"""How long the queues are, and whether messages wait in them: what alerts are made of.

Azure measures the length of all queues of an account together, once an hour
(learn.microsoft.com/azure/storage/common/monitor-storage-reference): too late, and without saying which.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueServiceClient

from shared.clock import Clock
from shared.errors import Unavailable
from shared.log import Events
from shared.queue_messages import KINDS
from shared.storage_errors import storage_faults

POISON = "-poison"


@dataclass(frozen=True)
class Depth:
    """Of one queue: messages, about, hidden ones too, and the id of the first that is visible, if one is."""

    messages: int = 0
    head: str = ""


class QueueDepths(Protocol):
    """Tells how long a queue is: `AzureQueueDepths`."""

    async def of(self, queue: str) -> Depth:
        """That of `queue`, which may not be there. Raises Unavailable."""


class AzureQueueDepths:
    """Reads the depth of queues of Azure Storage."""

    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service

    async def of(self, queue: str) -> Depth:
        """That of `queue`, which may not be there. Raises Unavailable."""
        client = self._service.get_queue_client(queue)
        try:
            with storage_faults(f"queue {queue}"):
                messages = (await client.get_queue_properties()).approximate_message_count or 0
                first = await client.peek_messages(max_messages=1) if messages else []
        except ResourceNotFoundError:
            return Depth()
        return Depth(messages, first[0].id if first else "")


@dataclass
class QueueGauge:
    """Writes the event `queues`: messages by queue, and for how many seconds a message stands at the head.

    When a message was inserted says nothing of its waiting: one that was put back was hidden meanwhile. What
    is at the head of a queue at two looks has waited between them.
    """

    depths: QueueDepths
    clock: Clock
    _heads: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def run(self) -> None:
        """Look at each queue once. What cannot be seen is told: the next look is a minute away."""
        names = (*KINDS, *(f"{queue}{POISON}" for queue in KINDS))
        try:
            found = dict(zip(names, await asyncio.gather(*map(self.depths.of, names)), strict=True))
        except Unavailable as fault:
            Events("queues").warning("queues-not-seen", why=str(fault))
            return
        waiting = max(self._waiting(queue, found[queue].head) for queue in KINDS)
        Events("queues").info("queues", **_lengths(found), waiting=round(waiting))

    def _waiting(self, queue: str, head: str) -> float:
        now = self.clock.monotonic()
        known, since = self._heads.get(queue, ("", now))
        since = since if head and head == known else now
        self._heads[queue] = head, since
        return now - since


def _lengths(found: Mapping[str, Depth]) -> dict[str, int]:
    return {queue: depth.messages for queue, depth in found.items()}
