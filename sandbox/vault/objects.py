"""Objects of the vault: what is kept, and what a reader outside the web service gets."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import TypeAlias

from sandbox.vault.structure import COMMENT, LAST_MODIFIED, SINGLE_FILE, ObjectClass, Structure
from sandbox.vault.typed_values import iso_second
from sandbox.vault.values import Value, names

FIRST_VERSION = 1

Key: TypeAlias = tuple[int, int]
"""Object type and id: ids count within one type."""


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
    """The latest version of one object. Values by property id, empty ones included."""

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
    external_id: str = ""
    master: bool = False
    """Whether the vault had it before anybody filed anything, as a customer."""
    modified: datetime | None = None
    """When the version was made; None: when the object was."""
    targets: frozenset[Key] = frozenset()
    """The objects that its lookups name."""
    sources: set[Key] = field(default_factory=set)
    """The objects whose lookups name it."""
    former: list[StoredObject] = field(default_factory=list)
    """Its former versions, the first one first."""
    latest: StoredObject | None = None
    """Of a former version: the latest one."""

    @property
    def key(self) -> Key:
        """Object type and id."""
        return self.type, self.id

    @property
    def title(self) -> str:
        """The value of the property that is the name in this class."""
        return str(self.values.get(self.object_class.name_property) or "")

    @property
    def single_file(self) -> bool:
        """Whether the object is one file."""
        return self.values.get(SINGLE_FILE) is True

    @property
    def display_id(self) -> str:
        """The id that is shown: the external one, where there is one."""
        return self.external_id or str(self.id)

    @property
    def changed(self) -> datetime:
        """When this version was made."""
        return self.modified or self.created

    @property
    def newest(self) -> StoredObject:
        """The latest version of the same object."""
        return self.latest or self

    @property
    def versions(self) -> list[StoredObject]:
        """All versions of the object, the latest one first."""
        return [self.newest, *reversed(self.newest.former)]

    def change(self, values: Mapping[int, Value], moment: datetime) -> None:
        """Make a new version with these values; the comment belongs to the version before.

        The file of a single-file document goes by the new title.
        """
        former = replace(self, values=dict(self.values), former=[], latest=self)
        self.former.append(former)
        kept = {number: value for number, value in self.values.items() if number != COMMENT}
        self.values = {**kept, **values, LAST_MODIFIED: moment.replace(microsecond=0)}
        self.version += 1
        self.modified = moment
        if self.single_file:
            self.files = (replace(self.files[0], title=self.title),)


Readable: TypeAlias = str | int | float | list[str] | None
"""Text, number, boolean, name of an item, names of items, ISO text for dates, times and timestamps."""


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
    if isinstance(value, date | time):
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
