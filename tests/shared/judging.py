"""What the sandbox's vault says to an object that was planned, sent as the app's client sends it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from sandbox.vault import creation
from sandbox.vault.structure import (
    CLASS,
    CLASS_LIST,
    SINGLE_FILE,
    STATE,
    STATE_LIST,
    WORKFLOW,
    WORKFLOW_LIST,
    DataType,
    ObjectClass,
    ObjectType,
    PropertyDefinition,
    State,
    Structure,
    ValueList,
    Workflow,
)
from sandbox.vault.uploads import Upload
from sandbox.vault.values import Value
from shared.plan import PlannedFile
from shared.vault.creation import creation_info
from shared.vault.protocol import DOCUMENT, NewObject

from .memory_structure import OBJECT_TYPES, STATES, TITLE, WORKFLOWS, MemoryStructure


@dataclass(frozen=True)
class _Objects:
    """What lookups to real objects can choose."""

    vault: MemoryStructure

    def title(self, object_type: int, number: int) -> str | None:
        return self.vault.objects.get(object_type, {}).get(number, {}).get(TITLE)

    def is_live(self, object_type: int, number: int) -> bool:
        return self.title(object_type, number) is not None


def values_taken(new: NewObject, files: tuple[PlannedFile, ...], vault: MemoryStructure) -> dict[int, Value]:
    """What the vault keeps of an object with these files. Raises ServiceError where it refuses it."""
    uploads = {number: Upload(number, Path(), file.size, sha256="") for number, file in enumerate(files, 1)}
    infos = [
        {"UploadID": number, "Title": file.title, "Extension": file.extension, "Size": file.size}
        for number, file in enumerate(files, 1)
    ]
    body = creation_info(new, infos, can_have_files=True)
    sent = httpx.Request("POST", "https://vault.example/REST/objects/0", json=body).content
    info = msgspec.json.decode(sent, type=creation.ObjectCreationInfo)
    return creation.plan(info, DOCUMENT, _structure_of(vault), uploads).values


def _structure_of(vault: MemoryStructure) -> Structure:
    known = {one.id: one for one in (*vault.properties.values(), *vault.built_ins.values())}
    properties = [
        PropertyDefinition(
            id=one.id, name=one.name, data_type=DataType(one.data_type), value_list=one.value_list
        )
        for one in known.values()
        if one.data_type in set(DataType) and not one.is_automatic
    ]
    return Structure(
        object_types={
            one.id: ObjectType(id=one.id, name=one.name, plural=one.name, can_have_files=one.can_have_files)
            for one in OBJECT_TYPES.values()
        },
        classes={
            one.id: ObjectClass(
                id=one.id,
                name=one.name,
                object_type=one.object_type,
                name_property=one.name_property,
                required=tuple(sorted(one.required)),
            )
            for one in vault.classes.values()
        },
        properties={one.id: one for one in (*properties, *_of_every_vault())},
        value_lists={number: _list_of(vault, number) for number in vault.items},
        workflows={
            one.id: Workflow(
                id=one.id,
                name=one.name,
                states=tuple(State(id=state.id, name=state.name) for state in STATES[one.id].values()),
            )
            for one in WORKFLOWS.values()
        },
        objects=_Objects(vault),
    )


def _of_every_vault() -> list[PropertyDefinition]:
    return [
        PropertyDefinition(id=CLASS, name="Class", data_type=DataType.LOOKUP, value_list=CLASS_LIST),
        PropertyDefinition(id=SINGLE_FILE, name="Single file", data_type=DataType.BOOLEAN),
        PropertyDefinition(id=WORKFLOW, name="Workflow", data_type=DataType.LOOKUP, value_list=WORKFLOW_LIST),
        PropertyDefinition(id=STATE, name="State", data_type=DataType.LOOKUP, value_list=STATE_LIST),
    ]


def _list_of(vault: MemoryStructure, number: int) -> ValueList:
    items = vault.items[number]
    return ValueList(
        id=number,
        name=str(number),
        plural=str(number),
        items={one.id: one.name for one in items},
        owner=vault.owners.get(number),
        owners={one.id: one.owner for one in items if one.owner is not None},
    )
