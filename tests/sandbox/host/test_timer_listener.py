"""Timers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from sandbox.host.functions import Function, TimerTrigger
from sandbox.host.invocation import Invoker
from sandbox.host.schedule import Schedule
from sandbox.host.stopping import Stopping
from sandbox.host.timer_listener import TimerListener
from tests.sandbox.host.sample import until

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def ticking(
    call: Callable[..., Any], schedule: str, start: datetime, *, at_start: bool = False
) -> AsyncIterator[Stopping]:
    """A timer at work, on a clock that shows `start` now and runs on."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    trigger = TimerTrigger(Schedule.parse(schedule), at_start)
    listener = TimerListener(
        Function("tick", call, "timer", trigger, wants_context=False),
        trigger,
        Invoker(None),
        now=lambda: start + timedelta(seconds=loop.time() - began),
    )
    stopping = Stopping()
    stopping.attach()
    work = asyncio.create_task(listener.run(stopping))
    try:
        yield stopping
    finally:
        stopping.request()
        await asyncio.wait_for(work, 5)


async def test_a_timer_runs_when_due_and_not_before() -> None:
    seen: list[func.TimerRequest] = []

    async def call(timer: func.TimerRequest) -> None:
        seen.append(timer)

    async with ticking(call, "0 0 12 * * *", datetime(2026, 11, 24, 11, 59, 59, 800000, tzinfo=UTC)):
        await asyncio.sleep(0.1)
        assert seen == []
        await until(lambda: len(seen) == 1)
        await asyncio.sleep(0.05)
    (timer,) = seen
    assert timer.past_due is False
    assert timer.schedule_status["Next"] == "2026-11-25T12:00:00+00:00"  # type: ignore[attr-defined]
    assert timer.schedule_status["Last"].startswith("0001-01-01")  # type: ignore[attr-defined]


async def test_no_timer_runs_at_the_start_even_if_it_asks_to(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[object] = []

    async def call(timer: object) -> None:
        seen.append(timer)

    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    async with ticking(call, "0 0 12 * * *", noon, at_start=True):
        await asyncio.sleep(0.05)
    assert seen == []
    assert "starts no timer by itself" in caplog.text


async def test_a_timer_never_runs_beside_itself_and_skips_what_it_misses() -> None:
    running = most = runs = 0

    async def call(timer: object) -> None:
        nonlocal running, most, runs
        running, runs = running + 1, runs + 1
        most = max(most, running)
        if runs == 1:
            await asyncio.sleep(1.05)
        running -= 1

    async with ticking(call, "* * * * * *", datetime(2026, 11, 24, 12, 0, 0, 900000, tzinfo=UTC)):
        began = time.monotonic()
        await until(lambda: runs == 2)
    assert most == 1
    assert time.monotonic() - began > 1.6, "the time that passed while it ran is skipped"


async def test_a_failure_does_not_stop_the_schedule() -> None:
    runs = 0

    async def call(timer: object) -> None:
        nonlocal runs
        runs += 1
        raise ValueError("not now")

    async with ticking(call, "* * * * * *", datetime(2026, 11, 24, 12, 0, 0, 950000, tzinfo=UTC)):
        await until(lambda: runs == 2)
