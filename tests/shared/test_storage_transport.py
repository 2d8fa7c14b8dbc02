"""The transport of the clients of storage, against a server of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from shared import storage_clients
from shared.settings import StorageSettings
from shared.storage_clients import blob_service, queue_service, table_service
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


SILENT = "DefaultEndpointsProtocol=http;AccountName=silent;AccountKey=c2lsZW50;"


@asynccontextmanager
async def silence() -> AsyncIterator[str]:
    """The connection string of an account that takes connections and never answers."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    address = f"http://{host}:{port}/silent"
    names = ("Blob", "Queue", "Table")
    try:
        yield SILENT + "".join(f"{name}Endpoint={address};" for name in names)
    finally:
        server.close()


async def blobs(storage: StorageSettings) -> None:
    async with blob_service(storage, None) as service:
        await service.get_container_client("mail").get_container_properties(retry_total=0)


async def queues(storage: StorageSettings) -> None:
    async with queue_service(storage, None) as service:
        await service.get_queue_client("mail-arrived").get_queue_properties(retry_total=0)


async def tables(storage: StorageSettings) -> None:
    async with table_service(storage, None) as service:
        await service.get_table_client("filings").get_entity("source", "key", retry_total=0)


@pytest.mark.parametrize("ask", [blobs, queues, tables])
async def test_a_server_that_never_answers_is_given_up(
    ask: Callable[[StorageSettings], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transport that the SDK is given has none of the SDK's own timeouts: it waits for five minutes."""
    monkeypatch.setattr(storage_clients, "READ_TIMEOUT", 0.2)
    monkeypatch.setattr(storage_clients, "TABLE_READ_TIMEOUT", 0.2)
    async with silence() as connection_string, asyncio.timeout(30):
        with pytest.raises(AzureError, match=r"(?i)time"):
            await ask(StorageSettings(connection_string=connection_string))
