"""Values in the form that each data type of M-Files takes."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.vault.example import example_structure
from sandbox.vault.structure import DataType as SandboxDataType
from sandbox.vault.structure import PropertyDefinition
from sandbox.vault.values import TypedValue as SentValue
from sandbox.vault.values import read_value
from shared.vault.protocol import DataType
from shared.vault.typed_values import LONGEST_TEXT, NoFit, cut, one_line, typed
from tests.shared.generated import zones

STRUCTURE = example_structure("svc-mail")
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
        (DataType.MULTI_LINE_TEXT, "a\ud83d\uffffb", "a\ufffd\ufffdb"),
        (DataType.TEXT, "a\udc00b", "a\ufffdb"),
        (DataType.LOOKUP, " Contoso\n Ltd ", "Contoso Ltd"),
        (DataType.MULTI_SELECT_LOOKUP, " Contoso;\n Fabrikam ", "Contoso; Fabrikam"),
        (DataType.INTEGER, " 42 ", 42),
        (DataType.INTEGER, -(2**31), -(2**31)),
        (DataType.INTEGER, "+007", 7),
        (DataType.INTEGER, "0" * 5000 + "7", 7),
        (DataType.INTEGER, 2**31 - 1, 2**31 - 1),
        (DataType.FLOATING, "-1.5e3", -1500.0),
        (DataType.FLOATING, 7, 7.0),
        (DataType.BOOLEAN, True, True),
        (DataType.BOOLEAN, " YES ", True),
        (DataType.BOOLEAN, 1, True),
        (DataType.BOOLEAN, "False", False),
        (DataType.BOOLEAN, "no", False),
        (DataType.BOOLEAN, "on", True),
        (DataType.BOOLEAN, "OFF", False),
        (DataType.BOOLEAN, 0, False),
        (DataType.DATE, MOMENT, "2026-11-24"),
        (DataType.DATE, "2026-11-24", "2026-11-24"),
        (DataType.DATE, "2026-11-24T23:30:00-05:00", "2026-11-25"),
        (DataType.DATE, "1601-01-01", "1601-01-01"),
        (DataType.TIME, "08:05", "08:05:00"),
        (DataType.TIME, " 23:59:59 ", "23:59:59"),
        (DataType.TIME, MOMENT, "16:37:44"),
        (DataType.TIME, "2026-11-24T16:37:44.9+02:00", "14:37:44"),
        (DataType.TIMESTAMP, f" {MOMENT} ", MOMENT),
        (DataType.TIMESTAMP, "2026-11-24T16:37:44.9356913Z", MOMENT),
        (DataType.TIMESTAMP, "2026-11-24T17:37:44+01:00", MOMENT),
        (DataType.TIMESTAMP, "2026-11-24", "2026-11-24T00:00:00Z"),
        (DataType.TIMESTAMP, "1601-01-01", "1601-01-01T00:00:00Z"),
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
        (DataType.INTEGER, "1_000"),
        (DataType.INTEGER, "\u0967\u0968"),
        (DataType.FLOATING, "1_0.5"),
        (DataType.FLOATING, "\u0661\u066b\u0665"),
        (DataType.FLOATING, "0x1p3"),
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
        (DataType.TIME, ""),
        (DataType.TIME, "24:00"),
        (DataType.TIME, "2026-11-24"),
        (DataType.TIME, "8:05"),
        (DataType.TIME, "08:05:00+02:00"),
        (DataType.TIME, "0001-01-01T00:00:00+14:00"),
        (DataType.DATE, "1600-12-31"),
        (DataType.TIMESTAMP, "1600-12-31T23:59:59Z"),
        (DataType.TIMESTAMP, "0001-01-01T00:00:00+14:00"),
        (DataType.TIMESTAMP, "9999-12-31T23:59:59-14:00"),
        (4, "x"),
        (11, "large"),
    ],
)
def test_what_does_not_fit_says_why_without_the_value(data_type: int, value: Any) -> None:
    with pytest.raises(NoFit) as caught:
        typed(value, data_type)
    assert str(value) == "" or len(str(value)) < 4 or str(value) not in str(caught.value)


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


@given(st.datetimes(datetime(1601, 1, 3), timezones=zones), st.sampled_from(["seconds", "microseconds"]))  # noqa: DTZ001
def test_times_are_given_in_utc(moment: datetime, precision: str) -> None:
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        return
    made = str(typed(moment.isoformat(timespec=precision), DataType.TIMESTAMP))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made)
    assert datetime.fromisoformat(made) == expected.replace(microsecond=0)
    assert typed(made, DataType.DATE) == made[:10]


@pytest.mark.parametrize(
    ("zone", "day", "time_of_day", "moment"),
    [
        ("Europe/Helsinki", "2026-11-25", "00:30:00", "2026-11-24T22:30:00Z"),
        ("America/New_York", "2026-11-24", "17:30:00", "2026-11-24T22:30:00Z"),
        ("UTC", "2026-11-24", "22:30:00", "2026-11-24T22:30:00Z"),
    ],
)
def test_days_and_times_of_day_are_those_of_the_source(
    zone: str, day: str, time_of_day: str, moment: str
) -> None:
    """A moment stays what it is; one that names no zone is in the source's own."""
    where = ZoneInfo(zone)

    assert typed(moment, DataType.DATE, where) == day
    assert typed(moment, DataType.TIME, where) == time_of_day
    assert typed(moment, DataType.TIMESTAMP, where) == moment
    assert typed(f"{day}T{time_of_day}", DataType.TIMESTAMP, where) == moment
    assert typed(day, DataType.DATE, where) == day
    assert typed(time_of_day, DataType.TIME, where) == time_of_day


@given(
    st.text() | st.text(st.characters(categories=["L", "M", "N", "P", "Cs", "Cc"]), max_size=150),
    st.sampled_from([one for one in DataType if one not in (DataType.LOOKUP, DataType.MULTI_SELECT_LOOKUP)]),
    st.sampled_from([ZoneInfo("UTC"), ZoneInfo("Pacific/Kiritimati"), ZoneInfo("America/New_York")]),
)
@example("9999-12-31T23:59:59", DataType.DATE, ZoneInfo("Pacific/Kiritimati"))
@example("9999-12-31T23:59:59Z", DataType.TIME, ZoneInfo("Pacific/Kiritimati"))
@example("1601-01-01T00:00:00", DataType.TIMESTAMP, ZoneInfo("Pacific/Kiritimati"))
@example("0001-01-01", DataType.TIMESTAMP, ZoneInfo("Pacific/Kiritimati"))
@example("1" * 400, DataType.FLOATING, ZoneInfo("UTC"))
def test_any_text_in_any_script_is_a_value_that_the_vault_takes_or_fits_not(
    text: str, data_type: DataType, zone: ZoneInfo
) -> None:
    """Judged by the sandbox's vault, which refuses what M-Files does."""
    try:
        made = typed(text, data_type, zone)
    except NoFit:
        return
    definition = PropertyDefinition(id=1300, name="Of any type", data_type=SandboxDataType(data_type))
    sent = msgspec.json.decode(json.dumps({"DataType": data_type, "Value": made}), type=SentValue)
    kept = read_value(definition, sent, STRUCTURE)
    if data_type is DataType.TEXT:
        assert (kept or "") == made


@given(st.integers(-(2**31), 2**31 - 1))
def test_whole_numbers_come_through(number: int) -> None:
    assert typed(number, DataType.INTEGER) == typed(str(number), DataType.INTEGER) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_through(number: float) -> None:
    assert typed(number, DataType.FLOATING) == number


@given(st.text() | st.integers() | st.floats() | st.booleans(), st.integers(0, 14))
def test_any_value_fits_or_does_not_but_breaks_nothing(value: Any, data_type: int) -> None:
    with suppress(NoFit):
        assert isinstance(typed(value, data_type), str | bool | int | float)
