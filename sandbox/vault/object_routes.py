"""Addresses of objects: create, search, read, mark deleted."""

from __future__ import annotations

import asyncio

from aiohttp import web
from msgspec import Struct

from sandbox.vault.creation import ObjectCreationInfo
from sandbox.vault.dispatch import Call, Route
from sandbox.vault.errors import access_denied, invalid, json_response, not_found
from sandbox.vault.objects import StoredObject
from sandbox.vault.rendering import (
    object_files,
    object_properties,
    object_version,
    object_version_with_properties,
)
from sandbox.vault.search import parse_search

LATEST = "latest"


class Flag(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """A PrimitiveType<bool>."""

    value: bool


def object_of(call: Call) -> StoredObject:
    """The object version that an address names: `latest` or a version that there is.

    Raises ServiceError (404).
    """
    stored = call.vault.get(call.session, call.number("type"), call.number("id"))
    if call.arguments["version"] not in (LATEST, str(stored.version)):
        raise not_found()
    return stored


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


async def files(call: Call) -> web.StreamResponse:
    """The files of one object version."""
    return json_response(object_files(object_of(call)))


async def set_deleted(call: Call) -> web.StreamResponse:
    """Set or clear the deleted mark, with one right for both.

    An empty body says neither and is refused, which is unverified.
    """
    stored = call.vault.get(call.session, call.number("type"), call.number("id"))
    flag = await call.body(Flag)
    if not call.vault.may_delete:
        raise access_denied()
    call.vault.mark_deleted(stored, deleted=flag.value)
    return json_response(object_version(stored))


ROUTES = (
    Route("GET", "objects", search, free_query=True),
    Route("POST", "objects/{type}", create),
    Route("GET", "objects/{type}/{id}/{version}", read, options=frozenset({"include"})),
    Route("GET", "objects/{type}/{id}/{version}/properties", properties),
    Route("GET", "objects/{type}/{id}/{version}/files", files),
    Route("PUT", "objects/{type}/{id}/deleted", set_deleted),
)
