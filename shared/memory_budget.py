"""What a worker may hold of its mails in memory at once.

A mail of any size passes through in pieces, so what counts is how many mails pass at a time. Each stream
reserves the most that it may hold before it reads, and waits for its turn where there is no room: first come,
first served. There are three lanes with memory of their own. Small files have one, so that they never wait
behind large ones, and so has the rendering of bodies, which holds far more than a stream does.

Who waits for a stream's memory holds none of a stream, and who waits for a rendering's holds nothing: so
there is always somebody who goes on, and gives back.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MIB = 1024 * 1024
LARGEST_SMALL = 2 * MIB
"""Bytes: a stream that holds no more is a small one."""
LEAST = 128 * MIB
"""Bytes of a budget: each lane has room for the largest that goes through it."""


class Lane:
    """So many bytes, of which each holder has some: who comes first is served first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def reserve(self, size: int) -> AsyncIterator[None]:
        """Hold `size` bytes, as soon as they are free; what is more than the whole lane gets the whole lane.

        A task that is cancelled while it waits holds nothing.
        """
        wanted = min(size, self.most)
        await self._take(wanted)
        try:
            yield
        finally:
            self._give_back(wanted)

    async def _take(self, wanted: int) -> None:
        if not self._waiting and self.held + wanted <= self.most:
            self.held += wanted
            return
        place = wanted, asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place[1]
        except BaseException:  # cancelled
            if place in self._waiting:
                self._waiting.remove(place)
                self._serve()
            else:  # its turn had come
                self._give_back(wanted)
            raise

    def _give_back(self, size: int) -> None:
        self.held -= size
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self.held + self._waiting[0][0] <= self.most:
            wanted, turn = self._waiting.popleft()
            # Held for one that was cancelled a moment ago, too: it gives back itself when it wakes up.
            self.held += wanted
            if not turn.done():
                turn.set_result(None)


class MemoryBudget:
    """The memory of one worker, in bytes. It is of one event loop at a time."""

    def __init__(self, most: int | None = None) -> None:
        """`most` bytes in all, at least LEAST; None is no bound."""
        self._is_bounded = most is not None
        whole = sys.maxsize if most is None else most
        self.small, self.rendered = Lane(whole // 8), Lane(whole // 2)
        self.large = Lane(whole - self.small.most - self.rendered.most)
        self._streaming: set[asyncio.Task[object] | None] = set()

    @property
    def held(self) -> int:
        """Bytes that are reserved now."""
        return self.small.held + self.large.held + self.rendered.held

    @asynccontextmanager
    async def streaming(self, size: int) -> AsyncIterator[None]:
        """Reserve `size` bytes for a stream: for all that its source, its way and its end hold of it at once.

        Raises RuntimeError in a task that has a stream already: two that wait for each other would wait for
        ever, so that what reads and writes reserves for both together.
        """
        task = asyncio.current_task()
        self._enter(task)
        try:
            async with (self.small if size <= LARGEST_SMALL else self.large).reserve(size):
                yield
        finally:
            self._streaming.discard(task)

    @asynccontextmanager
    async def rendering(self, size: int) -> AsyncIterator[None]:
        """Reserve `size` bytes for the body of a mail as text or HTML; streams may be read within.

        Raises RuntimeError in a task that has a stream: this comes first.
        """
        if asyncio.current_task() in self._streaming and self._is_bounded:
            raise RuntimeError("memory for a rendering is reserved before that of a stream")
        async with self.rendered.reserve(size):
            yield

    def _enter(self, task: asyncio.Task[object] | None) -> None:
        if task in self._streaming and self._is_bounded:
            raise RuntimeError("a task reserves the memory of all its streams together")
        self._streaming.add(task)
