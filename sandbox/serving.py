"""Serving one application of the sandbox on a loopback port."""

from __future__ import annotations

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
        return f"{'https' if self.secure else 'http'}://{LOOPBACK}:{self.port}"

    async def close(self) -> None:
        """Stop listening; requests under way get a second to end."""
        await self.runner.cleanup()


async def serve(application: web.Application, *, context: ssl.SSLContext | None, port: int = 0) -> Served:
    """Serve `application` on 127.0.0.1, with TLS when there is a context; port 0 takes a free one.

    Raises OSError when the port is taken.
    """
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, port, ssl_context=context)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    bound: tuple[str, int] = runner.addresses[0]
    return Served(runner, bound[1], context is not None)
