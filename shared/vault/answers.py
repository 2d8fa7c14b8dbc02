"""What of the answers of M-Files' REST API the app uses (developer.m-files.com, REST API reference)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from shared.vault.protocol import VaultObject

_T = TypeVar("_T")


class Token(msgspec.Struct, rename="pascal"):
    """The answer to a log-in: also to one with a wrong password."""

    value: str

    def __repr__(self) -> str:
        return "Token()"


class Upload(msgspec.Struct):
    """A file that was sent and is not part of an object yet."""

    upload_id: int = msgspec.field(name="UploadID")
    size: int = msgspec.field(name="Size")


class UploadBegun(msgspec.Struct):
    """A file whose parts are to follow."""

    upload_id: int = msgspec.field(name="UploadID")


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
    title: str = ""
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
    account_name: str = msgspec.field(name="AccountName", default="")


class VaultOnServer(msgspec.Struct):
    """A vault that the server has for who is logged in."""

    name: str = msgspec.field(name="Name")
    guid: str = msgspec.field(name="GUID")


class PropertyDefinition(msgspec.Struct, rename="pascal"):
    """A property definition; `value_list` counts only where it is based on one.

    `automatic_value_type` is 0 where values are given (developer.m-files.com, MFAutomaticValueType).
    """

    id: int = msgspec.field(name="ID")
    name: str
    data_type: int
    value_list: int = -1
    based_on_value_list: bool = False
    automatic_value_type: int = 0


class ListType(msgspec.Struct, rename="pascal"):
    """An object type or a value list (ObjType). `owner` is the id of what owns the items of it.

    Servers send `has_owner` and `owner`, which the documentation leaves out: None where one does not.
    """

    id: int = msgspec.field(name="ID")
    name: str
    real_object_type: bool = False
    can_have_files: bool = False
    allow_adding: bool = True
    has_owner: bool | None = None
    owner: int = 0


class Named(msgspec.Struct, rename="pascal"):
    """A workflow, or a state of one."""

    id: int = msgspec.field(name="ID")
    name: str


class AssociatedProperty(msgspec.Struct, rename="pascal"):
    """A property of a class."""

    property_def: int
    required: bool = False


class ObjectClass(msgspec.Struct, rename="pascal"):
    """A class; `associated_property_defs` only where it was asked for alone."""

    id: int = msgspec.field(name="ID")
    name: str
    name_property_def: int = 0
    workflow: int = 0
    associated_property_defs: list[AssociatedProperty] = []


class Aliases(msgspec.Struct):
    """Ids by alias; -1 where an alias is unknown, or two things have it."""

    properties: dict[str, int] = {}
    classes: dict[str, int] = {}
    objecttypes: dict[str, int] = {}
    workflows: dict[str, int] = {}
    workflowstates: dict[str, int] = {}


class ValueListItem(msgspec.Struct, rename="pascal"):
    """An item of a value list; the shown id is the external one where it has one."""

    id: int = msgspec.field(name="ID")
    name: str
    display_id: str = msgspec.field(name="DisplayID", default="")
    has_owner: bool = False
    owner_id: int = msgspec.field(name="OwnerID", default=0)


class WebServiceError(msgspec.Struct):
    """An error of M-Files itself, in whichever shape it came."""

    name: str
    message: str
    is_logged_to_vault: bool
    is_logged_to_server: bool = False

    @classmethod
    def of(cls, answer: object) -> WebServiceError | None:
        """The error that an answer is; None for JSON of something else, such as a gateway before M-Files.

        By the documentation `Exception` may be missing, and `Stack` be a text or a list: nothing is read but
        what is needed, and of the wrong type is as good as missing.
        """
        found: Any = answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
        if not isinstance(found, dict) or not _OF_AN_ERROR & found.keys():
            return None
        inner = found.get("Exception")
        inner = inner if isinstance(inner, dict) else {}
        return cls(
            _text(found.get("ExceptionName")) or _text(inner.get("Name")),
            _text(found.get("Message")) or _text(inner.get("Message")),
            found.get("IsLoggedToVault") is True,
            found.get("IsLoggedToApplication") is True,
        )


_OF_AN_ERROR = {"Exception", "ExceptionName", "Message", "IsLoggedToVault", "Stack"}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _second(text: str | None) -> datetime | None:
    """A moment of UTC to the second; None for what is none: an object is not lost for that."""
    try:
        moment = datetime.fromisoformat(text or "")
        return (
            (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
        )
    except (ValueError, OverflowError):
        return None
