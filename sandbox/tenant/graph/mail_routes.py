"""Messages, their MIME and attachments, below `/v1.0/users/{user}`.

learn.microsoft.com/graph/api/message-get, .../message-list-attachments, .../attachment-get
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from aiohttp import web

from sandbox.tenant.graph import query
from sandbox.tenant.graph.access import may_read_whole_mail, permissions_of, require_mail, require_whole_mail
from sandbox.tenant.graph.envelope import VERSION, json_answer, root_of
from sandbox.tenant.graph.errors import item_not_found, mailbox_not_found, malformed_id, no_raw_value
from sandbox.tenant.graph.ids import is_well_formed
from sandbox.tenant.graph.preferences import IMMUTABLE_IDS, wants_immutable_ids
from sandbox.tenant.graph.regeneration import regenerated
from sandbox.tenant.graph.representation import Json, View, attachment_json, message_json
from sandbox.tenant.graph.schema import ATTACHMENT, MESSAGE
from sandbox.tenant.graph.store import Attachment, AttachmentKind, Folder, Mailbox, Message, StoredFile
from sandbox.tenant.graph.tenant import Tenant

# Names that every mailbox may have, but these have not: they are found nowhere, and no malformed ids either.
OTHER_WELL_KNOWN = frozenset(
    {
        "clutter",
        "conflicts",
        "conversationhistory",
        "localfailures",
        "recoverableitemsdeletions",
        "scheduled",
        "searchfolders",
        "serverfailures",
        "syncissues",
    }
)


class MailRoutes:
    """The handlers on messages."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def table(self) -> list[web.RouteDef]:
        """The routes; a message is reached by its mailbox or by its folder."""
        user = f"/{VERSION}/users/{{user}}"
        folder = f"{user}/mailFolders/{{folder}}"
        routes: list[web.RouteDef] = []
        for parent in (user, folder):
            message = f"{parent}/messages/{{message}}"
            routes += [
                web.get(message, self.message, allow_head=False),
                web.get(f"{message}/$value", self.mime, allow_head=False),
                web.get(f"{message}/attachments", self.attachments, allow_head=False),
                web.get(f"{message}/attachments/{{attachment}}", self.attachment, allow_head=False),
                web.get(f"{message}/attachments/{{attachment}}/$value", self.content, allow_head=False),
            ]
        return routes

    async def message(self, request: web.Request) -> web.StreamResponse:
        """One message."""
        given = query.options(request, "$select", "$expand")
        select = query.selection(given.get("$select"), MESSAGE)
        expand = query.expansion(given.get("$expand"))
        require_mail(permissions_of(self._tenant, request), select)
        if expand is not None:
            require_whole_mail(permissions_of(self._tenant, request))
        view = self._view(request)
        return answer_of(view, await message_json(view, message_of(request, view.mailbox), select, expand))

    async def mime(self, request: web.Request) -> web.StreamResponse:
        """The MIME of a message, as it was delivered, or made anew where the mailbox does so."""
        query.options(request)
        require_whole_mail(permissions_of(self._tenant, request))
        message = message_of(request, self._mailbox(request))
        if message.regenerated:
            return await _made_anew(request, message, message.mime)
        return await _stream(request, message.mime, "text/plain")

    async def attachments(self, request: web.Request) -> web.StreamResponse:
        """The attachments of a message, in pages."""
        given = query.options(request, "$select", "$top", "$skip")
        select = query.selection(given.get("$select"), ATTACHMENT)
        page = query.page(given)
        require_whole_mail(permissions_of(self._tenant, request))
        view = self._view(request)
        message = message_of(request, view.mailbox)
        items = [await attachment_json(view, one, select) for one in page.of(message.attachments)]
        context = view.context(f"{view.message_path(message)}/attachments", select)
        link = page.next_link(request.url, len(message.attachments))
        return answer_of(view, collection(context, items, link))

    async def attachment(self, request: web.Request) -> web.StreamResponse:
        """One attachment."""
        given = query.options(request, "$select")
        select = query.selection(given.get("$select"), ATTACHMENT)
        require_whole_mail(permissions_of(self._tenant, request))
        view = self._view(request)
        message = message_of(request, view.mailbox)
        path = f"{view.message_path(message)}/attachments"
        body = await attachment_json(view, _attachment(request, message), select)
        return answer_of(view, {"@odata.context": view.context(path, select, single=True), **body})

    async def content(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file; a mail as MIME, a contact as vCard, an event as iCalendar; a link has none.

        The documentation prints no content type of an item: that of a message's MIME is taken for all.
        """
        query.options(request)
        require_whole_mail(permissions_of(self._tenant, request))
        message = message_of(request, self._mailbox(request))
        attachment = _attachment(request, message)
        if attachment.file is None:
            raise no_raw_value()
        if attachment.withheld:
            return web.Response(content_type="application/octet-stream")
        if attachment.is_message and message.regenerated:
            return await _made_anew(request, message, attachment.file)
        item = attachment.kind is AttachmentKind.ITEM
        return await _stream(request, attachment.file, "text/plain" if item else attachment.content_type)

    def _view(self, request: web.Request) -> View:
        return view_of(self._tenant, request)

    def _mailbox(self, request: web.Request) -> Mailbox:
        return mailbox_of(self._tenant, request.match_info["user"])


def view_of(tenant: Tenant, request: web.Request) -> View:
    """Who asks for what of the mailbox in the path. Raises GraphError 404."""
    return View(
        root=root_of(request),
        mailbox=mailbox_of(tenant, request.match_info["user"]),
        immutable_ids=wants_immutable_ids(request.headers),
        basic=not may_read_whole_mail(permissions_of(tenant, request)),
    )


def mailbox_of(tenant: Tenant, user: str) -> Mailbox:
    """The mailbox of a user. Raises GraphError 404."""
    try:
        return tenant.mailbox(user)
    except LookupError as error:
        raise mailbox_not_found(user) from error


def folder_of(mailbox: Mailbox, text: str) -> Folder:
    """The folder with an id or well-known name.

    Raises GraphError 400 for what is neither, 404 for an unknown one.
    """
    folder = mailbox.folder(text)
    if folder is not None:
        return folder
    if not is_well_formed(text) and text.lower() not in OTHER_WELL_KNOWN:
        raise malformed_id()
    raise item_not_found()


def message_of(request: web.Request, mailbox: Mailbox) -> Message:
    """The message in the path of a request, in the folder that stands there, if any.

    Raises GraphError 400 for what is no id, 404 for an unknown one.
    """
    text = request.match_info["message"]
    folder = request.match_info.get("folder")
    within = folder_of(mailbox, folder) if folder is not None else None
    if not is_well_formed(text):
        raise malformed_id()
    message = mailbox.message(text)
    if message is None or within not in (None, message.folder):
        raise item_not_found()
    return message


def _attachment(request: web.Request, message: Message) -> Attachment:
    text = request.match_info["attachment"]
    if not is_well_formed(text):
        raise malformed_id()
    attachment = message.attachment(text)
    if attachment is None:
        raise item_not_found()
    return attachment


def collection(context: str, items: Sequence[Json], link: str | None) -> Json:
    """The body of a page; `link` leads to the next one."""
    answer: Json = {"@odata.context": context, "value": items}
    if link is not None:
        answer["@odata.nextLink"] = link
    return answer


def answer_of(view: View, body: Json, *applied: str, status: int = 200) -> web.Response:
    """An answer that says which preferences were `applied`, that for ids among them."""
    answer = json_answer(body, status)
    named = (*([IMMUTABLE_IDS] if view.immutable_ids else []), *applied)
    if named:
        answer.headers["Preference-Applied"] = ", ".join(named)
    return answer


async def _stream(request: web.Request, file: StoredFile, content_type: str | None) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": content_type or "application/octet-stream"})
    response.content_length = file.size
    return await _send(request, response, file.pieces())


async def _made_anew(request: web.Request, message: Message, file: StoredFile) -> web.StreamResponse:
    """In chunks: how long it becomes is not known before."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    pieces = await asyncio.to_thread(regenerated, file.path, message.next_generation())
    return await _send(request, response, pieces)


async def _send(
    request: web.Request, response: web.StreamResponse, pieces: Iterator[bytes]
) -> web.StreamResponse:
    await response.prepare(request)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        await response.write(piece)
    await response.write_eof()
    return response
