"""Making a value of an M-Files data type out of what the configuration or a template says."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, tzinfo

from shared.vault.protocol import DataType

LONGEST_TEXT = 100
"""Characters that a Text property holds (developer.m-files.com, Vault structure)."""
_INTEGERS = range(-(2**31), 2**31)
_LONGEST_INTEGER = 11
_EARLIEST = 1601
"""The first year that a FILETIME has (learn.microsoft.com/windows/win32/api/minwinbase, FILETIME)."""
_ELLIPSIS = "…"
_TRUTHS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_GAPS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NO_CHARACTERS = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""What text of a mail can hold and no JSON or XML: halves of pairs, and two that are none."""
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOATING = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")


class NoFit(ValueError):
    """A value does not fit its property. The message does not repeat it: it may be out of a mail."""


class NoSuchItem(NoFit):
    """A lookup has no item, or no object, that the value names."""


def one_line(text: str) -> str:
    """`text` on one line: gaps and control characters become single spaces."""
    return _GAPS.sub(" ", _NO_CHARACTERS.sub("\ufffd", text)).strip()


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` as a Text property can hold it: one line, longer ones cut at a word, with an ellipsis."""
    line = one_line(text)
    if units(line) <= longest:
        return line
    kept = line[: longest - 1]
    while units(kept) > longest - 1:
        kept = kept[:-1]
    at_word = kept.rsplit(" ", 1)[0]
    return (at_word if len(at_word) > longest // 2 else kept).rstrip() + _ELLIPSIS


def units(text: str) -> int:
    """The length as M-Files counts it, being a .NET program: characters outside the BMP are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def typed(value: str | bool | int | float, data_type: int, zone: tzinfo = UTC) -> str | bool | int | float:
    """`value` in the form that a property of `data_type` takes; text for a lookup, to be looked up.

    Days and times of day are those in `zone`, and so is a moment that says no zone of its own.
    Raises NoFit.
    """
    text = str(value).lower() if isinstance(value, bool) else str(value)
    match data_type:
        case DataType.TEXT:
            return cut(text)
        case DataType.MULTI_LINE_TEXT:
            return _multi_line(text)
        case DataType.LOOKUP | DataType.MULTI_SELECT_LOOKUP:
            return one_line(text)
        case DataType.INTEGER:
            return _integer(text.strip())
        case DataType.FLOATING:
            return _floating(text.strip())
        case DataType.BOOLEAN:
            return _truth(text)
        case DataType.DATE:
            return _day(text.strip(), zone)
        case DataType.TIME:
            return _time(text.strip(), zone)
        case DataType.TIMESTAMP:
            return _timestamp(text.strip(), zone)
        case _:
            raise NoFit(f"properties of data type {data_type} cannot be filled")


def _multi_line(text: str) -> str:
    whole = _NO_CHARACTERS.sub("\ufffd", text)
    return _CONTROLS.sub(" ", _LINE_ENDS.sub("\r\n", whole))


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise NoFit("the value is not a whole number")
    # Its length first: Python refuses to read thousands of digits.
    digits = text.lstrip("+-").lstrip("0") or "0"
    number = int(digits) * (-1 if text.startswith("-") else 1) if len(digits) < _LONGEST_INTEGER else None
    if number is None or number not in _INTEGERS:
        raise NoFit("the value is a larger number than the vault takes")
    return number


def _floating(text: str) -> float:
    if not _FLOATING.fullmatch(text):
        raise NoFit("the value is not a number (with a decimal point, if it has a fraction)")
    number = float(text)
    if not math.isfinite(number):
        raise NoFit("the value is a larger number than the vault takes")
    return number


def _truth(text: str) -> bool:
    try:
        return _TRUTHS[text.strip().casefold()]
    except KeyError:
        raise NoFit("the value is neither true nor false") from None


def _day(text: str, zone: tzinfo) -> str:
    moment = _moment(text, zone)
    try:
        day = moment.astimezone(zone).date()
    except OverflowError:
        raise _out_of_range() from None
    return _in_range(day).isoformat()


def _time(text: str, zone: tzinfo) -> str:
    """Hours, minutes and seconds: of a text that is nothing else, or of a moment."""
    try:
        if _TIME.fullmatch(text):
            return time.fromisoformat(text).isoformat()
        if _DAY.fullmatch(text):
            raise NoFit("the value is a day without a time")
        return _moment(text, zone).astimezone(zone).time().isoformat(timespec="seconds")
    except (ValueError, OverflowError) as error:
        raise (error if isinstance(error, NoFit) else NoFit("the value is not a time of day")) from None


def _timestamp(text: str, zone: tzinfo) -> str:
    try:
        moment = _moment(text, zone).astimezone(UTC)
    except OverflowError:
        raise _out_of_range() from None
    _in_range(moment.date())
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NoFit("the value is not a date or time in ISO 8601") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _in_range(day: date) -> date:
    if day.year < _EARLIEST:
        raise _out_of_range()
    return day


def _out_of_range() -> NoFit:
    return NoFit("the value is a day that the vault cannot hold")
