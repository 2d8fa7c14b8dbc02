"""What becomes of a queue message: done, put back, handed over, or left to the host's own retry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared import breaker
from shared.afterwards import Afterwards
from shared.breaker import Breaker, BreakerKey, opened
from shared.claim import LASTS, UNCLEAR_FOR, Claim
from shared.configuration import After
from shared.errors import ConfigurationFault, MailFault, NotYet, Stale, Transient, Unavailable, VaultpostError
from shared.filing import Filed
from shared.journal import JournalTable
from shared.journal_row import ENDS, Row, State, gone_on
from shared.queue_messages import (
    LIFECYCLE_EVENT,
    MAIL_ARRIVED,
    MAIL_FILED,
    VAULT_IMPORT,
    LifecycleEvent,
    MailFiled,
    Unreadable,
    VaultImport,
    encode,
)
from shared.receiving import PUT_BACK_FOR, TOO_EARLY_FOR
from shared.retrying import LEAST_ATTEMPTS, LONGEST, SHORTEST
from shared.testing.breaker_table import InMemoryBreakerTable
from shared.tracing import traceparent
from shared.unfinished import OpenMail

from .accounts import NotingQueues, Stores
from .clock import NOON, FakeClock
from .made import arrived, order, source
from .protocol import (
    KEY,
    PATIENCE,
    FilingStep,
    NotingKeeper,
    Protocol,
    StagingStep,
    events,
    new_row,
    open_mails,
    put_row,
    renewed,
    row_of,
    settling,
    vault_works,
)

pytestmark = pytest.mark.anyio
ORDER = order("invoices")
BODY = encode(ORDER).encode()
EVENT = LifecycleEvent(source="invoices", traceparent="x", event="missed", subscription="y")
OUTAGE = Unavailable("M-Files answered 503")
SOON = NOON + timedelta(seconds=20)


class Dead(BaseException):
    """The worker's process is gone."""


async def dies(claim: Claim) -> None:
    raise Dead


def newer(**changed: Any) -> bytes:
    return json.dumps({**json.loads(BODY), "v": 2, **changed}, indent=1, ensure_ascii=False).encode()


async def settle(protocol: Protocol) -> None:
    """A message of `mail-filed` comes."""
    body = encode(MailFiled(source="invoices", key=KEY, traceparent=traceparent())).encode()
    step = settling(protocol.stores.area, protocol.clock)
    await protocol.receiver.receive(step, MailFiled, body)


# The message


async def test_work_is_done_and_nothing_is_put_back(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    step = FilingStep(clock)

    await Protocol(stores, clock).file(step)

    assert len(step.ran) == 1
    assert await stores.number(VAULT_IMPORT) == 0
    assert (await row_of(stores)).state == "filed"


async def test_fields_of_a_later_version_are_ignored(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    step = FilingStep(clock)
    body = json.dumps({**json.loads(BODY), "new": [1, {}]}).encode()

    await Protocol(stores, clock).receiver.receive(step, VaultImport, body)

    assert len(step.ran) == 1


@pytest.mark.parametrize("body", [newer(), newer(key={"now": "a table"}), newer(more="ä\U0001f4e7")])
async def test_a_message_of_a_later_version_is_put_back(
    stores: Stores, clock: FakeClock, body: bytes
) -> None:
    """Never failed, so that a rollback is safe; nor worked on, even where it can be read."""
    before, step = await put_row(stores, new_row(clock)), FilingStep(clock)

    await Protocol(stores, clock).receiver.receive(step, VaultImport, body)

    assert step.ran == []
    assert await row_of(stores) == before
    assert stores.queues.delays == [PUT_BACK_FOR]
    assert await stores.visible(VAULT_IMPORT) == []
    assert await stores.number(VAULT_IMPORT) == 1


async def test_what_is_put_back_is_the_same_text(
    stores: Stores, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.receiving.PUT_BACK_FOR", 0)
    body = newer(more="ä", spaces="  ")

    await Protocol(stores, clock).receiver.receive(FilingStep(clock), VaultImport, body)

    (found,) = await stores.queue_service.get_queue_client(VAULT_IMPORT).peek_messages(1)
    assert found.content == body.decode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"\xff",
        b'{"v": 2, "more": "\xff"}',
        b"[" * 100_000,
        b'{"v": 1}',
        b'{"v": "2"}',
        json.dumps({**json.loads(BODY), "key": 1}).encode(),
    ],
)
async def test_what_is_no_message_is_unreadable_and_the_hosts(
    stores: Stores, clock: FakeClock, body: bytes
) -> None:
    """The host tries it again, and then makes it poison: it is kept."""
    step = FilingStep(clock)

    with pytest.raises(Unreadable):
        await Protocol(stores, clock).receiver.receive(step, VaultImport, body)

    assert step.ran == []
    assert await stores.number(VAULT_IMPORT) == 0


# How the mail stands


async def test_an_announced_mail_is_opened_claimed_and_staged(stores: Stores, clock: FakeClock) -> None:
    step = StagingStep(clock)

    await Protocol(stores, clock).stage(step)

    (given,) = step.ran
    assert (given.state, given.handed, given.claim_expires) == ("arrived", NOON, NOON + LASTS)
    assert given.owner
    found = await row_of(stores)
    assert (found.state, found.owner, found.handed) == ("staged", "", NOON)
    assert await open_mails(stores) == [OpenMail.of(found)]
    assert await stores.number(VAULT_IMPORT) == 1
    assert await stores.number(MAIL_ARRIVED) == 0


async def test_two_copies_of_a_notification_at_once_make_one_row_and_one_run(stores: Stores) -> None:
    """Each worker has a clock of its own."""
    workers = [Protocol(stores, FakeClock(NOON + timedelta(milliseconds=number))) for number in range(4)]
    steps = [StagingStep(worker.clock) for worker in workers]

    await asyncio.gather(*(worker.stage(step) for worker, step in zip(workers, steps, strict=True)))

    assert sum(len(step.ran) for step in steps) == 1
    (mail,) = await open_mails(stores)
    assert mail == OpenMail.of(await row_of(stores))


async def test_two_copies_of_an_order_at_once_make_one_run(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    steps = [FilingStep(clock) for _ in range(4)]

    await asyncio.gather(*(Protocol(stores, clock).file(step) for step in steps))

    assert sum(len(step.ran) for step in steps) == 1
    assert (await row_of(stores)).state == "filed"


async def test_a_message_that_meets_a_live_claim_is_put_back_until_it_expires(
    stores: Stores, clock: FakeClock
) -> None:
    """Never dropped: its holder may be dead."""
    row = await put_row(stores, new_row(clock))
    held = await Claim.take(stores.journal, clock, row, "twin")
    clock.advance(seconds=40)
    step = FilingStep(clock)

    await Protocol(stores, clock).file(step)

    assert step.ran == []
    assert stores.queues.delays == [50]
    assert await stores.number(VAULT_IMPORT) == 1
    assert await row_of(stores) == held.row


async def test_a_message_before_the_mail_is_due_waits_until_then(stores: Stores, clock: FakeClock) -> None:
    """Whatever copies there are, the work is done once."""
    before = await put_row(stores, new_row(clock, due=SOON + timedelta(microseconds=1)))
    step = FilingStep(clock)

    for _ in range(2):
        await Protocol(stores, clock).file(step)

    assert step.ran == []
    assert stores.queues.delays == [21, 21]
    assert await row_of(stores) == before


async def test_a_create_that_may_be_under_way_is_waited_for(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock, creating=NOON))
    step = FilingStep(clock)

    await Protocol(stores, clock).file(step)
    clock.advance(seconds=UNCLEAR_FOR.total_seconds())
    await Protocol(stores, clock).file(step)

    assert stores.queues.delays[:1] == [90]
    assert len(step.ran) == 1


@pytest.mark.parametrize("state", ["staged", "filed", "failed"])
async def test_a_mail_that_has_gone_on_is_done_with(stores: Stores, clock: FakeClock, state: State) -> None:
    before = await put_row(stores, new_row(clock, state))
    step = StagingStep(clock)

    await Protocol(stores, clock).stage(step)

    assert step.ran == []
    assert stores.queues.delays == []
    assert await row_of(stores) == before


async def test_a_skipped_mail_that_its_step_reopens_begins_anew(stores: Stores, clock: FakeClock) -> None:
    """It is open again before it is worked on."""
    await stores.journal.insert(new_row(clock, "skipped", settled=NOON, rule="passed over"))
    clock.advance(days=1)
    step = StagingStep(clock)

    await Protocol(stores, clock).stage(step)

    (given,) = step.ran
    assert (given.state, given.opened, given.handed, given.rule) == ("arrived", clock.now(), clock.now(), "")
    found = await row_of(stores)
    assert (found.state, found.arrived, found.ended, found.settled) == ("staged", NOON, None, None)
    assert await open_mails(stores) == [OpenMail.of(found)]


async def test_a_mail_that_is_skipped_by_another_rule_stays_so(stores: Stores, clock: FakeClock) -> None:
    before = await stores.journal.insert(new_row(clock, "skipped", settled=NOON, rule="newsletters"))
    step = StagingStep(clock)

    await Protocol(stores, clock).stage(step)

    assert step.ran == []
    assert await row_of(stores) == before
    assert await open_mails(stores) == []


async def test_two_copies_at_once_reopen_a_mail_once(stores: Stores) -> None:
    clocks = [FakeClock(NOON + timedelta(milliseconds=number)) for number in range(1, 4)]
    await stores.journal.insert(new_row(FakeClock(), "skipped", settled=NOON, rule="passed over"))
    steps = [StagingStep(clock) for clock in clocks]

    await asyncio.gather(
        *(Protocol(stores, clock).stage(step) for clock, step in zip(clocks, steps, strict=True))
    )

    assert sum(len(step.ran) for step in steps) == 1
    assert (await row_of(stores)).state == "staged"


async def test_a_mail_that_a_former_version_has_begun_with_is_put_among_the_open_ones(
    stores: Stores, clock: FakeClock
) -> None:
    """That one knew no such table; without its row there the watch would not see it."""

    async def look(claim: Claim) -> None:
        seen.extend(await open_mails(stores))
        await claim.end(lambda row: gone_on(row, "filed", ended=NOON))

    seen: list[OpenMail] = []
    before = await stores.journal.insert(new_row(clock, opened=None, handed=None))

    await Protocol(stores, clock).file(FilingStep(clock, work=look))

    assert seen == [OpenMail.of(before)]


async def test_who_finds_a_state_that_was_not_handed_over_repeats_only_that(
    stores: Stores, clock: FakeClock
) -> None:
    before = await put_row(stores, new_row(clock, handed=None))
    step, message = StagingStep(clock), arrived("invoices")

    for _ in range(2):
        await Protocol(stores, clock).stage(step, message)

    assert step.ran == []
    (found,) = await stores.visible(VAULT_IMPORT)
    assert found["traceparent"].split("-")[1] == message.traceparent.split("-")[1]
    row = await row_of(stores)
    assert row == replace(before, handed=NOON, etag=row.etag)
    assert await stores.number(MAIL_ARRIVED) == 0


async def test_a_message_that_a_replay_has_overtaken_waits(stores: Stores, clock: FakeClock) -> None:
    """Its mail is at an earlier step: the message of that one is sent if it was not yet."""
    await put_row(stores, new_row(clock, "arrived", handed=None))
    step = FilingStep(clock)

    await Protocol(stores, clock).file(step)

    assert step.ran == []
    assert await stores.number(MAIL_ARRIVED) == 1
    assert stores.queues.delays == [0, TOO_EARLY_FOR.total_seconds()]
    assert (await row_of(stores)).handed == NOON


async def test_an_order_for_a_mail_that_is_nowhere_waits_as_long_as_the_step_says(
    stores: Stores, clock: FakeClock
) -> None:
    step = FilingStep(clock, is_lost=True)

    await Protocol(stores, clock).file(step)

    assert step.ran == []
    assert stores.queues.delays == [900]
    assert await stores.journal.read("invoices", KEY) is None
    assert await open_mails(stores) == []


async def test_a_mail_whose_row_is_gone_has_nothing_left_in_its_mailbox(
    stores: Stores, clock: FakeClock
) -> None:
    await settle(Protocol(stores, clock))

    assert await stores.number(MAIL_FILED) == 0
    assert await stores.journal.read("invoices", KEY) is None


# The work, and its end


async def test_the_row_is_claimed_while_the_work_runs_and_free_when_it_has_ended(
    stores: Stores, clock: FakeClock
) -> None:
    async def look(claim: Claim) -> None:
        seen.append(await row_of(stores))
        await claim.end(lambda row: gone_on(row, "filed", ended=NOON))

    seen: list[Row] = []
    await put_row(stores, new_row(clock))

    await Protocol(stores, clock).file(FilingStep(clock, work=look))

    (during,) = seen
    assert (during.state, during.claim_expires) == ("staged", NOON + LASTS)
    after = await row_of(stores)
    assert (after.owner, after.claim_expires) == ("", None)


async def test_the_state_is_written_before_it_is_handed_over_and_then_noted(
    stores: Stores, clock: FakeClock
) -> None:
    class Looking(NotingQueues):
        async def send_text(self, queue: str, text: str, *, delay: int = 0) -> None:
            seen.append(await row_of(stores))
            await super().send_text(queue, text, delay=delay)

    seen: list[Row] = []
    await put_row(stores, new_row(clock))

    await Protocol(stores, clock, queues=Looking(stores.queue_service)).file(FilingStep(clock))

    (then,) = seen
    assert (then.state, then.owner, then.handed) == ("filed", "", None)
    assert (await row_of(stores)).handed == NOON
    assert await stores.number(MAIL_FILED) == 1


async def test_the_end_of_a_mail_is_its_mailbox_and_then_it_is_struck_off(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock))
    protocol = Protocol(stores, clock)
    await protocol.file(FilingStep(clock))
    assert len(await open_mails(stores)) == 1

    await settle(protocol)

    found = await row_of(stores)
    assert (found.state, found.settled, found.is_closed) == ("filed", NOON, True)
    assert await open_mails(stores) == []


async def test_a_mail_that_is_settled_stays_open_while_it_will_be_looked_for_again(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock, "filed", look_again=SOON))
    protocol = Protocol(stores, clock)

    await settle(protocol)
    assert len(await open_mails(stores)) == 1
    await protocol.file(FilingStep(clock))
    assert stores.queues.delays == [20]
    clock.advance(seconds=20)
    await protocol.file(FilingStep(clock, work=_look_again))

    assert (await row_of(stores)).is_closed
    assert await open_mails(stores) == []


async def _look_again(claim: Claim) -> None:
    await claim.end(lambda row: replace(row, look_again=None))


async def test_the_mailbox_step_of_a_mail_is_one_write(stores: Stores, clock: FakeClock) -> None:
    """No claim, no breaker: a vault or Graph that is down keeps no mail from being settled."""

    class Counting(JournalTable):
        writes = 0

        async def update(self, row: Row) -> Row:
            self.writes += 1
            return await super().update(row)

    await put_row(stores, new_row(clock, "filed"))
    journal, table = Counting(stores.tables), InMemoryBreakerTable()
    await table.write(opened(Breaker(BreakerKey("service", "graph")), "down", NOON))

    await settle(Protocol(stores, clock, journal=journal, table=table))

    assert journal.writes == 1
    assert (await row_of(stores)).settled == NOON


async def test_the_claim_is_renewed_while_the_work_runs_and_while_bytes_are_kept(
    stores: Stores, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a large mail takes: no other worker begins with it."""

    class SlowKeeper(NotingKeeper):
        async def keep(self, source: str, key: str) -> None:
            clock.advance(seconds=60)
            await renewed(stores, clock)
            await super().keep(source, key)

    async def slow(claim: Claim) -> None:
        for _ in range(2):
            clock.advance(seconds=60)
            await renewed(stores, clock)
        raise MailFault("x", "y")

    monkeypatch.setattr("shared.claim.RENEWED_EVERY", 0.02)
    await put_row(stores, new_row(clock))
    keeper = SlowKeeper(stores.journal)

    await Protocol(stores, clock, keeper=keeper).file(FilingStep(clock, work=slow))

    assert keeper.states == ["staged"]
    found = await row_of(stores)
    assert (found.state, found.owner, found.deaths) == ("failed", "", 0)


async def test_a_provisional_row_that_is_deleted_is_struck_off(stores: Stores, clock: FakeClock) -> None:
    async def rename(claim: Claim) -> None:
        await claim.delete()

    await Protocol(stores, clock).stage(StagingStep(clock, work=rename))

    assert await stores.journal.read("invoices", KEY) is None
    assert await open_mails(stores) == []
    assert stores.queues.delays == []


async def test_a_mail_that_its_step_sends_back_is_handed_over_when_it_is_due(
    stores: Stores, clock: FakeClock
) -> None:
    async def back(claim: Claim) -> None:
        await claim.end(lambda row: gone_on(row, "arrived", staged=None, due=SOON))

    await put_row(stores, new_row(clock))

    await Protocol(stores, clock).file(FilingStep(clock, work=back, outcome=Filed.BACK))

    assert await stores.number(MAIL_ARRIVED) == 1
    assert await stores.number(VAULT_IMPORT) == 0
    assert stores.queues.delays == [20]


# Faults


@pytest.mark.parametrize(
    ("fault", "delay"),
    [(NotYet("x", after=61.2), 62), (NotYet("x", after=0.0), 1), (Stale("x", after=3.0), 3)],
)
async def test_a_mail_that_only_has_to_wait_is_put_back_and_that_is_no_attempt(
    stores: Stores, clock: FakeClock, fault: Transient, delay: int
) -> None:
    before = await put_row(stores, new_row(clock))

    await Protocol(stores, clock).file(FilingStep(clock, fault))

    assert stores.queues.delays == [delay]
    assert await stores.number(VAULT_IMPORT) == 1
    found = await row_of(stores)
    due = NOON + timedelta(seconds=fault.after or 0)
    reason = "x" if isinstance(fault, NotYet) else ""
    assert found == replace(before, due=due, reason=reason, etag=found.etag)


@pytest.mark.parametrize("fault", [NotYet("x"), Stale("x")])
async def test_without_a_word_how_long_a_mail_waits_some_seconds(
    stores: Stores, clock: FakeClock, fault: Transient
) -> None:
    await put_row(stores, new_row(clock))

    await Protocol(stores, clock).file(FilingStep(clock, fault))

    (delay,) = stores.queues.delays
    assert 1 <= delay <= 15


async def test_a_transient_fault_is_an_attempt_and_the_row_says_when_the_next_is_due(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock))

    await Protocol(stores, clock).file(FilingStep(clock, OUTAGE))

    (delay,) = stores.queues.delays
    found = await row_of(stores)
    assert (found.state, found.attempt, found.first_tried) == ("staged", 1, NOON)
    assert found.due == NOON + timedelta(seconds=delay)
    assert (found.reason, found.ended) == ("M-Files answered 503", None)
    assert (found.owner, found.claim_expires) == ("", None)


async def test_the_row_says_when_it_is_due_before_the_copy_is_sent(stores: Stores, clock: FakeClock) -> None:
    """A copy that comes early finds that it must wait; without a copy the message itself is there still."""

    class Looking(NotingQueues):
        async def send_text(self, queue: str, text: str, *, delay: int = 0) -> None:
            seen.append(await row_of(stores))
            await super().send_text(queue, text, delay=delay)

    seen: list[Row] = []
    await put_row(stores, new_row(clock))

    await Protocol(stores, clock, queues=Looking(stores.queue_service)).file(FilingStep(clock, OUTAGE))

    (then,) = seen
    assert then == await row_of(stores)
    assert then.due is not None
    assert then.due > NOON


async def test_attempts_back_off_up_to_a_limit_and_the_first_try_stays(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock))
    protocol = Protocol(stores, clock)
    for _ in range(9):
        await protocol.file(FilingStep(clock, OUTAGE))
        clock.advance(hours=1)

    delays = stores.queues.delays
    assert delays == sorted(delays)
    assert delays[0] >= SHORTEST.total_seconds()
    assert delays[-1] == LONGEST.total_seconds()
    found = await row_of(stores)
    assert (found.attempt, found.first_tried) == (9, NOON)


async def test_a_service_that_asks_for_more_time_gets_it(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))

    await Protocol(stores, clock).file(FilingStep(clock, Unavailable("429", after=1234.5)))

    assert stores.queues.delays == [1235]
    assert (await row_of(stores)).due == NOON + timedelta(seconds=1234.5)


@pytest.mark.parametrize(
    ("attempts", "tried_for"),
    [(LEAST_ATTEMPTS - 2, PATIENCE * 10), (10_000, PATIENCE - timedelta(seconds=1))],
)
async def test_an_outage_is_no_failure_before_both_limits_are_reached(
    stores: Stores, clock: FakeClock, attempts: int, tried_for: timedelta
) -> None:
    await put_row(stores, new_row(clock, attempt=attempts, first_tried=NOON))
    clock.advance(seconds=tried_for.total_seconds())

    await Protocol(stores, clock).file(FilingStep(clock, OUTAGE))

    assert (await row_of(stores)).state == "staged"
    assert await stores.number(VAULT_IMPORT) == 1


async def test_a_mail_is_given_up_with_reason_and_remedy_and_handed_over(
    stores: Stores, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await put_row(stores, new_row(clock, attempt=LEAST_ATTEMPTS - 1, first_tried=NOON))
    clock.advance(days=3)

    protocol = Protocol(stores, clock)
    await vault_works(protocol)
    await protocol.file(FilingStep(clock, OUTAGE))

    found = await row_of(stores)
    assert (found.state, found.ended, found.kept) == ("failed", clock.now(), clock.now())
    assert "M-Files answered 503" in found.reason
    assert "replay" in found.remedy
    assert await stores.number(VAULT_IMPORT) == 0
    assert await stores.number(MAIL_FILED) == 1
    assert found.handed == clock.now()
    assert events(caplog, "ERROR") == ["mail-failed"]


async def test_a_fault_of_the_configuration_holds_the_mail_and_fails_none(
    stores: Stores, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """However long it lasts: a person has to mend it."""
    await put_row(stores, new_row(clock, attempt=100, first_tried=NOON))
    clock.advance(days=30)
    table = InMemoryBreakerTable()

    for jitter in (0.0, 1.0):
        step = FilingStep(clock, ConfigurationFault("class: none.", "Correct it."))
        await Protocol(stores, clock, table=table, jitter=jitter).file(step)
        assert len(step.ran) == 1
        clock.advance(minutes=1)

    found = await row_of(stores)
    waited = breaker.SHORTEST + breaker.LONGEST
    assert (found.state, found.attempt, found.first_tried) == ("staged", 100, NOON + waited)
    assert (found.reason, found.remedy) == ("class: none.", "Correct it.")
    assert stores.queues.delays == [60, 300]
    assert events(caplog, "ERROR") == ["source-held"]


async def test_a_fault_of_the_mail_ends_it(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))

    await Protocol(stores, clock).file(FilingStep(clock, MailFault("It is refused.", "Look at it.")))

    found = await row_of(stores)
    assert (found.state, found.ended) == ("failed", NOON)
    assert (found.reason, found.remedy) == ("It is refused.", "Look at it.")
    assert await stores.number(VAULT_IMPORT) == 0
    assert await stores.number(MAIL_FILED) == 1


async def test_of_a_mail_that_fails_the_bytes_are_kept_before_the_row_says_so(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock))
    keeper = NotingKeeper(stores.journal)

    await Protocol(stores, clock, keeper=keeper).file(FilingStep(clock, MailFault("x", "y")))

    assert keeper.states == ["staged"]
    assert (await row_of(stores)).kept == NOON


async def test_a_mail_whose_bytes_cannot_be_kept_does_not_fail(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    keeper = NotingKeeper(stores.journal, Unavailable("kept mail: down", origin="storage"))

    await Protocol(stores, clock, keeper=keeper).file(FilingStep(clock, MailFault("x", "y")))

    found = await row_of(stores)
    assert (found.state, found.kept) == ("staged", None)
    assert await stores.number(VAULT_IMPORT) == 1
    assert await stores.number(MAIL_FILED) == 0


@pytest.mark.parametrize("fault", [OUTAGE, ConfigurationFault("x", "y"), MailFault("x", "y")])
@pytest.mark.parametrize("state", sorted(ENDS))
async def test_a_mail_that_has_ended_never_fails_by_what_comes_after(
    stores: Stores, clock: FakeClock, state: State, fault: VaultpostError
) -> None:
    """Neither by a fault of looking for it again, however often it is met, nor does it lose its reason."""
    await put_row(
        stores,
        new_row(
            clock,
            state,
            settled=NOON,
            look_again=NOON,
            reason="as it ended",
            remedy="do this",
            attempt=LEAST_ATTEMPTS,
            first_tried=NOON,
        ),
    )
    protocol = Protocol(stores, clock)

    for _ in range(2):
        await protocol.file(FilingStep(clock, fault))
        clock.advance(days=4)

    found = await row_of(stores)
    assert (found.state, found.reason, found.remedy) == (state, "as it ended", "do this")
    assert found.ended == NOON


@pytest.mark.parametrize(
    "fault",
    [MailFault("The mailbox refuses it.", "y"), OUTAGE, ConfigurationFault("x", "y"), ZeroDivisionError()],
)
async def test_a_mail_that_has_ended_never_fails_by_its_mailbox(
    stores: Stores, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    async def refused(mailbox: str, message: str, want: After) -> bool:
        raise fault

    monkeypatch.setattr(Afterwards, "do", staticmethod(refused))
    wishing = source("invoices", **{"on-failure": {"category": "Not filed"}})
    step = replace(settling(stores.area, clock), sources={"invoices": wishing})
    facts = {"attempt": LEAST_ATTEMPTS, "first_tried": NOON}
    await put_row(stores, new_row(clock, "failed", reason="as it ended", remedy="do this", **facts))
    protocol = Protocol(stores, clock)
    body = encode(MailFiled(source="invoices", key=KEY, traceparent=traceparent())).encode()

    for _ in range(2):
        try:
            await protocol.receiver.receive(step, MailFiled, body)
        except ZeroDivisionError:
            assert isinstance(fault, ZeroDivisionError)
        clock.advance(days=4)

    found = await row_of(stores)
    assert (found.state, found.reason, found.remedy) == ("failed", "as it ended", "do this")


async def test_what_an_ended_mail_lacks_is_given_up_with_a_warning_and_then_it_is_closed(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock, "filed", settled=NOON, look_again=NOON))
    keeper = NotingKeeper(stores.journal)

    await Protocol(stores, clock, keeper=keeper).file(FilingStep(clock, MailFault("It is odd.", "y")))

    found = await row_of(stores)
    assert (found.state, found.warnings, found.is_closed) == ("filed", ("It is odd.",), True)
    assert await open_mails(stores) == []
    assert keeper.states == [], "what is in the vault is not kept beside it"


async def test_a_fault_after_the_end_is_of_the_source_alone(
    stores: Stores, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The account that cannot see what it has created: the mail is filed, the source is held."""

    async def filed_unseen(claim: Claim) -> None:
        await claim.end(lambda row: gone_on(row, "filed", ended=NOON))
        raise ConfigurationFault("It cannot be seen.", "Let it be seen.")

    await put_row(stores, new_row(clock))

    await Protocol(stores, clock).file(FilingStep(clock, work=filed_unseen))

    found = await row_of(stores)
    assert (found.state, found.reason, found.handed) == ("filed", "", NOON)
    assert await stores.number(MAIL_FILED) == 1
    assert await stores.number(VAULT_IMPORT) == 0
    assert events(caplog, "ERROR") == ["source-held"]


@pytest.mark.parametrize("state", sorted(ENDS))
@pytest.mark.parametrize("fault", [OUTAGE, ConfigurationFault("x", "y"), MailFault("x", "y")])
async def test_a_mail_that_another_worker_has_ended_stays_as_it_ended_and_the_message_lives(
    stores: Stores, clock: FakeClock, state: State, fault: VaultpostError
) -> None:
    """Its claim has run out while the work hung."""

    async def overtaken(claim: Claim) -> None:
        clock.advance(seconds=91)
        heir = await Claim.take(stores.journal, clock, await row_of(stores), "heir")
        ended.append(await heir.end(lambda row: gone_on(row, state, ended=clock.now())))
        raise fault

    ended: list[Row] = []
    await put_row(stores, new_row(clock))

    await Protocol(stores, clock).file(FilingStep(clock, work=overtaken))

    assert [await row_of(stores)] == ended
    assert await stores.number(VAULT_IMPORT) == 1


async def test_a_bug_is_the_hosts_and_its_claim_is_released(stores: Stores, clock: FakeClock) -> None:
    """The host tries again soon, and must not find the claim of its own."""
    await put_row(stores, new_row(clock, attempt=3, first_tried=NOON))

    with pytest.raises(ZeroDivisionError):
        await Protocol(stores, clock).file(FilingStep(clock, ZeroDivisionError("a subject")))

    found = await row_of(stores)
    assert (found.state, found.owner, found.claim_expires, found.deaths) == ("staged", "", None, 0)
    assert (found.attempt, found.due) == (3, NOON)
    assert "ZeroDivisionError" in found.reason
    assert "subject" not in found.reason
    assert await stores.number(VAULT_IMPORT) == 0
    step = FilingStep(clock)
    await Protocol(stores, clock).file(step)
    assert len(step.ran) == 1


async def test_a_bug_is_not_hidden_by_a_claim_that_cannot_be_released(
    stores: Stores, clock: FakeClock
) -> None:
    async def lost(claim: Claim) -> None:
        await stores.journal.delete(await row_of(stores))
        raise ZeroDivisionError

    await put_row(stores, new_row(clock))

    with pytest.raises(ZeroDivisionError):
        await Protocol(stores, clock).file(FilingStep(clock, work=lost))


# Workers that die


async def killed(protocol: Protocol, clock: FakeClock) -> None:
    """A worker takes the mail and does not come back; its claim runs out."""
    with pytest.raises(Dead):
        await protocol.file(FilingStep(clock, work=dies))
    clock.advance(seconds=LASTS.total_seconds())


async def test_the_first_take_over_is_at_once_and_no_attempt(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    protocol, step = Protocol(stores, clock), FilingStep(clock)
    await killed(protocol, clock)

    await protocol.file(step)

    (given,) = step.ran
    assert (given.deaths, given.attempt) == (1, 0)
    found = await row_of(stores)
    assert (found.state, found.deaths) == ("filed", 0)


async def test_from_the_second_on_a_take_over_is_an_attempt_with_back_off(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock))
    protocol, step = Protocol(stores, clock), FilingStep(clock)
    for _ in range(2):
        await killed(protocol, clock)
    second = clock.now()

    await protocol.file(step)

    assert step.ran == []
    found = await row_of(stores)
    assert (found.owner, found.deaths, found.attempt, found.first_tried) == ("", 2, 1, second)
    assert found.due is not None
    assert found.due - second == timedelta(seconds=stores.queues.delays[-1]) >= SHORTEST
    clock.advance(seconds=stores.queues.delays[-1])
    await protocol.file(step)
    assert len(step.ran) == 1


async def test_a_worker_that_comes_back_ends_the_row_of_deaths(stores: Stores, clock: FakeClock) -> None:
    """Even with a fault: only a mail that kills its worker each time is one that kills."""
    await put_row(stores, new_row(clock))
    protocol = Protocol(stores, clock)
    await killed(protocol, clock)
    await protocol.file(FilingStep(clock, OUTAGE))
    clock.advance(hours=1)
    await killed(protocol, clock)
    step = FilingStep(clock)

    await protocol.file(step)

    assert [row.deaths for row in step.ran] == [1]


async def die_until_it_ends(stores: Stores, clock: FakeClock, **facts: Any) -> tuple[int, Row]:
    """How many workers a mail has killed before it ended; 200 at most."""
    row = await put_row(stores, new_row(clock, **facts))
    protocol, deaths = Protocol(stores, clock), 0
    while deaths < 200 and not row.has_ended:
        try:
            await protocol.file(FilingStep(clock, work=dies))
        except Dead:
            deaths += 1
        clock.advance(hours=1)
        row = await row_of(stores)
    return deaths, row


async def test_a_mail_that_always_kills_its_worker_fails_in_the_end(stores: Stores, clock: FakeClock) -> None:
    """After `give-up-after`, and not before 20 attempts; its bytes are kept."""
    deaths, row = await die_until_it_ends(stores, clock)

    assert row.state == "failed"
    assert deaths > LEAST_ATTEMPTS
    assert row.ended is not None
    assert row.ended - NOON >= PATIENCE
    assert row.kept is not None
    assert "have not come back" in row.reason
    assert await stores.number(MAIL_FILED) == 1


async def test_a_mail_that_always_kills_its_worker_does_not_fail_while_a_create_is_unclear(
    stores: Stores, clock: FakeClock
) -> None:
    """The vault may have it."""
    long_ago = NOON - timedelta(days=9)
    await put_row(
        stores,
        new_row(
            clock,
            attempt=50,
            first_tried=long_ago,
            creating=long_ago,
            owner="dead",
            claim_expires=long_ago,
            deaths=7,
        ),
    )

    await Protocol(stores, clock).file(FilingStep(clock))

    found = await row_of(stores)
    assert (found.state, found.creating, found.attempt) == ("staged", long_ago, 51)
    assert found.due == NOON + LONGEST


async def test_nobody_gives_up_while_a_create_is_unclear(stores: Stores, clock: FakeClock) -> None:
    """The vault may have the document: the next attempt searches."""
    long_ago = NOON - timedelta(days=9)
    await put_row(stores, new_row(clock, attempt=LEAST_ATTEMPTS + 5, first_tried=long_ago, creating=long_ago))

    await Protocol(stores, clock).file(FilingStep(clock, OUTAGE))

    found = await row_of(stores)
    assert (found.state, found.creating) == ("staged", long_ago)
    assert await stores.number(VAULT_IMPORT) == 1


# What is shut, and what is down


async def test_before_a_shut_breaker_an_announced_mail_is_opened_unclaimed(
    stores: Stores, clock: FakeClock
) -> None:
    """It is on record, so that its message may be lost."""
    table = InMemoryBreakerTable()
    await table.write(opened(Breaker(BreakerKey("service", "graph")), "down", NOON))
    step = StagingStep(clock)

    await Protocol(stores, clock, table=table, jitter=0.5).stage(step)

    found = await row_of(stores)
    assert step.ran == []
    assert (found.state, found.owner, found.handed, found.attempt) == ("arrived", "", NOON, 0)
    assert found.due == NOON + timedelta(seconds=stores.queues.delays[0])
    assert await open_mails(stores) == [OpenMail.of(found)]
    assert await stores.number(MAIL_ARRIVED) == 1


async def test_two_copies_before_a_shut_breaker_open_one_row(stores: Stores) -> None:
    table = InMemoryBreakerTable()
    await table.write(opened(Breaker(BreakerKey("service", "graph")), "down", NOON))
    clocks = [FakeClock(NOON + timedelta(milliseconds=number)) for number in range(3)]

    await asyncio.gather(
        *(Protocol(stores, clock, table=table).stage(StagingStep(clock)) for clock in clocks)
    )

    assert await open_mails(stores) == [OpenMail.of(await row_of(stores))]
    assert await stores.number(MAIL_ARRIVED) == 3


async def test_a_message_that_cannot_be_put_back_is_not_lost(
    stores: Stores, down: Stores, clock: FakeClock
) -> None:
    """An exception leaves the message itself in its queue."""
    await put_row(stores, new_row(clock))
    without_queue = Protocol(stores, clock, queues=down.queues).receiver

    for body in (newer(), BODY):
        with pytest.raises(Unavailable):
            await without_queue.receive(FilingStep(clock, NotYet("x")), VaultImport, body)

    assert await stores.number(VAULT_IMPORT) == 0
    assert (await row_of(stores)).due is not None


class Repeating(JournalTable):
    """The answer of each write is lost: the SDK sends it again, and the service finds it stale."""

    async def insert(self, row: Row) -> Row:
        await super().insert(row)
        return await super().insert(row)

    async def update(self, row: Row) -> Row:
        await super().update(row)
        return await super().update(row)


async def test_with_every_answer_lost_a_mail_goes_its_way_at_once(stores: Stores, clock: FakeClock) -> None:
    """What a worker has written itself is nobody else's claim: nothing waits for it to run out."""
    worker = Protocol(stores, clock, journal=Repeating(stores.tables))

    await worker.stage(StagingStep(clock))
    await worker.file(FilingStep(clock))
    await settle(worker)

    found = await row_of(stores)
    assert (found.state, found.is_closed, found.deaths) == ("filed", True, 0)
    assert await open_mails(stores) == []
    assert stores.queues.delays == [0, 0]


async def test_a_state_that_cannot_be_handed_over_is_not_done_twice(
    stores: Stores, down: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock))
    with pytest.raises(Unavailable):
        await Protocol(stores, clock, queues=down.queues).file(FilingStep(clock))
    step = FilingStep(clock)

    await Protocol(stores, clock).file(step)

    assert step.ran == []
    assert await stores.number(MAIL_FILED) == 1


@pytest.mark.parametrize("part", ["journal", "unfinished"])
async def test_a_mail_whose_tables_are_down_is_put_back(
    stores: Stores, down: Stores, clock: FakeClock, part: str
) -> None:
    """Tables may be down for longer than the host's own retries last, while queues work."""
    parts: dict[str, Any] = {part: getattr(down, part)}
    step = StagingStep(clock)

    await Protocol(stores, clock, **parts).stage(step)

    assert step.ran == []
    assert 15 <= stores.queues.delays[-1] <= 300
    assert await stores.number(MAIL_ARRIVED) == 1


async def test_others_who_are_always_first_keep_no_message_for_ever(stores: Stores, clock: FakeClock) -> None:
    class Contended(JournalTable):
        async def update(self, row: Row) -> Row:
            raise Stale("journal: another worker was first")

    before, step = await put_row(stores, new_row(clock)), FilingStep(clock)

    await Protocol(stores, clock, journal=Contended(stores.tables)).file(step)

    assert step.ran == []
    assert await row_of(stores) == before
    assert await stores.number(VAULT_IMPORT) == 1
    assert 1 <= stores.queues.delays[0] <= 15


# Messages of no mail


def fails_with(fault: Exception) -> Callable[[LifecycleEvent], Awaitable[None]]:
    async def work(message: LifecycleEvent) -> None:
        raise fault

    return work


async def test_an_event_is_worked_on_with_what_it_says(stores: Stores, clock: FakeClock) -> None:
    given: list[LifecycleEvent] = []

    async def work(message: LifecycleEvent) -> None:
        given.append(message)

    receiver = Protocol(stores, clock).receiver
    await receiver.receive_event(LIFECYCLE_EVENT, LifecycleEvent, encode(EVENT).encode(), work)

    assert given == [EVENT]
    assert await stores.number(LIFECYCLE_EVENT) == 0


@pytest.mark.parametrize("fault", [OUTAGE, NotYet("x"), Stale("x")])
async def test_an_event_that_cannot_be_served_now_is_put_back(
    stores: Stores, clock: FakeClock, fault: Exception
) -> None:
    receiver = Protocol(stores, clock).receiver
    body = encode(EVENT).encode()

    await receiver.receive_event(LIFECYCLE_EVENT, LifecycleEvent, body, fails_with(fault))

    assert 60 <= stores.queues.delays[-1] <= 300
    assert await stores.number(LIFECYCLE_EVENT) == 1


@pytest.mark.parametrize("fault", [ConfigurationFault("x", "y"), MailFault("x", "y"), ZeroDivisionError()])
async def test_a_fault_of_what_is_about_no_mail_is_the_hosts(
    stores: Stores, clock: FakeClock, fault: Exception
) -> None:
    receiver = Protocol(stores, clock).receiver
    body = encode(EVENT).encode()

    with pytest.raises(type(fault)) as caught:
        await receiver.receive_event(LIFECYCLE_EVENT, LifecycleEvent, body, fails_with(fault))

    assert caught.value is fault
    assert await stores.number(LIFECYCLE_EVENT) == 0
