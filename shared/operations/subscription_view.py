"""The subscriptions as they are, and what would be done about each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.graph.answers import Subscription
from shared.subscription_plan import Registered, SubscriptionPlan, Watched, plan_subscriptions
from shared.subscriptions import NOTIFICATION_KEY, Subscriptions

Action = Literal["none", "create", "renew", "replace", "delete", "strike-off", "ended", "not-ours"]
"""strike-off: Graph knows it no longer; ended: Graph still lists it, and sends nothing for it any more;
not-ours: the app did not create it, and never touches it."""


@dataclass(frozen=True)
class Seen:
    """A subscription, or a folder that has none. `resource` is empty for one that is not ours.

    `expires` is its end as Graph says; `until` is the one that was noted when a sweep had been asked for.
    """

    source: str
    resource: str
    subscription: str
    expires: datetime | None
    until: datetime | None
    action: Action


async def look(subscriptions: Subscriptions, name: str | None, *, but: Collection[str] = ()) -> list[Seen]:
    """Those of one source, or of all and of nobody; nothing is changed. Sources in `but` are left out.

    Raises ConfigurationFault, NotFound, Refused, Transient.
    """
    sources = [one for one in subscriptions.sources.values() if name in (None, one.key_name)]
    sources = [one for one in sources if one.key_name not in but]
    rows = [row for row in await subscriptions.register.rows() if name in (None, row.source)]
    rows = [row for row in rows if row.source not in but]
    wanted: list[Watched] = []
    for source in sources:
        found, faults = await subscriptions.watched(source)
        if faults:
            raise faults[0]
        wanted += found
    existing = await subscriptions.client.all()
    versions = await subscriptions.secrets.versions(NOTIFICATION_KEY)
    now = subscriptions.clock.now()
    plan = plan_subscriptions(
        wanted,
        rows,
        existing,
        addresses=subscriptions.addresses,
        key_version=versions[0].id,
        now=now,
        lifetime=subscriptions.lifetime.asked,
    )
    strangers = existing if name is None else ()
    return seen(plan, rows, existing, strangers, now)


def seen(
    plan: SubscriptionPlan,
    rows: Iterable[Registered],
    existing: Iterable[Subscription],
    strangers: Iterable[Subscription],
    now: datetime,
) -> list[Seen]:
    """What a plan does with each of the app's `rows` and each folder without one; and who else is there."""
    found = {one.id: one for one in existing}
    rows = list(rows)
    actions = _actions(plan)
    ours = [_of(row, found.get(row.subscription), actions.get(row), now) for row in rows]
    missing = [_missing(watched) for watched in plan.create]
    known = {row.subscription for row in rows}
    others = [Seen("", "", one.id, one.expires, None, "not-ours") for one in strangers if one.id not in known]
    return [*sorted(ours, key=lambda one: (one.source, one.resource, one.subscription)), *missing, *others]


def _actions(plan: SubscriptionPlan) -> dict[Registered, Action]:
    actions: dict[Registered, Action] = {one.row: "renew" for one in plan.renew}
    actions |= {row: "replace" for one in plan.replace for row in one.rows}
    actions |= dict.fromkeys(plan.delete, "delete")
    return actions | dict.fromkeys(plan.gone, "strike-off")


def _of(row: Registered, found: Subscription | None, action: Action | None, now: datetime) -> Seen:
    expires = found.expires if found is not None else None
    has_ended = expires is not None and expires <= now
    idle: Action = "ended" if has_ended else "none"
    return Seen(row.source, row.resource, row.subscription, expires, row.until, action or idle)


def _missing(watched: Watched) -> Seen:
    return Seen(watched.source, watched.resource, "", None, None, "create")
