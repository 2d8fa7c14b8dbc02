"""What of the answers of M-Files' REST API the app uses (developer.m-files.com, REST API reference)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec

from shared.vault.protocol import VaultObject

_T = TypeVar("_T")


class Token(msgspec.Struct, rename="pascal"):
    """The answer to a log-in: also to one with a wrong password."""

    value: str


class Upload(msgspec.Struct):
    """A file that was sent and is not part of an object yet."""

    upload_id: int = msgspec.field(name="UploadID")
    size: int = msgspec.field(name="Size")


class ObjVer(msgspec.Struct, rename="pascal"):
    """Type, id and version of an object."""

    type: int
    id: int = msgspec.field(name="ID")
    version: int


class ObjectFile(msgspec.Struct, rename="pascal"):
    """A file of an object."""

    size: int


class ObjectVersion(msgspec.Struct, rename="pascal"):
    """One version of an object."""

    obj_ver: ObjVer
    deleted: bool = False
    files: list[ObjectFile] | None = None
    created_utc: str | None = None
    visible_after_operation: bool = True

    def value(self, files: list[ObjectFile], *, visible: bool = True) -> VaultObject:
        """The same with its files, as the pipeline knows it."""
        version = self.obj_ver
        sizes = tuple(file.size for file in files)
        created = _second(self.created_utc)
        return VaultObject(
            version.type, version.id, version.version, self.deleted, sizes, created=created, visible=visible
        )


class Results(msgspec.Struct, Generic[_T], rename="pascal"):
    """A list that may have been cut."""

    items: list[_T] | None = None
    more_results: bool = False


class Lookup(msgspec.Struct, rename="pascal"):
    """The item that a lookup has chosen."""

    item: int
    display_value: str | None = None


class TypedValue(msgspec.Struct, rename="pascal"):
    """A value of a property, as far as it is a lookup."""

    lookup: Lookup | None = None


class ObjectProperty(msgspec.Struct, rename="pascal"):
    """A property of an object."""

    property_def: int
    typed_value: TypedValue


class SessionInfo(msgspec.Struct):
    """Who is logged in."""

    user_id: int | None = msgspec.field(name="UserID", default=None)


class PropertyDefinition(msgspec.Struct, rename="pascal"):
    """A property definition; `value_list` counts only where it is based on one."""

    id: int = msgspec.field(name="ID")
    name: str
    data_type: int
    value_list: int = -1
    based_on_value_list: bool = False


class AssociatedProperty(msgspec.Struct, rename="pascal"):
    """A property of a class."""

    property_def: int
    required: bool = False


class ObjectClass(msgspec.Struct, rename="pascal"):
    """A class; `associated_property_defs` only where it was asked for alone."""

    id: int = msgspec.field(name="ID")
    name: str
    name_property_def: int = 0
    associated_property_defs: list[AssociatedProperty] = []


class Aliases(msgspec.Struct):
    """Ids by alias; -1 where an alias is unknown, or two things have it."""

    properties: dict[str, int] = {}
    classes: dict[str, int] = {}


class ValueListItem(msgspec.Struct, rename="pascal"):
    """An item of a value list."""

    id: int = msgspec.field(name="ID")
    name: str


class WebServiceError(msgspec.Struct, rename="pascal"):
    """The body of an error; proxies and IIS send others."""

    exception_name: str = ""
    is_logged_to_vault: bool = False


def _second(text: str | None) -> datetime | None:
    """A moment of UTC to the second; None for what is none: an object is not lost for that."""
    try:
        moment = datetime.fromisoformat(text or "")
        return (
            (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
        )
    except (ValueError, OverflowError):
        return None
