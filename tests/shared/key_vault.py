"""A Key Vault of a test's own, which can be slow or down."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Self

from aiohttp import web

from sandbox.box import Sandbox
from sandbox.keyvault.service import application
from sandbox.keyvault.store import SecretStore
from sandbox.serving import Served, serve

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class KeyVault:
    """Answers the app's identity of the sandbox: an asynchronous context manager."""

    def __init__(self, box: Sandbox) -> None:
        self.secrets = SecretStore()
        box.allow_secrets(self.secrets)
        self.reads: Counter[str] = Counter()
        self.seconds = 0.0
        self.status: int | None = None
        self._box = box
        self._served: Served | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; at the former address when it was stopped."""
        box = self._box
        site = application(self.secrets, box.issuer, f"{box.addresses.entra}/{box.tenant_id}")
        site.middlewares.insert(0, self._spoil)
        port = self._served.port if self._served else 0
        self._served = await serve(site, context=box.authority.server_context(), port=port)
        self.url = self._served.origin

    async def stop(self) -> None:
        """Be down."""
        if self._served is not None:
            await self._served.close()

    @web.middleware
    async def _spoil(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Authorization" in request.headers:
            self.reads[request.path.removeprefix("/secrets/").strip("/")] += 1
            await asyncio.sleep(self.seconds)
            if self.status is not None:
                return web.Response(status=self.status)
        return await handler(request)
