"""Whether a value agrees with a JSON Schema, of the words that ours uses (json-schema.org, draft 2020-12)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    # As Taplo has it: dates of TOML are texts to a schema.
    "string": (str, dt.date, dt.time),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
KNOWN = frozenset(
    {
        "$schema",
        "$defs",
        "$ref",
        "title",
        "description",
        "default",
        "type",
        "properties",
        "additionalProperties",
        "required",
        "items",
        "enum",
        "propertyNames",
        "minLength",
        "minItems",
        "minimum",
        "maximum",
        "pattern",
        "anyOf",
    }
)


def disagreements(
    value: Any, schema: Mapping[str, Any], whole: Mapping[str, Any], at: str = ""
) -> Iterator[str]:
    """Each place at which the value is not what the schema says. Words that are not known are refused."""
    assert schema.keys() <= KNOWN, schema.keys() - KNOWN
    if "$ref" in schema:
        yield from disagreements(value, whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], whole, at)
    if "anyOf" in schema and all(any(disagreements(value, one, whole)) for one in schema["anyOf"]):
        yield f"{at}: none of {len(schema['anyOf'])}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: not one of {schema['enum']}"
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{at}: no {schema['type']}"
    elif isinstance(value, dict):
        yield from _of_table(value, schema, whole, at)
    elif isinstance(value, list):
        yield from _of_list(value, schema, whole, at)
    else:
        yield from _of_one(value, schema, at)


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (not isinstance(value, bool) or kind == "boolean")


def _of_table(value: Any, schema: Mapping[str, Any], whole: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from (f"{at}.{name}: missing" for name in schema.get("required", ()) if name not in value)
    for name, item in value.items():
        form = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
        if form is False:
            yield f"{at}.{name}: unknown"
        else:
            yield from disagreements(item, form, whole, f"{at}.{name}")
        yield from disagreements(name, schema.get("propertyNames", {}), whole, f"{at}.{name}")


def _of_list(value: Any, schema: Mapping[str, Any], whole: Mapping[str, Any], at: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{at}: too few"
    for index, item in enumerate(value):
        yield from disagreements(item, schema.get("items", {}), whole, f"{at}[{index}]")


def _of_one(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        yield f"{at}: too short"
    # Of JavaScript and Rust, whose dollar sign is the end of the text.
    if isinstance(value, str) and not re.search(schema.get("pattern", "").replace("$", r"\Z"), value):
        yield f"{at}: not of the form"
    if not isinstance(value, int | float):
        return
    if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at}: out of range"
