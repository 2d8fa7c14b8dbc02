"""A TLS server in Graph's place, for what the sandbox's Graph does not do by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

from aiohttp import web
from azure.core.credentials import AccessToken

from sandbox.pki import Authority
from sandbox.serving import serve
from shared.graph.client import GraphClient
from shared.settings import GraphSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FixedToken:
    """A credential that always gives one token, or raises."""

    def __init__(self, token: str = "a token", fault: Exception | None = None) -> None:
        self._token, self._fault = token, fault

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        if self._fault is not None:
            raise self._fault
        return AccessToken(self._token, int(time.time()) + 3600)

    async def close(self) -> None: ...

    async def __aenter__(self) -> FixedToken:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...


def settings_of(origin: str) -> GraphSettings:
    """Graph at this origin; no sign-in service is asked."""
    return GraphSettings(f"{origin}/v1.0", "https://127.0.0.1:1", "client-secret", "tenant", "client")


@asynccontextmanager
async def client_of(origin: str, credential: FixedToken | None = None) -> AsyncIterator[GraphClient]:
    """The app's client for a stub."""
    client = GraphClient(settings_of(origin), credential or FixedToken())
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def answering(authority: Authority, handler: Handler) -> AsyncIterator[str]:
    """The origin of a server that answers every request so."""
    site = web.Application()
    site.router.add_route("*", "/{path:.*}", handler)
    served = await serve(site, context=authority.server_context())
    try:
        yield served.origin
    finally:
        await served.close()


@asynccontextmanager
async def saying(authority: Authority, answer: bytes) -> AsyncIterator[str]:
    """The origin of a server that says these bytes to any request, and hangs up."""

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.transport.abort()

    server = await asyncio.start_server(answered, "127.0.0.1", 0, ssl=authority.server_context())
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
