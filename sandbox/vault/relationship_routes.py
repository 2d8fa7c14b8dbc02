"""Addresses of relationships: which objects an object names, and which name it."""

from __future__ import annotations

from aiohttp import web

from sandbox.vault.dispatch import Call, Route
from sandbox.vault.errors import invalid, json_response
from sandbox.vault.object_routes import object_of
from sandbox.vault.objects import StoredObject
from sandbox.vault.relationships import Direction
from sandbox.vault.rendering import lookup, object_version

_ADDRESS = "objects/{type}/{id}/{version}/relationships"
_OPTIONS = frozenset({"direction", "objtype", "type"})


def _related(call: Call) -> list[StoredObject]:
    try:
        direction = Direction(call.options.get("direction", Direction.BOTH.value))
    except ValueError:
        raise invalid(f"Parameter direction is {', '.join(one.value for one in Direction)}.") from None
    found = call.vault.related(call.session, object_of(call), direction)
    wanted = call.options.get("objtype")
    if wanted is None:
        return found
    if wanted not in {str(number) for number in call.vault.structure.object_types}:
        raise invalid(f'There is no object type "{wanted}".')
    return [one for one in found if one.type == int(wanted)]


async def relationships(call: Call) -> web.StreamResponse:
    """The related objects, as object versions or as lookups."""
    match call.options.get("type", "objectversion"):
        case "objectversion":
            return json_response([object_version(one) for one in _related(call)])
        case "lookup":
            return json_response([lookup(one) for one in _related(call)])
        case _:
            raise invalid("Parameter type is objectversion or lookup.")


async def count(call: Call) -> web.StreamResponse:
    """How many related objects there are, a bare number."""
    return json_response(len(_related(call)))


ROUTES = (
    Route("GET", _ADDRESS, relationships, options=_OPTIONS),
    Route("GET", f"{_ADDRESS}/count", count, options=_OPTIONS),
)
