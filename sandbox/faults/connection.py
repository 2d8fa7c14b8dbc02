"""Connections that end too early, and answers that come too late or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from sandbox.faults.fault import NO_ANSWER

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gone(ConnectionResetError):
    """The connection was dropped on purpose; to aiohttp the client has left, so that nothing is logged."""


class Dropped(web.StreamResponse):
    """Instead of an answer: the connection is dropped."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Drop the connection. Raises Gone."""
        _drop(request.transport)
        raise Gone


async def spoil(
    request: web.Request,
    handler: Handler,
    *,
    seconds: float = 0.0,
    limit: int | None = None,
    chunked: bool = False,
) -> web.StreamResponse:
    """Handle a request whose answer begins after `seconds` and ends after `limit` bytes of its body.

    It says nowhere how long it is if `chunked`.
    """
    # No public way leads to the writer, which is all that both prepared and finished answers go through.
    request._payload_writer = _Writer(request.writer, seconds, limit, chunked)  # noqa: SLF001
    try:
        response = await handler(request)
    except Gone:
        return Dropped()
    if isinstance(response, web.FileResponse):
        # With a coding of its own, even none, a file goes through the writer and not through sendfile().
        response.enable_compression(web.ContentCoding.identity)
    return response


async def severed(request: web.Request, handler: Handler, limit: int) -> web.StreamResponse:
    """Drop the connection when `limit` bytes of the request's body have come; handle a shorter request."""
    if request.content_length is not None and request.content_length < limit:
        return await handler(request)
    left = limit
    while left > 0 and (piece := await request.content.readany()):
        left -= len(piece)
    return Dropped()


class _Writer(AbstractStreamWriter):
    def __init__(self, inner: AbstractStreamWriter, seconds: float, limit: int | None, chunked: bool) -> None:
        self._inner = inner
        self._seconds = seconds
        self._left = limit
        self._chunked = chunked

    @property
    def transport(self) -> asyncio.WriteTransport | None:
        return self._inner.transport

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        self._inner.enable_compression(encoding, strategy)

    def enable_chunking(self) -> None:
        self._inner.enable_chunking()

    def send_headers(self) -> None:
        self._inner.send_headers()

    async def drain(self) -> None:
        await self._inner.drain()

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        await asyncio.sleep(self._seconds)
        if self._left == NO_ANSWER:
            self._end()
        if self._chunked and "Content-Length" in headers:
            del headers["Content-Length"]
            headers["Transfer-Encoding"] = "chunked"
            self._inner.enable_chunking()
        await self._inner.write_headers(status_line, headers)
        if self._left == 0:
            self._inner.send_headers()
            self._end()

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        if self._left is None:
            await self._inner.write(chunk)
            return
        part = chunk[: self._left]
        self._left -= len(part)
        await self._inner.write(part)
        if not self._left:
            await self._inner.drain()
            self._end()

    async def write_eof(self, chunk: bytes = b"") -> None:
        if self._left is not None and len(chunk) >= self._left:
            await self.write(chunk)
        await self._inner.write_eof(chunk)

    def _end(self) -> None:
        _drop(self._inner.transport)
        raise Gone


def _drop(transport: asyncio.WriteTransport | None) -> None:
    if transport is not None:
        transport.abort()
