"""Creating, renewing and listing subscriptions (learn.microsoft.com/graph/api/resources/subscription)."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from shared.errors import Unavailable
from shared.graph.answers import Page, Subscription
from shared.graph.client import GraphClient
from shared.graph.faults import NotFound


class SubscriptionClient:
    """The `/subscriptions` of Graph. A request about one is on behalf of its mailbox."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    async def create(
        self, mailbox: str, resource: str, *, addresses: tuple[str, str], client_state: str, until: datetime
    ) -> Subscription:
        """A new subscription for new mail in `resource`; `addresses` are of notifications and lifecycle.

        Graph calls both addresses before it answers. Their ids are immutable ones, as `Prefer` says at this
        call only. Raises Conflict, NotFound, ConfigurationFault, Refused, Unavailable.
        """
        body = {
            "changeType": "created",
            "resource": resource,
            "notificationUrl": addresses[0],
            "lifecycleNotificationUrl": addresses[1],
            "expirationDateTime": _text(until),
            "clientState": client_state,
            "latestSupportedTlsVersion": "v1_2",
        }
        builder = self._client.requests.subscriptions
        request = RequestInformation(Method.POST, builder.url_template, builder.path_parameters)
        made = await self._client.answer(_with_body(request, body), Subscription, mailbox=mailbox)
        if not made.id:
            raise Unavailable("Graph's answer does not name the subscription that it created", origin="graph")
        return made

    async def renew(self, mailbox: str, subscription: str, until: datetime) -> Subscription:
        """Let a subscription live on. Raises NotFound, ConfigurationFault, Refused, Unavailable."""
        builder = self._client.requests.subscriptions.by_subscription_id(subscription)
        request = RequestInformation(Method.PATCH, builder.url_template, builder.path_parameters)
        body = {"expirationDateTime": _text(until)}
        return await self._client.answer(_with_body(request, body), Subscription, mailbox=mailbox)

    async def delete(self, mailbox: str, subscription: str) -> None:
        """End a subscription; one that is gone already is as good.

        Raises ConfigurationFault, Refused, Unavailable.
        """
        builder = self._client.requests.subscriptions.by_subscription_id(subscription)
        request = RequestInformation(Method.DELETE, builder.url_template, builder.path_parameters)
        request.headers.try_add("Accept", "application/json")
        with suppress(NotFound):
            async for _ in self._client.stream(request, mailbox=mailbox):
                pass  # the answer, 204, has no body

    async def all(self) -> list[Subscription]:
        """Those that this app registration has, all pages. Raises Refused, Unavailable."""
        request = self._client.requests.subscriptions.to_get_request_information()
        found: list[Subscription] = []
        while True:
            page = await self._client.answer(request, Page[Subscription], mailbox="")
            found += page.value
            if page.next_link is None:
                return found
            request = self._client.page_after(page.next_link)


def _with_body(request: RequestInformation, body: dict[str, Any]) -> RequestInformation:
    request.headers.try_add("Accept", "application/json")
    request.set_stream_content(msgspec.json.encode(body), "application/json")
    return request


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
