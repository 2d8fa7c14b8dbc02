"""Rows of tables as text that keeps the type of each column, as the Table service itself writes them.

A column whose type is not that of its JSON value says it in another: `"due@odata.type": "Edm.DateTime"`
(learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from azure.data.tables import EdmType, EntityProperty

_TYPE = "@odata.type"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def entity_in(text: str) -> dict[str, Any]:
    """The row in a sample, as the SDK takes it."""
    columns = json.loads(text)
    return {
        name: _value(value, columns.get(f"{name}{_TYPE}"))
        for name, value in columns.items()
        if not name.endswith(_TYPE)
    }


def text_of(entity: Mapping[str, Any]) -> str:
    """The sample of a row, as the SDK gives it; one column a line."""
    columns: dict[str, Any] = {}
    for name in sorted(entity):
        value, kind = _written(entity[name])
        if kind is not None:
            columns[f"{name}{_TYPE}"] = kind
        columns[name] = value
    return f"{json.dumps(columns, indent=2, ensure_ascii=False)}\n"


def _value(value: Any, kind: str | None) -> Any:
    match kind:
        case None:
            return value
        case "Edm.Binary":
            return b64decode(value)
        case "Edm.DateTime":
            return datetime.strptime(value, _TIME).replace(tzinfo=UTC)
        case "Edm.Int64":
            return EntityProperty(int(value), EdmType.INT64)
    raise ValueError(f"no sample has a column of type {kind}")


def _written(value: Any) -> tuple[Any, str | None]:
    match value:
        case bytes():
            return b64encode(value).decode(), "Edm.Binary"
        case datetime():
            return value.astimezone(UTC).strftime(_TIME), "Edm.DateTime"
        case EntityProperty(value=number, edm_type=EdmType.INT64):
            return str(number), "Edm.Int64"
        case bool() | int() | str():
            return value, None
    raise TypeError(f"no sample has a column of {type(value).__name__}")
