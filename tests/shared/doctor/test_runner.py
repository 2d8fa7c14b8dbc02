"""What runs, what does not, and why: for any checks that need each other in any way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.doctor.check import Check
from shared.doctor.finding import Finding, Status, failed, not_run, ok, warning
from shared.doctor.report import Report, report_of
from shared.doctor.runner import examine, outcome_of
from shared.errors import Unavailable

pytestmark = pytest.mark.anyio
STATUSES: tuple[Status, ...] = ("ok", "warning", "failed", "not-run")


@st.composite
def plans(draw: st.DrawFn) -> list[tuple[Check, list[Status], list[str]]]:
    """Checks with what each will find; each may need any of those before it, and names nobody has."""
    ran: list[str] = []
    made = []
    for number in range(draw(st.integers(0, 8))):
        name = f"check-{number}"
        earlier = [f"check-{other}" for other in range(number)]
        needs = draw(st.lists(st.sampled_from([*earlier, "nobody"]), unique=True, max_size=3))
        statuses = draw(st.lists(st.sampled_from(STATUSES), max_size=3))

        async def run(name: str = name, statuses: Sequence[Status] = tuple(statuses)) -> list[Finding]:
            ran.append(name)
            return [Finding(name, status, "seen") for status in statuses]

        made.append((Check(name, run, tuple(needs)), statuses, ran))
    return made


@settings(max_examples=40)
@given(plans())
async def test_a_check_runs_exactly_where_all_that_it_needs_has_passed(
    plan: list[tuple[Check, list[Status], list[str]]],
) -> None:
    findings = await examine([check for check, _, _ in plan])
    ran = plan[0][2] if plan else []
    passed: dict[str, bool] = {}
    for check, statuses, _ in plan:
        may_run = all(passed.get(name, True) for name in check.needs)
        own = [one for one in findings if one.check == check.name]
        assert (check.name in ran) == may_run
        if may_run:
            assert [one.status for one in own] == statuses
            passed[check.name] = "failed" not in statuses and set(statuses) != {"not-run"}
        else:
            (told,) = own
            blamed = next(name for name in check.needs if not passed.get(name, True))
            assert told.status == "not-run"
            assert told.what.startswith(f"not looked at: {blamed} ")
            passed[check.name] = False
    assert ran == [check.name for check, _, _ in plan if check.name in ran], "in their order"


@given(st.lists(st.sampled_from(STATUSES)))
def test_one_failure_fails_a_check_and_only_nothing_at_all_leaves_it_undone(statuses: list[Status]) -> None:
    outcome = outcome_of(Finding("a", status, "") for status in statuses)

    assert (outcome == "failed") == ("failed" in statuses)
    assert (outcome == "not-run") == (set(statuses) == {"not-run"})


async def slow() -> list[Finding]:
    await asyncio.sleep(30)
    return []


async def quick() -> list[Finding]:
    return [ok("quick", "seen")]


async def test_a_check_that_takes_too_long_has_failed_and_the_next_one_runs() -> None:
    late, other = await examine([Check("slow", slow), Check("quick", quick)], within=0.02)

    assert (late.check, late.status) == ("slow", "failed")
    assert late.what.startswith("took longer than")
    assert late.remedy
    assert other.status == "ok"


async def test_all_of_them_end_in_the_time_that_there_is() -> None:
    checks = [Check("slow", slow), Check("quick", quick)]
    late, other = await examine(checks, altogether=0.02)

    assert (late.status, other.status) == ("failed", "not-run")
    assert "all the time there is" in other.what


async def test_a_check_that_breaks_is_told_without_what_its_exception_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken() -> list[Finding]:
        raise ValueError("a secret")

    (told,) = await examine([Check("broken", broken)])

    assert told.status == "failed"
    assert "ValueError" in told.what
    assert "a secret" not in told.what + told.remedy + caplog.text
    assert "check-broke" in caplog.text


async def test_a_fault_that_a_check_lets_out_is_its_failure() -> None:
    async def down() -> list[Finding]:
        raise Unavailable("storage is down", origin="storage")

    (told,) = await examine([Check("down", down)])

    assert (told.status, told.what) == ("failed", "storage is down")


@pytest.mark.parametrize(
    ("findings", "well"),
    [((), True), ((ok("a", ""), warning("a", "", "do")), True), ((failed("a", "", "do"),), False)],
)
def test_all_is_well_where_nothing_has_failed(findings: tuple[Finding, ...], well: bool) -> None:
    assert Report(datetime.now(UTC), findings).well is well


def test_a_report_comes_back_from_json_as_it_was() -> None:
    report = Report(
        datetime(2026, 11, 25, tzinfo=UTC), (failed("a", "x", "y", subject="z"), not_run("b", "w"))
    )
    document = report.as_json()

    assert document == {
        "well": False,
        "at": "2026-11-25T00:00:00+00:00",
        "findings": [
            {"check": "a", "status": "failed", "what": "x", "remedy": "y", "subject": "z"},
            {"check": "b", "status": "not-run", "what": "w", "remedy": "", "subject": ""},
        ],
    }
    assert report_of(json.dumps(document).encode()) == report


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"at": "x", "findings": []}', b"[" * 100_000])
def test_what_is_no_report_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match="no report of the doctor"):
        report_of(body)
