"""What becomes of a queue message: done, put back, ended in the journal, or left to the host's own retry."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared import breaker
from shared.admitting import Gate
from shared.breaker import Service, Step
from shared.breaker_table import Breakers, BreakerTable
from shared.errors import (
    ConfigurationFault,
    MailFault,
    NotYet,
    Stale,
    Transient,
    Unavailable,
    VaultpostError,
)
from shared.journal import Journal, Row, State
from shared.queue_messages import (
    LIFECYCLE_EVENT,
    MAIL_ARRIVED,
    VAULT_IMPORT,
    LifecycleEvent,
    MailArrived,
    Message,
    Unreadable,
    VaultImport,
    encode,
)
from shared.receiving import PUT_BACK_FOR, Receiver
from shared.retrying import LEAST_ATTEMPTS, LONGEST, SHORTEST

from .accounts import Stores
from .clock import NOON, FakeClock
from .made import MESSAGE, arrived, order

pytestmark = pytest.mark.anyio
ORDER = order("invoices")
BODY = encode(ORDER).encode()
PATIENCE = timedelta(days=3)
OUTAGE = Unavailable("M-Files answered 503")


class Work:
    """Notes what it is given, and raises what it is told to."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.given: list[Message] = []
        self._fault = fault

    async def __call__(self, message: Message) -> None:
        self.given.append(message)
        if self._fault is not None:
            raise self._fault


async def no_ping(service: Service, step: Step, source: str) -> None:
    raise AssertionError(f"nothing is asked of {service}")


def receiver(stores: Stores, clock: FakeClock | None = None, jitter: float = 1.0) -> Receiver:
    time = clock or FakeClock()
    gate = Gate(Breakers(BreakerTable(stores.tables), time), no_ping, time, lambda: jitter)
    return Receiver(stores.queues, stores.journal, gate, time, PATIENCE, lambda: jitter)


async def received(stores: Stores, body: bytes, work: Work, clock: FakeClock | None = None) -> None:
    await receiver(stores, clock).receive(VAULT_IMPORT, body, VaultImport, work)


async def put_row(stores: Stores, state: State = "staged", **facts: Any) -> Row:
    return await stores.journal.insert(replace(Row("invoices", ORDER.key, state, MESSAGE, NOON), **facts))


async def row(stores: Stores) -> Row:
    found = await stores.journal.read("invoices", ORDER.key)
    assert found is not None
    return found


def newer(**changed: Any) -> bytes:
    return json.dumps({**json.loads(BODY), "v": 2, **changed}, indent=1, ensure_ascii=False).encode()


async def test_work_is_done_and_nothing_is_put_back(stores: Stores) -> None:
    before, work = await put_row(stores), Work()

    await received(stores, BODY, work)

    assert work.given == [ORDER]
    assert await stores.number(VAULT_IMPORT) == 0
    assert await row(stores) == before


async def test_fields_of_a_later_version_are_ignored(stores: Stores) -> None:
    work = Work()

    await received(stores, json.dumps({**json.loads(BODY), "new": [1, {}]}).encode(), work)

    assert work.given == [ORDER]


@pytest.mark.parametrize("body", [newer(), newer(key={"now": "a table"}), newer(more="ä\U0001f4e7")])
async def test_a_message_of_a_later_version_is_put_back(stores: Stores, body: bytes) -> None:
    """Never failed, so that a rollback is safe; nor worked on, even where it can be read."""
    work = Work()

    await received(stores, body, work)

    assert work.given == []
    assert stores.queues.delays == [PUT_BACK_FOR]
    assert await stores.visible(VAULT_IMPORT) == []
    assert await stores.number(VAULT_IMPORT) == 1


async def test_what_is_put_back_is_the_same_text(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.receiving.PUT_BACK_FOR", 0)
    body = newer(more="ä", spaces="  ")

    await received(stores, body, Work())

    (found,) = await stores.queue_service.get_queue_client(VAULT_IMPORT).peek_messages(1)
    assert found.content == body.decode()


@pytest.mark.parametrize(
    ("fault", "delay"),
    [(NotYet("x", after=61.2), 62), (NotYet("x", after=0.0), 1), (Stale("x", after=3.0), 3)],
)
async def test_a_mail_that_only_has_to_wait_is_put_back_and_that_is_no_attempt(
    stores: Stores, fault: Transient, delay: int
) -> None:
    before = await put_row(stores)

    await received(stores, BODY, Work(fault))

    assert stores.queues.delays == [delay]
    assert await stores.number(VAULT_IMPORT) == 1
    assert await row(stores) == before


@pytest.mark.parametrize("fault", [NotYet("x"), Stale("x")])
async def test_without_a_word_how_long_a_mail_waits_some_seconds(stores: Stores, fault: Transient) -> None:
    await received(stores, BODY, Work(fault))

    (delay,) = stores.queues.delays
    assert 1 <= delay <= 15


async def test_a_transient_fault_is_an_attempt_and_the_row_says_when_the_next_is_due(
    stores: Stores,
) -> None:
    await put_row(stores)

    await received(stores, BODY, Work(OUTAGE))

    (delay,) = stores.queues.delays
    found = await row(stores)
    assert (found.state, found.attempt, found.first_tried) == ("staged", 1, NOON)
    assert found.due == NOON + timedelta(seconds=delay)
    assert (found.reason, found.ended) == ("M-Files answered 503", None)


async def test_attempts_back_off_up_to_a_limit_and_the_first_try_stays(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores)
    for _ in range(9):
        await received(stores, BODY, Work(OUTAGE), clock)
        clock.advance(hours=1)

    delays = stores.queues.delays
    assert delays == sorted(delays)
    assert delays[0] >= SHORTEST.total_seconds()
    assert delays[-1] == LONGEST.total_seconds()
    found = await row(stores)
    assert (found.attempt, found.first_tried) == (9, NOON)


async def test_a_service_that_asks_for_more_time_gets_it(stores: Stores) -> None:
    await put_row(stores)

    await received(stores, BODY, Work(Unavailable("429", after=1234.5)))

    assert stores.queues.delays == [1235]


@pytest.mark.parametrize(
    ("attempts", "tried_for"),
    [(LEAST_ATTEMPTS - 2, PATIENCE * 10), (10_000, PATIENCE - timedelta(seconds=1))],
)
async def test_an_outage_is_no_failure_before_both_limits_are_reached(
    stores: Stores, clock: FakeClock, attempts: int, tried_for: timedelta
) -> None:
    await put_row(stores, attempt=attempts, first_tried=NOON)
    clock.advance(seconds=tried_for.total_seconds())

    await received(stores, BODY, Work(OUTAGE), clock)

    assert (await row(stores)).state == "staged"
    assert await stores.number(VAULT_IMPORT) == 1


async def test_a_mail_is_given_up_with_reason_and_remedy(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, attempt=LEAST_ATTEMPTS - 1, first_tried=NOON)
    clock.advance(days=3)

    await received(stores, BODY, Work(OUTAGE), clock)

    found = await row(stores)
    assert (found.state, found.ended) == ("failed", clock.now())
    assert "M-Files answered 503" in found.reason
    assert "replay" in found.remedy
    assert await stores.number(VAULT_IMPORT) == 0


async def test_a_fault_of_the_configuration_holds_the_mail_and_fails_none(
    stores: Stores, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """However long it lasts: a person has to mend it."""
    await put_row(stores, attempt=100, first_tried=NOON)
    clock.advance(days=30)

    for jitter in (0.0, 1.0):
        work = Work(ConfigurationFault("class: none.", "Correct it."))
        await receiver(stores, clock, jitter).receive(VAULT_IMPORT, BODY, VaultImport, work)
        assert work.given == [ORDER]
        clock.advance(minutes=1)

    found = await row(stores)
    waited = breaker.SHORTEST + breaker.LONGEST
    assert (found.state, found.attempt, found.first_tried) == ("staged", 100, NOON + waited)
    assert (found.reason, found.remedy) == ("class: none.", "Correct it.")
    assert stores.queues.delays == [60, 300]
    events = [getattr(one, "event", "") for one in caplog.records if one.levelname == "ERROR"]
    assert events == ["source-held"]


async def test_a_fault_of_the_mail_ends_it(stores: Stores) -> None:
    await put_row(stores, creating=NOON)

    await received(stores, BODY, Work(MailFault("It is refused.", "Look at it.")))

    found = await row(stores)
    assert (found.state, found.ended) == ("failed", NOON)
    assert (found.reason, found.remedy) == ("It is refused.", "Look at it.")
    assert await stores.number(VAULT_IMPORT) == 0


@pytest.mark.parametrize("state", ["filed", "skipped", "failed"])
@pytest.mark.parametrize("fault", [OUTAGE, ConfigurationFault("x", "y"), MailFault("x", "y")])
async def test_a_mail_that_a_twin_has_ended_stays_as_it_ended(
    stores: Stores, state: State, fault: VaultpostError
) -> None:
    before = await put_row(stores, state, reason="", ended=NOON)

    await received(stores, BODY, Work(fault))

    assert await row(stores) == before


async def test_a_mail_without_a_row_is_put_back(stores: Stores) -> None:
    await received(stores, BODY, Work(OUTAGE))

    assert await stores.number(VAULT_IMPORT) == 1
    assert await stores.journal.read("invoices", ORDER.key) is None


async def test_the_row_of_an_arrived_mail_is_that_of_the_announced_id(stores: Stores) -> None:
    await put_row(stores, "arrived")
    body = encode(arrived("invoices")).encode()

    await receiver(stores).receive(MAIL_ARRIVED, body, MailArrived, Work(OUTAGE))

    assert (await row(stores)).attempt == 1
    assert await stores.number(MAIL_ARRIVED) == 1


async def test_a_row_that_a_twin_changes_meanwhile_is_the_twins_and_the_message_lives(
    stores: Stores,
) -> None:
    class Overtaken(Journal):
        async def update(self, row: Row) -> Row:
            raise Stale("journal: another worker was first")

    before = await put_row(stores)
    overtaken = replace(receiver(stores), journal=Overtaken(stores.tables))

    await overtaken.receive(VAULT_IMPORT, BODY, VaultImport, Work(OUTAGE))

    assert await row(stores) == before
    assert await stores.number(VAULT_IMPORT) == 1


@pytest.mark.parametrize("fault", [OUTAGE, NotYet("x"), Stale("x")])
async def test_an_event_that_cannot_be_served_now_is_put_back(stores: Stores, fault: Exception) -> None:
    event = LifecycleEvent(source="invoices", traceparent="x", event="missed", subscription="y")

    await receiver(stores).receive(LIFECYCLE_EVENT, encode(event).encode(), LifecycleEvent, Work(fault))

    assert 60 <= stores.queues.delays[-1] <= 300
    assert await stores.number(LIFECYCLE_EVENT) == 1


async def test_nobody_gives_up_while_a_create_is_unclear(stores: Stores, clock: FakeClock) -> None:
    """The vault may have the document: the next attempt searches."""
    long_ago = NOON - timedelta(days=9)
    await put_row(stores, attempt=LEAST_ATTEMPTS + 5, first_tried=long_ago, creating=NOON)

    await received(stores, BODY, Work(OUTAGE))

    found = await row(stores)
    assert (found.state, found.creating) == ("staged", NOON)
    assert await stores.number(VAULT_IMPORT) == 1


async def test_a_fault_of_an_earlier_step_says_nothing_of_a_mail_that_has_gone_on(stores: Stores) -> None:
    await put_row(stores)
    before = await row(stores)

    await receiver(stores).receive(
        MAIL_ARRIVED, encode(arrived("invoices")).encode(), MailArrived, Work(OUTAGE)
    )

    assert await row(stores) == before


@pytest.mark.parametrize("fault", [ConfigurationFault("x", "y"), MailFault("x", "y")])
async def test_a_fault_of_what_is_about_no_mail_is_the_hosts(stores: Stores, fault: Exception) -> None:
    event = LifecycleEvent(source="invoices", traceparent="x", event="missed", subscription="y")
    body = encode(event).encode()

    with pytest.raises(type(fault)) as caught:
        await receiver(stores).receive(LIFECYCLE_EVENT, body, LifecycleEvent, Work(fault))

    assert caught.value is fault
    assert await stores.number(LIFECYCLE_EVENT) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"v": 1}',
        b'{"v": "2"}',
        json.dumps({**json.loads(BODY), "key": 1}).encode(),
    ],
)
async def test_what_is_no_message_is_unreadable_and_the_hosts(stores: Stores, body: bytes) -> None:
    """The host tries it again, and then makes it poison: it is kept."""
    work = Work()

    with pytest.raises(Unreadable):
        await received(stores, body, work)

    assert work.given == []
    assert await stores.number(VAULT_IMPORT) == 0


async def test_a_bug_is_the_hosts_and_is_no_attempt(stores: Stores) -> None:
    before = await put_row(stores)

    with pytest.raises(ZeroDivisionError):
        await received(stores, BODY, Work(ZeroDivisionError()))

    assert await row(stores) == before
    assert await stores.number(VAULT_IMPORT) == 0


async def test_a_message_that_cannot_be_put_back_is_not_lost(stores: Stores, down: Stores) -> None:
    """An exception leaves the message itself in its queue."""
    await put_row(stores)
    without_queue = replace(receiver(stores), queues=down.queues)

    for body in (newer(), BODY):
        with pytest.raises(Unavailable):
            await without_queue.receive(VAULT_IMPORT, body, VaultImport, Work(NotYet("x")))

    assert await stores.number(VAULT_IMPORT) == 0


async def test_a_mail_whose_journal_is_down_is_put_back(stores: Stores, down: Stores) -> None:
    """Tables may be down for longer than the host's own retries last, while queues work."""
    without_journal = replace(receiver(stores), journal=down.journal)

    await without_journal.receive(VAULT_IMPORT, BODY, VaultImport, Work(NotYet("x")))

    assert await stores.number(VAULT_IMPORT) == 1
