"""Addresses of the vault's structure. Fields: developer.m-files.com/APIs/REST-API/Reference/structs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aiohttp import web

from sandbox.vault.dispatch import Call, Route
from sandbox.vault.errors import ServiceError, invalid, json_response, not_found
from sandbox.vault.structure import (
    NAME_OR_TITLE,
    ObjectClass,
    ObjectType,
    PropertyDefinition,
    ValueList,
    Workflow,
)

NONE = 0
CALCULATED_WITH_PLACEHOLDERS = 1
KINDS = (
    "properties",
    "objecttypes",
    "classes",
    "workflows",
    "workflowstates",
    "statetransitions",
    "valuelists",
)


def _list_type(element: ObjectType | ValueList) -> dict[str, Any]:
    """An ObjType: object types and value lists are described alike.

    `HasOwner` and `Owner` are not documented; servers send them, as answers show that users of the service
    have published.
    """
    real = isinstance(element, ObjectType)
    owner = element.owner if isinstance(element, ValueList) else None
    return {
        "AllowAdding": not isinstance(element, ValueList) or element.allow_adding,
        "CanHaveFiles": isinstance(element, ObjectType) and element.can_have_files,
        "DefaultPropertyDef": NONE,
        "External": False,
        "HasOwner": owner is not None,
        "ID": element.id,
        "NamePlural": element.plural,
        "Name": element.name,
        "Owner": NONE if owner is None else owner,
        "OwnerPropertyDef": NONE,
        "ReadOnlyPropertiesDuringInsert": [],
        "ReadOnlyPropertiesDuringUpdate": [],
        "RealObjectType": real,
    }


def _class(element: ObjectClass) -> dict[str, Any]:
    return {
        "ID": element.id,
        "Name": element.name,
        "NamePropertyDef": element.name_property,
        "Workflow": NONE,
    }


def _property(element: PropertyDefinition) -> dict[str, Any]:
    return {
        "AllObjectTypes": True,
        "AutomaticValue": element.automatic,
        "AutomaticValueType": CALCULATED_WITH_PLACEHOLDERS if element.automatic else NONE,
        "BasedOnValueList": element.value_list is not None,
        "DataType": int(element.data_type),
        "ID": element.id,
        "Name": element.name,
        "ObjectType": NAME_OR_TITLE,
        "ValueList": element.value_list or NONE,
    }


def _workflow(element: Workflow) -> dict[str, Any]:
    return {"ID": element.id, "Name": element.name, "ObjectClass": NONE}


async def object_types(call: Call) -> web.StreamResponse:
    """All object types."""
    return json_response([_list_type(element) for element in call.vault.structure.object_types.values()])


async def classes(call: Call) -> web.StreamResponse:
    """All classes, or those of one object type."""
    elements = call.vault.structure.classes.values()
    wanted = call.options.get("objtype")
    if wanted is None:
        return json_response([_class(element) for element in elements])
    if wanted not in {str(number) for number in call.vault.structure.object_types}:
        raise invalid(f'There is no object type "{wanted}".')
    return json_response([_class(element) for element in elements if element.object_type == int(wanted)])


async def one_class(call: Call) -> web.StreamResponse:
    """One class with its properties; no class of the example vault has templates."""
    element = call.vault.structure.classes.get(call.number("id"))
    if element is None:
        raise not_found()
    if call.options.get("include", "templates") != "templates":
        raise invalid("Parameter include is templates.")
    associated = [(number, True) for number in element.required]
    associated += [(number, False) for number in element.optional]
    body = {
        **_class(element),
        "AssociatedPropertyDefs": [
            {"PropertyDef": number, "Required": required} for number, required in associated
        ],
    }
    return json_response(body | ({"Templates": []} if call.options else {}))


async def properties(call: Call) -> web.StreamResponse:
    """All property definitions."""
    return json_response([_property(element) for element in call.vault.structure.properties.values()])


async def one_property(call: Call) -> web.StreamResponse:
    """One property definition."""
    element = call.vault.structure.properties.get(call.number("id"))
    if element is None:
        raise not_found()
    return json_response(_property(element))


async def value_lists(call: Call) -> web.StreamResponse:
    """All value lists."""
    return json_response([_list_type(element) for element in call.vault.structure.value_lists.values()])


async def workflows(call: Call) -> web.StreamResponse:
    """All workflows."""
    return json_response([_workflow(element) for element in call.vault.structure.workflows.values()])


async def workflow_states(call: Call) -> web.StreamResponse:
    """The states of one workflow."""
    workflow = call.vault.structure.workflows.get(call.number("id"))
    if workflow is None:
        raise not_found()
    states = [{"Name": state.name, "ID": state.id, "Selectable": True} for state in workflow.states]
    return json_response(states)


async def ids_by_aliases(call: Call) -> web.StreamResponse:
    """The ids behind aliases of several kinds; a kind without aliases is left out of the answer.

    The text of the error, mistake included, is the documented one.
    """
    try:
        asked = await call.body(dict[str, list[str]])
    except ServiceError:
        asked = {"": []}
    if not asked.keys() <= set(KINDS):
        raise ServiceError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "Exception",
            "The JSON part of hte API call contains one or more errors",
        )
    resolve = call.vault.structure.resolve
    return json_response(
        {
            kind: {alias: resolve(kind, alias) for alias in aliases}
            for kind, aliases in asked.items()
            if aliases
        }
    )


async def ids_of_kind(call: Call) -> web.StreamResponse:
    """The ids behind aliases of one kind."""
    kind = _kind(call)
    aliases = await call.body(list[str])
    return json_response({alias: call.vault.structure.resolve(kind, alias) for alias in aliases})


async def id_of_kind(call: Call) -> web.StreamResponse:
    """The id behind one alias, a bare number."""
    return json_response(call.vault.structure.resolve(_kind(call), call.arguments["alias"]))


def _kind(call: Call) -> str:
    kind = call.arguments["kind"]
    if kind not in KINDS:
        raise not_found()
    return kind


ROUTES = (
    Route("GET", "structure/objecttypes", object_types),
    Route("GET", "structure/classes", classes, options=frozenset({"objtype"})),
    Route("GET", "structure/classes/{id}", one_class, options=frozenset({"include"})),
    Route("GET", "structure/properties", properties),
    Route("GET", "structure/properties/{id}", one_property),
    Route("GET", "structure/workflows", workflows),
    Route("GET", "structure/workflows/{id}/states", workflow_states),
    Route("GET", "valuelists", value_lists),
    Route("POST", "structure/metadatastructure/itemidbyalias", ids_by_aliases),
    Route("POST", "structure/{kind}/itemidbyalias", ids_of_kind),
    Route("GET", "structure/{kind}/itemidbyalias/{alias}", id_of_kind),
)
