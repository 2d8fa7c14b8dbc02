"""From tables of TOML to the values of `shared.configuration`: every fault is noted, where it was written."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from shared.configuration import PropertyValue
from shared.configuration_checks import CHECKS
from shared.configuration_forms import Fixed
from shared.configuration_inheritance import where
from shared.configuration_keys import Form, form_of, keys_of, required
from shared.configuration_places import Faults, Path
from shared.near_names import near

_T = TypeVar("_T", bound=msgspec.Struct)
_DATES = (dt.datetime, dt.date, dt.time)
_SINGLE = (str, bool, int, float, *_DATES)
_FIXED = form_of(Fixed)


class Reader:
    """Reads tables, and notes what is wrong in `faults`. What several sources share is read once."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._read: dict[tuple[int, Path, object], object] = {}
        self._ones: dict[Path, object] = {}

    def table(self, data: object, kind: type[_T], at: Path, *, partly: bool = False) -> _T | None:
        """`data` as a `kind`; None where something is wrong with it.

        Of a table that is read `partly`, keys may be missing that it must have: it gives no value.
        """
        if not isinstance(data, dict):
            self._faults.add(at, "must be a table.")
            return None
        known = (id(data), at, (kind, partly))
        if known not in self._read:
            self._read[known] = self._table(data, kind, at, partly)
        found = self._read[known]
        return found if isinstance(found, kind) else None

    def _table(self, data: Mapping[str, Any], kind: type[_T], at: Path, partly: bool) -> _T | None:
        keys, values, before = keys_of(kind), {}, self._faults.noted
        for name, value in data.items():
            key, place = keys.get(name), where(data, name, at)
            if key is None:
                self._faults.add(place, unknown(name, keys))
            else:
                values[key.attribute] = self._value(value, key.form, place, partly)
        for name in () if partly else required(kind):
            if name not in data:
                self._faults.add((*at, name), "is missing.")
        return kind(**values) if self._faults.noted == before and not partly else None

    def _value(self, value: object, form: Form, at: Path, partly: bool) -> object:
        if form.table is not None:
            return self.table(value, form.table, at, partly=partly)
        if form.tables is not None and isinstance(value, list) and value:
            every = [self.table(item, form.tables, (*at, index)) for index, item in enumerate(value)]
            return tuple(every)
        if form.properties and isinstance(value, dict):
            return self._properties(value, at, partly)
        return self._one(value, form, at)

    def _properties(self, data: Mapping[str, Any], at: Path, partly: bool) -> object:
        known = (id(data), at, partly)
        if known not in self._read:
            self._read[known] = {
                name: self._property(name, value, where(data, name, at), partly)
                for name, value in data.items()
            }
        return self._read[known]

    def _property(self, name: str, value: object, at: Path, partly: bool) -> object:
        if not name:
            self._faults.add(at, "has no name. Name the property by alias, name or id.")
        if isinstance(value, dict):
            return self.table(value, PropertyValue, at, partly=partly)
        return self._one(value, _FIXED, at)

    def _one(self, value: object, form: Form, at: Path) -> object:
        if at not in self._ones:
            wrong = _wrong(value, form, at)
            if wrong:
                self._faults.add(at, wrong)
            self._ones[at] = tuple(value) if isinstance(value, list) else value
        return self._ones[at]


def _wrong(value: object, form: Form, at: Path) -> str:
    if form.choices:
        is_one = isinstance(value, str) and value in form.choices
        return "" if is_one else f"must be {listed(form.choices)}."
    try:
        msgspec.convert({"value": value}, form.holder, builtin_types=_DATES)
    except msgspec.ValidationError as error:
        said = str(error).partition(" - at ")[0].replace("`", "'")
        return f"{form.must or said}.{_as_text(value) if form.must == _FIXED.must else ''}"
    if form.check != "date" and not isinstance(value, str):
        return ""  # a check of a union is one of its texts
    check = CHECKS.get(_check_at(form.check, at)) if form.check else None
    return check(value) if check is not None else ""


def _as_text(value: object) -> str:
    """How a property gets what TOML writes as a day, a time or a list: M-Files reads it out of a text."""
    several = value if isinstance(value, list) else [value]
    if not several or not all(isinstance(one, _SINGLE) for one in several):
        return ""
    text = "; ".join(str(one).lower() if isinstance(one, bool) else _plain(one) for one in several)
    return f" Write it as a text: {json.dumps(text, ensure_ascii=False)}."


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, _DATES) else str(value)


def _check_at(check: str, at: Path) -> str:
    """Templates of an attachment's document know more names than others."""
    is_of_attachment = check == "template" and ("document", "attachment") in pairwise(at)
    return "attachment-template" if is_of_attachment else check


def unknown(name: str, known: Iterable[str]) -> str:
    """What is said of a key that no table of its kind has."""
    meant = near(name, known)
    return f'is unknown. Did you mean "{meant}"?' if meant else f"is unknown. Known: {', '.join(known)}."


def listed(values: Iterable[object]) -> str:
    """Values as TOML writes them, with `or` between."""
    return " or ".join(_toml(value) for value in values)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
