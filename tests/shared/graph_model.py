"""Graph's subscriptions as a model in memory, strict as the service, with what goes wrong drawn by chance.

It knows at every moment which folders are covered, and who owes a sweep: after each gap one must follow.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from shared.errors import Unavailable
from shared.graph.answers import Subscription
from shared.graph.faults import Conflict, NotFound, Refused
from shared.graph.subscriptions import Creation, Named, SubscriptionClient
from shared.identities import proven_source
from shared.queue_messages import Event
from shared.subscription_plan import Registered, Watched
from shared.subscription_register import SubscriptionRegister

from .clock import FakeClock

SHORTEST = timedelta(minutes=45)
LISTED_AFTER_ITS_END = timedelta(minutes=10)


class Died(Exception):
    """The worker has died, in the middle of what it did."""


@dataclass
class Chance:
    """Odds, by chance that repeats, of faults and of the death of the worker; switched off at first."""

    draw: random.Random
    fault: float = 0.0
    death: float = 0.0

    def strike(self) -> None:
        if self.draw.random() < self.death:
            raise Died
        if self.draw.random() < self.fault:
            raise Unavailable("Graph answered 503", origin="graph")


@dataclass
class Kept:
    """A subscription; from `silent_from` on it announces nothing until it is renewed."""

    id: str
    asked: Creation
    expires: datetime
    silent_from: datetime | None = None


@dataclass
class GraphModel(SubscriptionClient):
    """The service, what the app of today wants of it, and what it announces to the app."""

    clock: FakeClock
    chance: Chance
    wanted: list[Watched]
    addresses: tuple[str, str]
    keys: list[str]
    changes_zone_at: datetime
    limit: timedelta = timedelta(minutes=10_070)
    kept: dict[str, Kept] = field(default_factory=dict)
    ended: dict[str, tuple[Kept, datetime]] = field(default_factory=dict)
    uncovered: dict[Watched, datetime] = field(default_factory=dict)
    owed: set[Watched] = field(default_factory=set)
    gaps: list[tuple[Watched, datetime, datetime]] = field(default_factory=list)
    sweeps: int = 0
    swept: dict[str, datetime] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    tell: Callable[[Kept, Event], None] = lambda one, event: None

    async def create(self, wanted: Creation) -> Subscription:
        self._called("create")
        end = self._end(wanted.until)
        for other in self.kept.values():
            if other.asked.resource == wanted.resource:
                raise Conflict("Graph answered 409")
        made = Kept(f"s-{self.calls['create']}", wanted, end)
        self.kept[made.id] = made
        return self._answered(made)

    async def renew(self, named: Named, until: datetime) -> Subscription:
        self._called("renew")
        end = self._end(until)
        one = self.kept.get(named.subscription)
        if one is None:
            raise NotFound("ResourceNotFound")
        one.expires, one.silent_from = end, None
        return self._answered(one)

    async def delete(self, named: Named) -> None:
        self._called("delete")
        self.end(named.subscription)
        self.look()
        self.chance.strike()

    async def all(self) -> list[Subscription]:
        """The list is behind: what has ended may stand in it for a while."""
        self._called("all")
        return [self._shown(one) for one in self._listed()]

    async def get(self, named: Named) -> Subscription:
        """One by its id may be behind, too."""
        self._called("get")
        one = next((one for one in self._listed() if one.id == named.subscription), None)
        if one is None:
            raise NotFound("ResourceNotFound")
        return self._shown(one)

    async def sweep(self, source: str) -> None:
        """What `on_missed` is."""
        self.chance.strike()
        self.look()
        self.sweeps += 1
        self.swept[source] = self.clock.now()
        self.owed -= {one for one in self.owed if one.source == source}
        self.chance.strike()

    def end(self, subscription: str) -> None:
        """It is no more, and nobody is told."""
        one = self.kept.pop(subscription, None)
        if one is not None:
            self.ended[one.id] = one, self.clock.now()

    def want(self, wanted: Iterable[Watched]) -> None:
        """The configuration names these folders from now on; what it names no longer owes nothing."""
        self.wanted = list(wanted)
        self.uncovered = {one: at for one, at in self.uncovered.items() if one in self.wanted}
        self.owed &= set(self.wanted)
        self.look()

    def serving(self, watched: Watched) -> Kept | None:
        """The subscription by which the app of today would learn of a mail in this folder."""
        now = self.clock.now()
        for one in self.kept.values():
            asked = one.asked
            if (
                asked.resource == watched.resource
                and asked.addresses == self.addresses
                and proven_source(asked.client_state, self.keys) == watched.source
                and (one.silent_from is None or one.silent_from > now)
            ):
                return one
        return None

    def excused(self, watched: Watched) -> bool:
        """Whether the app can't know that this folder is uncovered: it is silent, or stands in the list."""
        listed = [one for one, at in self.ended.values() if self.clock.now() - at < LISTED_AFTER_ITS_END]
        silent = [one for one in self.kept.values() if one.silent_from is not None]
        return any(one.asked.resource == watched.resource for one in (*listed, *silent))

    def look(self) -> None:
        """Note where a gap begins and ends; whoever had one owes a sweep from its end on."""
        now = self.clock.now()
        for name in [one.id for one in self.kept.values() if one.expires <= now]:
            self.end(name)
        for watched in self.wanted:
            covered = self.serving(watched) is not None
            if not covered:
                self.uncovered.setdefault(watched, now)
            elif watched in self.uncovered:
                self.gaps.append((watched, self.uncovered.pop(watched), now))
                self.owed.add(watched)

    def _listed(self) -> list[Kept]:
        behind = self.chance.draw.random() < 0.5
        now = self.clock.now()
        gone = [one for one, at in self.ended.values() if behind and now - at < LISTED_AFTER_ITS_END]
        return [*self.kept.values(), *gone]

    def _called(self, name: str) -> None:
        self.look()
        self.calls[name] = self.calls.get(name, 0) + 1
        self.chance.strike()

    def _answered(self, one: Kept) -> Subscription:
        """The answer, if it comes: the service has done its part."""
        self.look()
        self.chance.strike()
        return self._shown(one)

    def _end(self, until: datetime) -> datetime:
        now = self.clock.now()
        if until > now + self.limit:
            minutes = round(self.limit.total_seconds() / 60)
            text = f"Subscription expiration can only be {minutes} minutes in the future."
            raise Refused(400, "ExtensionError", text)
        return max(until, now + SHORTEST)

    def _shown(self, one: Kept) -> Subscription:
        """With seven decimals and the offset of a zone that keeps summer time."""
        zone = timezone(timedelta(hours=2 if one.expires < self.changes_zone_at else 1))
        text = one.expires.astimezone(zone).isoformat(timespec="microseconds")
        return Subscription(
            id=one.id,
            resource=one.asked.resource,
            change_type="created",
            notification_url=one.asked.addresses[0],
            lifecycle_notification_url=one.asked.addresses[1],
            expiration_date_time=f"{text[:26]}0{text[26:]}",
        )


@dataclass
class RegisterModel(SubscriptionRegister):
    """The table, in memory; it fails and kills like the service."""

    chance: Chance
    kept: dict[tuple[str, str], Registered] = field(default_factory=dict)

    async def add(self, row: Registered) -> None:
        self.chance.strike()
        self.kept[row.source, row.subscription] = row
        self.chance.strike()

    async def remove(self, source: str, subscription: str) -> None:
        self.chance.strike()
        self.kept.pop((source, subscription), None)
        self.chance.strike()

    async def rows(self, source: str | None = None) -> list[Registered]:
        self.chance.strike()
        return [row for row in self.kept.values() if source in (None, row.source)]
