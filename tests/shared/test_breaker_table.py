"""Breakers that all instances share: one suite for table and fake, and one for the view of a worker."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import get_args

import pytest

from shared.breaker import (
    LEASE,
    Breaker,
    BreakerKey,
    Pass,
    Probe,
    PutBack,
    Step,
    held,
    opened,
    paused,
    probe_ended,
    probing,
    put_back,
    resumed,
    succeeded,
    suspected,
)
from shared.breaker_table import (
    CACHED_FOR,
    TABLE,
    Breakers,
    BreakerTable,
    BreakerTablePort,
    breaker_of,
    entity_of,
)
from shared.errors import Stale, Unavailable
from shared.journal_row import LONGEST_TEXT
from shared.testing.breaker_table import InMemoryBreakerTable

from .accounts import Stores
from .clock import NOON, FakeClock

pytestmark = pytest.mark.anyio
VAULT = BreakerKey("service", "vault")
GRAPH = BreakerKey("service", "graph")
INVOICES = BreakerKey("source", "invoices")
FILING = BreakerKey("source", "invoices", "filing")
STEPS: tuple[Step, ...] = get_args(Step)
OPEN = opened(Breaker(VAULT), "down", NOON)
WHOLE = Breaker(
    VAULT,
    "held",
    suspects=("0" * 32, "1" * 32, "2" * 32),
    since=NOON + timedelta(microseconds=123_456),
    reason="Größe: ß",
    remedy="Look.",
    asks_operator=True,
    probe_owner="run-1",
    probe_until=NOON + LEASE,
    probed_at=NOON,
)


@pytest.fixture(params=["table", "fake"])
def rows(request: pytest.FixtureRequest) -> BreakerTablePort:
    """Both kinds of rows, empty: the contract holds for each."""
    if request.param == "fake":
        return InMemoryBreakerTable()
    stores: Stores = request.getfixturevalue("stores")
    return BreakerTable(stores.tables)


class TestRows:
    """The contract of table and fake."""

    async def test_before_the_first_one_there_are_none(self, rows: BreakerTablePort) -> None:
        assert await rows.read_all() == {}

    async def test_one_comes_back_as_it_was_written(self, rows: BreakerTablePort) -> None:
        written = await rows.write(WHOLE)

        assert written.etag
        assert replace(written, etag="") == WHOLE
        assert await rows.read_all() == {VAULT: written}

    async def test_a_service_and_the_scopes_of_a_source_stand_apart(self, rows: BreakerTablePort) -> None:
        keys = [
            VAULT,
            BreakerKey("source", "vault"),
            INVOICES,
            FILING,
            BreakerKey("source", "invoices", "staging"),
            BreakerKey("source", "invoices-2"),
        ]

        for key in keys:
            await rows.write(paused(Breaker(key), ".".join(key), NOON))

        found = await rows.read_all()
        assert {key: breaker.reason for key, breaker in found.items()} == {key: ".".join(key) for key in keys}
        assert all(key == breaker.key for key, breaker in found.items())

    async def test_adding_one_that_is_there_is_stale_and_changes_nothing(
        self, rows: BreakerTablePort
    ) -> None:
        first = await rows.write(OPEN)

        with pytest.raises(Stale):
            await rows.write(replace(OPEN, reason="another"))

        assert await rows.read_all() == {VAULT: first}

    async def test_a_write_replaces_the_one_that_was_read(self, rows: BreakerTablePort) -> None:
        """What the new one does not say is gone."""
        first = await rows.write(WHOLE)

        second = await rows.write(Breaker(VAULT, etag=first.etag))

        assert second.etag not in ("", first.etag)
        assert await rows.read_all() == {VAULT: Breaker(VAULT, etag=second.etag)}

    async def test_a_write_over_one_that_has_changed_since_is_stale(self, rows: BreakerTablePort) -> None:
        first = await rows.write(OPEN)
        second = await rows.write(replace(first, reason="slow"))

        with pytest.raises(Stale):
            await rows.write(succeeded(first))

        assert await rows.read_all() == {VAULT: second}

    async def test_a_write_over_one_that_is_not_there_is_stale(self, rows: BreakerTablePort) -> None:
        written = await rows.write(OPEN)

        with pytest.raises(Stale):
            await rows.write(replace(OPEN, key=GRAPH, etag=written.etag))

        assert await rows.read_all() == {VAULT: written}

    @pytest.mark.parametrize("is_there", [False, True])
    async def test_of_many_writes_at_once_one_wins(self, rows: BreakerTablePort, is_there: bool) -> None:
        """They also race for the table."""
        first = await rows.write(OPEN) if is_there else OPEN

        outcomes = await asyncio.gather(
            *(rows.write(replace(first, reason=str(number))) for number in range(8)), return_exceptions=True
        )

        winners = [outcome for outcome in outcomes if isinstance(outcome, Breaker)]
        assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 7
        assert await rows.read_all() == {VAULT: winners[0]}

    async def test_first_writes_of_different_ones_at_once_all_stand(self, rows: BreakerTablePort) -> None:
        """Each finds no table: who comes second to make it must not lose its write."""
        keys = [BreakerKey("source", f"source-{number}") for number in range(8)]

        written = await asyncio.gather(*(rows.write(paused(Breaker(key), "work", NOON)) for key in keys))

        assert await rows.read_all() == dict(zip(keys, written, strict=True))

    async def test_no_text_is_over_4_kb(self, rows: BreakerTablePort) -> None:
        long = "ä" * LONGEST_TEXT

        await rows.write(replace(WHOLE, reason=long, remedy=long, probe_owner=long))

        found = (await rows.read_all())[VAULT]
        assert found.reason == found.remedy == found.probe_owner == "ä" * (LONGEST_TEXT // 2)


async def test_a_row_names_its_service_or_source_and_scope(stores: Stores) -> None:
    table = BreakerTable(stores.tables)
    await table.write(OPEN)
    await table.write(held(Breaker(FILING), "no class", "add it", NOON))

    found = [entity async for entity in stores.tables.get_table_client(TABLE).list_entities()]
    assert [(row["PartitionKey"], row["RowKey"], row["state"]) for row in found] == [
        ("service", "vault", "open"),
        ("source", "invoices.filing", "held"),
    ]


async def test_a_row_of_a_later_version_is_no_fault_and_is_written_anew(stores: Stores) -> None:
    """A state that is unknown reads as closed; a scope or kind that is unknown is left alone."""
    table = BreakerTable(stores.tables)
    first = await table.write(OPEN)
    client = stores.tables.get_table_client(TABLE)
    await client.update_entity({"PartitionKey": "service", "RowKey": "vault", "state": "half-open"})
    await client.create_entity({"PartitionKey": "source", "RowKey": "invoices.sweeping", "state": "open"})
    await client.create_entity({"PartitionKey": "region", "RowKey": "vault", "state": "open"})

    found = await table.read_all()

    assert found == {VAULT: Breaker(VAULT, etag=found[VAULT].etag)}
    assert found[VAULT].etag != first.etag
    written = await table.write(opened(found[VAULT], "down", NOON))
    assert await table.read_all() == {VAULT: written}


def test_a_row_of_this_version_stays_readable() -> None:
    """Later versions read what this one wrote: the names are a contract."""
    row = {
        "PartitionKey": "service",
        "RowKey": "vault",
        "state": "held",
        "suspects": "\n".join(WHOLE.suspects),
        "since": WHOLE.since,
        "reason": "Größe: ß",
        "remedy": "Look.",
        "asks_operator": True,
        "probe_owner": "run-1",
        "probe_until": WHOLE.probe_until,
        "probed_at": NOON,
    }

    assert breaker_of(row, "") == WHOLE
    assert entity_of(WHOLE) == row


async def test_storage_that_does_not_answer_is_unavailable_at_once(down: Stores) -> None:
    """And not an empty table, in which nothing would be shut."""
    table = BreakerTable(down.tables)
    began = time.monotonic()

    for work in (table.read_all(), table.write(OPEN), table.write(replace(OPEN, etag='W/"1"'))):
        with pytest.raises(Unavailable, match="breakers"):
            await work

    assert time.monotonic() - began < 5


async def test_nothing_passes_while_the_table_does_not_answer(clock: FakeClock, down: Stores) -> None:
    with pytest.raises(Unavailable):
        await Breakers(BreakerTable(down.tables), clock).admit("filing", "invoices", "run-1", 0.5)


@pytest.fixture
def memory() -> InMemoryBreakerTable:
    """Rows in memory, which count their accesses."""
    return InMemoryBreakerTable()


@pytest.fixture
def breakers(memory: InMemoryBreakerTable, clock: FakeClock) -> Breakers:
    """The view of one worker."""
    return Breakers(memory, clock)


@pytest.fixture
def others(rows: BreakerTablePort, clock: FakeClock) -> list[Breakers]:
    """Eight workers over the same rows."""
    return [Breakers(rows, clock) for _ in range(8)]


async def _suspect(breakers: Breakers, clock: FakeClock, mail: str) -> Breaker:
    return await breakers.change(VAULT, partial(suspected, mail=mail, reason="slow", now=clock.now()))


async def test_what_was_read_serves_for_some_seconds(
    breakers: Breakers, memory: InMemoryBreakerTable, clock: FakeClock
) -> None:
    """A thousand messages in that time cost one query, also if they come at once."""
    await asyncio.gather(*(breakers.admit("filing", "invoices", f"run-{n}", 0.5) for n in range(100)))
    clock.advance(seconds=CACHED_FOR.total_seconds() - 0.001)
    await breakers.all()
    assert memory.reads == 1

    clock.advance(seconds=0.001)
    await breakers.all()
    assert memory.reads == 2
    await breakers.all(fresh=True)
    assert memory.reads == 3


async def test_what_another_worker_has_opened_is_seen_after_that_time(
    breakers: Breakers, memory: InMemoryBreakerTable, clock: FakeClock
) -> None:
    assert await breakers.admit("filing", "invoices", "run-1", 0.5) == Pass()
    await Breakers(memory, clock).change(VAULT, partial(opened, reason="down", now=clock.now()))

    clock.advance(seconds=CACHED_FOR.total_seconds())

    assert await breakers.admit("filing", "invoices", "run-1", 0.5) == put_back(clock.now(), 0.5)


async def test_a_worker_sees_its_own_change_at_once(breakers: Breakers, clock: FakeClock) -> None:
    await breakers.all()

    await breakers.change(VAULT, partial(opened, reason="down", now=clock.now()))

    assert await breakers.admit("filing", "invoices", "run-1", 0.5) == put_back(clock.now(), 0.5)


async def test_what_changes_nothing_is_not_written(breakers: Breakers, memory: InMemoryBreakerTable) -> None:
    """Each mail succeeds: that must not cost an access each time."""
    for _ in range(10):
        assert await breakers.change(VAULT, succeeded) == Breaker(VAULT)

    assert (memory.reads, memory.writes) == (1, 0)


async def test_a_change_over_one_that_is_stale_is_made_again_on_what_stands(
    breakers: Breakers, memory: InMemoryBreakerTable, clock: FakeClock
) -> None:
    """Two workers, which do not see each other's writes, count three mails together."""
    other = Breakers(memory, clock)
    await breakers.all()
    await other.all()

    await _suspect(breakers, clock, "a")
    await _suspect(other, clock, "b")
    third = await _suspect(breakers, clock, "c")

    assert (third.state, third.suspects) == ("open", ("a", "b", "c"))
    assert await memory.read_all() == {VAULT: third}


async def test_eight_workers_at_once_lose_no_suspect(others: list[Breakers], clock: FakeClock) -> None:
    await asyncio.gather(*(_suspect(worker, clock, "ab"[n % 2]) for n, worker in enumerate(others)))

    found = (await others[0].all(fresh=True))[VAULT]
    assert not found.is_shut
    assert sorted(found.suspects) == ["a", "b"]

    await asyncio.gather(*(_suspect(worker, clock, str(n)) for n, worker in enumerate(others)))
    assert (await others[0].all(fresh=True))[VAULT].state == "open"


async def test_of_eight_workers_at_once_one_probes(others: list[Breakers], clock: FakeClock) -> None:
    """Again after its lease, or a minute after it began if it has ended."""
    await others[0].change(VAULT, partial(opened, reason="down", now=clock.now()))

    for minute in range(3):
        clock.advance(minutes=1)
        answers = await asyncio.gather(
            *(worker.admit("filing", "invoices", f"run-{n}", 0.5) for n, worker in enumerate(others))
        )

        probes = [answer.breaker for answer in answers if isinstance(answer, Probe)]
        assert len(probes) == 1
        assert answers.count(put_back(clock.now(), 0.5)) == 7
        reason = f"still down after {minute} minutes"
        await others[1].change(
            VAULT, partial(probe_ended, owner=probes[0].probe_owner, reason=reason), fresh=True
        )
        assert (await others[2].all(fresh=True))[VAULT].reason == reason


async def test_a_probe_that_succeeds_lets_all_pass(breakers: Breakers, clock: FakeClock) -> None:
    await breakers.change(VAULT, partial(opened, reason="down", now=clock.now()))
    clock.advance(minutes=1)
    assert isinstance(await breakers.admit("filing", "invoices", "run-1", 0.5), Probe)

    closed = await breakers.change(VAULT, lambda breaker: probe_ended(succeeded(breaker), "run-1"))

    assert (closed.state, closed.probe_owner, closed.probed_at) == ("closed", "", clock.now())
    assert await breakers.admit("filing", "invoices", "run-2", 0.5) == Pass()


async def test_the_service_is_probed_before_the_source(breakers: Breakers, clock: FakeClock) -> None:
    """A mail of the source proves nothing while the vault is down."""
    await breakers.change(FILING, partial(held, reason="no class", remedy="add it", now=clock.now()))
    await breakers.change(VAULT, partial(opened, reason="down", now=clock.now()))
    clock.advance(minutes=1)

    for key in (VAULT, FILING):
        answer = await breakers.admit("filing", "invoices", "run-1", 0.5)
        assert isinstance(answer, Probe)
        assert answer.breaker.key == key
        await breakers.change(key, succeeded)

    assert await breakers.admit("filing", "invoices", "run-1", 0.5) == Pass()


async def test_a_hold_for_a_fault_of_filing_stops_only_the_filing_of_its_source(
    breakers: Breakers, clock: FakeClock
) -> None:
    await breakers.change(FILING, partial(held, reason="no class", remedy="add it", now=clock.now()))

    assert isinstance(await breakers.admit("filing", "invoices", "run-1", 0.5), PutBack)
    assert await breakers.admit("filing", "orders", "run-1", 0.5) == Pass()
    assert await breakers.admit("staging", "invoices", "run-1", 0.5) == Pass()


async def test_a_pause_stops_each_step_until_it_is_resumed(breakers: Breakers, clock: FakeClock) -> None:
    await breakers.pause("source", "invoices", "the vault moves")
    clock.advance(days=30)

    for step in STEPS:
        assert isinstance(await breakers.admit(step, "invoices", "run-1", 0.5), PutBack)
        assert await breakers.admit(step, "orders", "run-1", 0.5) == Pass()
    (ended,) = await breakers.resume("source", "invoices")
    assert (ended.state, ended.reason) == ("paused", "the vault moves")
    for step in STEPS:
        assert await breakers.admit(step, "invoices", "run-1", 0.5) == Pass()


async def test_resume_ends_all_that_has_shut_that_one_and_nothing_else(
    breakers: Breakers, memory: InMemoryBreakerTable, clock: FakeClock
) -> None:
    """The operator's own process has just read the table; the worker's view is some seconds old."""
    await breakers.all()
    asking = partial(held, reason="no class", remedy="add it", now=clock.now(), asks_operator=True)
    operator = Breakers(memory, clock)
    for key in (FILING, BreakerKey("service", "invoices"), BreakerKey("source", "orders", "filing")):
        await operator.change(key, asking)
    await operator.pause("source", "invoices", "the vault moves")
    await operator.change(BreakerKey("source", "invoices", "staging"), succeeded)

    ended = await breakers.resume("source", "invoices")

    assert {breaker.key for breaker in ended} == {INVOICES, FILING}
    shut = {key for key, breaker in (await breakers.all(fresh=True)).items() if breaker.is_shut}
    assert shut == {BreakerKey("service", "invoices"), BreakerKey("source", "orders", "filing")}


async def test_a_pause_of_the_operator_wins_over_a_change_of_the_same_moment(
    others: list[Breakers], clock: FakeClock
) -> None:
    await asyncio.gather(
        others[0].pause("service", "vault", "the vault moves"),
        others[1].change(VAULT, partial(opened, reason="down", now=clock.now())),
        others[2].change(VAULT, succeeded),
        _suspect(others[3], clock, "a"),
    )

    assert (await others[4].all(fresh=True))[VAULT].reason == "the vault moves"


async def test_a_change_that_is_always_too_late_is_stale(clock: FakeClock) -> None:
    """Bounded: it is put back, and no loop runs for ever."""

    class Busy(InMemoryBreakerTable):
        tries = 0

        async def write(self, breaker: Breaker) -> Breaker:
            self.tries += 1
            raise Stale("breakers: another worker was first")

    busy = Busy()

    with pytest.raises(Stale, match="8 times"):
        await Breakers(busy, clock).change(VAULT, partial(opened, reason="down", now=clock.now()))

    assert (busy.tries, busy.reads) == (8, 8)


async def test_a_lease_whose_answer_was_lost_is_still_had(clock: FakeClock) -> None:
    """The write is committed, and the client's own repetition meets its own ETag."""

    class Lossy(InMemoryBreakerTable):
        async def write(self, breaker: Breaker) -> Breaker:
            await super().write(breaker)
            raise Stale("breakers: another worker was first")

    lossy = Lossy()
    breakers = Breakers(lossy, clock)
    await breakers.change(VAULT, partial(opened, reason="down", now=clock.now()))
    clock.advance(minutes=1)

    answer = await breakers.admit("filing", "invoices", "run-1", 0.5)

    assert isinstance(answer, Probe)
    assert probing(answer.breaker, "run-2", clock.now()) == answer.breaker
    assert resumed(answer.breaker).probe_owner == "run-1"
