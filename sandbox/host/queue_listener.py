"""Polling a queue and running its function, as QueueListener.cs and QueueProcessor.cs of the extension do."""

from __future__ import annotations

import asyncio
import base64
import logging
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from sandbox.host.backoff import Backoff
from sandbox.host.bindings import queue_input
from sandbox.host.functions import Function
from sandbox.host.invocation import FunctionFailed, Invoker
from sandbox.host.lease import Lease
from sandbox.host.options import QueueOptions
from sandbox.host.queues import Queue, QueueFault, QueueMessage, QueueMissing
from sandbox.host.stopping import Stopping

_log = logging.getLogger(__name__)

POISON = "-poison"
_LONGEST_NAME = 63


def poison_name(queue: str) -> str | None:
    """The poison queue of `queue`; None for a poison queue, or where the name would become too long."""
    if queue.endswith(POISON) or len(queue) + len(POISON) > _LONGEST_NAME:
        return None
    return queue + POISON


@dataclass(frozen=True)
class QueueListener:
    """Runs `function` for the messages of `queue`; `lease` in seconds.

    Without a `poison` queue a message that failed stays invisible until its lease ends, and is never given
    up.
    """

    function: Function
    queue: Queue
    poison: Queue | None
    options: QueueOptions
    lease: int
    invoker: Invoker

    async def run(self, stopping: Stopping) -> None:
        """Poll until told to stop, then let running functions end and settle their messages."""
        backoff = Backoff(self.options.max_polling_interval, random.uniform)
        watch = _OutageWatch(self.queue.name)
        running: set[asyncio.Task[None]] = set()
        found = True
        while not stopping.requested:
            batch = await self._receive(watch)
            if stopping.requested:
                await self._give_back(batch)
            elif batch:
                found = True
                running |= {asyncio.create_task(self._process(message)) for message in batch}
                running = await self._room(running, stopping)
            else:
                await stopping.rest(backoff.next_delay(found=found))
                found = False
        if running:
            await asyncio.wait(running)

    async def _room(self, running: set[asyncio.Task[None]], stopping: Stopping) -> set[asyncio.Task[None]]:
        """Wait until few enough are running for a new batch; gives those that still are."""
        while len(running) > self.options.new_batch_threshold and not stopping.requested:
            running = await stopping.first_done(running)
        return {task for task in running if not task.done()}

    async def _receive(self, watch: _OutageWatch) -> Sequence[QueueMessage]:
        try:
            batch = await self.queue.receive(self.options.batch_size, self.lease)
        except QueueMissing:
            # The app makes its queues; until then there is nothing to do.
            return ()
        except QueueFault as fault:
            watch.failed(fault)
            return ()
        watch.succeeded()
        return batch

    async def _give_back(self, batch: Sequence[QueueMessage]) -> None:
        for message in batch:
            await self._settled(message, "given back", self.queue.hide(message, 0))

    async def _process(self, message: QueueMessage) -> None:
        if message.dequeue_count > self.options.max_dequeue_count:
            await self._bury(message)
            return
        try:
            text = self._decoded(message.content)
        except ValueError as error:
            _log.error("Message %s of %s cannot be decoded: %s", message.id, self.queue.name, error)
            await self._bury(message)
            return
        async with Lease(self.queue, message, self.lease) as lease:
            try:
                await self.invoker.invoke(self.function, queue_input(text, message))
                succeeded = True
            except FunctionFailed:
                succeeded = False
        await self._finish(lease.message, succeeded=succeeded)

    async def _finish(self, message: QueueMessage, *, succeeded: bool) -> None:
        if succeeded:
            await self._settled(message, "deleted", self.queue.delete(message))
        elif self.poison is None:
            return
        elif message.dequeue_count >= self.options.max_dequeue_count:
            await self._bury(message)
        else:
            delay = self.options.visibility_timeout
            await self._settled(message, "released", self.queue.hide(message, delay))

    async def _bury(self, message: QueueMessage) -> None:
        """Move it to the poison queue: the copy first, so that it is never lost."""
        if self.poison is None:
            return
        _log.warning("Message %s of %s goes to %s", message.id, self.queue.name, self.poison.name)
        if await self._settled(message, "copied", self.poison.put(message.content)):
            await self._settled(message, "deleted", self.queue.delete(message))

    async def _settled(self, message: QueueMessage, done: str, work: Awaitable[object]) -> bool:
        try:
            await work
        except QueueFault as fault:
            _log.warning("Message %s of %s was not %s: %s", message.id, self.queue.name, done, fault)
            return False
        return True

    def _decoded(self, content: str) -> str:
        return base64.b64decode(content, validate=True).decode() if self.options.base64 else content


class _OutageWatch:
    """Says once that a queue cannot be polled, and once that it can be again."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._down = False

    def failed(self, fault: QueueFault) -> None:
        if not self._down:
            _log.error("Queue %s cannot be polled, trying on: %s", self._queue, fault)
        self._down = True

    def succeeded(self) -> None:
        if self._down:
            _log.info("Queue %s can be polled again", self._queue)
        self._down = False
