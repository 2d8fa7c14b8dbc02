"""Whether the app is well, for anybody: once in five minutes, however many ask."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import anyio
import pytest

from shared.doctor import health
from shared.doctor.health import EVERY, TOO_OLD, HealthCheck

from ..clock import FakeClock

pytestmark = pytest.mark.anyio


class Examination:
    """Finds what it is told to, as soon as it may."""

    def __init__(self, *found: bool | Exception) -> None:
        self.found = list(found)
        self.runs = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> bool:
        self.runs += 1
        await self.may_end.wait()
        found = self.found.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


async def answers(check: HealthCheck, number: int) -> Sequence[str]:
    return await asyncio.gather(*(check.answer() for _ in range(number)))


async def test_many_that_ask_at_once_cost_one_examination(clock: FakeClock) -> None:
    examination = Examination(True)
    check = HealthCheck(examination, clock)

    assert set(await answers(check, 50)) == {"healthy"}
    assert set(await answers(check, 50)) == {"healthy"}
    assert examination.runs == 1


async def test_after_five_minutes_it_is_looked_at_anew(clock: FakeClock) -> None:
    examination = Examination(True, False)
    check = HealthCheck(examination, clock)

    seen = [await check.answer()]
    clock.advance(seconds=EVERY)
    seen.append(await check.answer())

    assert seen == ["healthy", "unhealthy"]


async def test_what_is_not_seen_yet_is_unknown_after_a_short_wait(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.01)
    examination = Examination(True)
    examination.may_end.clear()
    check = HealthCheck(examination, clock)

    with anyio.fail_after(1):
        first = await answers(check, 20)
    examination.may_end.set()
    later = await check.answer()

    assert set(first) == {"unknown"}
    assert later == "healthy"
    assert examination.runs == 1


async def test_while_it_is_looked_at_anew_the_last_answer_counts_unless_it_is_too_old(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.01)
    examination = Examination(True, False)
    check = HealthCheck(examination, clock)
    await check.answer()
    examination.may_end.clear()

    clock.advance(seconds=EVERY)
    meanwhile = await check.answer()
    clock.advance(seconds=TOO_OLD)
    too_old = await check.answer()
    await check.close()

    assert (meanwhile, too_old) == ("healthy", "unknown")
    assert examination.runs == 2


async def test_an_examination_that_breaks_is_unhealthy_and_told_in_the_log_alone(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    check = HealthCheck(Examination(ValueError("a secret"), True), clock)

    assert await check.answer() == "unhealthy"
    assert "health-broke error=ValueError" in caplog.text
    assert "a secret" not in caplog.text
