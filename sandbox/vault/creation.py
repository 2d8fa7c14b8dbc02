"""What a client asks for when it creates an object, and every reason to refuse it.

developer.m-files.com/APIs/REST-API/Creating-Objects and .../Reference/structs/objectcreationinfo
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from msgspec import field as wire

from sandbox.vault.automatic import automatic_values
from sandbox.vault.errors import invalid
from sandbox.vault.lookups import check_owners
from sandbox.vault.structure import (
    ADDITIONAL_CLASSES,
    CLASS,
    DOCUMENT,
    SINGLE_FILE,
    STATE,
    WORKFLOW,
    ObjectClass,
    Structure,
)
from sandbox.vault.uploads import Upload
from sandbox.vault.values import TypedValue, Value, read_value


class PropertyValue(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """One property with its value."""

    property_def: int
    typed_value: TypedValue


class UploadInfo(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """One upload that becomes a file of the object; the server fills in nothing of it."""

    upload_id: int = wire(name="UploadID")
    title: str | None = None
    extension: str | None = None
    size: int | None = None
    file_information_type: int | None = None


class ObjectCreationInfo(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """The body of a creation."""

    property_values: list[PropertyValue]
    files: list[UploadInfo] | None = None


@dataclass(frozen=True)
class PlannedFile:
    """An upload and the name it gets."""

    upload: Upload
    title: str
    extension: str


@dataclass(frozen=True)
class Plan:
    """An object that nothing speaks against."""

    object_class: ObjectClass
    values: dict[int, Value]
    files: tuple[PlannedFile, ...]


def plan(
    info: ObjectCreationInfo, object_type: int, structure: Structure, uploads: Mapping[int, Upload]
) -> Plan:
    """The object that `info` describes.

    Raises ServiceError (400) with the first reason found to refuse it.
    """
    values = _values(info, structure)
    object_class = _class(values, object_type, structure)
    classes = (object_class, *_additional_classes(values, object_class, structure))
    values |= automatic_values(classes, values, structure)
    for one in classes:
        for number in one.required:
            if values.get(number) is None:
                raise invalid(f"Property {number} must have a value in class {one.id}.")
    check_owners(values, structure)
    _check_workflow(values, structure)
    files = _files(info.files or [], uploads)
    _check_single_file(values, object_type, len(files), structure)
    if values.get(SINGLE_FILE) is True:
        # The file of a single-file document takes the object's title (COM API, Creating-Objects).
        title = str(values[object_class.name_property])
        files = (PlannedFile(files[0].upload, title, files[0].extension),)
    _check_names(files)
    return Plan(object_class, values, files)


def _values(info: ObjectCreationInfo, structure: Structure) -> dict[int, Value]:
    values: dict[int, Value] = {}
    for sent in info.property_values:
        definition = structure.properties.get(sent.property_def)
        if definition is None:
            raise invalid(f"There is no property {sent.property_def}.")
        if definition.kept_by_server:
            raise invalid(f"Property {definition.id} is kept by the server.")
        if definition.automatic:
            # Whether the server overwrites or refuses what a client sends for it is unverified.
            raise invalid(f"Property {definition.id} has an automatic value.")
        if definition.id in values:
            raise invalid(f"Property {definition.id} is given twice.")
        values[definition.id] = read_value(definition, sent.typed_value, structure)
    return values


def _class(values: Mapping[int, Value], object_type: int, structure: Structure) -> ObjectClass:
    number: Any = values.get(CLASS)
    if number is None:
        raise invalid(f"Property {CLASS} (class) must have a value.")
    object_class = structure.classes[number]
    if object_class.object_type != object_type:
        raise invalid(f"Class {number} is not a class of object type {object_type}.")
    return object_class


def _additional_classes(
    values: Mapping[int, Value], object_class: ObjectClass, structure: Structure
) -> list[ObjectClass]:
    """The classes of property 36: of the same object type, none of them the class; unverified, so strict."""
    numbers: Any = values.get(ADDITIONAL_CLASSES) or ()
    chosen = [structure.classes[number] for number in numbers]
    for one in chosen:
        if one.object_type != object_class.object_type:
            raise invalid(f"Class {one.id} is not a class of object type {object_class.object_type}.")
        if one == object_class:
            raise invalid(f"Class {one.id} is the class and an additional class.")
    return chosen


def _check_workflow(values: Mapping[int, Value], structure: Structure) -> None:
    number, state = values.get(WORKFLOW), values.get(STATE)
    if state is None:
        return
    if not isinstance(number, int):
        raise invalid("A state needs a workflow.")
    if state not in {item.id for item in structure.workflows[number].states}:
        raise invalid(f"State {state} is not a state of workflow {number}.")


def _check_single_file(
    values: Mapping[int, Value], object_type: int, files: int, structure: Structure
) -> None:
    """Property 22 decides between one file and many.

    The documentation lets it out of a creation with exactly one file; another client library is refused
    without it. It must be given here wherever the object type can have files.
    """
    single = values.get(SINGLE_FILE)
    if files and not structure.object_types[object_type].can_have_files:
        raise invalid(f"Objects of type {object_type} cannot have files.")
    if single is None and structure.object_types[object_type].can_have_files:
        raise invalid(f"Property {SINGLE_FILE} (single file) must have a value.")
    if single is True and (object_type != DOCUMENT or files != 1):
        raise invalid("A single-file document is of object type 0 and has exactly one file.")


def _files(infos: list[UploadInfo], uploads: Mapping[int, Upload]) -> tuple[PlannedFile, ...]:
    if len({info.upload_id for info in infos}) != len(infos):
        raise invalid("An upload is used twice.")
    return tuple(_file(info, uploads) for info in infos)


def _file(info: UploadInfo, uploads: Mapping[int, Upload]) -> PlannedFile:
    upload = uploads.get(info.upload_id)
    if upload is None:
        raise invalid(f"There is no upload {info.upload_id}.")
    if info.size != upload.size:
        raise invalid(f"Upload {info.upload_id} has {upload.size} bytes, not {info.size}.")
    extension = info.extension or ""
    if "." in extension:
        raise invalid(f"Upload {info.upload_id}: the extension stands without its dot.")
    # Without an extension the file is stored without one: nothing is taken from the upload.
    return PlannedFile(upload, info.title or "", extension)


def _check_names(files: tuple[PlannedFile, ...]) -> None:
    """Files of one object need different names. Case does not make names differ; unverified, so strict."""
    found: set[tuple[str, str]] = set()
    for file in files:
        name = (file.title.casefold(), file.extension.casefold())
        if not file.title:
            raise invalid(f"Upload {file.upload.number} has no title.")
        if name in found:
            raise invalid(f"Two files are named {file.title}.{file.extension}.")
        found.add(name)
