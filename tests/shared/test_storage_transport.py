"""The transport of the clients of storage, against a server of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.rest import HttpRequest

from shared.storage_transport import StorageTransport

pytestmark = pytest.mark.anyio

CONNECTIONS = 3


class Crowd:
    """A server whose answers take a moment; the most requests that it has had at once."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0

    async def answer(self, request: web.Request) -> web.Response:
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0.05)
        self._now -= 1
        return web.Response(text="here")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/", self.answer)
        async with TestServer(app) as server:
            yield str(server.make_url("/"))


async def test_a_request_waits_while_all_connections_are_in_use() -> None:
    crowd = Crowd()
    async with crowd.serving() as address, StorageTransport(CONNECTIONS) as transport:
        answers = await asyncio.gather(
            *(transport.send(HttpRequest("GET", address)) for _ in range(4 * CONNECTIONS))
        )
        assert {one.status_code for one in answers} == {HTTPStatus.OK}
    assert crowd.most == CONNECTIONS


async def test_one_that_was_closed_says_so_when_it_is_opened_again() -> None:
    transport = StorageTransport()
    async with transport:
        pass
    with pytest.raises(ValueError, match="already been closed"):
        await transport.open()


async def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd()
    async with crowd.serving() as address:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", address)
        async with StorageTransport() as transport:
            answer = await transport.send(HttpRequest("GET", "http://nowhere.invalid/"))
            assert answer.status_code == HTTPStatus.OK
