"""Connections that end too early, and answers that come late or never."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from sandbox.box import Sandbox
from sandbox.faults import Commit, Cut, Down, Faults, Latency, ServiceFaults, Sever, Status, refusals
from sandbox.pki import Authority
from sandbox.serving import serve

from .conftest import Clients

pytestmark = pytest.mark.anyio

VALUE = r"GET /\$value$"


async def received(client: httpx.AsyncClient, path: str) -> tuple[httpx.Response, bytes]:
    """An answer and the part of its body that came, which must not be the whole."""
    pieces: list[bytes] = []

    async def read() -> None:
        async for piece in answer.aiter_raw():
            pieces.append(piece)  # noqa: PERF401 - what came before the end is wanted

    async with client.stream("GET", path) as answer:
        with pytest.raises(httpx.RemoteProtocolError):
            await read()
    return answer, b"".join(pieces)


@pytest.mark.parametrize("size", [0, 100, 50_000])
async def test_a_stream_is_cut_after_so_many_bytes(
    clients: Clients, faults: ServiceFaults, message: str, size: int
) -> None:
    whole = (await clients.graph.get(f"{message}/$value")).content
    faults.graph.add(Cut(size, route=VALUE, times=1))

    answer, body = await received(clients.graph, f"{message}/$value")

    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(whole)
    assert body == whole[:size]
    assert (await clients.graph.get(f"{message}/$value")).content == whole


@pytest.mark.parametrize("size", [0, 1, 50_000, 99_999])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_stream_is_cut_whatever_frames_it(
    clients: Clients, faults: ServiceFaults, message: str, size: int, chunked: bool
) -> None:
    whole = (await clients.graph.get(f"{message}/$value")).content
    faults.graph.add(Cut(size, route=VALUE, chunked=chunked))

    answer, body = await received(clients.graph, f"{message}/$value")

    assert ("Content-Length" in answer.headers) is not chunked
    assert (answer.headers.get("Transfer-Encoding") == "chunked") is chunked
    assert body == whole[:size]


async def test_an_answer_in_chunks_that_is_shorter_than_the_cut_arrives_whole(
    clients: Clients, faults: ServiceFaults, message: str
) -> None:
    whole = (await clients.graph.get(f"{message}/$value")).content
    faults.graph.add(Cut(10_000_000, chunked=True))

    streamed = await clients.graph.get(f"{message}/$value")
    finished = await clients.graph.get(message)

    assert (streamed.content, streamed.headers["Transfer-Encoding"]) == (whole, "chunked")
    assert (finished.json()["subject"], "Content-Length" in finished.headers) == ("Offer 4711", False)


async def test_mime_that_is_made_anew_is_cut(
    clients: Clients, faults: ServiceFaults, message: str, box: Sandbox
) -> None:
    address, shown = message.split("/")[1], message.split("/")[-1]
    box.tenant.regenerate_mime(address, shown)
    faults.graph.add(Cut(777, route=VALUE, times=1))

    assert len((await received(clients.graph, f"{message}/$value"))[1]) == 777
    assert len((await clients.graph.get(f"{message}/$value")).content) > 100_000


async def test_an_answer_that_is_not_streamed_is_cut_too(
    clients: Clients, faults: ServiceFaults, message: str
) -> None:
    faults.graph.add(Cut(20))

    answer, body = await received(clients.graph, message)

    assert (answer.status_code, len(body)) == (200, 20)


async def test_an_answer_shorter_than_the_cut_arrives_whole(
    clients: Clients, faults: ServiceFaults, message: str
) -> None:
    faults.graph.add(Cut(10_000_000))

    assert (await clients.graph.get(message)).json()["subject"] == "Offer 4711"


async def test_files_and_chunked_answers_are_cut(authority: Authority, tmp_path: Path) -> None:
    """aiohttp sends a file past its own writer; a chunked answer says nowhere how long it is."""
    (tmp_path / "file").write_bytes(b"x" * 1000)

    async def file(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(tmp_path / "file")

    async def chunked(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(10):
            await answer.write(b"x" * 100)
        return answer

    faults, application = Faults(), web.Application()
    application.add_routes([web.get("/file", file), web.get("/chunked", chunked)])
    faults.wire(application, refusals.vault)
    served = await serve(application, context=authority.server_context())
    try:
        async with httpx.AsyncClient(base_url=served.origin) as client:
            faults.add(Cut(250))
            for path in ("/file", "/chunked"):
                assert (await received(client, path))[1] == b"x" * 250
            faults.clear()
            faults.add(Cut(1000))
            assert (await received(client, "/chunked"))[1] == b"x" * 1000
            faults.clear()
            assert (await client.get("/file")).content == b"x" * 1000
    finally:
        await served.close()


@pytest.mark.parametrize("fault", [Cut(), Down()])
async def test_a_connection_dropped_before_the_answer_has_changed_nothing(
    clients: Clients, faults: ServiceFaults, fault: Cut | Down
) -> None:
    title = f"Dropped by {fault!r}"
    faults.vault.add(fault)

    with pytest.raises(httpx.TransportError):
        await clients.create(title)
    faults.clear()

    assert clients.titled(title) == []
    assert (await clients.create(title)).status_code == 200


async def test_what_is_down_is_down_for_every_address(clients: Clients, faults: ServiceFaults) -> None:
    for service in faults.by_name().values():
        service.add(Down())

    for ask in (clients.sign_in, clients.identity_token, clients.secret):
        with pytest.raises(httpx.TransportError):
            await ask()
    for client in (clients.graph, clients.vault):
        with pytest.raises(httpx.TransportError):
            await client.get("anywhere")


async def test_a_large_upload_meets_a_dropped_connection(clients: Clients, faults: ServiceFaults) -> None:
    faults.vault.add(Cut(route="POST /REST/files"))

    with pytest.raises(httpx.TransportError):
        await clients.vault.post("files", content=b"x" * 5_000_000)


async def test_an_upload_is_severed_after_so_many_bytes(clients: Clients, faults: ServiceFaults) -> None:
    """So much is sent; the rest meets a connection that is not there any more, and nothing is kept."""
    placed = faults.vault.add(Sever(100_000, route="POST /REST/files"))
    sent = 0

    async def content() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 100_000
            yield b"x" * 100_000

    with pytest.raises(httpx.TransportError):
        await clients.vault.post("files", content=content(), headers={"Content-Length": "10000000"})

    assert (100_000 <= sent < 10_000_000, placed.struck) == (True, 1)
    faults.clear()
    answer = await clients.vault.post("files", content=b"y" * 300_000)
    assert answer.json()["Size"] == 300_000


async def test_a_shorter_upload_is_handled(clients: Clients, faults: ServiceFaults) -> None:
    faults.vault.add(Sever(10, route="POST /REST/files"))

    assert (await clients.vault.post("files", content=b"123456789")).json()["Size"] == 9
    with pytest.raises(httpx.TransportError):
        await clients.vault.post("files", content=b"1234567890")


async def test_a_create_is_committed_and_never_answered(clients: Clients, faults: ServiceFaults) -> None:
    faults.vault.add(Commit(route="POST /REST/objects/0", times=1))

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await clients.create("Committed")

    assert len(clients.titled("Committed")) == 1


async def test_a_create_is_committed_before_its_late_answer(clients: Clients, faults: ServiceFaults) -> None:
    faults.vault.add(Commit(30.0, route="POST /REST/objects/0"))
    clients.vault.timeout = httpx.Timeout(0.3)

    with pytest.raises(httpx.ReadTimeout):
        await clients.create("Committed late")

    assert len(clients.titled("Committed late")) == 1


async def test_a_late_answer_comes_to_who_waits(clients: Clients, faults: ServiceFaults) -> None:
    faults.vault.add(Commit(0.2))
    started = time.monotonic()

    answer = await clients.create("Waited for")

    assert (answer.status_code, answer.json()["ObjVer"]["ID"]) == (200, clients.titled("Waited for")[0].id)
    assert time.monotonic() - started >= 0.2


async def test_a_stream_that_is_never_answered(
    clients: Clients, faults: ServiceFaults, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What is dropped on purpose is no error of the service: its log stays empty."""
    faults.graph.add(Commit(route=VALUE))

    with pytest.raises(httpx.RemoteProtocolError):
        await clients.graph.get(f"{message}/$value")

    assert [one for one in caplog.records if one.name.startswith(("aiohttp", "sandbox", "asyncio"))] == []


async def test_a_request_waits_before_it_is_handled(clients: Clients, faults: ServiceFaults) -> None:
    faults.vault.add(Latency(0.2))
    started = time.monotonic()

    assert (await clients.create("Slow")).status_code == 200
    assert time.monotonic() - started >= 0.2


async def test_a_request_whose_client_has_left_before_is_not_handled(
    clients: Clients, faults: ServiceFaults
) -> None:
    faults.vault.add(Latency(0.3))
    clients.vault.timeout = httpx.Timeout(0.1)

    with pytest.raises(httpx.ReadTimeout):
        await clients.create("Left")
    await asyncio.sleep(0.4)

    assert clients.titled("Left") == []


async def test_faults_add_up_in_their_order(clients: Clients, faults: ServiceFaults) -> None:
    """One that delays leads on to the next; one that answers hides those behind it."""
    slow = faults.vault.add(Latency(0.1))
    refused = faults.vault.add(Status(503, times=1))
    hidden = faults.vault.add(Commit(after=1))

    first = await clients.create("After both")
    second = await clients.create("After both")

    assert (first.status_code, second.status_code) == (503, 200)
    assert [(one.seen, one.struck) for one in (slow, refused, hidden)] == [(2, 2), (2, 1), (1, 0)]
