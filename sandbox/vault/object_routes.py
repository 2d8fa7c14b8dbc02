"""Addresses of objects: create, search, read, mark deleted."""

from __future__ import annotations

import asyncio

from aiohttp import web
from msgspec import Struct

from sandbox.vault.creation import ObjectCreationInfo
from sandbox.vault.dispatch import Call, Route
from sandbox.vault.errors import access_denied, automatic_title, invalid, json_response, not_found
from sandbox.vault.objects import StoredObject
from sandbox.vault.rendering import (
    object_files,
    object_properties,
    object_version,
    object_version_with_properties,
    property_value,
)
from sandbox.vault.search import parse_search
from sandbox.vault.structure import COMMENT
from sandbox.vault.values import TypedValue, read_line, read_value

LATEST = "latest"


class Flag(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """A PrimitiveType<bool>."""

    value: bool


class Text(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """A PrimitiveType<string>."""

    value: str


def named_object(call: Call) -> StoredObject:
    """The object that an address names, by its id or its external one. Raises ServiceError (404)."""
    return call.vault.get(call.session, call.number("type"), call.object_reference())


def object_of(call: Call) -> StoredObject:
    """The object version that an address names: `latest` or a version that there is.

    Raises ServiceError (404).
    """
    stored = named_object(call)
    wanted = call.arguments["version"]
    if wanted == LATEST:
        return stored
    for version in stored.versions:
        if wanted == str(version.version):
            return version
    raise not_found()


async def create(call: Call) -> web.StreamResponse:
    """Create an object. It is there before the answer is, however long that takes."""
    info = await call.body(ObjectCreationInfo)
    stored = call.vault.create(call.session, call.number("type"), info)
    if call.vault.create_delay:
        await asyncio.sleep(call.vault.create_delay)
    return json_response(object_version(stored))


async def search(call: Call) -> web.StreamResponse:
    """The objects that meet the conditions in the query."""
    found, more = call.vault.find(call.session, parse_search(call.query, call.vault.structure))
    return json_response({"Items": [object_version(stored) for stored in found], "MoreResults": more})


async def read(call: Call) -> web.StreamResponse:
    """One object version, with its properties if they are asked for."""
    stored = object_of(call)
    match call.options.get("include"):
        case None:
            return json_response(object_version(stored))
        case "properties":
            return json_response(object_version_with_properties(stored, call.vault.structure))
        case _:
            raise invalid("Parameter include is properties.")


async def properties(call: Call) -> web.StreamResponse:
    """The property values of one object version."""
    return json_response(object_properties(object_of(call), call.vault.structure))


async def one_property(call: Call) -> web.StreamResponse:
    """One property value of an object version."""
    stored, number = object_of(call), call.number("property")
    if number not in stored.values:
        raise not_found()
    return json_response(property_value(number, stored, call.vault.structure))


async def history(call: Call) -> web.StreamResponse:
    """All versions, the latest one first; their order is unverified."""
    return json_response([object_version(version) for version in named_object(call).versions])


async def title(call: Call) -> web.StreamResponse:
    """The title, a bare text."""
    return json_response(object_of(call).title)


async def set_title(call: Call) -> web.StreamResponse:
    """Set the title, which makes a new version. Whether it must be checked out before is unverified."""
    stored, text = _to_be_changed(call), await call.body(Text)
    name = call.vault.structure.properties[stored.object_class.name_property]
    if name.automatic:
        raise automatic_title()
    if not text.value:
        raise invalid(f"Property {name.id} must have a value in class {stored.object_class.id}.")
    call.vault.change(stored, {name.id: read_line(text.value, f"Property {name.id}")})
    return json_response(object_version(stored))


async def set_comment(call: Call) -> web.StreamResponse:
    """Set the comment, which makes a new version of an object that is not checked out."""
    stored, text = _to_be_changed(call), await call.body(Text)
    definition = call.vault.structure.properties[COMMENT]
    value = TypedValue(data_type=int(definition.data_type), value=text.value)
    call.vault.change(stored, {COMMENT: read_value(definition, value, call.vault.structure)})
    return json_response(object_version_with_properties(stored, call.vault.structure))


def _to_be_changed(call: Call) -> StoredObject:
    """The object of an address that must name its latest version."""
    stored = object_of(call)
    if stored is not stored.newest:
        raise invalid("Only the latest version of an object can be changed.")
    return stored


async def files(call: Call) -> web.StreamResponse:
    """The files of one object version."""
    return json_response(object_files(object_of(call)))


async def set_deleted(call: Call) -> web.StreamResponse:
    """Set or clear the deleted mark, with one right for both.

    An empty body says neither and is refused, which is unverified.
    """
    stored = named_object(call)
    flag = await call.body(Flag)
    if not call.vault.may_delete:
        raise access_denied()
    call.vault.mark_deleted(stored, deleted=flag.value)
    return json_response(object_version(stored))


ROUTES = (
    Route("GET", "objects", search, free_query=True),
    Route("POST", "objects/{type}", create),
    Route("GET", "objects/{type}/{id}/history", history),
    Route("GET", "objects/{type}/{id}/{version}", read, options=frozenset({"include"})),
    Route("GET", "objects/{type}/{id}/{version}/properties", properties),
    Route("GET", "objects/{type}/{id}/{version}/properties/{property}", one_property),
    Route("GET", "objects/{type}/{id}/{version}/files", files),
    Route("GET", "objects/{type}/{id}/{version}/title", title),
    Route("PUT", "objects/{type}/{id}/{version}/title", set_title),
    Route("PUT", "objects/{type}/{id}/{version}/comments", set_comment),
    Route("PUT", "objects/{type}/{id}/deleted", set_deleted),
)
