"""A row against what the vault has, as a table of decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.breaker import Breaker, BreakerKey
from shared.journal_row import ENDS, STATES, Row, State
from shared.operations.comparison import (
    INFORMATION,
    compared,
    is_compared,
    is_open_too_long,
    is_passed_over_late,
    stands_still,
)
from shared.sweep_plan import PASSED_OVER
from shared.vault.protocol import VaultObject

from ..clock import NOON

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
VAULT = BreakerKey("service", "vault")
ROW = Row("invoices", "0" * 32, "filed", "AAA=", NOON, object_type=0, object_id=7)
objects = st.lists(
    st.builds(
        VaultObject,
        type=st.just(0),
        id=st.integers(5, 9),
        version=st.just(1),
        deleted=st.booleans(),
        sizes=st.just((3,)),
    ),
    max_size=4,
    unique_by=lambda one: one.id,
)


def one(number: int, *, deleted: bool = False) -> VaultObject:
    return VaultObject(0, number, 1, deleted, (3,))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((), ["document-missing"]),
        ((one(7),), []),
        ((one(7), one(8, deleted=True)), []),
        ((one(7, deleted=True),), ["document-deleted"]),
        ((one(8),), ["other-document"]),
        ((one(7, deleted=True), one(8)), ["other-document"]),
        ((one(7), one(8)), ["filed-twice"]),
        ((one(8), one(9)), ["filed-twice"]),
    ],
)
def test_a_filed_mail(found: tuple[VaultObject, ...], told: list[str]) -> None:
    assert compared(ROW, found) == told


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((), ["never-filed"]),
        ((one(7),), ["not-journalled"]),
        ((one(7, deleted=True),), ["not-journalled"]),
        ((one(7), one(8)), ["filed-twice", "not-journalled"]),
    ],
)
def test_a_mail_without_a_row(found: tuple[VaultObject, ...], told: list[str]) -> None:
    assert compared(None, found) == told


@given(state=st.sampled_from(STATES), named=st.integers(5, 9), found=objects)
def test_a_mail_is_well_exactly_if_its_one_living_document_is_the_journals(
    state: State, named: int, found: list[VaultObject]
) -> None:
    row = replace(ROW, state=state, object_id=named)
    living = [one.id for one in found if not one.deleted]

    differences = [kind for kind in compared(row, found) if kind not in INFORMATION]

    if state == "filed":
        assert (differences == []) == (living == [named])
    elif state == "failed":
        assert (differences == []) == (living == [])
    else:
        assert not is_compared(row)
        assert differences == []
        late = ["open-too-long"] if state in ("arrived", "staged") else ["skipped"]
        assert compared(row, found, is_late=True) == late


@pytest.mark.parametrize(
    ("age", "still", "late"),
    [
        (HOUR, False, False),
        (HOUR + SECOND, False, True),
        (HOUR + SECOND, True, False),
        (3 * DAY, True, False),
        (3 * DAY + SECOND, True, True),
    ],
)
@pytest.mark.parametrize("state", ["arrived", "staged"])
def test_a_mail_is_open_too_long_after_an_hour_or_while_all_stands_still_after_three_days(
    state: State, age: timedelta, still: bool, late: bool
) -> None:
    row = replace(ROW, state=state, arrived=NOON - age)

    assert is_open_too_long(row, NOON, 3 * DAY, stands_still=still) is late


def test_what_was_replayed_is_open_since_then() -> None:
    row = replace(ROW, state="arrived", arrived=NOON - 9 * DAY, opened=NOON - HOUR)

    assert not is_open_too_long(row, NOON, 3 * DAY, stands_still=False)


@pytest.mark.parametrize("state", sorted(ENDS))
def test_what_has_ended_is_not_open(state: State) -> None:
    row = replace(ROW, state=state, arrived=NOON - 9 * DAY)

    assert not is_open_too_long(row, NOON, 3 * DAY, stands_still=False)


@pytest.mark.parametrize(
    ("breaker", "still"),
    [
        (Breaker(VAULT), False),
        (Breaker(VAULT, suspects=("0" * 32,)), False),
        (Breaker(VAULT, "open"), True),
        (Breaker(VAULT, "held"), True),
        (Breaker(VAULT, "paused"), True),
        (Breaker(VAULT, probed_at=NOON - HOUR), True),
        (Breaker(VAULT, probed_at=NOON - HOUR - SECOND), False),
    ],
)
def test_what_was_shut_a_moment_ago_still_explains_what_waits(breaker: Breaker, still: bool) -> None:
    """Only what is shut is probed, and what has waited for it takes its time."""
    assert stands_still([Breaker(BreakerKey("service", "graph")), breaker], NOON) is still


@pytest.mark.parametrize(
    ("received", "files_from", "late"),
    [
        (NOON, NOON, True),
        (NOON + SECOND, NOON, True),
        (NOON - SECOND, NOON, False),
        (None, NOON, False),
        (NOON, None, False),
    ],
)
def test_a_mail_is_passed_over_late_if_it_came_when_mail_was_to_be_filed(
    received: datetime | None, files_from: datetime | None, late: bool
) -> None:
    passed_over = replace(ROW, state="skipped", rule=PASSED_OVER)

    assert is_passed_over_late(passed_over, received, files_from) is late
    assert not is_passed_over_late(replace(passed_over, rule="duplicate"), received, files_from)
    assert not is_passed_over_late(replace(passed_over, state="filed"), received, files_from)
