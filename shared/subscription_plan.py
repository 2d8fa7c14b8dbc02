"""What to do about subscriptions: a decision over values, without I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.configuration import Source
from shared.graph.answers import Subscription

LIFETIME = timedelta(minutes=10_000)
"""What is asked for: the service takes 10,070 minutes, whatever the documentation says.

Source: the service's own error, "Subscription expiration can only be 10070 minutes in the future."
"""


@dataclass(frozen=True)
class Watched:
    """A folder that a source watches, and the resource that a subscription of it names."""

    source: str
    mailbox: str
    folder: str

    @property
    def resource(self) -> str:
        """As in learn.microsoft.com/graph/outlook-change-notifications-overview."""
        return f"users/{self.mailbox}/mailFolders('{self.folder}')/messages"


@dataclass(frozen=True)
class Renewal:
    """A subscription that gets a new end."""

    watched: Watched
    subscription: str


@dataclass(frozen=True)
class SubscriptionPlan:
    """What is to be done now."""

    create: tuple[Watched, ...]
    renew: tuple[Renewal, ...]


def watched_by(sources: Iterable[Source]) -> list[Watched]:
    """Each folder of each source. Well-known names are the same in any case: they are written small."""
    return [
        Watched(source.name, source.mailbox, folder.lower() if folder.isalpha() else folder)
        for source in sources
        for folder in source.folders
    ]


def plan_subscriptions(
    wanted: Iterable[Watched], ours: Collection[str], existing: Iterable[Subscription], now: datetime
) -> SubscriptionPlan:
    """Create what is missing, renew what has less than half its life left.

    `ours` are the ids that the app has created; of the `existing` ones, only these count.
    """
    living: dict[str, Subscription] = {}
    for subscription in existing:
        if subscription.id in ours and subscription.expires is not None and subscription.expires > now:
            living[_comparable(subscription.resource or "")] = subscription
    create, renew = [], []
    for watched in wanted:
        found = living.get(_comparable(watched.resource))
        if found is None:
            create.append(watched)
        elif found.expires is not None and found.expires - now < LIFETIME / 2:
            renew.append(Renewal(watched, found.id))
    return SubscriptionPlan(tuple(create), tuple(renew))


def _comparable(resource: str) -> str:
    return resource.removeprefix("/").replace("('", "/").replace("')", "").casefold()
