"""Values in the form that each data type of M-Files takes."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vault.protocol import DataType
from shared.vault.typed_values import LONGEST_TEXT, NoFit, cut, one_line, typed
from tests.shared.generated import zones

MOMENT = "2026-11-24T16:37:44Z"


@pytest.mark.parametrize(
    ("data_type", "value", "fitting"),
    [
        (DataType.TEXT, " a \r\n\t b\x00\x1b\x85\u2028c ", "a b c"),
        (DataType.TEXT, "", ""),
        (DataType.TEXT, True, "true"),
        (DataType.TEXT, 12.5, "12.5"),
        (DataType.MULTI_LINE_TEXT, "a\nb\rc\r\nd", "a\r\nb\r\nc\r\nd"),
        (DataType.MULTI_LINE_TEXT, "a\tb\x00\x0b\x1bc", "a\tb   c"),
        (DataType.LOOKUP, " Contoso\n Ltd ", "Contoso Ltd"),
        (DataType.MULTI_SELECT_LOOKUP, " Contoso;\n Fabrikam ", "Contoso; Fabrikam"),
        (DataType.INTEGER, " 42 ", 42),
        (DataType.INTEGER, -(2**31) + 1, -(2**31) + 1),
        (DataType.INTEGER, 2**31 - 1, 2**31 - 1),
        (DataType.FLOATING, "-1.5e3", -1500.0),
        (DataType.FLOATING, 7, 7.0),
        (DataType.BOOLEAN, True, True),
        (DataType.BOOLEAN, " YES ", True),
        (DataType.BOOLEAN, 1, True),
        (DataType.BOOLEAN, "False", False),
        (DataType.BOOLEAN, "no", False),
        (DataType.BOOLEAN, 0, False),
        (DataType.DATE, MOMENT, "2026-11-24"),
        (DataType.DATE, "2026-11-24", "2026-11-24"),
        (DataType.DATE, "2026-11-24T23:30:00-05:00", "2026-11-25"),
        (DataType.DATE, "0001-01-02", "0001-01-02"),
        (DataType.TIMESTAMP, f" {MOMENT} ", MOMENT),
        (DataType.TIMESTAMP, "2026-11-24T16:37:44.9356913Z", MOMENT),
        (DataType.TIMESTAMP, "2026-11-24T17:37:44+01:00", MOMENT),
        (DataType.TIMESTAMP, "2026-11-24", "2026-11-24T00:00:00Z"),
        (DataType.TIMESTAMP, "0999-11-24", "0999-11-24T00:00:00Z"),
    ],
)
def test_a_value_is_brought_into_form(data_type: DataType, value: Any, fitting: Any) -> None:
    made = typed(value, data_type)
    assert made == fitting
    assert type(made) is type(fitting)


@pytest.mark.parametrize(
    ("data_type", "value"),
    [
        (DataType.INTEGER, ""),
        (DataType.INTEGER, "1.5"),
        (DataType.INTEGER, "secret"),
        (DataType.INTEGER, 2**31),
        (DataType.INTEGER, "1" + "0" * 400),
        (DataType.INTEGER, "9" * 5000),
        (DataType.FLOATING, "1,5"),
        (DataType.FLOATING, "inf"),
        (DataType.FLOATING, "nan"),
        (DataType.FLOATING, "1e999"),
        (DataType.BOOLEAN, ""),
        (DataType.BOOLEAN, "2"),
        (DataType.BOOLEAN, "maybe"),
        (DataType.DATE, "24.11.2026"),
        (DataType.DATE, "2026-13-01"),
        (DataType.DATE, ""),
        (DataType.TIMESTAMP, "0001-01-01T00:00:00+14:00"),
        (DataType.TIMESTAMP, "9999-12-31T23:59:59-14:00"),
        (4, "x"),
        (11, "large"),
    ],
)
def test_what_does_not_fit_says_why_without_the_value(data_type: int, value: Any) -> None:
    with pytest.raises(NoFit) as caught:
        typed(value, data_type)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 99 + "…"),
        ("word " * 20, ("word " * 20).strip()),
        ("word " * 21, ("word " * 20).strip()[:94] + "…"),
        ("a " + "x" * 200, "a " + "x" * 97 + "…"),
    ],
)
def test_a_text_is_cut_at_a_word_where_one_is_near(text: str, short: str) -> None:
    assert cut(text) == short


@given(st.text(max_size=400) | st.text(st.sampled_from("ab \U0001f600\u0301…"), min_size=90, max_size=220))
def test_a_text_property_never_holds_more_than_it_can(text: str) -> None:
    """Counted as the server counts: a character beyond the first plane is two."""
    short = cut(text)
    assert len(short.encode("utf-16-le", "surrogatepass")) // 2 <= LONGEST_TEXT
    assert len(short.splitlines()) <= 1
    assert cut(short) == short
    line = one_line(text)
    assert short == line or (short.endswith("…") and line.startswith(short[:-1]))


@given(st.text())
def test_one_line_has_no_gaps_and_no_controls(text: str) -> None:
    line = one_line(text)
    assert not re.search(r"  |[\x00-\x1f\x7f-\x9f\u2028\u2029]", line)
    assert line == line.strip()
    assert one_line(line) == line


@given(st.text() | st.text(st.sampled_from("a\r\n\t\x00 "), max_size=20))
def test_multi_line_texts_have_the_line_ends_of_windows(text: str) -> None:
    made = str(typed(text, DataType.MULTI_LINE_TEXT))
    assert re.sub("\r\n", "", made) == re.sub("[\r\n]", "", made)
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", made)
    assert typed(made, DataType.MULTI_LINE_TEXT) == made
    assert made.count("\r\n") == len(re.findall("\r\n|\r|\n", text))


@given(st.datetimes(timezones=zones), st.sampled_from(["seconds", "microseconds"]))
def test_times_are_given_in_utc(moment: datetime, precision: str) -> None:
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        return
    made = str(typed(moment.isoformat(timespec=precision), DataType.TIMESTAMP))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made)
    assert datetime.fromisoformat(made) == expected.replace(microsecond=0)
    assert typed(made, DataType.DATE) == made[:10]


@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_whole_numbers_come_through(number: int) -> None:
    assert typed(number, DataType.INTEGER) == typed(str(number), DataType.INTEGER) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_through(number: float) -> None:
    assert typed(number, DataType.FLOATING) == number


@given(st.text() | st.integers() | st.floats() | st.booleans(), st.integers(0, 14))
def test_any_value_fits_or_does_not_but_breaks_nothing(value: Any, data_type: int) -> None:
    with suppress(NoFit):
        assert isinstance(typed(value, data_type), str | bool | int | float)
