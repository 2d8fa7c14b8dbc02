"""Changing, moving and deleting messages, below `/v1.0/users/{user}`. All need Mail.ReadWrite.

learn.microsoft.com/graph/api/message-update, .../message-move, .../message-delete
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox.tenant.graph import query
from sandbox.tenant.graph.access import permissions_of, require_writing
from sandbox.tenant.graph.bodies import json_object
from sandbox.tenant.graph.envelope import VERSION
from sandbox.tenant.graph.errors import bad_request, missing_parameter, unreadable_value, unwritable_property
from sandbox.tenant.graph.mail_routes import answer_of, folder_of, message_of, view_of
from sandbox.tenant.graph.representation import message_json
from sandbox.tenant.graph.tenant import Tenant

READ, CATEGORIES = "isRead", "categories"
DESTINATION = "destinationId"


class ChangeRoutes:
    """The handlers that change messages."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def table(self) -> list[web.RouteDef]:
        """The routes; a message is reached by its mailbox or by its folder."""
        user = f"/{VERSION}/users/{{user}}"
        routes: list[web.RouteDef] = []
        for parent in (user, f"{user}/mailFolders/{{folder}}"):
            message = f"{parent}/messages/{{message}}"
            routes += [
                web.patch(message, self.update),
                web.delete(message, self.delete),
                web.post(f"{message}/move", self.move),
            ]
        return routes

    async def update(self, request: web.Request) -> web.StreamResponse:
        """Mark a message as read or not, and replace its categories, all of them. Nothing else is served."""
        query.options(request)
        require_writing(permissions_of(self._tenant, request))
        body = await json_object(request)
        view = view_of(self._tenant, request)
        message = message_of(request, view.mailbox)
        is_read, categories = _changes(body)
        self._tenant.change(view.mailbox.address, message.ids.immutable, is_read, categories)
        return answer_of(view, await message_json(view, message, None, None))

    async def move(self, request: web.Request) -> web.StreamResponse:
        """Into another folder, by its id or well-known name."""
        query.options(request)
        require_writing(permissions_of(self._tenant, request))
        body = await json_object(request)
        view = view_of(self._tenant, request)
        message = message_of(request, view.mailbox)
        target = folder_of(view.mailbox, _destination(body))
        self._tenant.move(view.mailbox.address, message.ids.immutable, target.id)
        return answer_of(view, await message_json(view, message, None, None), status=201)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """A message is not found any more. Which folder it is kept in for some time is not on record."""
        query.options(request)
        require_writing(permissions_of(self._tenant, request))
        if await request.read():
            raise bad_request("The request must not have a body.")
        view = view_of(self._tenant, request)
        message = message_of(request, view.mailbox)
        self._tenant.delete(view.mailbox.address, message.ids.immutable)
        return web.Response(status=204)


def _changes(body: Mapping[str, Any]) -> tuple[bool | None, tuple[str, ...] | None]:
    """What a PATCH says of a message; None for what it leaves as it is. Raises GraphError 400."""
    for name in body:
        if name not in (READ, CATEGORIES):
            raise unwritable_property(name)
    is_read, categories = body.get(READ), body.get(CATEGORIES)
    if READ in body and not isinstance(is_read, bool):
        raise unreadable_value(READ, "Edm.Boolean")
    if CATEGORIES not in body:
        return is_read, None
    if not isinstance(categories, list) or not all(isinstance(one, str) for one in categories):
        raise unreadable_value(CATEGORIES, "Collection(Edm.String)")
    return is_read, tuple(categories)


def _destination(body: Mapping[str, Any]) -> str:
    for name in body:
        if name != DESTINATION:
            raise unwritable_property(name)
    target = body.get(DESTINATION)
    if not isinstance(target, str) or not target:
        raise missing_parameter(DESTINATION)
    return target
