"""Creating, renewing and listing subscriptions (learn.microsoft.com/graph/api/resources/subscription).

What is done to more than a handful goes in batches.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from shared.answers import Unreadable, decoded
from shared.errors import Transient, Unavailable, VaultpostError
from shared.graph.answers import Page, Subscription
from shared.graph.batch import LARGEST_BATCH, Part, send_batch
from shared.graph.client import GraphClient
from shared.graph.faults import NotFound

HANDFUL = 4
"""What is sent one by one, without a batch."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Creation:
    """A subscription for changes in `resource`, new mail; `addresses` are of notifications and lifecycle."""

    mailbox: str
    resource: str
    addresses: tuple[str, str]
    client_state: str = field(repr=False)
    until: datetime
    change_type: str = "created"


@dataclass(frozen=True)
class Named:
    """A subscription by its id, on behalf of whose mailbox it is asked for."""

    mailbox: str
    subscription: str


async def attempted(work: Awaitable[_T]) -> _T | VaultpostError:
    """What `work` gives, or its fault: for one of several that must not stop the others."""
    try:
        return await work
    except VaultpostError as fault:
        return fault


class SubscriptionClient:
    """The `/subscriptions` of Graph. A request about one is on behalf of its mailbox."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    async def create(self, wanted: Creation) -> Subscription:
        """A new subscription.

        Graph calls both addresses before it answers. Their ids are immutable ones, as `Prefer` says at this
        call only. Raises Conflict, NotFound, ConfigurationFault, Refused, Unavailable.
        """
        request = self._creation(wanted)
        made = _unless_unnamed(await self._client.answer(request, Subscription, mailbox=wanted.mailbox))
        if isinstance(made, VaultpostError):
            raise made
        return made

    async def create_all(self, wanted: Sequence[Creation]) -> list[Subscription | VaultpostError]:
        """At most 20 new subscriptions, or what `create` would have raised for each."""
        if len(wanted) <= HANDFUL:
            return [await attempted(self.create(one)) for one in wanted]
        bodies = await self._batch([Part(self._creation(one), one.mailbox) for one in wanted])
        return [_unless_unnamed(_read(body)) for body in bodies]

    async def renew(self, named: Named, until: datetime) -> Subscription:
        """Let a subscription live on. Raises NotFound, ConfigurationFault, Refused, Unavailable."""
        return await self._client.answer(self._renewal(named, until), Subscription, mailbox=named.mailbox)

    async def renew_all(self, named: Sequence[Named], until: datetime) -> list[Subscription | VaultpostError]:
        """At most 20 renewed, or what `renew` would have raised for each."""
        if len(named) <= HANDFUL:
            return [await attempted(self.renew(one, until)) for one in named]
        bodies = await self._batch([Part(self._renewal(one, until), one.mailbox) for one in named])
        return [_read(body) for body in bodies]

    async def delete(self, named: Named) -> None:
        """End a subscription; one that is gone already is as good.

        Raises ConfigurationFault, Refused, Unavailable.
        """
        with suppress(NotFound):
            async for _ in self._client.stream(self._deletion(named), mailbox=named.mailbox):
                pass  # the answer, 204, has no body

    async def delete_all(self, named: Sequence[Named]) -> list[VaultpostError | None]:
        """End at most 20; what `delete` would have raised for each."""
        if len(named) <= HANDFUL:
            return [await attempted(self.delete(one)) for one in named]
        bodies = await self._batch([Part(self._deletion(one), one.mailbox) for one in named])
        return [None if isinstance(body, bytes | NotFound) else body for body in bodies]

    async def get(self, named: Named) -> Subscription:
        """A subscription as it is now (learn.microsoft.com/graph/api/subscription-get).

        Raises NotFound, ConfigurationFault, Refused, Unavailable.
        """
        return await self._client.answer(self._question(named), Subscription, mailbox=named.mailbox)

    async def known(self, named: Sequence[Named]) -> list[Subscription]:
        """Those of them that Graph knows.

        Where it does not let one be asked for, as of a mailbox that the app may read no longer, what all of
        them are is taken from its list, with others in it. Raises ConfigurationFault, Refused, Transient.
        """
        found: list[Subscription] = []
        for start in range(0, len(named), LARGEST_BATCH):
            for outcome in await self._got(named[start : start + LARGEST_BATCH]):
                if isinstance(outcome, Subscription):
                    found.append(outcome)
                elif isinstance(outcome, Transient):
                    raise outcome
                elif not isinstance(outcome, NotFound):
                    return await self.all()
        return found

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

    async def _got(self, named: Sequence[Named]) -> list[Subscription | VaultpostError]:
        if len(named) <= HANDFUL:
            return [await attempted(self.get(one)) for one in named]
        bodies = await self._batch([Part(self._question(one), one.mailbox) for one in named])
        return [_read(body) for body in bodies]

    async def _batch(self, parts: Sequence[Part]) -> list[bytes | VaultpostError]:
        outcomes = await attempted(send_batch(self._client, parts))
        return [outcomes for _ in parts] if isinstance(outcomes, VaultpostError) else outcomes

    def _creation(self, wanted: Creation) -> RequestInformation:
        body = {
            "changeType": wanted.change_type,
            "resource": wanted.resource,
            "notificationUrl": wanted.addresses[0],
            "lifecycleNotificationUrl": wanted.addresses[1],
            "expirationDateTime": _text(wanted.until),
            "clientState": wanted.client_state,
            "latestSupportedTlsVersion": "v1_2",
        }
        builder = self._client.requests.subscriptions
        return _with_body(
            RequestInformation(Method.POST, builder.url_template, builder.path_parameters), body
        )

    def _renewal(self, named: Named, until: datetime) -> RequestInformation:
        return _with_body(self._about(Method.PATCH, named), {"expirationDateTime": _text(until)})

    def _question(self, named: Named) -> RequestInformation:
        request = self._about(Method.GET, named)
        request.headers.try_add("Accept", "application/json")
        return request

    def _deletion(self, named: Named) -> RequestInformation:
        request = self._about(Method.DELETE, named)
        request.headers.try_add("Accept", "application/json")
        return request

    def _about(self, method: Method, named: Named) -> RequestInformation:
        builder = self._client.requests.subscriptions.by_subscription_id(named.subscription)
        return RequestInformation(method, builder.url_template, builder.path_parameters)


def _with_body(request: RequestInformation, body: dict[str, Any]) -> RequestInformation:
    request.headers.try_add("Accept", "application/json")
    request.set_stream_content(msgspec.json.encode(body), "application/json")
    return request


def _read(body: bytes | VaultpostError) -> Subscription | VaultpostError:
    if isinstance(body, VaultpostError):
        return body
    try:
        return decoded(body, Subscription)
    except Unreadable as error:
        return Unavailable(f"Graph's answer cannot be read ({error})", origin="graph")


def _unless_unnamed(made: Subscription | VaultpostError) -> Subscription | VaultpostError:
    if isinstance(made, Subscription) and not made.id:
        return Unavailable("Graph's answer does not name the subscription that it created", origin="graph")
    return made


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
