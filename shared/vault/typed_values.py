"""Making a value of an M-Files data type out of what the configuration or a template says."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from shared.vault.protocol import DataType

LONGEST_TEXT = 100
"""Characters that a Text property holds (developer.m-files.com, Vault structure)."""
_LARGEST_INTEGER = 2**31 - 1
_ELLIPSIS = "…"
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_GAPS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class NoFit(ValueError):
    """A value does not fit the data type. The message does not repeat it: it may be out of a mail."""


def one_line(text: str) -> str:
    """`text` on one line: gaps and control characters become single spaces."""
    return _GAPS.sub(" ", text).strip()


def cut(text: str) -> str:
    """`text` as a Text property can hold it: one line, longer ones cut at a word, with an ellipsis."""
    line = one_line(text)
    if _units(line) <= LONGEST_TEXT:
        return line
    kept = line[: LONGEST_TEXT - 1]
    while _units(kept) > LONGEST_TEXT - 1:
        kept = kept[:-1]
    at_word = kept.rsplit(" ", 1)[0]
    return (at_word if len(at_word) > LONGEST_TEXT // 2 else kept).rstrip() + _ELLIPSIS


def _units(text: str) -> int:
    """The length as M-Files counts it, being a .NET program: characters outside the BMP are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def typed(value: str | bool | int | float, data_type: int) -> str | bool | int | float:
    """`value` in the form that a property of `data_type` takes; text for a lookup, to be looked up.

    Raises NoFit.
    """
    text = str(value).lower() if isinstance(value, bool) else str(value)
    match data_type:
        case DataType.TEXT:
            return cut(text)
        case DataType.MULTI_LINE_TEXT:
            return _CONTROLS.sub(" ", _LINE_ENDS.sub("\r\n", text))
        case DataType.LOOKUP | DataType.MULTI_SELECT_LOOKUP:
            return one_line(text)
        case DataType.INTEGER:
            return _number(text, int)
        case DataType.FLOATING:
            return _number(text, float)
        case DataType.BOOLEAN:
            return _truth(text)
        case DataType.DATE:
            return _moment(text).date().isoformat()
        case DataType.TIMESTAMP:
            return f"{_moment(text).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
        case _:
            raise NoFit(f"properties of data type {data_type} cannot be filled in this version")


def _number(text: str, kind: type[int] | type[float]) -> int | float:
    try:
        number = kind(text.strip())
    except ValueError:
        raise NoFit("the value is not a number") from None
    if (kind is int and abs(number) > _LARGEST_INTEGER) or not math.isfinite(number):
        raise NoFit("the value is a larger number than the vault takes")
    return number


def _truth(text: str) -> bool:
    try:
        return _TRUTHS[text.strip().casefold()]
    except KeyError:
        raise NoFit("the value is neither true nor false") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise NoFit("the value is not a date or time in ISO 8601") from None
