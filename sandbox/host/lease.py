"""Keeping a queue message invisible while its function runs."""

from __future__ import annotations

import asyncio
import logging

from sandbox.host.queues import LeaseLost, Queue, QueueFault, QueueMessage, QueueMissing

_log = logging.getLogger(__name__)


class Lease:
    """The lease on one message: renewed at half of its `seconds`, sooner again after a failed renewal.

    `message` always has the present receipt. A lost lease is logged; the function goes on, since nobody can
    stop it, and its message is another's now.
    """

    def __init__(self, queue: Queue, message: QueueMessage, seconds: int) -> None:
        self.message = message
        self._queue = queue
        self._seconds = seconds
        self._released = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Lease:
        self._renewing = asyncio.create_task(self._renew())
        return self

    async def __aexit__(self, *_: object) -> None:
        # Never cancelled: a renewal under way may have changed the receipt already.
        self._released.set()
        if self._renewing:
            await self._renewing

    async def _renew(self) -> None:
        delay = self._seconds / 2
        while not await self._released_within(delay):
            try:
                self.message = await self._queue.hide(self.message, self._seconds)
                delay = self._seconds / 2
            except (LeaseLost, QueueMissing) as fault:
                _log.warning("Lease of message %s of %s lost: %s", self.message.id, self._queue.name, fault)
                return
            except QueueFault as fault:
                _log.warning(
                    "Lease of message %s of %s not renewed: %s", self.message.id, self._queue.name, fault
                )
                delay = self._seconds / 10

    async def _released_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._released.wait(), seconds)
        except TimeoutError:
            return False
        return True
