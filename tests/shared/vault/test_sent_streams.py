"""What is sent to the vault gives its memory back, however the sending ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from shared.errors import Unavailable
from shared.memory_budget import LEAST, MemoryBudget
from shared.secret_store import SecretStore
from shared.vault.session import Session

pytestmark = pytest.mark.anyio
CONTENT = bytes(range(256)) * 800


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    """A session of which only the sending is used."""
    secrets: Any = SecretStore.__new__(SecretStore)
    made = Session("https://vault.example.com", "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}", secrets)
    await made._http.aclose()
    yield made
    await made.close()


class Answering(httpx.AsyncBaseTransport):
    """Unlike httpx's own stand-in, it does not read the request before it is asked to."""

    def __init__(self, answer: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._answer(request)


def answering(session: Session, answer: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
    session._http = httpx.AsyncClient(transport=Answering(answer))


async def body_of(request: httpx.Request) -> list[bytes]:
    """The parts that a request comes in."""
    assert isinstance(request.stream, httpx.AsyncByteStream)
    return [part async for part in request.stream]


async def reserving(budget: MemoryBudget, *pieces: bytes) -> AsyncGenerator[bytes, None]:
    async with budget.streaming(len(CONTENT)):
        for piece in pieces:
            yield piece


async def test_short_parts_make_up_the_whole(session: Session) -> None:
    received: list[bytes] = []

    async def take(request: httpx.Request) -> httpx.Response:
        received.extend(await body_of(request))
        return httpx.Response(200, json=7)

    answering(session, take)
    budget = MemoryBudget(LEAST)

    answer = await session.post_stream("t", "/files", reserving(budget, CONTENT), len(CONTENT), int)

    assert answer == 7
    assert b"".join(received) == CONTENT
    assert max(map(len, received)) == 64 * 1024
    assert budget.held == 0


@pytest.mark.parametrize("fault", [httpx.ConnectError("no"), None])
async def test_memory_is_given_back_when_the_vault_does_not_take_it(
    session: Session, fault: Exception | None
) -> None:
    """At once, not when the garbage collector comes to it."""

    async def refuse(_: httpx.Request) -> httpx.Response:
        if fault is not None:
            raise fault
        return httpx.Response(503)

    answering(session, refuse)
    budget = MemoryBudget(LEAST)
    gc.disable()
    try:
        with pytest.raises(Unavailable) as caught:
            await session.post_stream("t", "/files", reserving(budget, CONTENT), len(CONTENT), int)
        assert budget.held == 0, caught.value
    finally:
        gc.enable()


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
async def test_a_stream_of_another_length_is_given_back_too(session: Session, size: int) -> None:
    async def take(request: httpx.Request) -> httpx.Response:
        await body_of(request)
        return httpx.Response(200, json=7)

    answering(session, take)
    budget = MemoryBudget(LEAST)

    with pytest.raises(Unavailable, match="length"):
        await session.post_stream("t", "/files", reserving(budget, CONTENT), size, int)
    assert budget.held == 0


async def test_nothing_is_asked_of_the_vault_before_there_is_memory(session: Session) -> None:
    """Else the web server would wait for a body, and end the connection."""
    asked: list[str] = []

    async def take(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json=7)

    answering(session, take)
    budget = MemoryBudget(LEAST)
    async with budget.small.reserve(budget.small.most):
        sending = asyncio.create_task(session.post_stream("t", "/files", reserving(budget), 0, int))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not asked
    await sending

    assert asked == ["/REST/files"]
