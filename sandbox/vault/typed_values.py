"""Typed values as the web service sends them: fields and their order as recorded from a server of 2025.

The recording is `get-object-information` of codebar-ag/laravel-m-files.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import quote

from sandbox.vault.structure import DataType, PropertyDefinition, Structure
from sandbox.vault.values import LATEST, Value, names


def iso_second(moment: date) -> str:
    """A moment, or the midnight of a date, as it is sent: UTC, to the second."""
    return _moment(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def display(moment: datetime) -> str:
    """A moment as it is shown, to the minute."""
    return moment.strftime("%d.%m.%Y %H:%M")


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)


def _ticks(moment: datetime) -> str:
    """.NET ticks: units of 100 ns since year 1."""
    since = moment - datetime(1, 1, 1, tzinfo=UTC)
    return str((since.days * 86400 + since.seconds) * 10**7)


def typed_value(definition: PropertyDefinition, value: Value, structure: Structure) -> dict[str, Any]:
    """The value as the server sends it, fields in the recorded order."""
    shown = display_value(definition, value, structure)
    return {
        **_content(definition, value, structure),
        "HasValue": value is not None,
        "DisplayValue": shown,
        **({} if value is None else {"SerializedValue": _serialized(value)}),
        "DataType": int(definition.data_type),
        "SortingKey": _sorting_key(definition, value),
        "IsNumberSorting": definition.data_type.is_number and value is not None,
        "HasAutomaticPermission": False,
    }


def _content(definition: PropertyDefinition, value: Value, structure: Structure) -> dict[str, Any]:
    match definition.data_type, value:
        case _, None:
            return {}
        case DataType.LOOKUP, int(item):
            return {"Lookup": _sent_lookup(definition, item, structure)}
        case DataType.MULTI_SELECT_LOOKUP, tuple(items):
            return {"Lookups": [_sent_lookup(definition, item, structure) for item in items]}
        case _, date():
            return {"Value": iso_second(value)}
        case _, time():
            return {"Value": value.isoformat()}
        case _:
            return {"Value": value}


def _sent_lookup(definition: PropertyDefinition, item: int, structure: Structure) -> dict[str, Any]:
    return {
        "Item": item,
        "Version": LATEST,
        "Deleted": False,
        "DisplayValue": names(definition, item, structure)[0],
        "Hidden": False,
        "VersionType": 1,
        "ObjectType": definition.value_list,
        "ObjectFlags": 64,
    }


def display_value(definition: PropertyDefinition, value: Value, structure: Structure) -> str:
    """The value as it is shown; empty for none."""
    match value:
        case None:
            return ""
        case _ if definition.data_type.is_lookup:
            return "; ".join(names(definition, value, structure))
        case bool(flag):
            return "Yes" if flag else "No"
        case datetime():
            return display(value)
        case date():
            return value.strftime("%d.%m.%Y")
        case _:  # a time of day is in ISO format
            return str(value)


def _serialized(value: Value) -> str:
    match value:
        case date():
            return quote(iso_second(value).removesuffix("Z"), safe="")
        case tuple():
            return ",".join(str(item) for item in value)
        case _:
            return quote(str(value), safe="")


def _sorting_key(definition: PropertyDefinition, value: Value) -> str:
    match definition.data_type, value:
        case _, date():
            return _ticks(_moment(value))
        case DataType.INTEGER | DataType.FLOATING, int() | float():
            return str(value)
        case _:
            return ""
