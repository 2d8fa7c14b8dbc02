"""Mail folders and the lists of their messages, below `/v1.0/users/{user}`.

learn.microsoft.com/graph/api/user-list-mailfolders, .../mailfolder-get, .../mailfolder-list-childfolders,
.../mailfolder-list-messages
"""

from __future__ import annotations

from aiohttp import web

from sandbox.tenant.graph import query
from sandbox.tenant.graph.access import permissions_of, require_mail
from sandbox.tenant.graph.envelope import VERSION
from sandbox.tenant.graph.errors import bad_request
from sandbox.tenant.graph.mail_routes import answer_of, collection, folder_of, view_of
from sandbox.tenant.graph.mailboxes import ROOT
from sandbox.tenant.graph.representation import folder_json, message_item
from sandbox.tenant.graph.schema import MAIL_FOLDER, MESSAGE
from sandbox.tenant.graph.store import Folder, Message
from sandbox.tenant.graph.tenant import Tenant

HIDDEN = "includeHiddenFolders"


class FolderRoutes:
    """The handlers on folders."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def table(self) -> list[web.RouteDef]:
        """The routes."""
        user = f"/{VERSION}/users/{{user}}"
        folder = f"{user}/mailFolders/{{folder}}"
        return [
            web.get(f"{user}/mailFolders", self.folders, allow_head=False),
            web.get(folder, self.folder, allow_head=False),
            web.get(f"{folder}/childFolders", self.children, allow_head=False),
            web.get(f"{folder}/messages", self.messages, allow_head=False),
        ]

    async def folders(self, request: web.Request) -> web.StreamResponse:
        """The folders below the root, in pages. The sandbox does not show hidden ones here."""
        given = query.options(request, "$select", "$top", "$skip")
        return self._listed(request, given, hidden=False)

    async def children(self, request: web.Request) -> web.StreamResponse:
        """The folders below a folder, in pages; hidden ones only where they are asked for."""
        given = query.options(request, "$select", "$top", "$skip", HIDDEN)
        return self._listed(request, given, hidden=_flag(given.get(HIDDEN)))

    async def folder(self, request: web.Request) -> web.StreamResponse:
        """One folder, by id or well-known name."""
        given = query.options(request, "$select")
        select = query.selection(given.get("$select"), MAIL_FOLDER)
        require_mail(permissions_of(self._tenant, request))
        view = view_of(self._tenant, request)
        body = folder_json(view, folder_of(view.mailbox, request.match_info["folder"]), select)
        context = view.context("mailFolders", select, single=True)
        return answer_of(view, {"@odata.context": context, **body})

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """The messages in a folder, in pages, the newest first unless it is asked otherwise.

        A page is a number of messages to skip: what leaves the folder meanwhile moves the others up.
        """
        given = query.options(request, "$select", "$filter", "$orderby", "$top", "$skip")
        select = query.selection(given.get("$select"), MESSAGE)
        since, order = query.since(given.get("$filter")), given.get("$orderby")
        newest_first = query.newest_first(order) or order is None
        page = query.page(given)
        require_mail(permissions_of(self._tenant, request), select)
        view = view_of(self._tenant, request)
        folder = folder_of(view.mailbox, request.match_info["folder"])
        with view.mailbox.lock:
            found = [one for one in folder.log.messages() if since is None or since.wants(one.received)]
        found.sort(key=_received, reverse=newest_first)
        items = [message_item(view, one, select) for one in page.of(found)]
        context = view.context(f"mailFolders('{_quoted(folder)}')/messages", select)
        return answer_of(view, collection(context, items, page.next_link(request.url, len(found))))

    def _listed(self, request: web.Request, given: dict[str, str], *, hidden: bool) -> web.StreamResponse:
        select = query.selection(given.get("$select"), MAIL_FOLDER)
        page = query.page(given)
        require_mail(permissions_of(self._tenant, request))
        view = view_of(self._tenant, request)
        parent = folder_of(view.mailbox, request.match_info.get("folder", ROOT))
        below = "folder" in request.match_info
        path = f"mailFolders('{_quoted(parent)}')/childFolders" if below else "mailFolders"
        shown = [one for one in parent.children if hidden or not one.hidden]
        items = [folder_json(view, one, select) for one in page.of(shown)]
        link = page.next_link(request.url, len(shown))
        return answer_of(view, collection(view.context(path, select), items, link))


def _quoted(folder: Folder) -> str:
    return folder.id.replace("=", "%3D")


def _received(message: Message) -> float:
    return message.received.timestamp()


def _flag(text: str | None) -> bool:
    if text not in (None, "true", "false"):
        raise bad_request(f"Invalid value '{text}' for {HIDDEN} query option found.")
    return text == "true"
