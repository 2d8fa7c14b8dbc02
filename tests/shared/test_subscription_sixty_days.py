"""Sixty days of subscriptions: no gap that is not followed by a sweep of its source."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from shared.configuration import Source
from shared.errors import VaultpostError
from shared.identities import proven_source
from shared.queue_messages import Event, LifecycleEvent
from shared.secret_store import SecretStore, SecretVersion
from shared.subscription_plan import watched_by
from shared.subscriptions import Subscriptions
from shared.tracing import traceparent

from .clock import FakeClock
from .graph_model import Chance, Died, GraphModel, Kept, RegisterModel
from .made import source

pytestmark = pytest.mark.anyio
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
RESENT_FOR = timedelta(hours=4)
"""As long as Graph sends a notification again.

Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks.
"""
OUTAGES = ((9.3, 1), (21.7, 3), (40.1, 8))
"""Days from the start on, and how many days nothing runs."""
AUTUMN = (datetime(2026, 10, 3, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC))
SPRING = (datetime(2027, 2, 10, tzinfo=UTC), datetime(2027, 3, 28, 1, tzinfo=UTC))
OLD = ("https://old.example.com/api/notifications", "https://old.example.com/api/lifecycle")
NEW = ("https://new.example.com/api/notifications", "https://new.example.com/api/lifecycle")
SHORT = {2, 3}
"""The seeds of the suite."""
SOURCES = [source("invoices", folders=("inbox", "archive")), source("orders"), source("scans")]


class Keys:
    """The versions of the notification key: the present one and the former."""

    def __init__(self) -> None:
        self.known = [SecretVersion("key-1", "value 1")]

    async def versions(self, _: str) -> tuple[SecretVersion, ...]:
        return tuple(self.known[:2])

    async def versions_other_than(self, name: str, _: Any) -> tuple[SecretVersion, ...]:
        return await self.versions(name)

    def rotate(self) -> None:
        number = len(self.known) + 1
        self.known.insert(0, SecretVersion(f"key-{number}", f"value {number}"))


@dataclass
class Announced:
    """A lifecycle event on its way: Graph sends it again for four hours, the app's queue for ever."""

    event: LifecycleEvent
    told: datetime
    comes: datetime
    lost: datetime
    taken: bool = False


@dataclass
class Life:
    """The app and its Graph, from one timer to the next."""

    seed: int
    begins: datetime
    changes_zone_at: datetime
    chance: Chance = field(init=False)
    events: list[Announced] = field(default_factory=list)
    good_rounds: int = 0
    deaths: int = 0
    sent: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.chance = Chance(random.Random(self.seed))
        self.clock = FakeClock(self.begins)
        self.keys = Keys()
        self.sources: list[Source] = SOURCES[:2]
        self.graph = GraphModel(
            self.clock,
            self.chance,
            watched_by(self.sources),
            OLD,
            [one.value for one in self.keys.known],
            self.changes_zone_at,
        )
        self.graph.tell = self.told
        self.register = RegisterModel(self.chance)
        self.app = self.started()

    def started(self) -> Subscriptions:
        """A new process: it remembers nothing."""
        return Subscriptions(
            {one.name: one for one in self.sources},
            self.graph,
            self.register,
            cast(SecretStore, self.keys),
            self.graph.addresses,
            self.clock,
            self.graph.sweep,
        )

    def told(self, one: Kept, event: Event) -> None:
        """Graph announces an event; some come twice."""
        source_name = proven_source(one.asked.client_state, self.graph.keys)
        if source_name is None:
            return  # signed with a key that is known no longer: the webhook drops it
        now = self.clock.now()
        self.sent[event] = self.sent.get(event, 0) + 1
        message = LifecycleEvent(
            source=source_name, traceparent=traceparent(), event=event, subscription=one.id
        )
        for _ in range(self.draw.choice([1, 1, 2])):
            late = timedelta(minutes=self.draw.uniform(0, 40))
            self.events.append(Announced(message, now, now + late, now + RESENT_FOR))

    def happen(self) -> None:
        """What Graph does by itself, now and then."""
        for one in list(self.graph.kept.values()):
            luck = self.draw.random() * 96
            if luck < 0.15:
                self.graph.end(one.id)
                self.graph.tell(one, "subscriptionRemoved")
            elif luck < 0.25:
                self.graph.end(one.id)  # and nobody is told
            elif luck < 0.4:
                later = self.clock.now() + timedelta(hours=1)
                one.silent_from = min(one.silent_from or later, later)
                self.graph.tell(one, "reauthorizationRequired")
            elif luck < 0.5:
                self.graph.tell(one, "missed")

    async def cared(self, announced: Announced) -> bool:
        """Whether the event has been dealt with.

        What was missed before Graph said so is owed as soon as the app knows of it, but for what was swept
        since.
        """
        source_name = announced.event.source
        swept = self.graph.swept.get(source_name)
        if announced.event.event == "missed" and (swept is None or swept < announced.told):
            mine = [one for one in self.graph.wanted if one.source == source_name]
            self.graph.owed |= set(mine)
        return await self.worked(self.app.care(announced.event))

    async def worked(self, work: Any) -> bool:
        try:
            await work
        except Died:
            self.deaths += 1
            self.app = self.started()
            return False
        except VaultpostError:
            return False
        return True

    async def tick(self, *, up: bool) -> None:
        """A quarter of an hour passes, and the timer strikes."""
        self.clock.advance(seconds=QUARTER.total_seconds())
        self.graph.look()
        self.happen()
        self.graph.look()
        now = self.clock.now()
        self.events = [one for one in self.events if one.taken or one.lost > now]
        if up:
            await self.run()

    async def run(self) -> None:
        due = [one for one in self.events if one.comes <= self.clock.now()]
        self.draw.shuffle(due)
        for one in due:
            one.taken = True
            if await self.cared(one):
                self.events.remove(one)
        if await self.worked(self.app.maintain()):
            self.good_rounds += 1
            self.check(pending={one.event.source for one in self.events if one.taken})

    def check(self, pending: Iterable[str] = ()) -> None:
        """After a good round nothing is owed, but for events that the queue brings again.

        Nor is anything left of a source that is gone.
        """
        assert {one.source for one in self.graph.owed} <= set(pending)
        assert all(self.graph.excused(one) for one in self.graph.uncovered)
        assert {one.source for one in self.register.kept.values()} <= {one.name for one in self.sources}

    def change(self, day: int) -> None:
        """What the operator does, and what the service does to everyone."""
        if day % 14 == 13:
            self.keys.rotate()
            self.graph.keys = [one.value for one in self.keys.known[:2]]
        if day == 30:
            self.graph.addresses = NEW
        if day in {17, 35}:
            self.sources = SOURCES if day == 17 else SOURCES[1:]
            self.graph.want(watched_by(self.sources))
        if day in {28, 52}:
            self.graph.limit = timedelta(minutes=4_230 if day == 28 else 1_440)
        if day in {17, 30, 35}:
            self.app = self.started()


def is_up(passed: timedelta) -> bool:
    return not any(timedelta(days=at) <= passed < timedelta(days=at + length) for at, length in OUTAGES)


@pytest.mark.parametrize(("seed", "season"), [(1, AUTUMN), (2, AUTUMN), (3, SPRING), (4, SPRING)])
async def test_in_sixty_days_no_gap_is_without_a_sweep_that_follows_it(
    seed: int, season: tuple[datetime, datetime], pytestconfig: pytest.Config
) -> None:
    """Graph is strict and forgetful, answers are lost, the worker dies in the middle of what it does.

    The app is down for 1, 3 and 8 days; events come late, twice, in any order, or never; the key, the
    address, the sources and the service's own limit change; months and summer time end.
    """
    if seed not in SHORT and not pytestconfig.getoption("--long"):
        pytest.skip("one life of each season shows it: others with --long")
    life = Life(seed, *season)
    life.chance.fault, life.chance.death = 0.02, 0.005
    was_up, day = True, -1
    while (passed := life.clock.now() - life.begins) < 60 * DAY:
        if passed // DAY > day:
            day = passed // DAY
            life.change(day)
        up = is_up(passed)
        if up and not was_up:
            life.app = life.started()
        was_up = up
        await life.tick(up=up)
    life.chance.fault = life.chance.death = 0.0
    for one in list(life.events):
        one.taken, one.comes = True, life.clock.now()
    await life.run()
    life.check()

    assert life.events == []
    assert folders_covered(life) >= {("orders", "inbox"), ("scans", "inbox")} - silent(life)
    assert {row.source for row in life.register.kept.values()} == {"orders", "scans"}
    assert {one.asked.addresses for one in life.graph.kept.values()} == {NEW}
    # That it was a test at all: there were gaps, deaths, events of each kind, and good rounds between them.
    assert len(life.graph.gaps) > 20
    assert life.deaths > 20
    assert set(life.sent) == {"missed", "subscriptionRemoved", "reauthorizationRequired"}
    assert life.good_rounds > 3_000
    # Nor is Graph hammered: a list for each round and event, and all else seldom.
    assert life.graph.calls["renew"] < 600
    assert life.graph.calls["create"] < 300
    assert life.graph.sweeps < 900


def folders_covered(life: Life) -> set[tuple[str, str]]:
    return {(one.source, one.folder) for one in life.graph.wanted if one not in life.graph.uncovered}


def silent(life: Life) -> set[tuple[str, str]]:
    return {(one.source, one.folder) for one in life.graph.wanted if life.graph.excused(one)}


async def test_on_good_days_a_life_is_renewed_twice_a_week_and_nothing_else_happens() -> None:
    life = Life(0, *AUTUMN)
    life.happen = lambda: None  # type: ignore[method-assign]
    for _ in range(60 * 96):
        await life.tick(up=True)

    assert life.graph.calls["create"] == 3
    assert 3 * 60 / 7 < life.graph.calls["renew"] < 3 * 60 / 3
    assert [at for _, _, at in life.graph.gaps] == [life.begins + QUARTER] * 3
