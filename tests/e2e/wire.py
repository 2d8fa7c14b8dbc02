"""HTTP/1.1 by hand: what no client library would send."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

PATIENCE = 30.0
"""Seconds until an answer must be there."""


@dataclass(frozen=True)
class Answered:
    """What came back; status 0 where the connection was closed without an answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Wire:
    """One connection at a time to a host at 127.0.0.1, kept open as long as the host wants."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes, *, has_body: bool = True) -> Answered:
        """Send a request as it is. `has_body`: an answer to HEAD has none, whatever its headers say."""
        is_new = self._streams is None
        async with asyncio.timeout(PATIENCE):
            answered = await self._asked(request, has_body)
            if answered.status == 0 and not is_new:  # the host has closed it after a former request
                answered = await self._asked(request, has_body)
        return answered

    async def _asked(self, request: bytes, has_body: bool) -> Answered:
        reader, writer = await self._connected()
        try:
            writer.write(request)
            await writer.drain()
        except ConnectionError:
            pass  # refused before it was read: the answer may be there all the same
        try:
            answered = await _answer(reader, has_body=has_body)
        except (asyncio.IncompleteReadError, ConnectionError):
            answered = Answered(0)
        if answered.status == 0 or answered.headers.get("connection", "").lower() == "close":
            await self.close()
        return answered

    async def begin(self, request: bytes) -> None:
        """Send the beginning of a request, and leave it at that."""
        _, writer = await self._connected()
        writer.write(request)
        await writer.drain()

    async def close(self) -> None:
        """Drop the connection."""
        if self._streams is not None:
            writer, self._streams = self._streams[1], None
            writer.close()
            try:
                await writer.wait_closed()
            except ConnectionError:
                return  # the host was first

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None or self._streams[0].at_eof():
            await self.close()
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams


async def _answer(reader: asyncio.StreamReader, *, has_body: bool) -> Answered:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ")[1])
    if status == 100:
        return await _answer(reader, has_body=has_body)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
    }
    length = int(headers.get("content-length", "0")) if has_body else 0
    return Answered(status, headers, await reader.readexactly(length))
