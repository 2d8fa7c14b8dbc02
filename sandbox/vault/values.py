"""Values of properties: how they come in and how they are kept."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time
from typing import TypeAlias

from msgspec import Struct

from sandbox.vault.errors import invalid
from sandbox.vault.structure import DataType, PropertyDefinition, Structure

Value: TypeAlias = str | int | float | date | datetime | time | tuple[int, ...] | None
"""A kept value; a lookup is kept as the id of its item, a boolean as bool."""

TEXT_LENGTH = 100
LATEST = -1
EARLIEST_YEAR = 1601
INTEGERS = range(-(2**31), 2**31)

_LINE_END = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CONTROL_OR_LINE_END = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d\d:\d\d:\d\d")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:\d\d)")


class Lookup(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """An item of a value list, as a client names it."""

    item: int
    version: int | None = None
    deleted: bool | None = None
    display_value: str | None = None
    hidden: bool | None = None


class TypedValue(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """A value as a client sends it; the last four fields are the server's and mean nothing here."""

    data_type: int
    value: str | int | float | bool | None = None
    lookup: Lookup | None = None
    lookups: list[Lookup] | None = None
    has_value: bool | None = None
    display_value: str | None = None
    sorting_key: str | None = None
    serialized_value: str | None = None


def read_value(definition: PropertyDefinition, sent: TypedValue, structure: Structure) -> Value:
    """The value to keep; None for an empty one.

    Raises ServiceError (400) for another data type than the property's, and for what is no such value.
    """
    if sent.data_type != definition.data_type:
        raise invalid(
            f"Property {definition.id} has data type {int(definition.data_type)}, not {sent.data_type}."
        )
    if definition.data_type.is_lookup:
        return _read_lookups(definition, sent, structure)
    if sent.lookup is not None or sent.lookups is not None:
        raise invalid(f"Property {definition.id} is not a lookup.")
    if sent.value is None or sent.value == "":
        return None
    return _read_plain(definition, sent.value)


def _read_plain(definition: PropertyDefinition, value: str | float | bool) -> Value:
    match definition.data_type, value:
        case DataType.TEXT, str(text):
            return read_line(text, f"Property {definition.id}")
        case DataType.MULTI_LINE_TEXT, str(text):
            return _multi_line(definition, text)
        case DataType.BOOLEAN, bool(flag):
            return flag
        case DataType.INTEGER, int(number) if not isinstance(number, bool) and number in INTEGERS:
            return number
        case DataType.FLOATING, (int() | float()) as real if not isinstance(real, bool):
            return _real(definition, real)
        case DataType.DATE, str(text):
            return read_date(text)
        case DataType.TIME, str(text):
            return read_time(text)
        case DataType.TIMESTAMP, str(text):
            return read_timestamp(text)
        case _:
            raise invalid(f"Property {definition.id} cannot have this value.")


def _real(definition: PropertyDefinition, value: float) -> float:
    try:
        real = float(value)
    except OverflowError:
        real = math.inf
    if not math.isfinite(real):
        raise invalid(f"Property {definition.id} cannot have this value.")
    return real


def read_line(text: str, subject: str) -> str:
    """Text is one line of 100 characters; the rest is lost without a word.

    Characters are counted as .NET does, in UTF-16. What control characters do in a line is unverified: they
    are refused. userguide.m-files.com/user-guide/2018/eng/New_property_definition.html
    """
    if _CONTROL_OR_LINE_END.search(text):
        raise invalid(f"{subject} is a single line without control characters.")
    units = text.encode("utf-16-le")[: 2 * TEXT_LENGTH]
    return units.decode("utf-16-le", errors="ignore")


def _multi_line(definition: PropertyDefinition, text: str) -> str:
    if _CONTROL.search(text):
        raise invalid(f"Property {definition.id} has no control characters but tabs and line ends.")
    return _LINE_END.sub("\r\n", text)


def read_date(text: str) -> date:
    """A date as `yyyy-MM-dd`.

    Raises ServiceError (400).
    """
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or day.year < EARLIEST_YEAR:
        raise invalid(f'"{text}" is not a date.')
    return day


def read_time(text: str) -> time:
    """A time of day as `HH:mm:ss`.

    "ISO format string" is all that the documentation says (Reference/syntax, Typed values): a date, a zone
    and fractions are refused, which is unverified. Raises ServiceError (400).
    """
    try:
        if _TIME.fullmatch(text):
            return time.fromisoformat(text)
    except ValueError:
        pass
    raise invalid(f'"{text}" is not a time of day.')


def read_timestamp(text: str) -> datetime:
    """A moment in ISO format with a zone, kept to the second.

    Without a zone it would be anybody's guess, and a FILETIME begins in 1601: both are refused. Raises
    ServiceError (400).
    """
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC) if _TIMESTAMP.fullmatch(text) else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.year < EARLIEST_YEAR:
        raise invalid(f'"{text}" is not a timestamp with a zone.')
    return moment.replace(microsecond=0)


def _read_lookups(definition: PropertyDefinition, sent: TypedValue, structure: Structure) -> Value:
    single = definition.data_type is DataType.LOOKUP
    if sent.value is not None or (sent.lookups if single else sent.lookup) is not None:
        raise invalid(f"Property {definition.id} takes its value in {'Lookup' if single else 'Lookups'}.")
    if single:
        return None if sent.lookup is None else _item(definition, sent.lookup, structure)
    chosen = tuple(_item(definition, lookup, structure) for lookup in sent.lookups or ())
    if len(set(chosen)) != len(chosen):
        raise invalid(f"Property {definition.id} names an item twice.")
    return chosen or None


def _item(definition: PropertyDefinition, lookup: Lookup, structure: Structure) -> int:
    if lookup.version != LATEST:
        raise invalid(f"Lookup of property {definition.id}: version must be {LATEST}.")
    assert definition.value_list is not None
    if not structure.can_choose(definition.value_list, lookup.item):
        raise invalid(f"Lookup of property {definition.id}: there is no item {lookup.item}.")
    return lookup.item


def names(definition: PropertyDefinition, value: Value, structure: Structure) -> list[str]:
    """The names of the items that a lookup value chose."""
    assert definition.value_list is not None
    chosen = value if isinstance(value, tuple) else (value,)
    return [structure.item_name(definition.value_list, item) for item in chosen if isinstance(item, int)]
