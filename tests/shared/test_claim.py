"""The claim: how a mail stands to a step, who may write to its row, and what a lost answer means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.breaker import Step
from shared.claim import (
    LASTS,
    UNCLEAR_FOR,
    Before,
    Beyond,
    Claim,
    Ready,
    Standing,
    Waits,
    bereaved,
    claimed,
    is_claimed,
    released,
    standing,
)
from shared.clock import Clock
from shared.errors import Stale, Unavailable
from shared.journal import JournalTable
from shared.journal_row import LONGEST_TEXT, Row, State, gone_on
from shared.testing.journal import InMemoryJournal

from .accounts import Stores
from .clock import NOON, FakeClock
from .protocol import KEY, events, new_row, put_row, renewed, row_of

pytestmark = pytest.mark.anyio
SOON, PAST = NOON + timedelta(seconds=20), NOON - timedelta(seconds=20)
LATER = NOON + timedelta(minutes=5)
STEPS: tuple[Step, ...] = ("staging", "filing", "mailbox")


def a_row(state: State, **facts: Any) -> Row:
    return new_row(FakeClock(), state, **facts)


@pytest.mark.parametrize(
    ("state", "staging", "filing", "mailbox"),
    [
        ("arrived", Ready(), Before(), Before()),
        ("staged", Beyond(), Ready(), Before()),
        ("filed", Beyond(), Beyond(), Ready()),
        ("skipped", Beyond(), Beyond(), Ready()),
        ("failed", Beyond(), Beyond(), Ready()),
    ],
)
def test_a_mail_is_before_at_or_beyond_each_step(
    state: State, staging: Standing, filing: Standing, mailbox: Standing
) -> None:
    found = [standing(a_row(state), step, NOON) for step in STEPS]

    assert found == [staging, filing, mailbox]


@pytest.mark.parametrize(
    ("row", "step", "expected"),
    [
        # Not due.
        (a_row("arrived", due=SOON), "staging", Waits(SOON)),
        (a_row("staged", due=NOON), "filing", Ready()),
        (a_row("filed", due=SOON), "mailbox", Waits(SOON)),
        # Claimed: until it expires. A claim that has run out is a death.
        (a_row("staged", owner="twin", claim_expires=SOON), "filing", Waits(SOON)),
        (a_row("staged", owner="twin", claim_expires=SOON, due=LATER), "filing", Waits(LATER)),
        (a_row("staged", owner="twin", claim_expires=NOON), "filing", Ready(1)),
        (a_row("staged", owner="twin", claim_expires=PAST, deaths=2), "filing", Ready(3)),
        (a_row("staged", deaths=2), "filing", Ready()),
        # A time without an owner is no claim.
        (a_row("staged", claim_expires=SOON), "filing", Ready()),
        # A create that was sent may still commit: nobody searches before it can't any more.
        (a_row("staged", creating=NOON), "filing", Waits(NOON + UNCLEAR_FOR)),
        (a_row("staged", creating=NOON - UNCLEAR_FOR), "filing", Ready()),
        (a_row("arrived", creating=NOON), "staging", Ready()),
        # Filed mail is looked for once more, whether it is settled or not.
        (a_row("filed", look_again=SOON), "filing", Waits(SOON)),
        (a_row("filed", look_again=NOON), "filing", Ready()),
        (a_row("filed", look_again=NOON, settled=NOON), "filing", Ready()),
        (a_row("filed", look_again=LATER), "mailbox", Ready()),
        (a_row("filed", look_again=LATER, settled=NOON), "mailbox", Beyond()),
        (a_row("filed", look_again=LATER), "staging", Beyond()),
        (a_row("failed", settled=NOON), "mailbox", Beyond()),
    ],
)
def test_a_mail_at_a_step_is_ready_or_waits(row: Row, step: Step, expected: Standing) -> None:
    assert standing(row, step, NOON) == expected


_moments = some.none() | some.datetimes(
    NOON.replace(tzinfo=None) - timedelta(hours=1),
    NOON.replace(tzinfo=None) + timedelta(hours=1),
    timezones=some.just(UTC),
)
_states = some.sampled_from(("arrived", "staged", "filed", "skipped", "failed"))
_rows = some.builds(
    a_row,
    _states,
    owner=some.sampled_from(("", "twin")),
    claim_expires=_moments,
    deaths=some.integers(0, 3),
    due=_moments,
    creating=_moments,
    look_again=_moments,
    settled=_moments,
)


@given(_rows, some.sampled_from(STEPS))
def test_nobody_is_ready_for_what_is_claimed_or_not_due(row: Row, step: Step) -> None:
    found = standing(row, step, NOON)

    if is_claimed(row, NOON) or (row.due is not None and row.due > NOON):
        assert not isinstance(found, Ready)
    if isinstance(found, Waits):
        assert found.until > NOON


@given(_rows, some.sampled_from(STEPS))
def test_who_waits_until_then_is_ready_then(row: Row, step: Step) -> None:
    """So that a message is put back once, not again and again."""
    found = standing(row, step, NOON)

    if isinstance(found, Waits):
        assert isinstance(standing(row, step, found.until), Ready)


@given(_rows)
def test_every_open_mail_has_a_step_and_a_closed_one_has_none(row: Row) -> None:
    places = [standing(row, step, NOON) for step in STEPS]

    assert any(isinstance(place, Ready | Waits) for place in places) != row.is_closed


@given(_rows)
def test_deaths_are_counted_until_a_worker_comes_back(row: Row) -> None:
    after = claimed(row, "me", NOON)

    assert (after.owner, after.claim_expires) == ("me", NOON + LASTS)
    assert after.deaths == bereaved(row).deaths == row.deaths + bool(row.owner)
    assert not bereaved(row).owner
    assert bereaved(bereaved(row)) == bereaved(row)
    assert released(after) == released(row) == replace(row, owner="", claim_expires=None, deaths=0)


class Repeating(JournalTable):
    """The answer of each update is lost: the SDK sends it again, and the service finds it stale."""

    async def update(self, row: Row) -> Row:
        await super().update(row)
        return await super().update(row)


class Unanswered(JournalTable):
    """The next update is written, and nobody hears of it."""

    is_deaf = True

    async def update(self, row: Row) -> Row:
        written = await super().update(row)
        if self.is_deaf:
            self.is_deaf = False
            raise Unavailable("journal: no answer", origin="storage")
        return written


async def taken(stores: Stores, clock: Clock, owner: str = "me") -> Claim:
    return await Claim.take(stores.journal, clock, await row_of(stores), owner)


def told(reason: str) -> Callable[[Row], Row]:
    return lambda row: replace(row, reason=reason)


async def test_a_claim_has_an_owner_and_an_expiry_in_the_row(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))

    claim = await taken(stores, clock)

    assert claim.row == await row_of(stores)
    assert (claim.row.owner, claim.row.claim_expires) == ("me", NOON + timedelta(seconds=90))


async def test_of_two_who_have_read_the_same_row_one_gets_the_claim(stores: Stores, clock: FakeClock) -> None:
    row = await put_row(stores, new_row(clock))

    outcomes = await asyncio.gather(
        *(Claim.take(stores.journal, clock, row, owner) for owner in "abcd"), return_exceptions=True
    )

    (winner,) = [one for one in outcomes if isinstance(one, Claim)]
    assert sum(isinstance(one, Stale) for one in outcomes) == 3
    assert await row_of(stores) == winner.row


async def test_each_write_renews_the_claim(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    claim = await taken(stores, clock)
    clock.advance(seconds=60)

    await claim.update(lambda row: replace(row, creating=clock.now()))

    found = await row_of(stores)
    assert (found.creating, found.claim_expires) == (clock.now(), clock.now() + LASTS)


async def test_the_state_and_the_release_are_one_write(stores: Stores, clock: FakeClock) -> None:
    journal = InMemoryJournal()
    row = await journal.insert(new_row(clock, deaths=3))
    claim = await Claim.take(journal, clock, row, "me")
    before = journal.writes

    await claim.end(lambda row: gone_on(row, "filed", ended=NOON))

    assert journal.writes == before + 1
    found = await journal.read("invoices", KEY)
    assert found == claim.row
    assert (found.state, found.owner, found.claim_expires, found.deaths) == ("filed", "", None, 0)


async def test_after_the_release_nothing_is_written(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    claim = await taken(stores, clock)
    await claim.end(told("done"))

    for write in (claim.update, claim.end):
        with pytest.raises(Stale, match="released"):
            await write(told("too late"))

    assert (await row_of(stores)).reason == "done"


async def test_a_claim_that_was_lost_writes_nothing_more(stores: Stores, clock: FakeClock) -> None:
    """However late its worker wakes up, and whatever the one after it has done meanwhile."""
    await put_row(stores, new_row(clock))
    late = await taken(stores, clock, "late")
    clock.advance(seconds=91)
    heir = await taken(stores, clock, "heir")

    async def nothing_is_written() -> None:
        for write in (late.update, late.end):
            with pytest.raises(Stale, match="another worker"):
                await write(told("late"))
        with pytest.raises(Stale):
            await late.delete()
        assert await row_of(stores) == heir.row

    await nothing_is_written()
    await heir.end(lambda row: gone_on(row, "filed", ended=clock.now()))
    await nothing_is_written()


async def test_a_claim_whose_row_is_gone_writes_nothing_more(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    late = await taken(stores, clock, "late")
    await (await taken(stores, clock, "heir")).delete()

    for write in (late.update, late.end):
        with pytest.raises(Stale, match="gone"):
            await write(told("late"))

    assert await stores.journal.read("invoices", KEY) is None


async def test_a_claim_that_ran_out_and_was_not_taken_over_still_holds(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock))
    claim = await taken(stores, clock)
    clock.advance(hours=1)

    await claim.update(told("slow"))

    assert is_claimed(await row_of(stores), clock.now())


async def test_a_row_is_deleted_with_its_claim(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    claim = await taken(stores, clock)

    await claim.delete()

    assert (claim.is_over, claim.is_gone) == (True, True)
    assert await stores.journal.read("invoices", KEY) is None


@pytest.mark.parametrize("reason", ["ours", "ä" * LONGEST_TEXT], ids=["short", "cut"])
async def test_a_write_that_the_sdk_has_sent_twice_is_recognised_as_ours(
    stores: Stores, clock: FakeClock, reason: str
) -> None:
    """Its first answer was lost, the second one says that the row has changed: by us."""
    await put_row(stores, new_row(clock))
    claim = await taken(stores, clock)
    repeating = Claim(Repeating(stores.tables), clock, claim.row)

    await repeating.update(told(reason))
    assert repeating.row == await row_of(stores)
    await repeating.end(lambda row: gone_on(row, "failed", ended=NOON, reason=reason))

    found = await row_of(stores)
    assert repeating.is_over
    assert (found.state, found.owner) == ("failed", "")
    assert found.reason == reason[: LONGEST_TEXT // 2]


async def test_a_write_follows_one_of_ours_that_had_no_answer_at_all(
    stores: Stores, clock: FakeClock
) -> None:
    await put_row(stores, new_row(clock))
    claim = Claim(Unanswered(stores.tables), clock, (await taken(stores, clock)).row)
    with pytest.raises(Unavailable):
        await claim.update(lambda row: replace(row, creating=NOON))
    clock.advance(seconds=1)

    await claim.end(told("after"))

    found = await row_of(stores)
    assert (found.reason, found.owner) == ("after", "")
    assert found.creating == NOON, "a change that was written is not undone"


async def test_a_claim_of_one_write_is_lost_with_any_change_of_the_row(
    stores: Stores, clock: FakeClock
) -> None:
    row = await put_row(stores, new_row(clock, "filed"))
    claim = Claim(stores.journal, clock, row)
    await stores.journal.update(replace(row, look_again=NOON))

    with pytest.raises(Stale):
        await claim.end(lambda row: replace(row, settled=NOON))

    assert (await row_of(stores)).settled is None


async def test_a_claim_of_one_write_knows_its_own_write(stores: Stores, clock: FakeClock) -> None:
    row = await put_row(stores, new_row(clock, "filed"))

    await Claim(Repeating(stores.tables), clock, row).end(lambda row: replace(row, settled=NOON))

    assert (await row_of(stores)).settled == NOON


async def test_while_the_work_runs_the_claim_is_renewed(
    stores: Stores, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.claim.RENEWED_EVERY", 0.02)
    await put_row(stores, new_row(clock))
    claim = await taken(stores, clock)

    async with claim.kept():
        for _ in range(3):
            clock.advance(seconds=60)
            await renewed(stores, clock)

    clock.advance(seconds=60)
    await asyncio.sleep(0.1)
    assert not is_claimed(await row_of(stores), clock.now() + timedelta(seconds=31))
    assert claim.row == await row_of(stores)


async def test_the_work_writes_between_two_renewals(
    stores: Stores, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Both write the row that the other has written before."""
    monkeypatch.setattr("shared.claim.RENEWED_EVERY", 0.001)
    await put_row(stores, new_row(clock))
    claim = await taken(stores, clock)

    async with claim.kept():
        for number in range(20):
            await claim.update(partial(replace, attempt=number))
        await claim.end(lambda row: gone_on(row, "filed", ended=NOON))
        await asyncio.sleep(0.05)

    found = await row_of(stores)
    assert (found.state, found.owner) == ("filed", "")
    assert events(caplog, "WARNING") == [], "a claim that was released is not lost"


async def test_a_renewal_goes_on_after_storage_was_down(
    stores: Stores, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.claim.RENEWED_EVERY", 0.02)
    monkeypatch.setattr("shared.claim._RENEWED_AGAIN", 0.02)

    class DownAtFirst(JournalTable):
        faults = 2

        async def update(self, row: Row) -> Row:
            self.faults -= 1
            if self.faults >= 0:
                raise Unavailable("journal: down", origin="storage")
            return await super().update(row)

    await put_row(stores, new_row(clock))
    claim = Claim(DownAtFirst(stores.tables), clock, (await taken(stores, clock)).row)
    clock.advance(seconds=60)

    async with claim.kept():
        await renewed(stores, clock)


async def test_a_renewal_ends_where_the_claim_is_lost_and_says_so(
    stores: Stores, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("shared.claim.RENEWED_EVERY", 0.02)
    await put_row(stores, new_row(clock))
    late = await taken(stores, clock, "late")
    heir = await taken(stores, clock, "heir")

    async with late.kept():
        await asyncio.sleep(0.3)

    assert await row_of(stores) == heir.row
    assert events(caplog, "WARNING") == ["claim-lost"]
