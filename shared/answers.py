"""Reading a service's JSON into structs of ours, damaged text within it too."""

from __future__ import annotations

import json
from collections.abc import Set
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

from shared.log import Events

_T = TypeVar("_T")
_LONGEST_INTEGER = 20
"""Digits: a longer one is a number all the same, and fits nowhere."""


class Unreadable(ValueError):
    """An answer is not JSON of the form that was asked for. The message repeats nothing of it."""


class Lenient(msgspec.Struct):
    """What is readable in part: a field that is of another type than ours counts as absent, but for `id`.

    A field without a default is there whole, or the struct cannot be read.
    """


class _Unfit(Exception):
    """A value is of another type than that of its field."""


def decoded(body: bytes, kind: type[_T]) -> _T:
    """The JSON in `body` as a `kind`; numbers and truths may stand as text.

    Mail is damaged: half a surrogate pair, which JSON can carry and Unicode cannot, becomes a question
    mark rather than a mail that is never filed; so do fields of a wrong type count as absent where `Lenient`
    says so, and an event names them, once for an answer. Raises Unreadable.
    """
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = error
    absent: set[str] = set()
    try:
        answer = msgspec.convert(_fitting(_loaded(body), kind, absent), kind, strict=False)
    except (_Unfit, ValueError, RecursionError):
        raise Unreadable(type(fault).__name__) from None
    _tell(kind, absent)
    return answer


def _loaded(body: bytes) -> Any:
    """The JSON in `body`, its text without halves of surrogate pairs. Raises ValueError, RecursionError."""
    whole = json.dumps(_json(body.decode(errors="replace")), ensure_ascii=False)
    return _json(whole.encode(errors="replace").decode())


def _json(text: str) -> Any:
    return json.loads(text, parse_int=_number)


def _number(digits: str) -> int | float:
    # Python refuses to read an integer of more than 4,300 digits.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _fitting(data: Any, kind: Any, absent: set[str], path: str = "", *, is_lenient: bool = False) -> Any:
    """`data` without what does not fit `kind` and may be absent; `absent` gets the names. Raises _Unfit."""
    try:
        msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError:
        pass
    else:
        return data
    of = get_origin(kind) or kind
    if of in (Union, UnionType):
        members = [member for member in get_args(kind) if member is not NoneType]
        if len(members) == 1:
            return _fitting(data, members[0], absent, path, is_lenient=is_lenient)
    if of is list and isinstance(data, list):
        return _fitting_items(data, get_args(kind)[0], absent, path, is_lenient=is_lenient)
    if isinstance(of, type) and issubclass(of, msgspec.Struct) and isinstance(data, dict):
        return _fitting_fields(data, kind, absent, path, is_lenient=issubclass(of, Lenient))
    raise _Unfit


def _fitting_items(data: list[Any], kind: Any, absent: set[str], path: str, *, is_lenient: bool) -> list[Any]:
    """As `_fitting`. An item counts as absent within a lenient struct alone: a page that lacks one is cut."""
    items = []
    for item in data:
        try:
            items.append(_fitting(item, kind, absent, path, is_lenient=is_lenient))
        except _Unfit:
            if not is_lenient:
                raise
            absent.add(path)
    return items


def _fitting_fields(
    data: dict[str, Any], kind: Any, absent: set[str], path: str, *, is_lenient: bool
) -> dict[str, Any]:
    """As `_fitting`. What a lenient struct does not know is passed over without a word."""
    fields = {}
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        if name not in data:
            continue
        below = f"{path}.{name}" if path else name
        may_lack = is_lenient and not field.required and name != "id"
        try:
            fields[name] = _fitting(data[name], field.type, absent, below, is_lenient=may_lack)
        except _Unfit:
            if not may_lack:
                raise
            absent.add(below)
    return fields


def _tell(kind: object, absent: Set[str]) -> None:
    if absent:
        name = getattr(kind, "__name__", "") or str(kind)
        Events("answers").warning("fields-unreadable", kind=name, fields=",".join(sorted(absent)))
