"""The pages' addresses. What stands in a document came by mail, so it is hostile.

Everything is escaped, no script runs, and files are only ever downloaded. It is plain HTTP on a loopback
address, since no browser knows the sandbox's authority; a name that somebody lets point there is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from aiohttp import web

from sandbox.vault.documents.pages import Pages
from sandbox.vault.objects import StoredObject
from sandbox.vault.rendering import escaped, file_name
from sandbox.vault.vault import ExampleVault

PAGE_SIZE = 25
_STYLE = Path(__file__).with_name("style.css")
_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(vault: ExampleVault) -> web.Application:
    """The pages of this vault; the list of its objects is `/`."""
    documents = _Documents(vault)
    app = web.Application(middlewares=[_guard])
    app.router.add_get("/", documents.overview)
    app.router.add_get("/style.css", documents.style)
    app.router.add_get(r"/objects/{type:\d{1,9}}/{id:\d{1,9}}", documents.one)
    app.router.add_get(r"/objects/{type:\d{1,9}}/{id:\d{1,9}}/files/{file:\d{1,9}}", documents.file)
    app.on_response_prepare.append(_add_headers)
    return app


@web.middleware
async def _guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
    if request.url.host not in _HOSTS:
        raise web.HTTPForbidden(text="These pages are for this machine only.")
    return await handler(request)


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


class _Documents:
    def __init__(self, vault: ExampleVault) -> None:
        self._vault = vault
        self._pages = Pages(vault)

    async def overview(self, request: web.Request) -> web.Response:
        """All objects, the newest first, `?page=` by `?page=`."""
        number = _number(request.query.get("page", "1"))
        return _page(self._pages.overview(number, PAGE_SIZE))

    async def one(self, request: web.Request) -> web.Response:
        """One object: its latest version, or `?version=`."""
        stored = self._object(request)
        wanted = request.query.get("version")
        if wanted is None:
            return _page(self._pages.one(stored))
        for version in stored.versions:
            if version.version == _number(wanted):
                return _page(self._pages.one(version))
        raise web.HTTPNotFound(text="This object has no such version.")

    async def file(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file, to be saved and never to be shown."""
        number = int(request.match_info["file"])
        for file in self._object(request).files:
            if file.id == number:
                name = quote(escaped(file_name(file)), safe="")
                headers = {
                    "Content-Type": "application/octet-stream",
                    "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
                }
                return web.FileResponse(file.path, headers=headers)
        raise web.HTTPNotFound(text="This object has no such file.")

    async def style(self, _: web.Request) -> web.StreamResponse:
        """How the pages look."""
        return web.FileResponse(_STYLE)

    def _object(self, request: web.Request) -> StoredObject:
        stored = self._vault.store.get(int(request.match_info["type"]), int(request.match_info["id"]))
        if stored is None:
            raise web.HTTPNotFound(text="The vault has no such object.")
        return stored


def _page(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise web.HTTPBadRequest(text="This is no number of a page or version.")
    return int(text)
