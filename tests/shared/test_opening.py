"""Opening a mail: the row in `unfinished` is there before the journal's, and only one worker is first."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import Stale, Unavailable
from shared.journal import JournalTable
from shared.journal_row import LONGEST_TEXT, Row
from shared.opening import open_row, reopen_row
from shared.unfinished import OpenMail, UnfinishedTable

from .accounts import Stores
from .clock import FakeClock
from .protocol import KEY, new_row, open_mails, row_of

pytestmark = pytest.mark.anyio


class Repeating(JournalTable):
    """The answer of each insert is lost: the SDK sends it again."""

    async def insert(self, row: Row) -> Row:
        await super().insert(row)
        return await super().insert(row)


async def test_the_row_of_unfinished_is_written_first(stores: Stores, clock: FakeClock) -> None:
    class Looking(JournalTable):
        async def insert(self, row: Row) -> Row:
            seen.extend(await open_mails(stores))
            return await super().insert(row)

    seen: list[OpenMail] = []
    row = new_row(clock, "arrived")

    written = await open_row(Looking(stores.tables), stores.unfinished, row)

    assert seen == [OpenMail.of(row)]
    assert written == await row_of(stores)
    assert replace(written, etag="") == row


async def test_a_worker_that_dies_between_the_two_leaves_a_trace(stores: Stores, clock: FakeClock) -> None:
    class Dying(JournalTable):
        async def insert(self, row: Row) -> Row:
            raise KeyboardInterrupt

    row = new_row(clock, "arrived")

    with pytest.raises(KeyboardInterrupt):
        await open_row(Dying(stores.tables), stores.unfinished, row)

    assert await open_mails(stores) == [OpenMail.of(row)]
    assert (await open_mails(stores))[0].message == row.message


async def test_without_its_row_in_unfinished_no_mail_is_journalled(
    stores: Stores, down: Stores, clock: FakeClock
) -> None:
    with pytest.raises(Unavailable):
        await open_row(stores.journal, down.unfinished, new_row(clock, "arrived"))

    assert await stores.journal.read("invoices", KEY) is None


async def test_who_comes_second_changes_nothing_and_takes_its_own_trace_away(
    stores: Stores, clock: FakeClock
) -> None:
    first = await open_row(stores.journal, stores.unfinished, new_row(clock, "arrived", owner="a"))
    clock.advance(seconds=1)

    with pytest.raises(Stale):
        await open_row(stores.journal, stores.unfinished, new_row(clock, "arrived", owner="b"))

    assert await row_of(stores) == first
    assert await open_mails(stores) == [OpenMail.of(first)]


async def test_who_comes_second_at_the_same_moment_leaves_the_firsts_trace(
    stores: Stores, clock: FakeClock
) -> None:
    first = await open_row(stores.journal, stores.unfinished, new_row(clock, "arrived", owner="a"))

    with pytest.raises(Stale):
        await open_row(stores.journal, stores.unfinished, new_row(clock, "arrived", owner="b"))

    assert await open_mails(stores) == [OpenMail.of(first)]


async def test_of_many_at_once_one_is_first_and_one_trace_stays(stores: Stores, clock: FakeClock) -> None:
    rows = []
    for owner in "abcdefgh":
        rows.append(new_row(clock, "arrived", owner=owner))
        clock.advance(milliseconds=1)

    outcomes = await asyncio.gather(
        *(open_row(stores.journal, stores.unfinished, row) for row in rows), return_exceptions=True
    )

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Row)]
    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 7
    assert await row_of(stores) == winner
    assert await open_mails(stores) == [OpenMail.of(winner)]


@pytest.mark.parametrize("reason", ["", "ä" * LONGEST_TEXT], ids=["short", "cut"])
async def test_a_row_whose_answer_was_lost_is_recognised_as_ours(
    stores: Stores, clock: FakeClock, reason: str
) -> None:
    row = new_row(clock, "arrived", owner="me", claim_expires=clock.now() + timedelta(seconds=90))

    written = await open_row(Repeating(stores.tables), stores.unfinished, replace(row, reason=reason))

    assert written == await row_of(stores)
    assert written.owner == "me"
    assert await open_mails(stores) == [OpenMail.of(row)]


async def test_a_row_that_was_there_and_is_gone_leaves_no_trace_of_ours(
    stores: Stores, clock: FakeClock
) -> None:
    """A twin has found the mail under another id meanwhile; the message brings it here again."""

    class Gone(JournalTable):
        async def insert(self, row: Row) -> Row:
            raise Stale("journal: another worker was first")

    with pytest.raises(Stale):
        await open_row(Gone(stores.tables), stores.unfinished, new_row(clock, "arrived"))

    assert await open_mails(stores) == []


async def test_a_trace_that_cannot_be_taken_away_is_no_loss(stores: Stores, clock: FakeClock) -> None:
    """Storage is down at that moment: the watch takes it away later."""

    class Sticky(UnfinishedTable):
        async def remove(self, mail: OpenMail) -> None:
            raise Unavailable("unfinished: down", origin="storage")

    first = await open_row(stores.journal, stores.unfinished, new_row(clock, "arrived"))
    clock.advance(seconds=1)

    with pytest.raises(Unavailable):
        await open_row(stores.journal, Sticky(stores.tables), new_row(clock, "arrived"))

    assert await row_of(stores) == first


async def test_a_mail_that_has_ended_is_open_again_before_its_row_says_so(
    stores: Stores, clock: FakeClock
) -> None:
    class Looking(JournalTable):
        async def update(self, row: Row) -> Row:
            seen.extend(await open_mails(stores))
            return await super().update(row)

    seen: list[OpenMail] = []
    ended = await stores.journal.insert(new_row(clock, "skipped", settled=clock.now(), rule="x", sizes=(1,)))
    clock.advance(days=1)

    anew = await reopen_row(Looking(stores.tables), stores.unfinished, ended, clock.now())

    assert seen == [OpenMail.of(anew)]
    assert anew == await row_of(stores)
    assert replace(anew, etag="") == Row(
        "invoices", KEY, "arrived", ended.message, ended.arrived, opened=clock.now()
    )


async def test_a_mail_that_another_worker_has_changed_is_not_reopened(
    stores: Stores, clock: FakeClock
) -> None:
    read = await stores.journal.insert(new_row(clock, "skipped"))
    changed = await stores.journal.update(replace(read, settled=clock.now()))

    with pytest.raises(Stale):
        await reopen_row(stores.journal, stores.unfinished, read, clock.now())

    assert await row_of(stores) == changed
