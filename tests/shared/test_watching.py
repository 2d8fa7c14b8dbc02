"""The watch: what nobody drives any more is queued again, and what somebody drives is left alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.aftermath import Keeper
from shared.claim import LASTS, is_claimed
from shared.errors import Unavailable
from shared.handing_over import HandOver
from shared.journal import Journal
from shared.journal_row import ENDS, Row, State
from shared.queue_messages import MAIL_ARRIVED, MAIL_FILED, VAULT_IMPORT
from shared.queues import QueuesPort
from shared.testing.journal import InMemoryJournal
from shared.testing.queues import InMemoryQueues
from shared.testing.unfinished import InMemoryUnfinished
from shared.unfinished import OpenMail
from shared.watching import RUNS_FOR, STRAY_AFTER, Watch, due_at, is_forsaken

from .accounts import Stores
from .clock import NOON, FakeClock
from .made import MESSAGE, arrived
from .protocol import (
    KEY,
    FilingStep,
    NotingKeeper,
    Protocol,
    StagingStep,
    events,
    new_row,
    nothing,
    put_row,
    row_of,
)

pytestmark = pytest.mark.anyio
KEPT_AFTER = timedelta(days=15)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def a_row(state: State = "staged", **facts: Any) -> Row:
    return new_row(FakeClock(), state, **facts)


def ago(**amount: float) -> datetime:
    return NOON - timedelta(**amount)


def dead(expired: datetime = NOON, **facts: Any) -> Row:
    return a_row(owner="dead", claim_expires=expired, handed=ago(hours=1), **facts)


@pytest.mark.parametrize(
    ("row", "head", "expected"),
    [
        # Its claim has expired.
        (dead(), None, True),
        (dead(NOON + SECOND), None, False),
        (dead(due=ago(minutes=2)), None, True),
        # But it was made to wait since: a breaker is shut, or a message was revived.
        (dead(ago(minutes=1), due=NOON + MINUTE), None, False),
        (dead(ago(minutes=10), due=ago(minutes=4)), None, False),
        (dead(ago(minutes=10), due=ago(minutes=5)), None, True),
        # Its state was not handed over for a minute.
        (a_row(staged=ago(seconds=59), handed=None), None, False),
        (a_row(staged=ago(seconds=60), handed=None), None, True),
        (a_row("arrived", opened=ago(seconds=60), handed=None), None, True),
        (a_row("failed", ended=ago(seconds=60), handed=None), None, True),
        (a_row(staged=ago(hours=1), handed=None, due=ago(seconds=59)), None, False),
        (a_row(staged=ago(hours=1), handed=None, due=NOON + MINUTE), None, False),
        (a_row(staged=ago(hours=1), handed=None, due=ago(seconds=60)), None, True),
        # It is five minutes past its time, and no older message is in its queue.
        (a_row(handed=ago(minutes=5) + SECOND), None, False),
        (a_row(handed=ago(minutes=5)), None, True),
        (a_row(handed=ago(hours=1), due=ago(minutes=5) + SECOND), None, False),
        (a_row(handed=ago(hours=1), due=ago(minutes=5)), None, True),
        (a_row(handed=ago(hours=1), due=NOON + timedelta(hours=1)), None, False),
        (a_row(handed=ago(hours=1)), ago(hours=1), False),
        (a_row(handed=ago(hours=1)), ago(hours=2), False),
        (a_row(handed=ago(hours=1)), ago(minutes=59), True),
        (a_row(handed=ago(hours=2), due=ago(hours=1)), ago(minutes=90), False),
        # A long queue is no excuse for a worker that died, nor for a message that was not sent.
        (dead(), ago(days=1), True),
        (a_row(staged=ago(seconds=60), handed=None), ago(days=1), True),
        # What has ended waits for its mailbox, then to be looked for once more.
        (a_row("filed", handed=ago(minutes=5)), None, True),
        (a_row("filed", handed=ago(minutes=5), look_again=NOON + MINUTE), None, True),
        (a_row("filed", handed=ago(hours=1), settled=NOON, look_again=NOON + MINUTE), None, False),
        (a_row("filed", handed=ago(hours=1), settled=NOON, look_again=ago(minutes=4)), None, False),
        (a_row("filed", handed=ago(hours=1), settled=NOON, look_again=ago(minutes=5)), None, True),
    ],
)
def test_a_mail_is_forsaken_for_three_reasons(row: Row, head: datetime | None, expected: bool) -> None:
    assert is_forsaken(row, NOON, head) is expected


_times = some.none() | some.integers(-7200, 7200).map(lambda seconds: NOON + timedelta(seconds=seconds))
_rows = some.builds(
    a_row,
    some.sampled_from(("arrived", "staged", "filed", "skipped", "failed")),
    owner=some.sampled_from(("", "twin")),
    claim_expires=_times.filter(lambda time: time is not None),
    due=_times,
    handed=_times,
    settled=_times,
    look_again=_times,
).filter(lambda row: not row.is_closed)


@given(_rows, _times)
def test_what_is_claimed_or_waits_is_never_forsaken(row: Row, head: datetime | None) -> None:
    if is_claimed(row, NOON) or (not row.owner and row.due is not None and row.due > NOON):
        assert not is_forsaken(row, NOON, head)


@given(_rows, _times)
def test_every_open_mail_that_nobody_touches_is_forsaken_in_the_end(row: Row, head: datetime | None) -> None:
    """Unless its queue stays as long as it is: then a message of it may be there."""
    in_the_end = NOON + timedelta(hours=4)

    assert is_forsaken(row, in_the_end, None)
    assert is_forsaken(row, in_the_end, in_the_end)


@given(_rows, _times, some.integers(0, 59))
def test_what_was_just_queued_again_is_left_alone_for_a_minute(
    row: Row, head: datetime | None, seconds: int
) -> None:
    """Both when its message was sent, and when only the mark was written."""
    later = NOON + timedelta(seconds=seconds)

    for marked in (replace(row, due=NOON), replace(row, due=NOON, handed=NOON)):
        if not is_claimed(row, NOON):
            assert not is_forsaken(marked, later, head)


@given(_rows)
def test_a_mail_is_due_after_all_that_it_waits_for(row: Row) -> None:
    waits_for = [row.due, row.handed, row.look_again if row.settled else None]

    assert all(due_at(row) >= time for time in waits_for if time is not None)


def watch_of(
    stores: Stores,
    clock: FakeClock,
    *,
    queues: QueuesPort | None = None,
    keeper: Keeper | None = None,
    journal: Journal | None = None,
) -> Watch:
    sent_to, rows = queues or stores.queues, journal or stores.journal
    return Watch(
        rows,
        stores.unfinished,
        sent_to,
        HandOver(rows, stores.unfinished, sent_to, clock),
        keeper or NotingKeeper(stores.journal),
        clock,
        KEPT_AFTER,
        nothing,
    )


async def open_keys(stores: Stores) -> list[str]:
    return [mail.key async for mail in stores.unfinished.all()]


@pytest.mark.parametrize(
    ("state", "queue"), [("arrived", MAIL_ARRIVED), ("staged", VAULT_IMPORT), ("failed", MAIL_FILED)]
)
async def test_a_mail_whose_worker_died_is_queued_again_and_no_second_time_in_the_next_minutes(
    stores: Stores, clock: FakeClock, state: State, queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    await put_row(stores, new_row(clock, state, owner="dead", claim_expires=clock.now() + LASTS))
    watch = watch_of(stores, clock)

    clock.advance(seconds=89)
    await watch.run()
    assert await stores.number(queue) == 0
    clock.advance(seconds=1)
    await watch.run()
    sent = clock.now()
    for _ in range(4):
        clock.advance(minutes=1)
        await watch_of(stores, clock).run()

    assert await stores.number(queue) == 1
    assert stores.queues.delays == [0]
    assert events(caplog, "WARNING") == ["mail-queued-again"]
    found = await row_of(stores)
    assert (found.state, found.due, found.handed) == (state, sent, sent)
    assert found.owner == "dead", "the next worker counts the death"


async def test_what_the_watch_has_queued_is_taken_over_at_once(stores: Stores, clock: FakeClock) -> None:
    """From a crash to the end in two minutes."""

    async def dies(claim: object) -> None:
        raise KeyboardInterrupt

    await put_row(stores, new_row(clock))
    protocol = Protocol(stores, clock)
    with pytest.raises(KeyboardInterrupt):
        await protocol.file(FilingStep(clock, work=dies))
    clock.advance(seconds=90)

    await watch_of(stores, clock).run()
    step = FilingStep(clock)
    await protocol.file(step)

    assert len(step.ran) == 1
    assert (await row_of(stores)).state == "filed"


async def test_a_state_that_was_not_handed_over_for_a_minute_is(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock, handed=None))
    watch = watch_of(stores, clock)

    clock.advance(seconds=59)
    await watch.run()
    assert await stores.number(VAULT_IMPORT) == 0
    clock.advance(seconds=1)
    await watch.run()
    clock.advance(minutes=4)
    await watch.run()

    assert await stores.number(VAULT_IMPORT) == 1
    assert (await row_of(stores)).handed == NOON + MINUTE


async def test_a_mail_whose_message_was_lost_is_queued_again_after_five_minutes(
    stores: Stores, clock: FakeClock
) -> None:
    """Its queue is empty."""
    await put_row(stores, new_row(clock))
    watch = watch_of(stores, clock)

    clock.advance(minutes=5, seconds=-1)
    await watch.run()
    assert await stores.number(VAULT_IMPORT) == 0
    clock.advance(seconds=1)
    await watch.run()

    assert await stores.number(VAULT_IMPORT) == 1


async def test_while_its_queue_is_long_a_mail_is_not_queued_again(stores: Stores) -> None:
    """An older message is still there: the mail's own may be behind it. Times are those of the service."""
    clock = FakeClock(datetime.now(UTC))
    await stores.queues.send(VAULT_IMPORT, arrived("another"))
    await put_row(stores, new_row(clock, handed=clock.now() + MINUTE))
    older = replace(new_row(clock, handed=clock.now() - MINUTE), key="e" * 32)
    await put_row(stores, older)
    clock.advance(hours=1)

    await watch_of(stores, clock).run()

    assert (await row_of(stores)).due is None
    assert (await row_of(stores, older.key)).due == clock.now()
    assert await stores.number(VAULT_IMPORT) == 2


async def test_a_live_claim_is_left_alone(stores: Stores, clock: FakeClock) -> None:
    clock.advance(hours=1)
    row = new_row(FakeClock(), handed=None, owner="twin", claim_expires=clock.now() + SECOND)
    before = await put_row(stores, row)

    await watch_of(stores, clock).run()

    assert await row_of(stores) == before
    assert stores.queues.delays == []


async def test_a_mail_that_waits_for_its_time_is_left_alone(stores: Stores, clock: FakeClock) -> None:
    before = await put_row(stores, new_row(clock, due=NOON + timedelta(hours=2)))
    clock.advance(hours=2, minutes=4)

    await watch_of(stores, clock).run()

    assert await row_of(stores) == before


async def test_a_filed_mail_that_nobody_looked_for_again_is_looked_for(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock, "filed", settled=NOON, look_again=NOON + timedelta(minutes=15)))
    watch = watch_of(stores, clock)

    clock.advance(minutes=19)
    await watch.run()
    assert await stores.number(VAULT_IMPORT) == 0
    clock.advance(minutes=1)
    await watch.run()

    assert await stores.number(VAULT_IMPORT) == 1
    assert await stores.number(MAIL_FILED) == 0


async def test_a_mail_without_a_row_begins_anew(
    stores: Stores, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Its worker died between the two rows, and its message was lost with it."""
    await stores.unfinished.add(OpenMail("invoices", NOON, KEY, MESSAGE))
    watch = watch_of(stores, clock)

    clock.advance(seconds=59)
    await watch.run()
    assert await stores.number(MAIL_ARRIVED) == 0
    clock.advance(seconds=1)
    await watch.run()

    (message,) = await stores.visible(MAIL_ARRIVED)
    assert (message["source"], message["message"], message["cause"]) == ("invoices", MESSAGE, "replay")
    assert events(caplog, "WARNING") == ["mail-queued-again"]
    step = StagingStep(clock)
    await Protocol(stores, clock).stage(step)
    assert len(step.ran) == 1
    assert (await row_of(stores)).state == "staged"
    clock.advance(minutes=10)
    await watch_of(stores, clock).run()
    assert await open_keys(stores) == [KEY], "the trace that it had left is gone"


async def test_a_stray_row_of_unfinished_is_taken_away_after_ten_minutes(
    stores: Stores, clock: FakeClock
) -> None:
    """A replay is between its two writes for a moment."""
    row = await put_row(stores, new_row(clock, due=NOON + timedelta(hours=1)))
    await stores.unfinished.add(replace(OpenMail.of(row), since=NOON + SECOND))
    watch = watch_of(stores, clock)

    clock.advance(seconds=STRAY_AFTER.total_seconds())
    await watch.run()
    assert len(await open_keys(stores)) == 2
    clock.advance(seconds=1)
    await watch.run()

    assert [mail async for mail in stores.unfinished.all()] == [OpenMail.of(row)]
    assert await row_of(stores) == row


@pytest.mark.parametrize("state", sorted(ENDS))
async def test_a_closed_mail_is_struck_off(stores: Stores, clock: FakeClock, state: State) -> None:
    """Its worker died after the last write."""
    row = await stores.journal.insert(new_row(clock, state, settled=NOON))
    await stores.unfinished.add(OpenMail.of(row))

    await watch_of(stores, clock).run()

    assert await open_keys(stores) == []
    assert await row_of(stores) == row
    assert stores.queues.delays == []


async def test_a_state_of_a_later_version_is_left_alone(stores: Stores, clock: FakeClock) -> None:
    """So that a rollback is safe."""
    later: Any = "bounced"
    row = await put_row(stores, replace(new_row(clock, handed=None), state=later))
    clock.advance(days=1)

    await watch_of(stores, clock).run()

    assert await row_of(stores) == row
    assert await open_keys(stores) == [KEY]
    assert stores.queues.delays == []


async def test_the_bytes_of_what_has_been_open_for_long_are_kept_once(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock, due=NOON + timedelta(days=60)))
    keeper = NotingKeeper(stores.journal)

    for days in (15, 1, 1):
        clock.advance(seconds=days * 86_400 - 1)
        await watch_of(stores, clock, keeper=keeper).run()
        clock.advance(seconds=1)
        await watch_of(stores, clock, keeper=keeper).run()

    assert keeper.states == ["staged"]
    assert (await row_of(stores)).kept == NOON + KEPT_AFTER


async def test_what_cannot_be_kept_is_not_said_to_be(
    stores: Stores, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    before = await put_row(stores, new_row(clock, due=NOON + timedelta(days=60)))
    keeper = NotingKeeper(stores.journal, Unavailable("kept mail: down", origin="storage"))
    clock.advance(days=15)

    await watch_of(stores, clock, keeper=keeper).run()

    assert await row_of(stores) == before
    assert events(caplog, "WARNING") == ["mail-not-watched"]


@pytest.mark.parametrize("facts", [{"owner": "twin", "claim_expires": NOON + timedelta(days=99)}, {}])
async def test_what_somebody_works_on_or_has_ended_is_not_kept(
    stores: Stores, clock: FakeClock, facts: dict[str, Any]
) -> None:
    state: State = "staged" if facts else "filed"
    await put_row(stores, new_row(clock, state, **facts))
    keeper = NotingKeeper(stores.journal)
    clock.advance(days=20)

    await watch_of(stores, clock, keeper=keeper).run()

    assert keeper.states == []


async def test_the_mark_is_written_before_the_message_is_sent(
    stores: Stores, down: Stores, clock: FakeClock
) -> None:
    """Whatever becomes of a run: the next one does not send another copy at once."""

    class OnlyPeeks:
        oldest_visible = stores.queues.oldest_visible
        send, send_text = down.queues.send, down.queues.send_text

    await put_row(stores, new_row(clock))
    clock.advance(minutes=5)

    await watch_of(stores, clock, queues=OnlyPeeks()).run()
    marked = await row_of(stores)
    clock.advance(minutes=1)
    await watch_of(stores, clock).run()

    assert (marked.due, marked.handed) == (NOON + timedelta(minutes=5), NOON)
    assert await stores.number(VAULT_IMPORT) == 0
    clock.advance(minutes=4)
    await watch_of(stores, clock).run()
    assert await stores.number(VAULT_IMPORT) == 1


async def test_two_watches_at_once_send_one_copy(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    clock.advance(minutes=5)

    await asyncio.gather(*(watch_of(stores, clock).run() for _ in range(4)))

    assert await stores.number(VAULT_IMPORT) == 1


async def test_one_mail_that_cannot_be_looked_after_does_not_stop_the_others(
    stores: Stores, clock: FakeClock
) -> None:
    class DownForOne(InMemoryJournal):
        async def read(self, source: str, key: str) -> Row | None:
            if key == KEY:
                raise Unavailable("journal: down", origin="storage")
            return await super().read(source, key)

    journal = DownForOne()
    for key in (KEY, "a" * 32):
        row = await journal.insert(replace(new_row(clock), key=key))
        await stores.unfinished.add(OpenMail.of(row))
    clock.advance(minutes=5)

    await watch_of(stores, clock, journal=journal).run()

    (message,) = await stores.visible(VAULT_IMPORT)
    assert message["key"] == "a" * 32


async def test_storage_that_is_down_is_no_empty_table(stores: Stores, down: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    clock.advance(minutes=5)
    watch = watch_of(stores, clock)
    watch.unfinished = down.unfinished

    with pytest.raises(Unavailable):
        await watch.run()


async def test_a_run_goes_on_where_the_one_before_has_stopped_and_then_begins_anew(clock: FakeClock) -> None:
    """A run has 45 seconds; each read of these takes one."""

    class Slow(InMemoryJournal):
        async def read(self, source: str, key: str) -> Row | None:
            clock.advance(seconds=1)
            seen.append(f"{source} {key}")
            return await super().read(source, key)

    seen: list[str] = []
    journal, unfinished, queues = Slow(), InMemoryUnfinished(), InMemoryQueues(clock)
    names = [(source, f"{number:032x}") for source in ("invoices", "orders") for number in range(50)]
    for source, key in names:
        row = replace(new_row(clock, due=NOON + timedelta(days=1)), source=source, key=key)
        await unfinished.add(OpenMail.of(await journal.insert(row)))
    hand_over = HandOver(journal, unfinished, queues, clock)
    watch = Watch(journal, unfinished, queues, hand_over, NotingKeeper(journal), clock, KEPT_AFTER, nothing)

    lengths = []
    for _ in range(3):
        began = len(seen)
        await watch.run()
        lengths.append(len(seen) - began)

    assert RUNS_FOR <= lengths[0] < 2 * RUNS_FOR
    assert lengths[0] + lengths[1] + lengths[2] == len(names), "nothing is left out, nothing twice"
    assert sorted(seen) == [f"{source} {key}" for source, key in names]
    seen.clear()
    await watch.run()
    assert seen[0] == f"invoices {0:032x}"
