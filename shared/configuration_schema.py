"""The JSON Schema of `mail-sources.toml`, made of its types: editors complete and check by it.

It refuses nothing that the reader takes: what may be inherited is not required there, and what stands between
values is the reader's alone (json-schema.org, draft 2020-12).
"""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from shared.configuration import (
    After,
    AttachmentDocument,
    Attachments,
    Configuration,
    Document,
    OnFailure,
    PropertyValue,
    Rule,
    Source,
    VaultSection,
)
from shared.configuration_inheritance import OF_ONE_SOURCE

DRAFT = "https://json-schema.org/draft/2020-12/schema"
TABLES: tuple[type[msgspec.Struct], ...] = (
    Configuration,
    VaultSection,
    Source,
    Document,
    PropertyValue,
    AttachmentDocument,
    Attachments,
    Rule,
    After,
    OnFailure,
)
"""Every kind of table that the file has."""
_MAY_BE_INHERITED = frozenset({"document", "class", "value"})
_NO_NULL = {"type": "null"}


def schema() -> dict[str, Any]:
    """The whole schema, as a value that JSON can write."""
    _, found = msgspec.json.schema_components(TABLES)
    tables = {table.__name__: _table(table, found[table.__name__]) for table in TABLES}
    whole = tables.pop(Configuration.__name__)
    tables["Defaults"] = _defaults(tables[Source.__name__])
    whole["properties"]["defaults"] = {"$ref": "#/$defs/Defaults"}
    return {"$schema": DRAFT, **whole, "title": "mail-sources.toml", "$defs": tables}


def _defaults(source: dict[str, Any]) -> dict[str, Any]:
    keys = {name: form for name, form in source["properties"].items() if name not in OF_ONE_SOURCE}
    described = "What every source has that does not say otherwise: tables are merged key by key."
    return {**_without(source, "required"), "title": "Defaults", "description": described, "properties": keys}


def _table(kind: type[msgspec.Struct], found: dict[str, Any]) -> dict[str, Any]:
    needed = [name for name in found.get("required", ()) if name not in _MAY_BE_INHERITED]
    table = {
        **_without(found, "required"),
        "description": _first_sentence(kind),
        "properties": {name: _value(form) for name, form in found["properties"].items()},
    }
    return {**table, "required": needed} if needed else table


def _value(form: Any) -> Any:
    """A form without what Python's types have and TOML has not."""
    if isinstance(form, list | tuple):
        return [_value(item) for item in form]
    if not isinstance(form, dict):
        return form
    found = {name: _value(item) for name, item in form.items()}
    if "pattern" in found:
        # Python's end of a text; elsewhere it is the dollar sign.
        found["pattern"] = found["pattern"].removesuffix(r"\Z") + "$"
    if _NO_NULL in found.get("anyOf", ()):
        found = _not_null(found)
    # A table's default is that of its keys; an empty text or list says no more than a missing one.
    says_nothing = isinstance(found.get("default"), dict) or found.get("default", "") in (None, "", [])
    return _without(found, "default") if says_nothing else found


def _not_null(form: dict[str, Any]) -> dict[str, Any]:
    others = [one for one in form["anyOf"] if one != _NO_NULL]
    rest = _without(form, "anyOf")
    return {**rest, **others[0]} if len(others) == 1 else {**rest, "anyOf": others}


def _without(form: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: item for name, item in form.items() if name != key}


def _first_sentence(kind: type[msgspec.Struct]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")
