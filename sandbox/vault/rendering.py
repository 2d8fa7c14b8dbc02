"""Objects as the web service sends them: fields and their order as recorded from a server of 2025.

The order stands in the response of `create-single-file-document` of codebar-ag/laravel-m-files.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sandbox.vault.objects import StoredFile, StoredObject
from sandbox.vault.structure import CREATED, CREATED_BY, DELETED, DOCUMENT, Structure
from sandbox.vault.typed_values import display, iso_second, typed_value
from sandbox.vault.values import LATEST

NOT_CHECKED_OUT = datetime(1601, 1, 1, tzinfo=UTC)
LATEST_VERSION = 1
SPECIFIC_VERSION = 4
SPECIFIC_FILE_VERSION = 3
LAST_SENT = (CREATED, CREATED_BY, DELETED)
"""Built-in properties that were recorded after those of the class."""

_NOT_IN_FILE_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def escaped(name: str) -> str:
    """A name that a file system takes. Which character replaces the others is unverified."""
    return _NOT_IN_FILE_NAMES.sub("_", name)


def file_name(file: StoredFile) -> str:
    """Title and extension in one."""
    return f"{file.title}.{file.extension}" if file.extension else file.title


def object_file(file: StoredFile, created: datetime) -> dict[str, Any]:
    """One file of an object."""
    moment, shown = iso_second(created), display(created)
    return {
        "Name": file.title,
        "EscapedName": escaped(file_name(file)),
        "Extension": file.extension,
        "Size": file.size,
        "LastModified": moment,
        "ChangeTimeUtc": moment,
        "ChangeTime": moment,
        "CreatedUtc": moment,
        "CreatedDisplayValue": shown,
        "LastModifiedDisplayValue": shown,
        "FileGUID": file.guid,
        "ID": file.id,
        "Version": 1,
        "FileVersionType": SPECIFIC_FILE_VERSION,
    }


def object_files(stored: StoredObject) -> list[dict[str, Any]]:
    """The files of an object."""
    return [object_file(file, stored.created) for file in stored.files]


def _title_with_id(stored: StoredObject) -> str:
    number = stored.display_id if stored.type == DOCUMENT else f"{stored.type}-{stored.display_id}"
    ending = f".{stored.files[0].extension}" if stored.single_file and stored.files[0].extension else ""
    return escaped(f"{stored.title} (ID {number}){ending}")


def _path_in_id_view(stored: StoredObject) -> str:
    """Ids 0 to 999 were recorded below `0-999`, 1000 to 1999 below `1-1000`."""
    thousand = stored.id // 1000
    return f"{stored.type}\\{thousand}-{thousand + 999}\\{stored.id}\\S\\v{stored.version}"


def _object_version(stored: StoredObject) -> dict[str, Any]:
    """Flags of relationships go by the latest versions of the objects at both ends, which is unverified."""
    created, changed = iso_second(stored.created), iso_second(stored.changed)
    never = iso_second(NOT_CHECKED_OUT)
    newest = stored.newest
    return {
        "Title": stored.title,
        "EscapedTitleWithID": _title_with_id(stored),
        "DisplayID": stored.display_id,
        "ObjVer": {
            "Version": stored.version,
            "VersionType": SPECIFIC_VERSION,
            "ID": stored.id,
            "Type": stored.type,
        },
        "Class": stored.object_class.id,
        "CheckedOutAtUtc": never,
        "CheckedOutAt": never,
        "LastModifiedUtc": changed,
        "LastModified": changed,
        "ObjectCheckedOut": False,
        "ObjectCheckedOutToThisUser": False,
        "CheckedOutTo": 0,
        "SingleFile": stored.single_file,
        "HasRelationshipsFrom": bool(newest.targets),
        "HasRelationshipsTo": bool(stored.sources),
        "HasRelationshipsFromThis": bool(stored.targets),
        "HasRelationshipsToThis": bool(stored.sources),
        "HasAssignments": False,
        "Deleted": newest.deleted,
        "IsStub": False,
        "ThisVersionLatestToThisUser": stored is newest,
        "CreatedUtc": created,
        "Created": created,
        "Files": object_files(stored),
        "VisibleAfterOperation": stored.hidden_from is None,
        "PathInIDView": _path_in_id_view(stored),
        "LastModifiedDisplayValue": display(stored.changed),
        "CheckedOutAtDisplayValue": display(NOT_CHECKED_OUT),
        "CreatedDisplayValue": display(stored.created),
        "ObjectVersionFlags": 0,
        "Score": 0,
        "LastAccessedByMe": created,
        "AccessedByMeUtc": created,
        "AccessedByMe": created,
        "ObjectGUID": stored.guid,
        "ObjectCapabilityFlags": -1,
        "ObjectFlags": 68,
        "propertyID": 0,
        "LatestCheckedInVersion": newest.version,
    }


def object_version(stored: StoredObject) -> dict[str, Any]:
    """An ObjectVersion."""
    return {**_object_version(stored), "BaseProperties": []}


def object_version_with_properties(stored: StoredObject, structure: Structure) -> dict[str, Any]:
    """An ObjectVersion with `include=properties`."""
    return {
        **_object_version(stored),
        "Properties": object_properties(stored, structure),
        "BaseProperties": [],
    }


def object_properties(stored: StoredObject, structure: Structure) -> list[dict[str, Any]]:
    """The property values of an object; each value stands there twice, as recorded."""
    numbers = sorted(stored.values, key=lambda number: (number in LAST_SENT, number))
    return [property_value(number, stored, structure) for number in numbers]


def property_value(number: int, stored: StoredObject, structure: Structure) -> dict[str, Any]:
    """One property value of an object. Raises KeyError when it has none."""
    value = typed_value(structure.properties[number], stored.values[number], structure)
    return {
        "TypedValue": value,
        "Value": value,
        "PropertyDef": number,
        "ContentType": 0,
        "HasAutomaticPermission": False,
    }


def lookup(stored: StoredObject) -> dict[str, Any]:
    """An object as a lookup has it."""
    return {
        "Item": stored.id,
        "Version": LATEST,
        "Deleted": stored.deleted,
        "DisplayValue": stored.title,
        "Hidden": False,
        "VersionType": LATEST_VERSION,
        "ObjectType": stored.type,
        "ObjectFlags": 64,
    }
