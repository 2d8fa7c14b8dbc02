"""What each key of `mail-sources.toml` may hold, taken from the types in `shared.configuration`."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

Table = type[msgspec.Struct]


@dataclass(frozen=True)
class Form:
    """What a value must be: a `table`, a list of `tables`, a table of `properties`, or one thing of a kind.

    `holder` has it as its `value`: msgspec keeps what it knows of such a type, of others it begins anew.
    `choices` are the texts that it may be, `must` says what it must be, `check` names a further look.
    """

    holder: type[msgspec.Struct]
    table: Table | None = None
    tables: Table | None = None
    properties: bool = False
    choices: tuple[str, ...] = ()
    must: str = ""
    check: str = ""
    description: str = ""


@dataclass(frozen=True)
class Key:
    """A key of a table, and the attribute that holds its value."""

    attribute: str
    required: bool
    form: Form


@cache
def keys_of(table: Table) -> Mapping[str, Key]:
    """The keys of a table, by their names in the file."""
    hints = get_type_hints(table, include_extras=True)
    return {
        field.encode_name: Key(field.name, field.required, form_of(hints[field.name]))
        for field in msgspec.structs.fields(table)
    }


@cache
def required(table: Table) -> tuple[str, ...]:
    """The keys without which there is no such table."""
    return tuple(name for name, key in keys_of(table).items() if key.required)


def form_of(hint: Any) -> Form:
    """What a type, with its annotations, asks of a value."""
    bare, metas = _unwrapped(hint)
    extra: dict[str, str] = {}
    for meta in metas:
        extra.update(meta.extra or {})
    arguments = get_args(bare)
    if get_origin(bare) in (Union, types.UnionType):
        checks = (form_of(member).check for member in arguments)
        extra = {"check": next(filter(None, checks), ""), **extra}
    return Form(
        holder=msgspec.defstruct("Holder", [("value", Annotated[(bare, *metas)] if metas else bare)]),
        table=bare if _is_table(bare) else None,
        tables=arguments[0] if get_origin(bare) is tuple and _is_table(arguments[0]) else None,
        properties=get_origin(bare) is dict,
        choices=arguments if get_origin(bare) is Literal else (),
        must=extra.get("must", ""),
        check=extra.get("check", ""),
        description=next((meta.description for meta in reversed(metas) if meta.description), ""),
    )


def _unwrapped(hint: Any) -> tuple[Any, tuple[msgspec.Meta, ...]]:
    """A type without its annotations, and these. Without None, too: a key of TOML is missing, never null."""
    if get_origin(hint) is Annotated:
        inner, metas = _unwrapped(get_args(hint)[0])
        return inner, (*metas, *get_args(hint)[1:])
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, ()
    members = [member for member in get_args(hint) if member is not types.NoneType]
    return _unwrapped(members[0]) if len(members) == 1 else (Union[tuple(members)], ())  # noqa: UP007


def _is_table(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)
