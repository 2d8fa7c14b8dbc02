"""HTTP functions and the host's own addresses, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import azure.functions as func
import httpx
import pytest

from sandbox.host.admin import Admin
from sandbox.host.functions import Function, HttpTrigger, QueueTrigger, TimerTrigger
from sandbox.host.invocation import Invoker
from sandbox.host.listener import LARGEST_BODY, application
from sandbox.host.routes import parse_route
from sandbox.host.schedule import Schedule
from sandbox.host.stopping import Stopping
from sandbox.serving import serve
from tests.sandbox.host.sample import until

pytestmark = pytest.mark.anyio

KEY = "the key of this host"


async def echo(req: func.HttpRequest) -> func.HttpResponse:
    """What arrived, in headers; the body as it came."""
    headers = {
        "X-Method": req.method,
        "X-Query": repr(dict(req.params)),
        "X-Route": repr(dict(req.route_params)),
    }
    headers["X-Header"] = req.headers.get("X-Given", "")
    return func.HttpResponse(req.get_body(), headers=headers, mimetype="application/octet-stream")


async def broken(req: func.HttpRequest) -> func.HttpResponse:
    """Raises."""
    raise ValueError("details that a caller must not see")


async def wrong(req: func.HttpRequest) -> object:
    """Gives what is no response."""
    return {"a": 1}


def http(name: str, call: Callable[..., Any], route: str, level: str, *methods: str) -> Function:
    trigger = HttpTrigger(parse_route(route), frozenset(methods) or None, level)
    return Function(name, call, "req", trigger, wants_context=False)


class Host:
    """The HTTP side alone, with what its functions by hand were given."""

    def __init__(self) -> None:
        self.client = httpx.AsyncClient()
        self.stopping = Stopping()
        self.given: list[Any] = []
        self.release = asyncio.Event()

    def functions(self) -> list[Function]:
        async def take(message: func.QueueMessage) -> None:
            self.given.append(message)

        async def tick(timer: func.TimerRequest) -> None:
            self.given.append(timer)
            await self.release.wait()

        timer = TimerTrigger(Schedule.parse("0 0 0 1 1 *"), at_start=False)
        return [
            http("echo", echo, "api/echo/{name?}", "anonymous"),
            http("only", echo, "api/only", "anonymous", "POST"),
            http("other", broken, "api/only", "anonymous", "DELETE"),
            http("list", echo, "api/echo/list", "function", "GET"),
            http("master", echo, "api/master", "admin"),
            http("broken", broken, "api/broken", "anonymous"),
            http("wrong", wrong, "api/wrong", "anonymous"),
            Function("take", take, "message", QueueTrigger("queue", "C"), wants_context=False),
            Function("tick", tick, "timer", timer, wants_context=False),
        ]


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    """Served on a free port."""
    host, invoker = Host(), Invoker(None)
    functions = host.functions()
    admin = Admin(functions, invoker)
    served = await serve(application(functions, invoker, admin, host.stopping, KEY), context=None)
    host.client.base_url = httpx.URL(served.origin)
    async with host.client:
        yield host
    host.release.set()
    await admin.drained()
    await served.close()


async def test_a_request_reaches_its_function_whole(host: Host) -> None:
    body = bytes(range(256)) * 1000
    answer = await host.client.put(
        "/API/Echo/J%C3%BCrgen/", params={"a": ["1", "2"], "e": ""}, headers={"x-given": "v"}, content=body
    )
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert (answer.headers["x-method"], answer.headers["x-header"]) == ("PUT", "v")
    assert (answer.headers["x-query"], answer.headers["x-route"]) == ("{'a': '1,2'}", "{'name': 'Jürgen'}")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/only"),
        ("HEAD", "/api/only"),
        ("OPTIONS", "/api/only"),
        ("POST", "/api/only/x"),
        ("POST", "/only"),
        ("GET", "/"),
        ("GET", "/admin"),
        ("GET", "/admin/functions/take"),
        ("POST", "/admin/other"),
    ],
)
async def test_what_no_function_takes_is_not_found(host: Host, method: str, path: str) -> None:
    """Also a method that the route does not take: Azure has no 405 there."""
    answer = await host.client.request(method, path)
    assert (answer.status_code, answer.content) == (404, b"")


async def test_two_functions_share_a_path_by_method(host: Host) -> None:
    assert (await host.client.post("/api/only")).status_code == 200
    assert (await host.client.delete("/api/only")).status_code == 500


async def test_every_method_reaches_a_function_that_names_none(host: Host) -> None:
    for method in ("HEAD", "OPTIONS", "PATCH"):
        answer = await host.client.request(method, "/api/echo")
        assert (answer.status_code, answer.headers["x-method"]) == (200, method)


@pytest.mark.parametrize("path", ["/api/echo/list", "/api/master"])
async def test_a_function_that_is_not_anonymous_asks_for_the_key(host: Host, path: str) -> None:
    """The literal route is tried before the one with a parameter, wherever they stand in the app."""
    for refused in (
        await host.client.get(path),
        await host.client.get(path, headers={"x-functions-key": "wrong"}),
        await host.client.get(path, params={"code": "wrong"}),
    ):
        assert (refused.status_code, refused.content) == (401, b"")
    assert (await host.client.get(path, headers={"x-functions-key": KEY})).status_code == 200
    assert (await host.client.get(path, params={"code": KEY})).status_code == 200


@pytest.mark.parametrize("path", ["/api/broken", "/api/wrong"])
async def test_a_failure_is_a_500_that_tells_nothing(host: Host, path: str) -> None:
    answer = await host.client.get(path)
    assert (answer.status_code, answer.content) == (500, b"")


async def test_a_body_over_the_limit_is_refused(host: Host) -> None:
    async def body() -> AsyncIterator[bytes]:
        chunk = bytes(1024 * 1024)
        for _ in range(LARGEST_BODY // len(chunk) + 1):
            yield chunk

    answer = await host.client.post("/api/broken", content=body())
    assert answer.status_code == 413


@pytest.mark.parametrize("key", ["\udcff", "ä", ""])
async def test_a_key_of_any_characters_is_a_wrong_key(host: Host, key: str) -> None:
    quoted = quote(key, errors="surrogateescape")
    answer = await host.client.get(f"/api/echo/list?code={quoted}")
    assert answer.status_code == 401
    answer = await host.client.get(
        "/api/echo/list", headers={b"x-functions-key": key.encode(errors="surrogateescape")}
    )
    assert answer.status_code == 401


async def test_a_function_is_run_by_hand_without_waiting_for_it(host: Host) -> None:
    answer = await host.client.post("/admin/functions/TICK", json={"input": ""})
    assert (answer.status_code, answer.content) == (202, b"")
    await until(lambda: len(host.given) == 1)
    assert isinstance(host.given[0], func.TimerRequest)


@pytest.mark.parametrize(
    ("given", "text"), [("some text", "some text"), (12, "12"), (True, "true"), (None, ""), ("", "")]
)
async def test_a_queue_function_run_by_hand_gets_the_input_as_its_message(
    host: Host, given: object, text: str
) -> None:
    assert (await host.client.post("/admin/functions/take", json={"input": given})).status_code == 202
    await until(lambda: len(host.given) == 1)
    assert host.given[0].get_body().decode() == text


@pytest.mark.parametrize("name", ["unknown", "echo"])
async def test_an_unknown_or_an_http_function_cannot_be_run_by_hand(host: Host, name: str) -> None:
    assert (await host.client.post(f"/admin/functions/{name}", json={"input": ""})).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b'{"input": {}}', b'{"input": "\xff"}'])
async def test_a_body_that_is_no_input_is_refused(host: Host, body: bytes) -> None:
    answer = await host.client.post("/admin/functions/take", content=body)
    assert answer.status_code == 400
    assert host.given == []


async def test_the_status_says_that_the_host_runs(host: Host) -> None:
    answer = await host.client.get("/admin/host/status")
    assert answer.json()["state"] == "Running"


async def test_nothing_new_is_taken_after_the_request_to_stop(host: Host) -> None:
    host.stopping.request()
    answer = await host.client.post("/api/only")
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")
