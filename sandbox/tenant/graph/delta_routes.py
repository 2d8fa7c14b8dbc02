"""The delta query of the messages in a folder.

learn.microsoft.com/graph/api/message-delta, learn.microsoft.com/graph/delta-query-messages
"""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from sandbox.tenant.graph import query
from sandbox.tenant.graph.access import permissions_of, require_mail
from sandbox.tenant.graph.delta_pages import DeltaPage, page_of
from sandbox.tenant.graph.delta_tokens import DELTA, SKIP, Asked, Round
from sandbox.tenant.graph.envelope import VERSION
from sandbox.tenant.graph.errors import bad_request, foreign_sync_state, invalid_filter
from sandbox.tenant.graph.folder_log import CREATED, DELETED, UPDATED
from sandbox.tenant.graph.mail_routes import answer_of, folder_of, view_of
from sandbox.tenant.graph.preferences import wanted_page_size
from sandbox.tenant.graph.representation import Json, View, delta_item
from sandbox.tenant.graph.schema import MESSAGE
from sandbox.tenant.graph.store import Folder
from sandbox.tenant.graph.tenant import Tenant

CHANGE_TYPE = "changeType"
KINDS = frozenset({CREATED, UPDATED, DELETED})
NEWEST_FIRST = "receivedDateTime desc"
TRACKING = "odata.track-changes"


class DeltaRoutes:
    """The handler of the delta query."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def table(self) -> list[web.RouteDef]:
        """The routes: as it is documented, as the SDK writes it, and as links have it."""
        user = f"/{VERSION}/users/{{user}}"
        written = (
            f"{user}/mailFolders/{{folder}}/messages/delta",
            f"{user}/mailFolders/{{folder}}/messages/delta()",
            f"{user}/mailfolders('{{folder}}')/messages/delta",
        )
        return [web.get(path, self.delta, allow_head=False) for path in written]

    async def delta(self, request: web.Request) -> web.StreamResponse:
        """One page of a round. How large, and which ids, each request says for itself.

        `$top` and `$expand`, which the documentation has, the sandbox has not. Within a page the order is
        none, as the documentation says unless an order was asked for.
        """
        given = query.options(request, "$select", "$filter", "$orderby", CHANGE_TYPE, SKIP, DELTA)
        if given.get(DELTA) == "":
            del given[DELTA]  # the address that a 410 names: a new round
        asked = None if SKIP in given or DELTA in given else _asked(given)
        require_mail(permissions_of(self._tenant, request))
        view = view_of(self._tenant, request)
        folder = folder_of(view.mailbox, request.match_info["folder"])
        wanted = wanted_page_size(request.headers)
        size = min(wanted or query.USUAL_PAGE, query.LARGEST_PAGE)
        with view.mailbox.lock:
            state = (
                self._continued(request, given, view, folder)
                if asked is None
                else _begun(view, folder, asked)
            )
            require_mail(permissions_of(self._tenant, request), state.asked.select)
            page = page_of(folder.log, state, size, unruly=view.mailbox.unruly_delta)
            body = self._body(request, view, page)
        applied = [TRACKING] if wanted is None else [TRACKING, f"odata.maxpagesize={wanted}"]
        return answer_of(view, body, *applied)

    def _continued(self, request: web.Request, given: dict[str, str], view: View, folder: Folder) -> Round:
        if len(given) > 1:
            raise bad_request("A token already holds the query options of its round.")
        (option, token), mailbox = next(iter(given.items())), view.mailbox
        state = self._tenant.delta_tokens.read(option, token)
        if (state.mailbox, state.folder) != (mailbox.id, folder.id):
            raise foreign_sync_state()
        if state.generation != mailbox.sync_generation:
            raise mailbox.token_loss.refusal(f"{_address(request, view, folder.id)}?{DELTA}=")
        return state

    def _body(self, request: web.Request, view: View, page: DeltaPage) -> Json:
        asked = page.following.asked
        shown = page.shown if asked.newest_first else sorted(page.shown, key=lambda one: one.ids.immutable)
        option, name = (DELTA, "@odata.deltaLink") if page.last else (SKIP, "@odata.nextLink")
        token = self._tenant.delta_tokens.issue(option, page.following)
        return {
            "@odata.context": f"{view.root}/$metadata#Collection(message)",
            name: f"{_address(request, view, page.following.folder)}?{option}={token}",
            "value": [delta_item(view, one, asked.select) for one in shown],
        }


def _asked(given: dict[str, str]) -> Asked:
    """What a first request asks for. Raises GraphError 400."""
    order, kind = given.get("$orderby"), given.get(CHANGE_TYPE)
    if order not in (None, NEWEST_FIRST):
        raise invalid_filter(str(order))
    if kind is not None and kind not in KINDS:
        raise bad_request(f"Invalid value '{kind}' for {CHANGE_TYPE} query option found.")
    return Asked(
        select=query.selection(given.get("$select"), MESSAGE),
        kinds=KINDS if kind is None else frozenset({kind}),
        since=query.since(given.get("$filter")),
        newest_first=order is not None,
    )


def _begun(view: View, folder: Folder, asked: Asked) -> Round:
    mailbox = view.mailbox
    return Round(
        mailbox=mailbox.id,
        folder=folder.id,
        generation=mailbox.sync_generation,
        asked=asked,
        base=0,
        horizon=len(folder.log),
        position=0,
    )


def _address(request: web.Request, view: View, folder_id: str) -> str:
    user = quote(request.match_info["user"], safe="@")
    return f"{view.root}/users/{user}/mailfolders('{quote(folder_id, safe='')}')/messages/delta"
