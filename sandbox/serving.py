"""Serving one application of the sandbox on a loopback port."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from aiohttp import web

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Served:
    """An application that answers on `port` until closed."""

    runner: web.AppRunner
    port: int
    secure: bool

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return origin_of(self.port, secure=self.secure)

    async def close(self) -> None:
        """Stop listening; requests under way get a second to end."""
        await self.runner.cleanup()


def origin_of(port: int, *, secure: bool) -> str:
    """Scheme, host and port of a service on this machine, without a slash at the end."""
    return f"{'https' if secure else 'http'}://{LOOPBACK}:{port}"


def listening(port: int = 0) -> socket.socket:
    """A socket that listens on 127.0.0.1, for an application that must know its address; 0: a free port.

    Raises OSError when the port is taken.
    """
    return socket.create_server((LOOPBACK, port))


async def serve(
    application: web.Application,
    *,
    context: ssl.SSLContext | None,
    port: int = 0,
    sock: socket.socket | None = None,
    auto_decompress: bool = True,
) -> Served:
    """Serve `application` on 127.0.0.1, or on `sock`, with TLS when there is a context.

    Without `auto_decompress` a body that was compressed comes as it is, as in Azure's host.

    Raises OSError when the port is taken.
    """
    sock = sock or listening(port)
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=1.0, auto_decompress=auto_decompress
    )
    try:
        await runner.setup()
        await web.SockSite(runner, sock, ssl_context=context).start()
    except BaseException:
        await runner.cleanup()
        sock.close()
        raise
    bound: tuple[str, int] = runner.addresses[0]
    return Served(runner, bound[1], context is not None)
