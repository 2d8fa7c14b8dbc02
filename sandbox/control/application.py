"""What the control address answers. It is ours alone: no real service has it."""

from __future__ import annotations

import asyncio
import tempfile
from functools import partial
from typing import Any

from aiohttp import web

from sandbox.control.faults import FaultRoutes
from sandbox.control.manner import flag, manner_of
from sandbox.faults import ServiceFaults
from sandbox.tenant.graph import Held, Tenant
from sandbox.vault import ExampleVault, VaultObject

PIECE = 256 * 1024


def application(tenant: Tenant, vault: ExampleVault, faults: ServiceFaults) -> web.Application:
    """The control address of this tenant, this vault and these faults."""
    control = _Control(tenant, vault)
    app = web.Application()
    app.router.add_put("/mailboxes/{address}", control.add_mailbox)
    app.router.add_post("/mailboxes/{address}/messages", control.deliver)
    app.router.add_get("/mailboxes/{address}/messages", control.messages)
    app.router.add_post("/mailboxes/{address}/messages/{message}/end-scan", control.end_scan)
    app.router.add_put("/mailboxes/{address}/messages/{message}/regenerated", control.regenerate)
    app.router.add_get("/vault/objects", control.objects)
    app.router.add_get("/vault/objects/{type}/{id}/files/{number}", control.file)
    app.add_routes(FaultRoutes(faults).table())
    return app


class _Control:
    def __init__(self, tenant: Tenant, vault: ExampleVault) -> None:
        self._tenant = tenant
        self._vault = vault

    async def add_mailbox(self, request: web.Request) -> web.Response:
        """201 with the mailbox's object id; 409 when there is one of that address."""
        try:
            made = self._tenant.add_mailbox(request.match_info["address"])
        except ValueError as error:
            raise web.HTTPConflict(text=str(error)) from None
        return web.json_response({"id": made.id}, status=201)

    async def deliver(self, request: web.Request) -> web.Response:
        """Put the MIME of the body into `?folder=` (inbox): 201 with the ids of the message.

        How it comes is said by the rest of the query: `manner_of`.
        """
        address, folder = request.match_info["address"], request.query.get("folder", "inbox")
        manner = manner_of(request.query)
        deliver = partial(self._tenant.deliver, address, folder=folder, manner=manner)
        with tempfile.TemporaryFile() as mime:
            async for piece in request.content.iter_chunked(PIECE):
                await asyncio.to_thread(mime.write, piece)
            mime.seek(0)
            try:
                delivered = await asyncio.to_thread(deliver, mime)
            except LookupError as error:
                raise web.HTTPNotFound(text=str(error)) from None
        return web.json_response(
            {
                "id": delivered.id,
                "immutableId": delivered.immutable_id,
                "received": delivered.received.isoformat(),
            },
            status=201,
        )

    async def end_scan(self, request: web.Request) -> web.Response:
        """The attachments of a message are there: 204."""
        try:
            self._tenant.end_scan(request.match_info["address"], request.match_info["message"])
        except LookupError as error:
            raise web.HTTPNotFound(text=str(error)) from None
        return web.Response(status=204)

    async def regenerate(self, request: web.Request) -> web.Response:
        """Make the MIME of a message anew at each call, as the body says (`true`, `false`): 204."""
        anew = flag(await request.text())
        try:
            self._tenant.regenerate_mime(request.match_info["address"], request.match_info["message"], anew)
        except LookupError as error:
            raise web.HTTPNotFound(text=str(error)) from None
        return web.Response(status=204)

    async def messages(self, request: web.Request) -> web.Response:
        """Every message of a mailbox, with size and digest of what Graph would answer for it."""
        try:
            held = self._tenant.messages(request.match_info["address"])
        except LookupError as error:
            raise web.HTTPNotFound(text=str(error)) from None
        return web.json_response({"messages": [_message(one) for one in held]})

    async def objects(self, _: web.Request) -> web.Response:
        """Every object of the vault, deleted ones too, in the order of their creation."""
        return web.json_response({"objects": [object_facts(one) for one in self._vault.objects()]})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file of an object, by its number from 1."""
        wanted = (request.match_info["type"], request.match_info["id"])
        number = request.match_info["number"]
        for found in self._vault.objects():
            if (str(found.type), str(found.id)) == wanted and number.isdigit():
                files = found.files[int(number) - 1 : int(number)]
                if files:
                    return web.FileResponse(files[0].path)
        raise web.HTTPNotFound(text="the vault has no such file")


def _message(held: Held) -> dict[str, Any]:
    return {
        "immutableId": held.immutable_id,
        "received": held.received.isoformat(),
        "mime": {"size": held.mime.size, "sha256": held.mime.sha256},
        "files": [{"name": one.name, "size": one.file.size, "sha256": one.file.sha256} for one in held.files],
    }


def object_facts(found: VaultObject) -> dict[str, Any]:
    """An object of the vault as JSON has it."""
    return {
        "type": found.type,
        "id": found.id,
        "version": found.version,
        "class": found.class_name,
        "title": found.title,
        "created": found.created.isoformat(),
        "deleted": found.deleted,
        "properties": [{"id": one.id, "name": one.name, "value": one.value} for one in found.properties],
        "files": [
            {"title": one.title, "extension": one.extension, "size": one.size, "sha256": one.sha256}
            for one in found.files
        ],
    }
