"""The hand-over: what a mail's row says is all that its next message needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.errors import Unavailable
from shared.handing_over import HandOver, letters, queue_of, seconds_until
from shared.journal import JournalTable
from shared.journal_row import ENDS, STATES, Row, State
from shared.queue_messages import MAIL_ARRIVED, MAIL_FILED, VAULT_IMPORT, MailArrived, MailMessage
from shared.testing.journal import InMemoryJournal
from shared.testing.queues import InMemoryQueues
from shared.testing.unfinished import InMemoryUnfinished
from shared.tracing import traceparent
from shared.unfinished import OpenMail

from .accounts import Stores
from .clock import NOON, FakeClock
from .made import MESSAGE
from .protocol import KEY, Protocol, new_row, open_mails, put_row, row_of

pytestmark = pytest.mark.anyio
SOON, LATER = NOON + timedelta(seconds=15), NOON + timedelta(minutes=15)


def queues_of(row: Row) -> list[str]:
    return [letter.queue for letter in letters(row, NOON)]


@pytest.mark.parametrize(
    ("state", "queues"),
    [
        ("arrived", [MAIL_ARRIVED]),
        ("staged", [VAULT_IMPORT]),
        ("filed", [MAIL_FILED]),
        ("skipped", [MAIL_FILED]),
        ("failed", [MAIL_FILED]),
    ],
)
def test_each_state_has_its_queue(state: State, queues: list[str]) -> None:
    assert queues_of(new_row(FakeClock(), state)) == queues


@pytest.mark.parametrize(
    ("settled", "look_again", "expected"),
    [
        (None, LATER, [(MAIL_FILED, SOON), (VAULT_IMPORT, LATER)]),
        (NOON, LATER, [(VAULT_IMPORT, LATER)]),
        (NOON, None, []),
    ],
)
def test_a_mail_that_has_ended_is_settled_and_looked_for_once_more(
    settled: datetime | None, look_again: datetime | None, expected: list[tuple[str, datetime]]
) -> None:
    row = new_row(FakeClock(), "filed", due=SOON, settled=settled, look_again=look_again)

    assert [(letter.queue, letter.not_before) for letter in letters(row, NOON)] == expected


@pytest.mark.parametrize("state", ["arrived", "staged"])
def test_what_is_not_due_may_not_be_seen_before(state: State) -> None:
    (letter,) = letters(new_row(FakeClock(), state, due=SOON), NOON)

    assert letter.not_before == SOON


def test_mail_that_begins_anew_says_why_and_when() -> None:
    row = new_row(FakeClock(), "arrived", revived=4)
    trace = traceparent()

    (letter,) = letters(row, LATER, trace, "sweep")
    (without,) = letters(row, LATER)

    message = letter.message
    assert isinstance(message, MailArrived)
    assert (message.source, message.message, message.revived) == ("invoices", MESSAGE, 4)
    assert (message.cause, message.noticed) == ("sweep", LATER.isoformat())
    assert message.traceparent.split("-")[1] == trace.split("-")[1]
    assert isinstance(without.message, MailArrived)
    assert without.message.cause == "replay"


_times = some.none() | some.datetimes(timezones=some.just(UTC))
_rows = some.builds(
    new_row,
    some.just(FakeClock()),
    some.sampled_from(("arrived", "staged", "filed", "skipped", "failed")),
    due=_times,
    settled=_times,
    look_again=_times,
    revived=some.integers(0, 10),
    handed=_times,
)


@given(_rows)
def test_every_open_mail_has_a_message_and_each_is_of_that_mail(row: Row) -> None:
    found = letters(row, NOON)

    assert bool(found) != row.is_closed
    for letter in found:
        assert isinstance(letter.message, MailMessage)
        assert letter.message.filing_key == row.key
        assert (letter.message.source, letter.message.revived) == (row.source, row.revived)


@given(_rows, _times)
def test_the_messages_do_not_depend_on_whether_they_were_sent_before(
    row: Row, handed: datetime | None
) -> None:
    def plain(one: Row) -> list[tuple[str, datetime | None]]:
        return [(letter.queue, letter.not_before) for letter in letters(one, NOON)]

    assert plain(row) == plain(replace(row, handed=handed))


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        (None, 0),
        (NOON, 0),
        (NOON - timedelta(days=1), 0),
        (NOON + timedelta(seconds=15), 15),
        (NOON + timedelta(microseconds=1), 1),
        (NOON + timedelta(seconds=15, microseconds=1), 16),
        ((NOON + timedelta(seconds=9)).astimezone(timezone(timedelta(hours=5))), 9),
    ],
)
def test_seconds_are_whole_and_never_too_few(until: datetime | None, seconds: int) -> None:
    assert seconds_until(until, NOON) == seconds


async def test_a_state_is_handed_over_and_the_row_says_when(stores: Stores, clock: FakeClock) -> None:
    row = await put_row(stores, new_row(clock, handed=None))
    clock.advance(seconds=3)
    trace = traceparent()

    await Protocol(stores, clock).hand_over.follow(row, trace)

    (message,) = await stores.visible(VAULT_IMPORT)
    assert (message["source"], message["key"]) == ("invoices", KEY)
    assert message["traceparent"].split("-")[1] == trace.split("-")[1]
    found = await row_of(stores)
    assert found == replace(row, handed=clock.now(), etag=found.etag)


async def test_what_was_handed_over_is_not_sent_again(stores: Stores, clock: FakeClock) -> None:
    row = await put_row(stores, new_row(clock))

    await Protocol(stores, clock).hand_over.follow(row)

    assert await stores.number(VAULT_IMPORT) == 0
    assert await row_of(stores) == row


async def test_a_message_waits_until_the_mail_is_due(stores: Stores, clock: FakeClock) -> None:
    row = await put_row(stores, new_row(clock, handed=None, due=NOON + timedelta(seconds=14.5)))

    await Protocol(stores, clock).hand_over.follow(row)

    assert stores.queues.delays == [15]


async def test_both_messages_of_a_filed_mail_are_sent(stores: Stores, clock: FakeClock) -> None:
    row = await put_row(stores, new_row(clock, "filed", handed=None, look_again=LATER))

    await Protocol(stores, clock).hand_over.follow(row)

    assert stores.queues.delays == [0, 900]
    assert await stores.number(MAIL_FILED) == await stores.number(VAULT_IMPORT) == 1


@pytest.mark.parametrize("state", sorted(ENDS))
async def test_a_closed_mail_is_struck_off_and_nothing_is_sent(
    stores: Stores, clock: FakeClock, state: State
) -> None:
    row = await put_row(stores, new_row(clock, state, handed=None))
    settled = await stores.journal.update(replace(row, settled=NOON))

    await Protocol(stores, clock).hand_over.follow(settled)

    assert await open_mails(stores) == []
    assert stores.queues.delays == []
    assert await row_of(stores) == settled


async def test_the_message_is_sent_before_the_row_says_so(stores: Stores, clock: FakeClock) -> None:
    """Who dies between the two leaves a state that is not handed over: the watch sends it once more."""

    class Dying(JournalTable):
        async def update(self, row: Row) -> Row:
            raise KeyboardInterrupt

    row = await put_row(stores, new_row(clock, handed=None))

    with pytest.raises(KeyboardInterrupt):
        await Protocol(stores, clock, journal=Dying(stores.tables)).hand_over.follow(row)

    assert await stores.number(VAULT_IMPORT) == 1
    assert (await row_of(stores)).handed is None


async def test_a_state_that_cannot_be_sent_is_not_handed_over(
    stores: Stores, down: Stores, clock: FakeClock
) -> None:
    row = await put_row(stores, new_row(clock, handed=None))

    with pytest.raises(Unavailable):
        await Protocol(stores, clock, queues=down.queues).hand_over.follow(row)

    assert await row_of(stores) == row


async def test_a_row_that_has_gone_on_counts_as_handed_over(clock: FakeClock) -> None:
    """The next step may be quicker than the note."""
    journal, unfinished, queues = InMemoryJournal(), InMemoryUnfinished(), InMemoryQueues(clock)
    row = await journal.insert(new_row(clock, handed=None))
    gone_on = await journal.update(replace(row, owner="next", claim_expires=SOON))

    await HandOver(journal, unfinished, queues, clock).follow(row)

    assert [message.queue for message in queues.messages()] == [VAULT_IMPORT]
    assert await journal.read("invoices", KEY) == gone_on


async def test_the_row_of_unfinished_is_the_one_of_the_last_opening(stores: Stores, clock: FakeClock) -> None:
    """A mail that was replayed has another one than before."""
    row = new_row(clock, "filed", settled=NOON, opened=NOON + timedelta(hours=1))
    await stores.unfinished.add(OpenMail.of(row))

    await Protocol(stores, clock).hand_over.strike_off(row)
    await Protocol(stores, clock).hand_over.strike_off(row)

    assert await open_mails(stores) == []


async def test_storage_that_is_down_strikes_nothing_off(
    stores: Stores, down: Stores, clock: FakeClock
) -> None:
    row = await put_row(stores, new_row(clock, "filed", handed=None))
    settled = replace(row, settled=NOON)

    with pytest.raises(Unavailable):
        await Protocol(stores, clock, unfinished=down.unfinished).hand_over.follow(settled)

    assert len(await open_mails(stores)) == 1


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("settled", [None, NOON])
@pytest.mark.parametrize("look_again", [None, NOON])
def test_an_open_mail_waits_in_the_queue_of_its_first_letter(
    state: State, settled: datetime | None, look_again: datetime | None
) -> None:
    row = new_row(FakeClock(), state, settled=settled, look_again=look_again)

    for letter in letters(row, NOON)[:1]:
        assert queue_of(row) == letter.queue
