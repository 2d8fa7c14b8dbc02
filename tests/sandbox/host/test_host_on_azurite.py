"""The whole host against real queues."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from sandbox.storage.azurite import Storage
from tests.sandbox.host.sample import RunningHost, running_host, until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def service(storage: Storage) -> AsyncIterator[QueueServiceClient]:
    """The queues of the account that all tests share."""
    async with QueueServiceClient.from_connection_string(storage.connection_string) as service:
        yield service


@pytest.fixture
def values(storage: Storage) -> dict[str, str]:
    """Settings with queues of the test's own."""
    mine = secrets.token_hex(4)
    return {"MailStorage": storage.connection_string, "TAKEN": f"taken-{mine}", "FAILING": f"failing-{mine}"}


async def queue_with(service: QueueServiceClient, name: str, *texts: str) -> QueueClient:
    queue = await service.create_queue(name)
    for text in texts:
        await queue.send_message(text)
    return queue


async def _empty(queue: QueueClient) -> None:
    for _ in range(100):
        if not (await queue.get_queue_properties()).approximate_message_count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("a message stays in its queue")


def bodies(host: RunningHost, name: str) -> list[str]:
    return sorted(note["body"] for note in host.notes(name))


async def test_every_kind_of_function_runs(
    values: dict[str, str], service: QueueServiceClient, tmp_path: Path
) -> None:
    """A missing queue is waited for; each message is handled once; what fails twice is poison."""
    values |= {"FUNCTIONS_LOCAL_KEY": "known"}
    async with running_host(tmp_path, values) as host, httpx.AsyncClient(base_url=host.address) as client:
        taken = await queue_with(service, values["TAKEN"], *(f"message {number}" for number in range(10)))
        failing = await queue_with(service, values["FAILING"], "bad")
        await until(lambda: len(host.notes("taken")) == 10 and len(host.notes("fail")) == 2)

        assert bodies(host, "taken") == sorted(f"message {number}" for number in range(10))
        first, second = host.notes("fail")
        assert (first["count"], second["count"], first["id"]) == (1, 2, second["id"])
        assert first["receipt"] != second["receipt"]
        poison = service.get_queue_client(values["FAILING"] + "-poison")
        await _poisoned(poison, "bad")
        # The copy comes first: the message is deleted a moment later.
        await _empty(taken)
        await _empty(failing)

        hello = await client.post("/api/hello/Anna", params={"q": "1"}, content="text")
        assert (hello.status_code, hello.headers["x-answer"]) == (201, "yes")
        assert hello.json() | {"agent": "", "trace": ""} == {
            "name": "Anna",
            "query": {"q": "1"},
            "body": "text",
            "agent": "",
            "function": "hello",
            "trace": "",
            "method": "POST",
        }
        assert (await client.get("/api/secret")).status_code == 401
        assert (await client.get("/api/secret?code=known")).text == "open"
        assert (await client.get("/api/broken")).status_code == 500
        assert (await client.post("/admin/functions/tick", json={"input": ""})).status_code == 202
        await until(lambda: len(host.notes("tick")) == 1)


async def test_a_lease_is_kept_for_as_long_as_the_function_runs(
    values: dict[str, str], service: QueueServiceClient, tmp_path: Path
) -> None:
    """Stopped meanwhile, the host lets the function end, deletes its message, takes no other, and exits 0."""
    values |= {"TAKE_SECONDS": "2"}
    queue = await queue_with(service, values["TAKEN"], "one")
    async with running_host(tmp_path, values, "--lease", "1") as host:
        await until(lambda: len(host.notes("take")) == 1)
        await asyncio.sleep(1.4)
        assert len(host.notes("take")) == 1, "the lease of one second was renewed"
        host.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.1)
        await queue.send_message("two")
        ended = await host.end()
    assert ended.status == 0
    assert bodies(host, "taken") == ["one"]
    assert await _peek(queue) == ["two"]


async def test_a_host_that_dies_leaves_its_message_to_the_next_after_the_lease(
    values: dict[str, str], service: QueueServiceClient, tmp_path: Path
) -> None:
    values |= {"TAKE_SECONDS": "60"}
    await queue_with(service, values["TAKEN"], "one")
    async with running_host(tmp_path, values, "--lease", "1") as host:
        await until(lambda: len(host.notes("take")) == 1)
        host.process.kill()
        await host.end()
    async with running_host(tmp_path, {**values, "TAKE_SECONDS": "0"}, "--lease", "1") as host:
        await until(lambda: len(host.notes("taken")) == 1)
        assert [note["count"] for note in host.notes("take")] == [1, 2]


async def _poisoned(poison: QueueClient, text: str) -> None:
    for _ in range(100):
        with suppress(ResourceNotFoundError):
            if await _peek(poison) == [text]:
                return
        await asyncio.sleep(0.05)
    raise AssertionError("the message did not get to the poison queue")


async def _peek(queue: QueueClient) -> list[str]:
    return [str(message.content) for message in await queue.peek_messages(5)]
