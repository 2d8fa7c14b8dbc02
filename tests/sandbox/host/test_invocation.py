"""Calling functions."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest

from sandbox.host.bindings import http_input, manual_queue_input
from sandbox.host.functions import Function, HttpTrigger
from sandbox.host.invocation import FunctionFailed, Invoker
from sandbox.host.routes import parse_route
from tests.sandbox.host.fakes import queue_function

pytestmark = pytest.mark.anyio

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
REQUEST = http_input("GET", "http://x/", headers={"traceparent": TRACE}, query={}, route={}, body=b"text")


def function(call: Callable[..., Any], *, wants_context: bool = False) -> Function:
    return Function("sample", call, "req", HttpTrigger(parse_route("x"), None, "anonymous"), wants_context)


async def test_asynchronous_functions_run_in_the_loop_and_others_in_a_thread() -> None:
    async def in_loop(req: func.HttpRequest) -> tuple[bytes, threading.Thread]:
        return req.get_body(), threading.current_thread()

    def in_thread(req: func.HttpRequest) -> bool:
        return threading.current_thread() is threading.main_thread()

    invoker = Invoker(None)
    assert await invoker.invoke(function(in_loop), REQUEST) == (b"text", threading.current_thread())
    assert await invoker.invoke(function(in_thread), REQUEST) is False


async def test_the_context_names_the_invocation_and_its_trace() -> None:
    async def call(req: func.HttpRequest, context: func.Context) -> func.Context:
        return context

    invoker = Invoker(None)
    first = await invoker.invoke(function(call, wants_context=True), REQUEST)
    second = await invoker.invoke(function(call, wants_context=True), REQUEST)
    assert first.function_name == "sample"  # type: ignore[attr-defined]
    assert first.invocation_id != second.invocation_id  # type: ignore[attr-defined]
    trace = first.trace_context.trace_parent.split("-")  # type: ignore[attr-defined]
    assert trace[1] == TRACE.split("-")[1]
    assert trace[2] != TRACE.split("-")[2]


@pytest.mark.parametrize("error", [ValueError("wrong mail"), SystemExit(3), asyncio.CancelledError("gone")])
async def test_whatever_a_function_raises_is_logged_and_told_as_a_failure(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def in_loop(req: object) -> None:
        raise error

    def in_thread(req: object) -> None:
        raise error

    for call in (in_loop, in_thread):
        caplog.clear()
        with pytest.raises(FunctionFailed):
            await Invoker(None).invoke(function(call), REQUEST)
        (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert "Failed sample: " in record.getMessage()


async def test_a_failure_is_logged_with_its_type_and_message(caplog: pytest.LogCaptureFixture) -> None:
    async def call(req: object) -> None:
        raise LookupError("no such mail")

    with pytest.raises(FunctionFailed):
        await Invoker(None).invoke(function(call), REQUEST)
    assert "Failed sample: LookupError: no such mail" in caplog.text


async def test_a_function_without_a_return_binding_must_not_return_a_value(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def call(message: func.QueueMessage) -> int:
        return 1

    with pytest.raises(FunctionFailed):
        await Invoker(None).invoke(queue_function(call), manual_queue_input("text", datetime.now(UTC)))
    assert "without a $return binding" in caplog.text


async def test_a_function_over_the_time_limit_is_cancelled_and_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ends: list[str] = []

    async def call(req: object) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ends.append("cleaned up")

    started = time.monotonic()
    with pytest.raises(FunctionFailed):
        await Invoker(0.05).invoke(function(call), REQUEST)
    assert time.monotonic() - started < 5
    assert ends == ["cleaned up"]
    assert "TimeoutError: ran longer than 0.05 s" in caplog.text


async def test_draining_waits_for_what_is_running() -> None:
    release = asyncio.Event()

    async def call(req: object) -> None:
        await release.wait()

    invoker = Invoker(None)
    await invoker.drained()
    running = asyncio.create_task(invoker.invoke(function(call), REQUEST))
    await asyncio.sleep(0)
    drained = asyncio.create_task(invoker.drained())
    await asyncio.sleep(0.01)
    assert not drained.done()
    release.set()
    await drained
    await running
