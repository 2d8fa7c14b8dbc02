"""What a fault makes of a mail's row, and what follows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.aftermath import changed, postponed_row
from shared.breaker import Service, Step
from shared.claim import Claim, claimed
from shared.errors import MailFault, Unavailable, VaultpostError
from shared.journal_row import ENDS, Row, State, gone_on
from shared.queue_messages import MAIL_FILED, VAULT_IMPORT
from shared.retrying import LEAST_ATTEMPTS, LONGEST, SHORTEST, Afresh, Again, Decision, Fail, Hold
from shared.unfinished import OpenMail

from .accounts import Stores
from .clock import NOON, FakeClock
from .protocol import NotingKeeper, Protocol, new_row, open_mails, put_row, row_of, turn, vault_works

pytestmark = pytest.mark.anyio
FAULT = Unavailable("the vault is down", origin="vault")
LATER, EARLIER = NOON + timedelta(minutes=3), NOON - timedelta(days=1)
REFUSED, HELD = Fail("It is refused.", "Look at it."), Hold("No class.", "Correct it.")
ATTEMPT, WAIT, ANEW = Again(LATER, is_attempt=True), Again(LATER, is_attempt=False), Afresh(LATER)


def a_row(state: State = "staged", **facts: Any) -> Row:
    return new_row(FakeClock(), state, **facts)


def after(row: Row, decision: Decision, step: Step = "filing") -> Row:
    until = None if isinstance(decision, Fail) else LATER
    return changed(row, decision, FAULT, until, NOON, step)


@pytest.mark.parametrize(
    ("before", "decision", "difference"),
    [
        # The first attempt, and one after others.
        ({}, ATTEMPT, {"attempt": 1, "first_tried": NOON, "due": LATER, "reason": "the vault is down"}),
        (
            {"attempt": 4, "first_tried": EARLIER, "reason": "x", "remedy": "y"},
            ATTEMPT,
            {"attempt": 5, "due": LATER, "reason": "the vault is down", "remedy": ""},
        ),
        # To wait is no attempt, and no word of it.
        ({"attempt": 4, "first_tried": EARLIER, "reason": "x"}, WAIT, {"due": LATER}),
        # A hold does not count: the first try moves on by the time that the mail waits.
        ({}, HELD, {"due": LATER, "reason": "No class.", "remedy": "Correct it."}),
        (
            {"attempt": 4, "first_tried": EARLIER},
            HELD,
            {
                "first_tried": EARLIER + timedelta(minutes=3),
                "due": LATER,
                "reason": "No class.",
                "remedy": "Correct it.",
            },
        ),
        # What it needs was down: no try of it counts.
        (
            {"attempt": 40, "first_tried": EARLIER},
            ANEW,
            {"attempt": 0, "first_tried": None, "due": LATER, "reason": "the vault is down"},
        ),
        # The end, whatever was before.
        (
            {"attempt": 40, "first_tried": EARLIER, "due": NOON, "revived": 3, "creating": EARLIER},
            REFUSED,
            {
                "state": "failed",
                "ended": NOON,
                "kept": NOON,
                "handed": None,
                "attempt": 0,
                "first_tried": None,
                "due": None,
                "revived": 0,
                "creating": None,
                "reason": "It is refused.",
                "remedy": "Look at it.",
            },
        ),
    ],
)
def test_a_row_after_a_fault_differs_in_this_and_nothing_else(
    before: dict[str, Any], decision: Decision, difference: dict[str, Any]
) -> None:
    row = a_row(**before)

    assert after(row, decision) == replace(row, **difference)


@pytest.mark.parametrize(
    ("step", "before", "difference"),
    [
        ("mailbox", {"settled": None}, {"settled": NOON}),
        ("mailbox", {"settled": None, "look_again": LATER}, {"settled": NOON}),
        ("filing", {"settled": NOON, "look_again": NOON}, {"look_again": None}),
        ("filing", {"settled": None, "look_again": NOON}, {"look_again": None}),
    ],
)
@pytest.mark.parametrize("state", sorted(ENDS))
def test_of_a_mail_that_has_ended_only_what_was_left_is_given_up(
    state: State, step: Step, before: dict[str, Any], difference: dict[str, Any]
) -> None:
    row = a_row(state, reason="as it ended", warnings=("first",), due=NOON, **before)

    found = after(row, REFUSED, step)

    assert found == replace(row, warnings=("first", "It is refused."), due=None, **difference)


_rows = some.builds(
    a_row,
    some.sampled_from(("arrived", "staged", "filed", "skipped", "failed")),
    attempt=some.integers(0, 100),
    first_tried=some.sampled_from((None, EARLIER, NOON)),
    due=some.sampled_from((None, EARLIER, NOON)),
    creating=some.sampled_from((None, EARLIER)),
    settled=some.sampled_from((None, EARLIER)),
    look_again=some.sampled_from((None, EARLIER, LATER)),
    reason=some.sampled_from(("", "as it was")),
)
_decisions = some.sampled_from((ATTEMPT, WAIT, ANEW, HELD, REFUSED))


@given(_rows, _decisions)
def test_a_fault_ends_a_mail_only_by_the_decision_that_it_fails(row: Row, decision: Decision) -> None:
    found = after(row, decision)

    if row.has_ended:
        assert (found.state, found.ended, found.reason) == (row.state, row.ended, row.reason)
    else:
        assert found.has_ended == isinstance(decision, Fail)
        assert found.reason or decision == WAIT
    assert (found.source, found.key, found.message, found.arrived) == (
        row.source,
        row.key,
        row.message,
        row.arrived,
    )


@given(_rows, _decisions)
def test_a_mail_that_goes_on_says_when_and_its_attempts_never_shrink_but_after_an_outage(
    row: Row, decision: Decision
) -> None:
    found = after(row, decision)

    if not isinstance(decision, Fail):
        assert found.due == LATER
        assert found.attempt - row.attempt in ((1,) if decision == ATTEMPT else (0, -row.attempt))
        assert decision == ANEW or found.attempt >= row.attempt
        assert decision in (HELD, ANEW) or row.first_tried in (None, found.first_tried)


def test_waiting_behind_a_breaker_moves_the_first_try_by_as_much() -> None:
    tried, untried = a_row(attempt=3, first_tried=EARLIER), a_row()

    assert postponed_row(tried, LATER, NOON) == replace(
        tried, first_tried=EARLIER + timedelta(minutes=3), due=LATER
    )
    assert postponed_row(untried, LATER, NOON) == replace(untried, due=LATER)


async def claim_on(stores: Stores, clock: FakeClock, **facts: Any) -> Claim:
    row = await put_row(stores, claimed(new_row(clock, **facts), "me", clock.now()))
    return Claim(stores.journal, clock, row)


async def test_a_put_back_is_written_and_not_sent(stores: Stores, clock: FakeClock) -> None:
    """The copy is the receiver's, which has the message."""
    claim = await claim_on(stores, clock)

    until = await Protocol(stores, clock).aftermath.of_fault(turn(), claim, FAULT, None)

    found = await row_of(stores)
    assert until == found.due
    assert (found.owner, found.claim_expires, found.attempt) == ("", None, 1)
    assert stores.queues.delays == []


async def test_a_state_that_was_not_handed_over_is_sent_instead_of_put_back(
    stores: Stores, clock: FakeClock
) -> None:
    """Else its message would be there twice: the watch sends what was not handed over."""
    claim = await claim_on(stores, clock, handed=None)

    until = await Protocol(stores, clock).aftermath.of_fault(turn(), claim, FAULT, None)

    found = await row_of(stores)
    assert until is None
    assert found.handed == NOON
    assert found.due == NOON + timedelta(seconds=stores.queues.delays[0])
    assert await stores.number(VAULT_IMPORT) == 1


async def test_a_claim_that_is_lost_leaves_the_row_and_the_message_waits(
    stores: Stores, clock: FakeClock
) -> None:
    claim = await claim_on(stores, clock)
    heir = await Claim.take(stores.journal, clock, await row_of(stores), "heir")

    until = await Protocol(stores, clock).aftermath.of_fault(turn(), claim, MailFault("x", "y"), None)

    assert until is not None
    assert NOON < until <= NOON + timedelta(seconds=15)
    assert await row_of(stores) == heir.row


async def test_the_bytes_of_a_failed_mail_are_kept_first(stores: Stores, clock: FakeClock) -> None:
    claim, keeper = await claim_on(stores, clock), NotingKeeper(stores.journal)

    await Protocol(stores, clock, keeper=keeper).aftermath.of_fault(turn(), claim, MailFault("x", "y"), None)

    assert keeper.states == ["staged"]
    found = await row_of(stores)
    assert (found.state, found.kept, found.handed) == ("failed", NOON, NOON)
    assert await stores.number(MAIL_FILED) == 1


@pytest.mark.parametrize("fault", [MailFault("x", "y"), FAULT])
async def test_while_its_bytes_cannot_be_kept_a_mail_does_not_fail(
    stores: Stores, clock: FakeClock, fault: VaultpostError
) -> None:
    facts = {"attempt": LEAST_ATTEMPTS, "first_tried": NOON - timedelta(days=9)}
    claim = await claim_on(stores, clock, **facts)
    keeper = NotingKeeper(stores.journal, Unavailable("kept mail: down", origin="storage"))
    protocol = Protocol(stores, clock, keeper=keeper, ping=is_up)
    await vault_works(protocol)

    until = await protocol.aftermath.of_fault(turn(), claim, fault, None)

    found = await row_of(stores)
    assert (found.state, found.owner, found.kept) == ("staged", "", None)
    assert found.due == until == NOON + SHORTEST
    assert found.attempt == LEAST_ATTEMPTS, "that its bytes cannot be kept is no attempt"


async def is_up(service: Service, step: Step, source: str) -> None:
    return


async def is_down(service: Service, step: Step, source: str) -> None:
    raise FAULT


@pytest.mark.parametrize("attempts", [LEAST_ATTEMPTS, 1000])
async def test_a_mail_is_given_up_only_while_what_it_needs_works(
    stores: Stores, clock: FakeClock, attempts: int
) -> None:
    claim = await claim_on(stores, clock, attempt=attempts, first_tried=NOON - timedelta(days=9))
    keeper = NotingKeeper(stores.journal)
    protocol = Protocol(stores, clock, keeper=keeper, ping=is_down)

    until = await protocol.aftermath.of_fault(turn(), claim, FAULT, None)

    found = await row_of(stores)
    assert (found.state, found.attempt, found.first_tried, found.due) == ("staged", 0, None, until)
    assert keeper.states == []


async def test_nobody_gives_up_while_a_create_is_unclear(stores: Stores, clock: FakeClock) -> None:
    facts = {"attempt": 1000, "first_tried": NOON - timedelta(days=9), "creating": NOON - timedelta(days=8)}
    claim, keeper = await claim_on(stores, clock, **facts), NotingKeeper(stores.journal)

    until = await Protocol(stores, clock, keeper=keeper, ping=is_up).aftermath.of_fault(
        turn(), claim, FAULT, None
    )

    found = await row_of(stores)
    assert (found.state, found.creating) == ("staged", facts["creating"])
    assert until == found.due == NOON + LONGEST
    assert keeper.states == []


async def test_a_definite_refusal_ends_a_mail_though_a_create_was_under_way(
    stores: Stores, clock: FakeClock
) -> None:
    claim = await claim_on(stores, clock, creating=NOON - timedelta(days=1))

    await Protocol(stores, clock).aftermath.of_fault(turn(), claim, MailFault("x", "y"), None)

    found = await row_of(stores)
    assert (found.state, found.creating) == ("failed", None)


async def test_after_the_end_only_the_hand_over_is_left(stores: Stores, clock: FakeClock) -> None:
    claim = await claim_on(stores, clock)
    await claim.end(lambda row: gone_on(row, "filed", ended=NOON))

    until = await Protocol(stores, clock).aftermath.of_fault(turn(), claim, MailFault("x", "y"), None)

    found = await row_of(stores)
    assert until is None
    assert (found.state, found.handed) == ("filed", NOON)
    assert await stores.number(MAIL_FILED) == 1


async def test_a_row_that_is_gone_is_struck_off(stores: Stores, clock: FakeClock) -> None:
    claim = await claim_on(stores, clock)
    await claim.delete()

    await Protocol(stores, clock).aftermath.of_success(claim, None)

    assert await open_mails(stores) == []


async def dead_row(stores: Stores, clock: FakeClock, **facts: Any) -> Row:
    """Its second worker has not come back."""
    dead: dict[str, Any] = {"owner": "dead", "claim_expires": clock.now(), "deaths": 1}
    return await put_row(stores, new_row(clock, **{**dead, **facts}))


async def test_a_death_is_an_attempt_and_keeps_the_count(stores: Stores, clock: FakeClock) -> None:
    row = await dead_row(stores, clock)

    until = await Protocol(stores, clock).aftermath.of_death(turn(), row, 2)

    found = await row_of(stores)
    assert (found.owner, found.claim_expires, found.deaths) == ("", None, 2)
    assert (found.attempt, found.first_tried, found.due) == (1, NOON, until)
    assert "2 workers" in found.reason


async def test_a_dead_worker_that_wakes_up_in_time_keeps_its_mail(stores: Stores, clock: FakeClock) -> None:
    row = await dead_row(stores, clock)
    awake = Claim(stores.journal, clock, row)
    await awake.update(lambda row: row)

    until = await Protocol(stores, clock).aftermath.of_death(turn(), row, 2)

    assert until is not None
    assert await row_of(stores) == awake.row


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"attempt": LEAST_ATTEMPTS - 1, "first_tried": NOON - timedelta(days=3)}, "failed"),
        ({"attempt": LEAST_ATTEMPTS - 2, "first_tried": NOON - timedelta(days=30)}, "staged"),
        ({"attempt": 1000, "first_tried": NOON - timedelta(days=2)}, "staged"),
        ({"attempt": 1000, "first_tried": EARLIER - timedelta(days=9), "creating": EARLIER}, "staged"),
    ],
)
async def test_a_mail_that_kills_its_workers_ends_by_the_same_limits(
    stores: Stores, clock: FakeClock, facts: dict[str, Any], state: State
) -> None:
    row, keeper = await dead_row(stores, clock, **facts), NotingKeeper(stores.journal)

    await Protocol(stores, clock, keeper=keeper).aftermath.of_death(turn(), row, 2)

    found = await row_of(stores)
    assert found.state == state
    assert keeper.states == (["staged"] if state == "failed" else [])
    assert await stores.number(MAIL_FILED) == (state == "failed")


async def test_a_mail_that_has_ended_does_not_fail_by_deaths(stores: Stores, clock: FakeClock) -> None:
    """Its workers die at looking for it again."""
    facts = {"attempt": 1000, "first_tried": NOON - timedelta(days=9), "look_again": NOON, "settled": NOON}
    row = await dead_row(stores, clock, state="filed", **facts)
    keeper = NotingKeeper(stores.journal)

    until = await Protocol(stores, clock, keeper=keeper).aftermath.of_death(turn(), row, 2)

    found = await row_of(stores)
    assert until is None
    assert (found.state, found.is_closed, found.owner, keeper.states) == ("filed", True, "", [])
    assert len(found.warnings) == 1
    assert OpenMail.of(found) not in await open_mails(stores)
