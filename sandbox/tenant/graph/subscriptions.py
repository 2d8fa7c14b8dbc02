"""The subscriptions of a tenant: who is told of which change, until when.

learn.microsoft.com/graph/api/resources/subscription
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sandbox.tenant.graph.errors import subscription_not_found, too_many_subscriptions, twin_subscription
from sandbox.tenant.graph.ids import ItemId
from sandbox.tenant.graph.push import Push
from sandbox.tenant.graph.store import Folder, Mailbox, Message

# Of all applications together: learn.microsoft.com/graph/outlook-change-notifications-overview
LARGEST_NUMBER = 1_000

LifecycleEvent = Literal["missed", "subscriptionRemoved", "reauthorizationRequired"]

# The life of an access token: learn.microsoft.com/graph/change-notifications-delivery-webhooks
REAUTHORIZED_WITHIN = timedelta(hours=1)


@dataclass(frozen=True)
class Change:
    """Something happened to a message in `folder`; `kind` is created, updated or deleted.

    `former` are the ids under which a message stood that has left.
    """

    kind: str
    mailbox: Mailbox
    message: Message
    folder: Folder
    former: ItemId | None = None

    @property
    def ids(self) -> ItemId:
        """The ids by which the change is announced."""
        return self.former or self.message.ids


@dataclass(eq=False)
class Subscription:
    """One subscription; `folder` is None when it is on the whole mailbox.

    From `silent_from` on it announces nothing, until it is renewed or reauthorised, and what it would have
    announced is lost: the strict reading of learn.microsoft.com/graph/change-notifications-lifecycle-events.
    """

    id: str
    app_id: str
    mailbox: Mailbox
    folder: Folder | None
    change_type: str
    resource: str
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None
    expires: datetime
    tls_version: str
    immutable_ids: bool
    silent_from: datetime | None = None

    @property
    def change_types(self) -> frozenset[str]:
        """The kinds of change asked for."""
        return frozenset(self.change_type.split(","))

    def wants(self, change: Change) -> bool:
        """Whether this change is to be announced; a subfolder's is not its parent's."""
        return (
            change.kind in self.change_types
            and change.mailbox is self.mailbox
            and self.folder in (None, change.folder)
        )

    def is_twin_of(self, other: Subscription) -> bool:
        """The same application, change types and resource.

        However the resource is written: the strict reading, as the documentation says only "the same values".
        """
        return (
            self.mailbox is other.mailbox
            and self.folder is other.folder
            and self.app_id == other.app_id
            and self.change_types == other.change_types
        )


class Subscriptions:
    """Every subscription that has not expired by the clock `now`; `push` is how notifications travel."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._known: dict[str, Subscription] = {}
        self._listeners: list[Callable[[Subscription, LifecycleEvent], None]] = []
        self.push = Push()

    def listen(self, listener: Callable[[Subscription, LifecycleEvent], None]) -> None:
        """Call `listener` with every lifecycle event from now on."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[Subscription, LifecycleEvent], None]) -> None:
        """No longer call `listener`."""
        self._listeners.remove(listener)

    def live(self) -> list[Subscription]:
        """What has not expired, the oldest first. What has is forgotten."""
        now = self._now()
        for expired in [one for one in list(self._known.values()) if one.expires <= now]:
            self._known.pop(expired.id, None)
        return list(self._known.values())

    def check(self, wanted: Subscription) -> None:
        """Raises GraphError 409 for a twin, 403 when the mailbox has its full number."""
        live = self.live()
        for other in live:
            if wanted.is_twin_of(other):
                raise twin_subscription(other.id)
        if sum(other.mailbox is wanted.mailbox for other in live) >= LARGEST_NUMBER:
            raise too_many_subscriptions(LARGEST_NUMBER)

    def add(self, wanted: Subscription) -> None:
        """Begin a subscription. Raises as `check`."""
        self.check(wanted)
        self._known[wanted.id] = wanted

    def of(self, app_id: str) -> list[Subscription]:
        """The subscriptions of one application; others' are not for it to see."""
        return [one for one in self.live() if one.app_id == app_id]

    def get(self, app_id: str, subscription_id: str) -> Subscription:
        """One subscription of an application. Raises GraphError 404."""
        for one in self.of(app_id):
            if one.id == subscription_id:
                return one
        raise subscription_not_found()

    def remove(self, subscription: Subscription) -> None:
        """End a subscription."""
        self._known.pop(subscription.id, None)

    def wanting(self, change: Change) -> list[Subscription]:
        """The subscriptions that are told of a change."""
        now = self._now()
        heard = (one for one in self.live() if one.silent_from is None or one.silent_from > now)
        return [one for one in heard if one.wants(change)]

    def miss(self, subscription: Subscription) -> None:
        """Say that notifications were lost; losing them is the matter of `push`."""
        self._tell(subscription, "missed")

    def withdraw(self, subscription: Subscription) -> None:
        """End a subscription, as Graph does by itself, and say so."""
        self.remove(subscription)
        self._tell(subscription, "subscriptionRemoved")

    def require_reauthorization(
        self, subscription: Subscription, within: timedelta = REAUTHORIZED_WITHIN
    ) -> None:
        """Say that the subscription's own token ends; after that time it falls silent."""
        end = self._now() + within
        subscription.silent_from = min(subscription.silent_from or end, end)
        self._tell(subscription, "reauthorizationRequired")

    def _tell(self, subscription: Subscription, event: LifecycleEvent) -> None:
        for listener in self._listeners:
            listener(subscription, event)
