"""What follows a fault: one table, and what holds for all of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import (
    ConfigurationFault,
    MailFault,
    NotYet,
    Permanent,
    Stale,
    Transient,
    Unavailable,
    VaultpostError,
)
from shared.retrying import LEAST_ATTEMPTS, LONGEST, SHORTEST, Again, Decision, Fail, Hold, decide

from .clock import NOON

DAYS = timedelta(days=3)


def decided(fault: VaultpostError, **facts: Any) -> Decision:
    given: dict[str, Any] = {"attempt": 1, "first_tried": NOON, "now": NOON, "jitter": 0.5}
    return decide(fault, give_up_after=DAYS, **{**given, **facts})


def seconds(number: float, *, is_attempt: bool = True) -> Again:
    return Again(NOON + timedelta(seconds=number), is_attempt)


LONG_AGO = {"first_tried": NOON - DAYS}


@pytest.mark.parametrize(
    ("fault", "facts", "decision"),
    [
        (Unavailable("x"), {}, seconds(15)),
        (Unavailable("x"), {"attempt": 2}, seconds(30)),
        (Unavailable("x"), {"attempt": 2, "jitter": 1.0}, seconds(60)),
        (Unavailable("x"), {"attempt": 2, "jitter": 0.0}, seconds(15)),
        (Unavailable("x"), {"attempt": 10_000, "jitter": 1.0}, seconds(900)),
        (Unavailable("x", after=2.128), {}, seconds(15)),
        (Unavailable("x", after=120), {}, seconds(120)),
        (Unavailable("x", after=86_400), {}, seconds(86_400)),
        (Transient("log-in refused"), {}, seconds(15)),
        (NotYet("x"), {}, seconds(5, is_attempt=False)),
        (NotYet("x", after=42), {}, seconds(42, is_attempt=False)),
        (NotYet("x"), {**LONG_AGO, "attempt": 99}, seconds(5, is_attempt=False)),
        (Stale("x"), {}, seconds(5, is_attempt=False)),
        (ConfigurationFault("why", "what"), {**LONG_AGO, "attempt": 99}, Hold("why", "what")),
        (MailFault("why", "what"), {}, Fail("why", "what")),
        (Unavailable("x"), {**LONG_AGO, "attempt": LEAST_ATTEMPTS - 1, "jitter": 0.0}, seconds(15)),
    ],
)
def test_each_fault_has_its_decision(
    fault: VaultpostError, facts: dict[str, Any], decision: Decision
) -> None:
    assert decided(fault, **facts) == decision


def test_giving_up_needs_time_and_attempts() -> None:
    end = decided(Unavailable("the vault answered 503"), **LONG_AGO, attempt=LEAST_ATTEMPTS)

    assert isinstance(end, Fail)
    assert "the vault answered 503" in end.reason
    assert end.remedy


def test_a_fault_that_says_nothing_is_tried_again_and_given_up_in_the_end() -> None:
    fault = VaultpostError("x")

    assert decided(fault) == seconds(15)
    assert isinstance(decided(fault, **LONG_AGO, attempt=LEAST_ATTEMPTS), Fail)


def test_what_is_permanent_without_more_ends_the_mail() -> None:
    assert decided(Permanent("why", "what")) == Fail("why", "what")


@given(
    attempt=st.integers(1, 1000),
    jitter=st.floats(0, 1),
    after=st.none() | st.floats(0, 86_400),
)
def test_nobody_is_hammered_and_nobody_forgotten(attempt: int, jitter: float, after: float | None) -> None:
    decision = decided(Unavailable("x", after=after), attempt=attempt, jitter=jitter)

    assert isinstance(decision, Again)
    wait = decision.at - NOON
    assert wait >= max(SHORTEST, timedelta(seconds=after or 0))
    assert wait <= max(LONGEST, timedelta(seconds=after or 0))
