"""Mail before shut breakers: what waits and is not counted, who looks again, what opens and what closes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from shared import pinging
from shared.breaker import (
    BETWEEN_PROBES,
    LONGEST,
    PROVEN_EVERY,
    SHORTEST,
    Breaker,
    BreakerKey,
    Service,
    Step,
    held,
    opened,
)
from shared.breaker_table import CACHED_FOR, BreakerTable, BreakerTablePort
from shared.claim import Claim
from shared.errors import ConfigurationFault, MailFault, NotYet, Origin, Stale, Unavailable
from shared.filing import Filed
from shared.journal_row import Row, gone_on
from shared.outcome import Outcome
from shared.queue_messages import VAULT_IMPORT
from shared.retrying import LEAST_ATTEMPTS
from shared.secret_faults import SecretFault
from shared.testing.breaker_table import InMemoryBreakerTable

from .accounts import Stores
from .clock import NOON, FakeClock
from .made import arrived, order
from .protocol import FilingStep, Protocol, StagingStep, Work, events, new_row, put_row, row_of

pytestmark = pytest.mark.anyio
VAULT, GRAPH, KEY_VAULT = (BreakerKey("service", name) for name in ("vault", "graph", "keyvault"))
FILING, STAGING = (BreakerKey("source", "invoices", scope) for scope in ("filing", "staging"))
NO_CLASS = ConfigurationFault("class: none.", "Correct it.")


def down(origin: Origin = "vault", **more: Any) -> Unavailable:
    return Unavailable(f"{origin} is down", origin=origin, **more)


@dataclass
class World:
    """One worker whose steps and pings answer what the test says."""

    stores: Stores
    table: BreakerTablePort
    clock: FakeClock
    fault: Exception | None = None
    outcome: Outcome = Filed.FILED
    work: Work | None = None
    pinged: list[Service] = field(default_factory=list)
    pings: dict[Service, Exception] = field(default_factory=dict)
    worked: list[str] = field(default_factory=list)
    needed: set[Step] = field(default_factory=lambda: {"staging", "filing", "mailbox"})
    held: set[Step] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.protocol = Protocol(
            self.stores, self.clock, table=self.table, ping=self.ping, jitter=0.5, secrets=self
        )
        self.breakers = self.protocol.breakers

    def needs(self, step: Step) -> bool:
        return step in self.needed

    def holds(self, step: Step) -> bool:
        return step in self.held

    async def ping(self, service: Service, step: Step, source: str) -> None:
        self.pinged.append(service)
        await asyncio.sleep(0)
        if service in self.pings:
            raise self.pings[service]

    async def file(self, mail: str = "a", source: str = "invoices") -> None:
        """A message of `vault-import` comes."""
        step = FilingStep(self.clock, self.fault, self.work, self.outcome)
        await self.protocol.file(step, order(source, mail))
        self.worked += [row.key for row in step.ran]

    async def stage(self, mail: str = "a", source: str = "invoices") -> None:
        """A message of `mail-arrived` comes."""
        step = StagingStep(self.clock, self.fault)
        await self.protocol.stage(step, arrived(source, mail))
        self.worked += [row.key for row in step.ran]

    async def put_row(self, mail: str = "a", **facts: Any) -> Row:
        row = replace(new_row(self.clock, **facts), key=order("invoices", mail).key)
        return await put_row(self.stores, row)

    async def row(self, mail: str = "a") -> Row:
        return await row_of(self.stores, order("invoices", mail).key)

    async def breaker(self, key: BreakerKey) -> Breaker:
        return (await self.table.read_all()).get(key, Breaker(key))

    async def shut(self, breaker: Breaker) -> None:
        """Have it shut for long enough to be probed."""
        await self.table.write(breaker)
        self.clock.advance(seconds=BETWEEN_PROBES.total_seconds())


@pytest.fixture(params=["table", "fake"])
def world(request: pytest.FixtureRequest, stores: Stores, clock: FakeClock) -> World:
    """On rows of both kinds."""
    table = BreakerTable(stores.tables) if request.param == "table" else InMemoryBreakerTable()
    return World(stores, table, clock)


@pytest.fixture
def fake(stores: Stores, clock: FakeClock) -> World:
    """On the fake, which counts."""
    return World(stores, InMemoryBreakerTable(), clock)


async def test_the_third_mail_opens_the_breaker_and_the_fourth_waits(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.fault = down()
    for mail in "abcd":
        await world.file(mail)

    assert len(world.worked) == 3
    shut = await world.breaker(VAULT)
    assert (shut.state, shut.reason) == ("open", "vault is down")
    assert events(caplog, "ERROR") == ["breaker-opened"]
    assert world.stores.queues.delays[-1] == (SHORTEST + LONGEST).total_seconds() / 2
    assert await world.stores.number(VAULT_IMPORT) == 4


async def test_one_mail_alone_opens_nothing(world: World) -> None:
    world.fault = down()
    for _ in range(5):
        await world.file()
        world.clock.advance(hours=1)

    assert len(world.worked) == 5
    assert not (await world.breaker(VAULT)).is_shut


async def test_staging_goes_on_while_the_vault_is_down(world: World) -> None:
    await world.shut(opened(Breaker(VAULT), "down", NOON))

    await world.stage()

    assert len(world.worked) == 1
    assert world.pinged == []


@pytest.mark.parametrize(
    "fault", [down("storage"), Unavailable("x"), NotYet("x"), Stale("x"), MailFault("x", "y")]
)
async def test_what_is_of_no_service_opens_nothing(fake: World, fault: Exception) -> None:
    fake.fault = fault
    for mail in "abcd":
        await fake.file(mail)

    assert await fake.table.read_all() == {}
    assert len(fake.worked) == 4


async def test_a_throttled_mailbox_stops_the_staging_of_its_source_alone(world: World) -> None:
    world.fault = down("mailbox")
    for mail in "abcd":
        await world.stage(mail)
    world.fault = None
    await world.stage("e", "orders")
    await world.file("f")

    assert len(world.worked) == 3 + 2
    assert (await world.breaker(STAGING)).state == "open"
    assert not (await world.breaker(GRAPH)).is_shut


async def test_a_rejected_secret_opens_at_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.fault = down(rejected=True)
    await world.file()
    await world.file("b")

    assert len(world.worked) == 1
    assert (await world.breaker(VAULT)).state == "open"
    assert events(caplog, "ERROR") == ["breaker-opened"]


async def test_a_wrong_class_holds_the_filing_of_its_source_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.fault = NO_CLASS
    for mail in "abc":
        await world.file(mail)
    world.fault = None
    await world.file("d", "orders")
    await world.stage("e")

    assert len(world.worked) == 1 + 2
    shut = await world.breaker(FILING)
    assert (shut.state, shut.reason, shut.remedy) == ("held", "class: none.", "Correct it.")
    assert events(caplog, "ERROR") == ["source-held"]


async def test_one_mail_of_a_held_source_tries_again_and_its_success_ends_the_hold(world: World) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def long(claim: Claim) -> None:
        began.set()
        await may_end.wait()
        await claim.end(lambda row: gone_on(row, "filed", ended=NOON))

    await world.shut(held(Breaker(FILING), "class: none.", "Correct it.", NOON))

    world.work = long
    probe = asyncio.create_task(world.file("a"))
    await began.wait()
    world.work = None
    await asyncio.gather(world.file("b"), world.file("c"))
    assert world.worked == []
    may_end.set()
    await probe
    await world.file("d")

    assert len(world.worked) == 2
    now = world.clock.now()
    assert await world.breaker(FILING) == Breaker(
        FILING, probed_at=now, proved=now, etag=(await world.breaker(FILING)).etag
    )


async def test_a_probe_that_fails_again_keeps_the_hold_and_gives_the_lease_back(world: World) -> None:
    await world.shut(held(Breaker(FILING), "class: none.", "Correct it.", NOON))

    world.fault = NO_CLASS
    await world.file()

    shut = await world.breaker(FILING)
    assert (shut.state, shut.since, shut.probe_owner) == ("held", NOON, "")


async def test_a_probe_that_proves_nothing_closes_nothing(world: World) -> None:
    async def back(claim: Claim) -> None:
        await claim.end(lambda row: gone_on(row, "arrived", staged=None))

    await world.shut(held(Breaker(FILING), "class: none.", "Correct it.", NOON))

    world.work, world.outcome = back, Filed.BACK
    await world.file()

    shut = await world.breaker(FILING)
    assert (shut.state, shut.probe_owner, len(world.worked)) == ("held", "", 1)


async def test_a_probe_whose_worker_dies_gives_way_to_the_next_after_its_lease(world: World) -> None:
    async def dies(claim: Claim) -> None:
        raise KeyboardInterrupt

    await world.shut(held(Breaker(FILING), "class: none.", "Correct it.", NOON))

    world.work = dies
    with pytest.raises(KeyboardInterrupt):
        await world.file()
    world.work = None
    world.clock.advance(seconds=89)
    await world.file("b")
    assert world.worked == []
    world.clock.advance(seconds=1)
    await world.file("c")

    assert len(world.worked) == 1
    assert not (await world.breaker(FILING)).is_shut


async def test_a_pause_has_no_probe_and_ends_by_resume(world: World) -> None:
    await world.breakers.pause("source", "invoices", "work on it")
    world.clock.advance(days=3)

    await world.file()
    await world.stage("b")
    assert world.worked == []
    await world.breakers.resume("source", "invoices")
    world.clock.advance(minutes=5)
    await world.file()

    assert len(world.worked) == 1


async def test_an_open_service_is_pinged_by_one_and_closes_for_all(world: World) -> None:
    await world.shut(opened(Breaker(VAULT), "down", NOON))

    await asyncio.gather(*(world.file(mail) for mail in "abc"))
    waiting = await world.stores.number(VAULT_IMPORT)
    await world.file("d")

    assert world.pinged == ["vault"]
    assert len(world.worked) == 3 - waiting + 1
    assert not (await world.breaker(VAULT)).is_shut


async def test_a_ping_that_fails_says_why_and_the_next_is_a_minute_later(world: World) -> None:
    await world.shut(opened(Breaker(VAULT), "down", NOON))

    world.pings["vault"] = Unavailable("still down", origin="vault")
    for mail in "abc":
        await world.file(mail)
    shut = await world.breaker(VAULT)
    assert (shut.state, shut.reason, shut.since, shut.probe_owner) == ("open", "still down", NOON, "")
    assert (world.pinged, world.worked) == (["vault"], [])
    world.clock.advance(seconds=BETWEEN_PROBES.total_seconds())
    await world.file("d")

    assert world.pinged == ["vault"] * 2


@pytest.mark.parametrize("answer", [down("mailbox"), NO_CLASS])
async def test_a_service_that_answers_is_there_whatever_it_says_of_one_mailbox(
    world: World, answer: Exception
) -> None:
    await world.shut(opened(Breaker(GRAPH), "down", NOON))

    world.pings["graph"] = answer
    await world.stage()

    assert len(world.worked) == 1
    assert not (await world.breaker(GRAPH)).is_shut


async def test_each_open_service_is_pinged_before_the_work(world: World) -> None:
    for key in (KEY_VAULT, VAULT):
        await world.table.write(opened(Breaker(key), "down", NOON))
    world.clock.advance(minutes=2)

    await world.file()

    assert world.pinged == ["keyvault", "vault"]
    assert len(world.worked) == 1


async def test_a_ping_without_end_is_an_outage(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinging, "WITHIN", 0.01)

    async def for_ever(service: Service, step: Step, source: str) -> None:
        await asyncio.sleep(60)

    why = await pinging.outage(for_ever, "vault", "filing", "invoices")

    assert why is not None
    assert why.origin == "vault"


async def test_waiting_behind_a_breaker_is_no_attempt_and_does_not_count(world: World) -> None:
    await world.put_row(attempt=7, first_tried=NOON - timedelta(days=2), due=NOON)
    await world.table.write(opened(Breaker(VAULT), "down", NOON))

    await world.file()
    await world.file()  # a copy that comes too early

    found, waited = await world.row(), (SHORTEST + LONGEST) / 2
    assert (found.attempt, found.first_tried) == (7, NOON - timedelta(days=2) + waited)
    assert (found.state, found.due) == ("staged", NOON + waited)
    assert world.stores.queues.delays == [waited.total_seconds()] * 2


async def test_a_mail_that_was_not_tried_yet_is_not_counted_but_is_due_later(world: World) -> None:
    """So that the watch sends no copy of its own before."""
    before = await world.put_row()
    await world.table.write(opened(Breaker(VAULT), "down", NOON))

    await world.file()

    found = await world.row()
    assert found == replace(before, due=NOON + (SHORTEST + LONGEST) / 2, etag=found.etag)


async def test_a_mail_that_has_ended_waits_for_nothing(world: World) -> None:
    await world.put_row(state="filed")
    await world.table.write(opened(Breaker(VAULT), "down", NOON))

    await world.file()

    assert await world.stores.number(VAULT_IMPORT) == 0


async def test_a_lone_mail_is_not_given_up_while_its_service_is_down(world: World) -> None:
    """Alone it opens no breaker; what it has tried in the outage does not count."""
    await world.put_row(attempt=LEAST_ATTEMPTS - 1, first_tried=NOON)
    world.clock.advance(days=4)

    world.fault = world.pings["vault"] = down()
    await world.file()

    found = await world.row()
    assert (found.state, found.attempt, found.first_tried) == ("staged", 0, None)
    assert (await world.breaker(VAULT)).state == "open"
    assert await world.stores.number(VAULT_IMPORT) == 1


async def test_a_mail_is_given_up_while_all_else_works(world: World) -> None:
    """Which another mail has shown since this one was first tried: a ping proves little."""
    await world.put_row(attempt=LEAST_ATTEMPTS - 1, first_tried=NOON)
    await world.file("another")
    world.clock.advance(days=4)

    world.fault = down()
    await world.file()

    assert world.pinged == ["vault"]
    assert (await world.row()).state == "failed"
    assert await world.stores.number(VAULT_IMPORT) == 0


async def test_without_a_mail_that_went_through_since_none_is_given_up(world: World) -> None:
    """The vault can be searched, and takes no document: that is an outage, too."""
    await world.file("another")
    world.clock.advance(minutes=1)
    await world.put_row(attempt=LEAST_ATTEMPTS - 1, first_tried=world.clock.now())
    world.clock.advance(days=4)

    world.fault = down()
    await world.file()

    row = await world.row()
    assert (row.state, row.attempt, row.first_tried) == ("staged", 0, None)
    assert await world.stores.number(VAULT_IMPORT) == 1


async def test_a_success_forgets_suspects(world: World) -> None:
    for mail in "abcd":
        world.fault = down()
        await world.file(mail)
        world.fault = None
        await world.file(f"{mail}2")

    assert len(world.worked) == 8
    assert (await world.breaker(VAULT)).suspects == ()


async def test_kept_secrets_are_no_proof_that_key_vault_is_back(fake: World) -> None:
    """Its suspects are forgotten all the same: filing goes on."""
    fake.fault = down("keyvault")
    await fake.file()
    fake.fault = None
    await fake.file("b")
    assert (await fake.breaker(KEY_VAULT)).suspects == ()

    async def down_meanwhile(claim: Claim) -> None:
        await fake.breakers.change(KEY_VAULT, lambda one: opened(one, "down", NOON))
        await claim.end(lambda row: gone_on(row, "filed", ended=NOON))

    fake.work = down_meanwhile
    await fake.file("c")

    assert (await fake.breaker(KEY_VAULT)).state == "open"


async def test_while_key_vault_is_down_mail_passes_whose_secrets_are_kept(world: World) -> None:
    """One of them looks whether it is back, and none waits for the answer of another."""
    await world.shut(opened(Breaker(KEY_VAULT), "down", NOON))
    world.pings["keyvault"] = down("keyvault")
    world.held = {"filing"}

    await asyncio.gather(*(world.file(mail) for mail in "abc"))
    await world.stage("d")

    assert (len(world.worked), world.pinged) == (3, ["keyvault"])
    assert (await world.breaker(KEY_VAULT)).state == "open"
    assert await world.stores.number(VAULT_IMPORT) == 0


async def test_who_holds_the_secrets_closes_the_breaker_for_others_too(world: World) -> None:
    await world.shut(opened(Breaker(KEY_VAULT), "down", NOON))
    world.held = {"filing"}

    await world.file()
    await world.stage("b")

    assert (len(world.worked), world.pinged) == (2, ["keyvault"])


async def test_a_pause_of_key_vault_stops_those_too_who_hold_its_secrets(world: World) -> None:
    await world.breakers.pause("service", "keyvault", "work on it")
    world.held, world.needed = {"filing"}, {"filing"}

    await world.file()
    await world.stage("b")  # needs none

    assert (len(world.worked), world.pinged) == (1, [])


async def test_what_needs_no_secret_neither_waits_for_key_vault_nor_proves_it(fake: World) -> None:
    """As staging with a managed identity."""
    fake.needed = {"filing"}
    fake.fault = down("keyvault")
    for mail in "abc":
        await fake.file(mail)
        if mail != "c":
            fake.fault, met = None, fake.fault
            await fake.stage(f"{mail}2")
            fake.fault = met
    assert (await fake.breaker(KEY_VAULT)).state == "open"

    fake.fault = None
    await fake.stage("d")

    assert (len(fake.worked), fake.pinged) == (3 + 2 + 1, [])
    assert (await fake.breaker(KEY_VAULT)).proved is None


async def test_a_secret_that_was_taken_away_stops_the_step_of_the_source_alone(world: World) -> None:
    """Key Vault is up: other steps have what they need."""
    world.fault = SecretFault("disabled", "Key Vault's secret s is disabled.", "Enable it.")
    for mail in "abcd":
        await world.file(mail)
    world.fault = None
    await world.stage("e")

    assert len(world.worked) == 3 + 1
    assert (await world.breaker(FILING)).state == "open"
    assert not (await world.breaker(KEY_VAULT)).is_shut


async def test_no_mail_is_given_up_for_a_secret_that_was_taken_away(world: World) -> None:
    """Though other mail went on with a secret that was kept."""
    await world.put_row(attempt=LEAST_ATTEMPTS - 1, first_tried=NOON)
    await world.file("another")
    world.clock.advance(days=4)

    world.fault = world.pings["keyvault"] = SecretFault("deleted", "It was deleted.", "Recover it.")
    await world.file()

    row = await world.row()
    assert (row.state, row.attempt, row.first_tried) == ("staged", 0, None)


async def test_while_all_works_nothing_is_written_and_little_is_read(fake: World) -> None:
    table = fake.table
    assert isinstance(table, InMemoryBreakerTable)
    for number in range(20):
        await fake.file(str(number))

    proofs = 3  # Key Vault, the vault, filing of the source: once in ten minutes
    assert (table.reads, table.writes) == (1, proofs)
    fake.clock.advance(seconds=CACHED_FOR.total_seconds())
    await fake.file("another")
    assert (table.reads, table.writes) == (2, proofs)
    fake.clock.advance(seconds=PROVEN_EVERY.total_seconds())
    await fake.file("later")
    assert table.writes == 2 * proofs


async def test_others_who_are_always_first_keep_no_mail_from_its_end(
    stores: Stores, clock: FakeClock
) -> None:
    class Contended(InMemoryBreakerTable):
        async def write(self, breaker: Breaker) -> Breaker:
            raise Stale("breakers: another worker was first")

    world = World(stores, Contended(), clock, fault=down())
    await world.put_row()

    await world.file()

    assert (await world.row()).attempt == 1
    assert await stores.number(VAULT_IMPORT) == 1


async def test_a_probe_that_others_are_always_first_at_waits(stores: Stores, clock: FakeClock) -> None:
    class Contended(InMemoryBreakerTable):
        async def write(self, breaker: Breaker) -> Breaker:
            if breaker.probe_owner:
                raise Stale("breakers: another worker was first")
            return await super().write(breaker)

    world = World(stores, Contended(), clock)
    await world.shut(opened(Breaker(VAULT), "down", NOON))

    await world.file()

    assert (world.worked, world.pinged) == ([], [])
    assert await stores.number(VAULT_IMPORT) == 1


async def test_without_breakers_nothing_is_worked_on_and_the_message_is_put_back(
    stores: Stores, down: Stores
) -> None:
    """Tables may be down for longer than the host's own retries last."""
    world = World(stores, BreakerTable(down.tables), FakeClock())

    await world.file()

    assert world.worked == []
    assert await stores.number(VAULT_IMPORT) == 1
