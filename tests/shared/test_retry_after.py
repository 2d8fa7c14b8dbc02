"""The header `Retry-After`, in every form."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.retry_after import retry_after

from .generated import any_text

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = 3600.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("soon", None),
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("2.128", 2.128),
        ("-5", 0.0),
        ("86400", HOUR),
        ("99999999999999999999", HOUR),
        ("1e300", HOUR),
        ("1e999", None),
        ("inf", None),
        ("-inf", None),
        ("nan", None),
        ("12 seconds", None),
        ("Tue, 24 Nov 2026 12:01:30 GMT", 90.0),
        ("Tue, 24 Nov 2026 12:01:30 -0000", 90.0),
        ("Tue, 24 Nov 2026 13:01:30 +0100", 90.0),
        ("Tuesday, 24-Nov-26 12:01:30 GMT", 90.0),
        ("Tue Nov 24 12:01:30 2026", 90.0),
        ("Tue, 24 Nov 2026 11:59:00 GMT", 0.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", HOUR),
        ("Fri, 31 Dec 9999 23:59:59 -2359", HOUR),
        ("Mon, 32 Jan 2026 00:00:00 GMT", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999999999", None),
        ("2026-11-24T12:01:30Z", None),
    ],
)
def test_what_a_value_asks_for(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(any_text | some.floats().map(str) | some.integers().map(str) | some.datetimes().map(str))
def test_no_value_at_all_raises_or_asks_for_more_than_a_day(value: str) -> None:
    seconds = retry_after(value, NOW)

    assert seconds is None or 0 <= seconds <= HOUR
