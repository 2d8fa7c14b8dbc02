"""A way to a service on which connections break off, after so many bytes in either direction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Self

_PIECE = 64 * 1024


class CuttingWay:
    """Passes bytes on to a port of this machine: an asynchronous context manager.

    `after`: how many bytes pass before the first cut, and then before each following one. After the last one
    all passes.
    """

    def __init__(self, port: int, after: Iterable[int]) -> None:
        self._target = port
        self._after: Iterator[int] = iter(after)
        self._left = next(self._after, None)
        self._pumps: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.cuts = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._serving)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        onward = await asyncio.open_connection("127.0.0.1", self._target)
        pumps = [
            asyncio.ensure_future(self._pump(reader, onward[1])),
            asyncio.ensure_future(self._pump(onward[0], writer)),
        ]
        self._pumps.update(pumps)
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for end in (writer, onward[1]):
            end.transport.abort()
            with suppress(OSError):
                await end.wait_closed()
        self._pumps.difference_update(pumps)
        self._serving.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_PIECE):
                passing = self._passing(data)
                writer.write(passing)
                await writer.drain()
                if len(passing) < len(data):
                    return

    def _passing(self, data: bytes) -> bytes:
        if self._left is None:
            return data
        if len(data) <= self._left:
            self._left -= len(data)
            return data
        passing = data[: self._left]
        self._left = next(self._after, None)
        self.cuts += 1
        return passing
