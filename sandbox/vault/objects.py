"""Objects of the vault: what is kept, and what a reader outside the web service gets."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TypeAlias

from sandbox.vault.structure import SINGLE_FILE, ObjectClass, Structure
from sandbox.vault.typed_values import iso_second
from sandbox.vault.values import Value, names

FIRST_VERSION = 1


def new_guid() -> str:
    """A GUID as M-Files writes it."""
    return f"{{{str(uuid.uuid4()).upper()}}}"


@dataclass(frozen=True)
class StoredFile:
    """One file of an object."""

    id: int
    title: str
    extension: str
    size: int
    sha256: str
    path: Path
    guid: str = field(default_factory=new_guid)


@dataclass
class StoredObject:
    """One object; without check-outs it stays at version 1. Values by property id, empty ones included."""

    type: int
    id: int
    object_class: ObjectClass
    created: datetime
    values: dict[int, Value]
    files: tuple[StoredFile, ...]
    deleted: bool = False
    guid: str = field(default_factory=new_guid)
    version: int = FIRST_VERSION
    hidden_from: int | None = None
    """The user who does not see it."""

    @property
    def title(self) -> str:
        """The value of the property that is the name in this class."""
        return str(self.values.get(self.object_class.name_property) or "")

    @property
    def single_file(self) -> bool:
        """Whether the object is one file."""
        return self.values.get(SINGLE_FILE) is True


Readable: TypeAlias = str | int | list[str] | None
"""Text, number, boolean, name of an item, names of items, ISO text for dates and timestamps."""


@dataclass(frozen=True)
class VaultProperty:
    """One property of an object, readable."""

    id: int
    name: str
    data_type: int
    value: Readable


@dataclass(frozen=True)
class VaultFile:
    """One file of an object: name in two parts, size in bytes, SHA-256, and where its bytes are."""

    title: str
    extension: str
    size: int
    sha256: str
    path: Path


@dataclass(frozen=True)
class VaultObject:
    """One object, as demo and tests read it; `created` is aware and exact to the microsecond."""

    type: int
    id: int
    version: int
    class_name: str
    title: str
    created: datetime
    deleted: bool
    properties: tuple[VaultProperty, ...]
    files: tuple[VaultFile, ...]

    @property
    def values(self) -> Mapping[str, Readable]:
        """The values by property name."""
        return {item.name: item.value for item in self.properties}


def _readable(structure: Structure, property_id: int, value: Value) -> Readable:
    definition = structure.properties[property_id]
    if value is not None and definition.data_type.is_lookup:
        chosen = names(definition, value, structure)
        return chosen if isinstance(value, tuple) else chosen[0]
    if isinstance(value, datetime):
        return iso_second(value)
    if isinstance(value, date):
        return value.isoformat()
    assert not isinstance(value, tuple)
    return value


def readable(stored: StoredObject, structure: Structure) -> VaultObject:
    """The object for a reader outside the web service."""
    properties = tuple(
        VaultProperty(
            number,
            structure.properties[number].name,
            int(structure.properties[number].data_type),
            _readable(structure, number, value),
        )
        for number, value in stored.values.items()
    )
    files = tuple(
        VaultFile(file.title, file.extension, file.size, file.sha256, file.path) for file in stored.files
    )
    return VaultObject(
        type=stored.type,
        id=stored.id,
        version=stored.version,
        class_name=stored.object_class.name,
        title=stored.title,
        created=stored.created,
        deleted=stored.deleted,
        properties=properties,
        files=files,
    )
