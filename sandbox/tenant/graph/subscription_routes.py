"""`/v1.0/subscriptions`: learn.microsoft.com/graph/api/resources/subscription"""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from sandbox.tenant.graph import query
from sandbox.tenant.graph.access import require_some_subscription, require_subscription
from sandbox.tenant.graph.bodies import json_object
from sandbox.tenant.graph.envelope import CLAIMS, VERSION, json_answer, root_of
from sandbox.tenant.graph.errors import bad_request
from sandbox.tenant.graph.handshake import validate
from sandbox.tenant.graph.mail_routes import folder_of, mailbox_of
from sandbox.tenant.graph.notifier import Notifier
from sandbox.tenant.graph.preferences import wants_immutable_ids
from sandbox.tenant.graph.representation import subscription_json
from sandbox.tenant.graph.store import Mailbox
from sandbox.tenant.graph.subscriptions import Subscription
from sandbox.tenant.graph.tenant import Tenant
from sandbox.tenant.graph.terms import Terms, read_amendment, read_terms

PAGE = 100
SKIP = "$skiptoken"


class SubscriptionRoutes:
    """The handlers on subscriptions; each application sees only its own."""

    def __init__(self, tenant: Tenant, notifier: Notifier) -> None:
        self._tenant = tenant
        self._known = tenant.subscriptions
        self._notifier = notifier

    def table(self) -> list[web.RouteDef]:
        """The routes."""
        all_of_them = f"/{VERSION}/subscriptions"
        one = f"{all_of_them}/{{subscription}}"
        return [
            web.post(all_of_them, self.create),
            web.get(all_of_them, self.list, allow_head=False),
            web.get(one, self.get, allow_head=False),
            web.patch(one, self.update),
            web.delete(one, self.delete),
            web.post(f"{one}/reauthorize", self.reauthorize),
        ]

    async def create(self, request: web.Request) -> web.StreamResponse:
        """A new subscription, once its addresses have been validated."""
        query.options(request)
        require_some_subscription(self._tenant, request, "Create")
        terms = read_terms(await json_object(request), self._tenant.now())
        require_subscription(self._tenant, request, self._target(terms), "Create")
        wanted = self._subscription(request, terms)
        self._known.check(wanted)
        await self._validate(terms.notification_url, terms.lifecycle_url)
        self._known.add(wanted)
        return _answer(request, wanted, client_state=True, status=201)

    async def list(self, request: web.Request) -> web.StreamResponse:
        """The subscriptions of the calling application, in pages."""
        given = query.options(request, SKIP)
        require_some_subscription(self._tenant, request, "Read")
        mine = self._known.of(request[CLAIMS].app_id)
        page = query.page({"$top": str(PAGE), "$skip": given.get(SKIP, "0")})
        body: dict[str, Any] = {
            "@odata.context": f"{root_of(request)}/$metadata#subscriptions",
            "value": [subscription_json(one, client_state=False) for one in page.of(mine)],
        }
        link = page.next_link(request.url, len(mine), SKIP)
        return json_answer(body if link is None else {**body, "@odata.nextLink": link})

    async def get(self, request: web.Request) -> web.StreamResponse:
        """One subscription. The client state is hidden, the strict reading of two examples that differ."""
        query.options(request)
        return _answer(request, self._one(request, "Read"), client_state=False)

    async def update(self, request: web.Request) -> web.StreamResponse:
        """Renew a subscription, or send its notifications elsewhere."""
        query.options(request)
        self._one(request, "Update")
        amendment = read_amendment(await json_object(request), self._tenant.now())
        if amendment.notification_url is not None:
            await self._validate(amendment.notification_url)
        # Again: it may have ended while its new address was asked.
        subscription = self._one(request, "Update")
        if amendment.expires is not None:
            subscription.expires, subscription.silent_from = amendment.expires, None
        subscription.notification_url = amendment.notification_url or subscription.notification_url
        return _answer(request, subscription, client_state=True)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """End a subscription."""
        query.options(request)
        self._known.remove(self._one(request, "Delete"))
        return web.Response(status=204)

    async def reauthorize(self, request: web.Request) -> web.StreamResponse:
        """Refresh a subscription's own token; its life is not prolonged."""
        query.options(request)
        subscription = self._one(request, "Update")
        if await request.read():
            raise bad_request("The request must not have a body.")
        subscription.silent_from = None
        return web.Response(status=204)

    def _one(self, request: web.Request, operation: str) -> Subscription:
        """The caller's subscription in the path. Raises GraphError 403, 404."""
        require_some_subscription(self._tenant, request, operation)
        found = self._known.get(request[CLAIMS].app_id, request.match_info["subscription"])
        require_subscription(self._tenant, request, found.mailbox, operation)
        return found

    def _target(self, terms: Terms) -> Mailbox | None:
        try:
            return self._tenant.mailbox(terms.target.user)
        except LookupError:
            return None

    def _subscription(self, request: web.Request, terms: Terms) -> Subscription:
        target = terms.target
        mailbox = mailbox_of(self._tenant, target.user)
        return Subscription(
            id=str(uuid.uuid4()),
            app_id=request[CLAIMS].app_id,
            mailbox=mailbox,
            folder=folder_of(mailbox, target.folder) if target.folder is not None else None,
            change_type=terms.change_type,
            resource=terms.resource,
            notification_url=terms.notification_url,
            lifecycle_url=terms.lifecycle_url,
            client_state=terms.client_state,
            expires=terms.expires,
            tls_version=terms.tls_version,
            immutable_ids=wants_immutable_ids(request.headers),
        )

    async def _validate(self, *addresses: str | None) -> None:
        """Each address is asked for itself, the same one twice too."""
        for address in addresses:
            if address is not None:
                await validate(self._notifier.session, address)


def _answer(
    request: web.Request, subscription: Subscription, *, client_state: bool, status: int = 200
) -> web.Response:
    context = f"{root_of(request)}/$metadata#subscriptions/$entity"
    return json_answer(
        {"@odata.context": context, **subscription_json(subscription, client_state=client_state)}, status
    )
