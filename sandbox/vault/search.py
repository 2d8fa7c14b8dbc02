"""Searches: `objects?o=0&p1301=value&d=include&limit=10`.

developer.m-files.com/APIs/REST-API/Reference/syntax, Search conditions. Quick search (`q`) is an index of its
own, `vl` searches value lists: both are refused, as is every operator that a data type has no order for.
Text is compared with its case: how the server's database compares it is unverified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from fnmatch import translate
from typing import Any, TypeAlias
from urllib.parse import unquote_plus

from sandbox.vault.errors import invalid
from sandbox.vault.objects import StoredObject
from sandbox.vault.structure import DataType, PropertyDefinition, Structure
from sandbox.vault.values import INTEGERS, Value, read_date, read_time, read_timestamp

DEFAULT_LIMIT = 500
NULL = "\0"

Condition: TypeAlias = Callable[[StoredObject], bool]

_CONDITION = re.compile(r"(?P<expression>[a-z]+)(?P<number>-?\d+)?(?P<negated>!?)(?P<operator>[<>*^]*)")
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<<": lambda value, wanted: value < wanted,
    "<": lambda value, wanted: value <= wanted,
    ">>": lambda value, wanted: value > wanted,
    ">": lambda value, wanted: value >= wanted,
}
_TEXT: dict[str, Callable[[str, str], bool]] = {
    "*": lambda value, wanted: wanted in value,
    "**": lambda value, wanted: wildcard(wanted).fullmatch(value) is not None,
    "^": lambda value, wanted: value.startswith(wanted),
}


class Deleted(Enum):
    """Which objects a search sees."""

    EXCLUDED = "false"
    ONLY = "true"
    INCLUDED = "include"


@dataclass(frozen=True)
class Search:
    """Conditions, all of which an object has to meet, and how many objects are sent (0: all)."""

    conditions: tuple[Condition, ...] = ()
    deleted: Deleted = Deleted.EXCLUDED
    limit: int = DEFAULT_LIMIT

    def find(self, objects: Iterable[StoredObject]) -> tuple[list[StoredObject], bool]:
        """The objects found, and whether there are more.

        The server promises no order: the newest comes first here, so that nobody relies on the oldest.
        """
        found = [stored for stored in objects if self._sees(stored)]
        found.reverse()
        if self.limit and len(found) > self.limit:
            return found[: self.limit], True
        return found, False

    def _sees(self, stored: StoredObject) -> bool:
        if self.deleted is Deleted.ONLY and not stored.deleted:
            return False
        if self.deleted is Deleted.EXCLUDED and stored.deleted:
            return False
        return all(condition(stored) for condition in self.conditions)


def wildcard(pattern: str) -> re.Pattern[str]:
    """`*` for any characters, `?` for one; brackets mean themselves."""
    return re.compile(translate(pattern.replace("[", "[[]")))


def read_limit(text: str) -> int:
    """The value of an option `limit`; 0 is no limit. Raises ServiceError (400)."""
    if not text.isascii() or not text.isdigit():
        raise invalid(f'"{text}" is not a limit.')
    return int(text)


def parse_search(query: str, structure: Structure) -> Search:
    """The search in the query of an address, still encoded.

    Raises ServiceError (400) for whatever is not understood: nothing is ignored.
    """
    conditions: list[Condition] = []
    once: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        key, text = _decoded(name), _decoded(value)
        if not equals:
            raise invalid(f'"{part}" is not a search condition.')
        if key in ("d", "limit"):
            if key in once:
                raise invalid(f"Option {key} is given twice.")
            once[key] = text
        else:
            conditions.append(_condition(key, text, structure))
    try:
        deleted = Deleted(once.get("d", Deleted.EXCLUDED.value))
    except ValueError:
        raise invalid(f'Option d cannot be "{once["d"]}".') from None
    return Search(tuple(conditions), deleted, read_limit(once.get("limit", str(DEFAULT_LIMIT))))


def _decoded(text: str) -> str:
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise invalid("The query is not UTF-8.") from None


def _condition(key: str, text: str, structure: Structure) -> Condition:
    match = _CONDITION.fullmatch(key)
    if match is None:
        raise invalid(f'"{key}" is not a search condition.')
    expression, number, operator = match["expression"], match["number"], match["operator"]
    if expression == "p" and number is not None:
        definition = structure.properties.get(int(number))
        if definition is None:
            raise invalid(f"There is no property {number}.")
        condition = _property_condition(definition, operator, text)
    elif expression == "o" and number is None and operator == "":
        condition = _type_condition(text, structure)
    else:
        raise invalid(f'Search condition "{key}" is not supported.')
    return _negated(condition) if match["negated"] else condition


def _negated(condition: Condition) -> Condition:
    return lambda stored: not condition(stored)


def _type_condition(text: str, structure: Structure) -> Condition:
    if text not in {str(number) for number in structure.object_types}:
        raise invalid(f'There is no object type "{text}".')
    return lambda stored: stored.type == int(text)


def _property_condition(definition: PropertyDefinition, operator: str, text: str) -> Condition:
    number = definition.id
    test = _test(definition, operator, text)
    return lambda stored: test(stored.values.get(number))


def _test(definition: PropertyDefinition, operator: str, text: str) -> Callable[[Value], bool]:
    if text == NULL and operator == "":
        return lambda value: value is None
    if not text or NULL in text:
        raise invalid(f"The condition on property {definition.id} has no value.")
    wanted = _wanted(definition, text)
    if operator == "":
        return _equals(definition, wanted)
    kind = definition.data_type
    comparison: Callable[[Any, Any], bool] | None = None
    if kind.is_text:
        comparison = _TEXT.get(operator)
    elif kind.is_number or kind in (DataType.DATE, DataType.TIME, DataType.TIMESTAMP):
        comparison = _ORDER.get(operator)
    if comparison is None:
        raise invalid(f'Property {definition.id} cannot be searched with "{operator}=".')
    return lambda value: value is not None and comparison(value, wanted)


def _equals(definition: PropertyDefinition, wanted: Any) -> Callable[[Value], bool]:
    if definition.data_type is DataType.MULTI_SELECT_LOOKUP:
        # Any of the items will do: developer.m-files.com/APIs/REST-API/Searching
        return lambda value: isinstance(value, tuple) and not wanted.isdisjoint(value)
    return lambda value: value == wanted


def _wanted(definition: PropertyDefinition, text: str) -> Any:
    match definition.data_type:
        case DataType.TEXT | DataType.MULTI_LINE_TEXT:
            return text
        case DataType.BOOLEAN:
            return _boolean(definition, text)
        case DataType.INTEGER | DataType.LOOKUP:
            return _integer(definition, text)
        case DataType.MULTI_SELECT_LOOKUP:
            return {_integer(definition, item) for item in text.split(",")}
        case DataType.FLOATING:
            return _real(definition, text)
        case DataType.DATE:
            return read_date(text)
        case DataType.TIME:
            return read_time(text)
        case DataType.TIMESTAMP:
            return _timestamp(text)


def _boolean(definition: PropertyDefinition, text: str) -> bool:
    if text not in ("true", "false"):
        raise invalid(f'Property {definition.id} cannot be "{text}".')
    return text == "true"


def _integer(definition: PropertyDefinition, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,10}", text) or int(text) not in INTEGERS:
        raise invalid(f'Property {definition.id} cannot be "{text}".')
    return int(text)


def _real(definition: PropertyDefinition, text: str) -> float:
    if not re.fullmatch(r"-?[0-9]{1,300}(\.[0-9]{1,300})?", text):
        raise invalid(f'Property {definition.id} cannot be "{text}".')
    return float(text)


def _timestamp(text: str) -> datetime:
    if "T" in text:
        return read_timestamp(text)
    day: date = read_date(text)
    return datetime.combine(day, time(), UTC)
