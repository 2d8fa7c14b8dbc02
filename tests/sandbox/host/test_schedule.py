"""NCRONTAB expressions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sandbox.host.schedule import Schedule, ScheduleRefused

FRIDAY = datetime(2026, 11, 13, 10, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("0 */15 * * * *", datetime(2026, 11, 13, 10, 15, tzinfo=UTC)),
        ("*/15 * * * *", datetime(2026, 11, 13, 10, 15, tzinfo=UTC)),
        ("30 * * * * *", datetime(2026, 11, 13, 10, 8, 30, tzinfo=UTC)),
        ("*/10 * * * * *", datetime(2026, 11, 13, 10, 7, 40, tzinfo=UTC)),
        ("0 0 9-17 * * Mon-Fri", datetime(2026, 11, 13, 11, 0, tzinfo=UTC)),
        ("0 30 9 * Jan,Dec *", datetime(2026, 12, 1, 9, 30, tzinfo=UTC)),
        ("0 0 0 * * 0", datetime(2026, 11, 15, 0, 0, tzinfo=UTC)),
    ],
)
def test_an_expression_has_a_next_time(expression: str, due: datetime) -> None:
    assert Schedule.parse(expression).after(FRIDAY) == due


def test_day_and_day_of_week_must_both_fit() -> None:
    """Unlike cron, where one of them is enough."""
    assert Schedule.parse("0 0 0 13 * Fri").after(FRIDAY) == datetime(2027, 8, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * * *",
        "60 * * * * *",
        "0 0 0 * * 7",
        "0 0 0 L * *",
        "0 0 0 * * 5#2",
        "0 0 0 ? * *",
        "@hourly",
        "00:15:00",
        "0 0 0 * * Someday",
        "0 0 25 * * *",
    ],
)
def test_what_the_timer_trigger_does_not_take_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleRefused):
        Schedule.parse(expression)
