"""What keeping subscriptions costs as sources grow in number, and what is left when a round is cut off."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from shared.graph.answers import Subscription
from shared.graph.subscriptions import Creation, Named
from shared.identities import client_state
from shared.queue_messages import Event, LifecycleEvent
from shared.secret_store import SecretStore, SecretVersion
from shared.subscription_plan import LIFETIME, Registered, watched_by
from shared.subscriptions import Subscriptions
from shared.tracing import traceparent

from .clock import FakeClock
from .graph_model import Chance, Died, GraphModel, Kept, RegisterModel
from .made import source

pytestmark = pytest.mark.anyio
ADDRESSES = ("https://example.com/api/notifications", "https://example.com/api/lifecycle")
PORTION = 2


@pytest.fixture(autouse=True)
def _small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model takes no batches: what is sent together is a handful."""
    monkeypatch.setattr("shared.subscription_round.LARGEST_BATCH", PORTION)


@dataclass
class Graph(GraphModel):
    """Notes the fewest subscriptions that there were after a deletion."""

    fewest: int = 1_000

    async def delete(self, named: Named) -> None:
        await super().delete(named)
        self.fewest = min(self.fewest, len(self.kept))


@dataclass
class Register(RegisterModel):
    """Notes of which sources the rows were read; None is of all."""

    read: list[str | None] = field(default_factory=list)

    async def rows(self, source: str | None = None) -> list[Registered]:
        self.read.append(source)
        return await super().rows(source)


@dataclass
class Keys:
    """The versions of the notification key."""

    known: Sequence[SecretVersion] = (SecretVersion("key-1", "value 1"),)

    async def versions(self, _: str) -> Sequence[SecretVersion]:
        return self.known

    async def versions_other_than(self, name: str, _: Any) -> Sequence[SecretVersion]:
        return await self.versions(name)


class World:
    """An app with so many sources of one folder, its Graph and its table in memory."""

    def __init__(self, number: int) -> None:
        self.clock, self.keys, chance = FakeClock(), Keys(), Chance(random.Random(1))
        self.sources = [source(f"source-{place:03}") for place in range(number)]
        watched = watched_by(self.sources)
        self.graph = Graph(self.clock, chance, watched, ADDRESSES, ["value 1"], self.clock.now())
        self.register = Register(chance)
        self.swept: list[str] = []
        self.dies_at = 0
        self.app = self.started()

    def started(self) -> Subscriptions:
        """A new process: it remembers nothing."""
        return Subscriptions(
            {one.name: one for one in self.sources},
            self.graph,
            self.register,
            cast(SecretStore, self.keys),
            ADDRESSES,
            self.clock,
            self.sweep,
        )

    async def sweep(self, name: str) -> None:
        """What `on_missed` is; at the call `dies_at` the host ends the worker, whose time is over."""
        self.swept.append(name)
        if len(self.swept) == self.dies_at:
            raise Died

    def vouched_for(self) -> set[str]:
        """The sources that have a subscription on record with the end that it has."""
        return {row.source for row in self.register.kept.values() if row.until == self.clock.now() + LIFETIME}

    def asked(self) -> Counter[str]:
        """What Graph was asked for since the last time."""
        calls = Counter(self.graph.calls)
        self.graph.calls.clear()
        return calls

    def unanswered(self, place: int) -> None:
        """A source has a subscription that is not on record: its creation was never answered."""
        (watched,) = watched_by([self.sources[place]])
        state, until = client_state(watched.source, "value 1"), self.clock.now() + LIFETIME
        asked = Creation(watched.mailbox, watched.resource, ADDRESSES, state, until)
        self.graph.kept[f"lost-{place}"] = Kept(f"lost-{place}", asked, until)


async def looked_at(number: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a round in which nothing is to be done looks at the source of a row."""
    world, looks = World(number), 0
    await world.app.maintain()

    def counted(row: Registered, name: str) -> Any:
        nonlocal looks
        looks += name == "source"
        return object.__getattribute__(row, name)

    with monkeypatch.context() as patch:
        patch.setattr(Registered, "__getattribute__", counted)
        await world.app.maintain()
    return looks


async def test_four_times_the_sources_are_four_times_the_looks_at_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few, many = await looked_at(5, monkeypatch), await looked_at(20, monkeypatch)

    assert few > 0
    assert many == 4 * few


async def test_a_round_that_is_cut_off_has_vouched_for_what_it_made_but_for_its_last_portion() -> None:
    """A first round over very many mailboxes takes longer than a function may run."""
    world = World(10)
    world.dies_at = 6
    with pytest.raises(Died):
        await world.app.maintain()
    assert world.vouched_for() == {one.name for one in world.sources[:5]}
    world.asked()

    await world.started().maintain()

    assert world.vouched_for() == {one.name for one in world.sources}
    assert world.swept[6:] == [one.name for one in world.sources[5:]]
    assert world.asked() == {"all": 1, "renew": 1, "create": 4}


@pytest.mark.parametrize("portion", [1, 3])
async def test_however_often_rounds_are_cut_off_all_is_vouched_for_in_the_end(
    portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each makes at least a portion more, and no source is swept before it is subscribed."""
    monkeypatch.setattr("shared.subscription_round.LARGEST_BATCH", portion)
    world, rounds = World(12), 0
    while len(world.vouched_for()) < 12:
        rounds += 1
        world.dies_at = len(world.swept) + portion + 1
        before = len(world.vouched_for())
        try:
            await world.started().maintain()
        except Died:
            assert len(world.vouched_for()) == before + portion
        assert {row.source for row in world.register.kept.values()} >= set(world.swept)

    assert rounds == 12 // portion
    assert Counter(world.swept).keys() == {one.name for one in world.sources}


async def test_while_a_key_is_changed_few_are_without_a_subscription() -> None:
    """What is replaced is deleted first, but not all of it before the first one is made anew."""
    world = World(9)
    await world.app.maintain()
    world.keys.known = (SecretVersion("key-2", "value 2"), *world.keys.known)

    await world.app.maintain()

    assert world.graph.fewest == 9 - PORTION
    assert {row.key_version for row in world.register.kept.values()} == {"key-2"}
    assert len(world.graph.kept) == 9


async def test_a_first_sweep_has_its_source_subscribed_without_a_look_at_others() -> None:
    world = World(5)

    await world.app.ensure(world.sources[0].name)
    await world.started().ensure(world.sources[0].name)

    assert world.asked() == {"create": 1, "get": 1}
    assert world.register.read == [world.sources[0].name] * 2


@pytest.mark.parametrize("event", ["missed", "subscriptionRemoved", "reauthorizationRequired"])
async def test_a_lifecycle_event_costs_no_look_at_other_sources(event: Event) -> None:
    world = World(5)
    await world.app.maintain()
    world.asked()
    world.register.read.clear()
    mine = next(row for row in world.register.kept.values() if row.source == world.sources[0].name)
    if event == "subscriptionRemoved":
        world.graph.end(mine.subscription)

    await world.app.care(
        LifecycleEvent(
            source=mine.source, traceparent=traceparent(), event=event, subscription=mine.subscription
        )
    )

    assert set(world.register.read) == {mine.source}
    assert "all" not in world.asked()


async def test_creations_that_were_never_answered_share_one_look_at_all_there_is() -> None:
    """As many as are sent at once are left by a round that is cut off."""
    world = World(PORTION)
    for place in range(PORTION):
        world.unanswered(place)

    await world.app.maintain()

    assert world.asked() == {"all": 2, "create": 2 * PORTION, "delete": PORTION}
    assert world.register.read.count(None) == 2
    assert {row.subscription for row in world.register.kept.values()} == set(world.graph.kept)


async def test_what_first_sweeps_have_made_beside_a_round_serves_and_costs_no_other_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The timer and the first sweeps of all sources begin at the same time."""
    world = World(6)
    sweeping, listed = world.started(), world.graph.all

    async def overtaken() -> list[Subscription]:
        found = await listed()
        for one in world.sources:
            await sweeping.ensure(one.name)
        return found

    monkeypatch.setattr(world.graph, "all", overtaken)
    await world.app.maintain()

    assert world.asked() == {"all": 1, "create": 2 * 6, "get": 6}
    assert world.register.read.count(None) == 1
    assert world.vouched_for() == set(world.swept) == {one.name for one in world.sources}
    assert len(world.swept) == 6
