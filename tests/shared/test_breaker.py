"""Breakers and holds: tables of transitions, and a state machine that tries them in every order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.breaker import (
    BETWEEN_PROBES,
    KEY_VAULT,
    LEASE,
    SUSPECTS,
    Admission,
    Breaker,
    BreakerKey,
    Pass,
    Probe,
    PutBack,
    State,
    Step,
    admission,
    counts_against,
    held,
    is_probed_by,
    may_be_probed,
    opened,
    paused,
    postponed,
    probe_ended,
    probing,
    put_back,
    resumed,
    succeeded,
    suspected,
    waits_for,
)

from .clock import NOON

VAULT = BreakerKey("service", "vault")
LATER = NOON + timedelta(minutes=2)
CLOSED = Breaker(VAULT, etag="1")
SUSPICIOUS = replace(CLOSED, suspects=("a", "b"))
OPEN = opened(CLOSED, "down", NOON)
HELD = held(CLOSED, "no class", "add it", NOON)
ASKING = held(CLOSED, "locked out", "look", NOON, asks_operator=True)
PAUSED = paused(CLOSED, "work on the vault", NOON)
EACH = {
    "closed": CLOSED,
    "suspicious": SUSPICIOUS,
    "open": OPEN,
    "held": HELD,
    "asking": ASKING,
    "paused": PAUSED,
}
Transition = Callable[[Breaker], Breaker]
TRANSITIONS: dict[str, Transition] = {
    "suspected": lambda breaker: suspected(breaker, "c", "slow", LATER),
    "opened": lambda breaker: opened(breaker, "rejected", LATER),
    "held": lambda breaker: held(breaker, "no property", "add that", LATER),
    "held and asks": lambda breaker: held(breaker, "no log-in", "see", LATER, asks_operator=True),
    "paused": lambda breaker: paused(breaker, "again", LATER),
    "resumed": resumed,
    "succeeded": succeeded,
}
SAME = ("same",)
EMPTY: tuple[State, None, str] = ("closed", None, "")
NEXT: dict[str, dict[str, tuple[State, datetime | None, str] | tuple[str]]] = {
    "closed": {
        "suspected": EMPTY,
        "opened": ("open", LATER, "rejected"),
        "held": ("held", LATER, "no property"),
        "held and asks": ("held", LATER, "no log-in"),
        "paused": ("paused", LATER, "again"),
        "resumed": SAME,
        "succeeded": SAME,
    },
    "suspicious": {
        "suspected": ("open", LATER, "slow"),
        "opened": ("open", LATER, "rejected"),
        "held": ("held", LATER, "no property"),
        "held and asks": ("held", LATER, "no log-in"),
        "paused": ("paused", LATER, "again"),
        "resumed": EMPTY,
        "succeeded": EMPTY,
    },
    "open": {
        "suspected": SAME,
        "opened": SAME,
        "held": ("held", LATER, "no property"),
        "held and asks": ("held", LATER, "no log-in"),
        "paused": ("paused", LATER, "again"),
        "resumed": EMPTY,
        "succeeded": EMPTY,
    },
    "held": {
        "suspected": SAME,
        "opened": SAME,
        "held": ("held", NOON, "no property"),
        "held and asks": ("held", NOON, "no log-in"),
        "paused": ("paused", LATER, "again"),
        "resumed": EMPTY,
        "succeeded": EMPTY,
    },
    "asking": {
        "suspected": SAME,
        "opened": SAME,
        "held": SAME,
        "held and asks": ("held", NOON, "no log-in"),
        "paused": SAME,
        "resumed": EMPTY,
        "succeeded": SAME,
    },
    "paused": {
        "suspected": SAME,
        "opened": SAME,
        "held": SAME,
        "held and asks": SAME,
        "paused": ("paused", NOON, "again"),
        "resumed": EMPTY,
        "succeeded": SAME,
    },
}


@pytest.mark.parametrize("transition", TRANSITIONS)
@pytest.mark.parametrize("before", EACH)
def test_each_transition_of_each_state(before: str, transition: str) -> None:
    """What is shut keeps its `since` while it stays as it is; lease and ETag are no transition's matter."""
    breaker = replace(EACH[before], probe_owner="run-1", probe_until=LATER, probed_at=NOON)
    expected = NEXT[before][transition]

    after = TRANSITIONS[transition](breaker)

    if expected == SAME:
        assert after == breaker
    else:
        assert (after.state, after.since, after.reason) == expected
        assert after.is_shut == (after.state != "closed")
    for fact in ("key", "etag", "probe_owner", "probe_until", "probed_at"):
        assert getattr(after, fact) == getattr(breaker, fact)


def test_what_is_closed_again_is_as_it_was_at_first() -> None:
    for breaker in EACH.values():
        assert resumed(breaker) == CLOSED
    for breaker in (SUSPICIOUS, OPEN, HELD):
        assert succeeded(breaker) == CLOSED


def test_the_third_different_mail_opens_it_and_all_three_are_named() -> None:
    breaker = CLOSED
    for mail in ("a", "b", "a", "b"):
        breaker = suspected(breaker, mail, "slow", NOON)
        assert not breaker.is_shut

    breaker = suspected(breaker, "c", "slow", LATER)

    assert breaker.state == "open"
    assert breaker.suspects == ("a", "b", "c")


def test_three_faults_of_one_mail_do_not_open_it() -> None:
    breaker = CLOSED
    for _ in range(3):
        breaker = suspected(breaker, "a", "slow", NOON)

    assert breaker == replace(CLOSED, suspects=("a",))


def test_a_success_between_begins_the_count_anew() -> None:
    breaker = CLOSED
    for mail in ("a", "b"):
        breaker = suspected(breaker, mail, "slow", NOON)
    breaker = succeeded(breaker)
    for mail in ("c", "d"):
        breaker = suspected(breaker, mail, "slow", NOON)

    assert breaker == replace(CLOSED, suspects=("c", "d"))


def test_only_a_pause_and_a_hold_that_asks_wait_for_the_operator() -> None:
    assert {name for name, breaker in EACH.items() if breaker.waits_for_operator} == {"asking", "paused"}
    assert (HELD.remedy, HELD.asks_operator) == ("add it", False)
    assert (ASKING.remedy, ASKING.asks_operator) == ("look", True)


def test_a_pause_forgets_that_a_hold_asked() -> None:
    """Else a hold that follows the pause would ask without reason."""
    assert held(resumed(paused(ASKING, "again", NOON)), "no class", "add it", NOON) == HELD


@pytest.mark.parametrize("name", EACH)
def test_a_probe_begins_a_minute_after_the_fault_unless_it_waits_for_the_operator(name: str) -> None:
    breaker = EACH[name]
    minute = NOON + BETWEEN_PROBES

    assert not may_be_probed(breaker, minute - timedelta(microseconds=1))
    assert may_be_probed(breaker, minute) == (name in ("open", "held"))
    assert (probing(breaker, "run-1", minute) != breaker) == (name in ("open", "held"))


def test_a_probe_is_leased_to_one_for_90_seconds() -> None:
    first = probing(OPEN, "run-1", LATER)
    last = LATER + LEASE - timedelta(microseconds=1)

    assert is_probed_by(first, "run-1", LATER)
    assert is_probed_by(first, "run-1", last)
    assert not is_probed_by(first, "run-2", LATER)
    assert probing(first, "run-2", last) == first
    second = probing(first, "run-2", LATER + LEASE)
    assert not is_probed_by(first, "run-1", LATER + LEASE)
    assert is_probed_by(second, "run-2", LATER + LEASE)


def test_a_probe_that_ended_lets_the_next_one_begin_a_minute_after_its_own_begin() -> None:
    ended = probe_ended(probing(OPEN, "run-1", LATER), "run-1", "still down")

    assert ended.reason == "still down"
    assert (ended.state, ended.since) == ("open", NOON)
    assert not is_probed_by(ended, "run-1", LATER)
    assert not may_be_probed(ended, LATER + BETWEEN_PROBES - timedelta(microseconds=1))
    assert may_be_probed(ended, LATER + BETWEEN_PROBES)


def test_only_its_owner_ends_a_probe() -> None:
    """One whose lease ran out while it hung must not end the probe of its successor."""
    probed = probing(OPEN, "run-1", LATER)

    assert probe_ended(probed, "run-2", "hung") == probed
    assert probe_ended(OPEN, "run-2", "hung") == OPEN


def test_the_end_of_a_probe_does_not_change_the_reason_of_a_hold_or_pause() -> None:
    for breaker in (HELD, ASKING, PAUSED, CLOSED):
        probed = replace(breaker, probe_owner="run-1", probe_until=LATER)

        assert probe_ended(probed, "run-1", "still down") == breaker


def test_a_breaker_that_closes_and_opens_again_is_not_probed_twice_at_once() -> None:
    """A success of other work closes it while its probe still hangs."""
    probed = probing(OPEN, "run-1", LATER)

    again = opened(succeeded(probed), "down", LATER + timedelta(seconds=1))

    at = LATER + timedelta(seconds=75)
    assert probing(again, "run-2", at) == again
    assert is_probed_by(probing(again, "run-2", LATER + LEASE), "run-2", LATER + LEASE)


def test_a_message_passes_where_nothing_is_shut() -> None:
    assert admission((), NOON, 0.5) == Pass()
    assert admission((CLOSED, SUSPICIOUS), NOON, 0.5) == Pass()


@pytest.mark.parametrize(
    ("breakers", "probed"),
    [
        ((OPEN,), OPEN),
        ((HELD,), HELD),
        ((CLOSED, HELD, SUSPICIOUS, OPEN), HELD),
        ((OPEN, HELD), OPEN),
        ((PAUSED,), None),
        ((ASKING,), None),
        ((OPEN, PAUSED), None),
        ((HELD, ASKING), None),
        ((OPEN, replace(HELD, probed_at=LATER)), None),
        ((OPEN, replace(HELD, probe_owner="run-1", probe_until=LATER + LEASE)), None),
        ((OPEN, replace(HELD, since=LATER)), None),
    ],
)
def test_a_probe_only_if_all_that_are_shut_may_be_probed(
    breakers: tuple[Breaker, ...], probed: Breaker | None
) -> None:
    """It is the first of them; the others come after its success."""
    expected = put_back(LATER, 0.5) if probed is None else Probe(probed)

    assert admission(breakers, LATER, 0.5) == expected


OUTAGE = opened(Breaker(KEY_VAULT), "down", NOON)
LATELY = replace(OUTAGE, probed_at=LATER)


@pytest.mark.parametrize(
    ("breakers", "expected"),
    [
        ((LATELY,), Pass()),
        ((OUTAGE,), Probe(OUTAGE)),
        ((OUTAGE, HELD), Probe(OUTAGE)),
        ((LATELY, HELD), Probe(HELD)),
        ((LATELY, replace(HELD, probed_at=LATER)), put_back(LATER, 0.5)),
        ((OUTAGE, PAUSED), put_back(LATER, 0.5)),
        ((paused(OUTAGE, "by hand", NOON),), put_back(LATER, 0.5)),
    ],
)
def test_an_outage_of_key_vault_stops_nobody_who_holds_the_secrets(
    breakers: tuple[Breaker, ...], expected: Admission
) -> None:
    """Who looks whether it is back does so all the same; a pause by the operator stops all."""
    assert admission(breakers, LATER, 0.5, holds_secrets=True) == expected


@given(
    some.lists(
        some.builds(
            Breaker,
            some.sampled_from([KEY_VAULT, *waits_for("filing", "s")]),
            some.sampled_from(get_args(State)),
            since=some.sampled_from([NOON, LATER]),
            asks_operator=some.booleans(),
            probed_at=some.sampled_from([None, NOON, LATER]),
            probe_until=some.sampled_from([None, LATER + LEASE]),
        ),
        max_size=4,
        unique_by=lambda one: one.key,
    ),
    some.integers(60, 300),
)
def test_who_holds_the_secrets_is_let_in_exactly_as_if_there_were_no_outage_of_key_vault(
    breakers: list[Breaker], seconds: int
) -> None:
    """But for the probe of Key Vault, after which it asks again; and who does not is treated as ever."""
    now = NOON + timedelta(seconds=seconds)
    others = [one for one in breakers if one.key != KEY_VAULT or one.state != "open"]
    without = admission(others, now, 0.5)

    found = admission(breakers, now, 0.5, holds_secrets=True)

    if isinstance(found, Probe) and found.breaker not in others:
        after = [replace(one, probed_at=now) if one == found.breaker else one for one in breakers]
        assert not isinstance(without, PutBack)
        found = admission(after, now, 0.5, holds_secrets=True)
    assert found == without
    assert not isinstance(admission(breakers, now, 0.5), Pass) or not any(one.is_shut for one in breakers)


@pytest.mark.parametrize(("jitter", "minutes"), [(0.0, 1), (0.5, 3), (1.0, 5)])
def test_a_message_is_put_back_for_one_to_five_minutes(jitter: float, minutes: int) -> None:
    assert admission((PAUSED,), NOON, jitter) == PutBack(NOON + timedelta(minutes=minutes))


@given(some.lists(some.timedeltas(timedelta(0), timedelta(days=3)), max_size=8))
def test_time_behind_a_shut_breaker_does_not_count(delays: list[timedelta]) -> None:
    """However often it is put back: the time since the first try is only that spent elsewhere."""
    worked = timedelta(hours=5)
    now, first_tried = NOON + worked, NOON
    for delay in delays:
        now, first_tried = now + delay, postponed(first_tried, delay)

    assert now - first_tried == worked


@pytest.mark.parametrize(
    ("step", "keys"),
    [
        ("staging", ["service.keyvault.all", "service.graph.all", "source.s.all", "source.s.staging"]),
        ("filing", ["service.keyvault.all", "service.vault.all", "source.s.all", "source.s.filing"]),
        ("mailbox", ["service.keyvault.all", "service.graph.all", "source.s.all", "source.s.mailbox"]),
    ],
)
def test_what_each_step_waits_for(step: Step, keys: list[str]) -> None:
    """A hold for a fault of filing stops filing, not staging; what stops a source whole stops each step."""
    assert [".".join(key) for key in waits_for(step, "s")] == keys


def test_a_step_that_needs_no_secret_does_not_wait_for_key_vault() -> None:
    keys = waits_for("staging", "s", needs_secrets=False)

    assert (KEY_VAULT, *keys) == waits_for("staging", "s")


def test_faults_of_marking_mail_never_shut_what_staging_or_filing_waits_for() -> None:
    steps: tuple[Step, ...] = ("staging", "filing")
    for step in steps:
        for key in waits_for(step, "s"):
            assert counts_against(step, key)
            assert not counts_against("mailbox", key)
    assert counts_against("mailbox", BreakerKey("source", "s", "mailbox"))


@dataclass
class _RunningProbe:
    owner: str
    began: datetime


class BreakerMachine(RuleBasedStateMachine):
    """One breaker in the hands of chance, beside a model of what was promised."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.breaker = Breaker(VAULT)
        self.failed: set[str] = set()
        self.pause = False
        self.asks = False
        self.running: list[_RunningProbe] = []
        self.probes: list[datetime] = []

    def _step(self, transition: Transition) -> None:
        self.breaker = transition(self.breaker)

    @rule(mail=some.sampled_from("abcde"))
    def a_mail_meets_a_transient_fault(self, mail: str) -> None:
        was_shut = self.breaker.is_shut
        self._step(partial(suspected, mail=mail, reason="slow", now=self.now))
        self.failed.add(mail)
        if not was_shut:
            assert self.breaker.is_shut == (len(self.failed) >= SUSPECTS)

    @rule()
    def a_fresh_secret_is_rejected(self) -> None:
        self._step(partial(opened, reason="rejected", now=self.now))
        assert self.breaker.is_shut

    @rule(asks=some.sampled_from([False, False, True]))
    def the_configuration_is_wrong(self, asks: bool) -> None:
        self._step(partial(held, reason="no class", remedy="add", now=self.now, asks_operator=asks))
        self.asks = self.asks or (asks and not self.pause)
        assert self.breaker.state == ("paused" if self.pause else "held")

    @precondition(lambda self: len(self.probes) > 1)
    @rule()
    def the_operator_pauses(self) -> None:
        self._step(partial(paused, reason="work", now=self.now))
        self.pause = not self.asks  # what asks goes on asking

    @precondition(lambda self: self.breaker.waits_for_operator)
    @rule()
    def the_operator_resumes(self) -> None:
        self._step(resumed)
        self._forget()
        assert not self.breaker.is_shut

    @rule()
    def something_succeeds(self) -> None:
        self._step(succeeded)
        if self.pause or self.asks:
            assert self.breaker.is_shut
        else:
            self._forget()
            assert not self.breaker.is_shut

    @rule(seconds=some.sampled_from([0, 59]), jitter=some.floats(0, 1))
    def a_message_comes_soon(self, seconds: int, jitter: float) -> None:
        self._a_message_comes(seconds, jitter)

    @rule(seconds=some.sampled_from([60, 75, 89]), jitter=some.floats(0, 1))
    def a_message_comes_when_the_last_probe_may_still_run(self, seconds: int, jitter: float) -> None:
        self._a_message_comes(seconds, jitter)

    @rule(seconds=some.sampled_from([90, 3600]), jitter=some.floats(0, 1))
    def a_message_comes_when_the_last_probe_has_run_out(self, seconds: int, jitter: float) -> None:
        self._a_message_comes(seconds, jitter)

    def _a_message_comes(self, seconds: int, jitter: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.running = [probe for probe in self.running if self.now < probe.began + LEASE]
        owner = f"run-{len(self.probes)}"
        match admission((self.breaker,), self.now, jitter):
            case Pass():
                assert not self.breaker.is_shut
            case PutBack(until):
                assert self.breaker.is_shut
                assert timedelta(minutes=1) <= until - self.now <= timedelta(minutes=5)
                assert probing(self.breaker, owner, self.now) == self.breaker
            case Probe(breaker):
                assert breaker == self.breaker
                assert breaker.is_shut
                self._step(partial(probing, owner=owner, now=self.now))
                assert is_probed_by(self.breaker, owner, self.now)
                self.running.append(_RunningProbe(owner, self.now))
                self.probes.append(self.now)

    @precondition(lambda self: self.running)
    @rule()
    def the_probe_ends(self) -> None:
        self._step(partial(probe_ended, owner=self.running.pop().owner, reason="still down"))

    @precondition(lambda self: self.running)
    @rule()
    def a_probe_that_is_no_more_ends(self) -> None:
        self._step(partial(probe_ended, owner="long-gone", reason="hung"))

    def _forget(self) -> None:
        self.failed, self.pause, self.asks = set(), False, False

    @invariant()
    def a_pause_ends_only_by_the_operator(self) -> None:
        assert (self.breaker.state == "paused") == self.pause

    @invariant()
    def what_waits_for_the_operator_is_not_probed(self) -> None:
        assert self.breaker.waits_for_operator == (self.pause or self.asks)
        if self.pause or self.asks:
            assert not may_be_probed(self.breaker, self.now + timedelta(days=30))

    @invariant()
    def one_probe_at_a_time_and_one_a_minute(self) -> None:
        assert len(self.running) <= 1
        assert all(later - earlier >= BETWEEN_PROBES for earlier, later in pairwise(self.probes))

    @invariant()
    def what_is_shut_says_since_when_and_why(self) -> None:
        assert (self.breaker.since is not None) == self.breaker.is_shut == bool(self.breaker.reason)

    @invariant()
    def what_does_not_wait_for_the_operator_can_be_probed_in_the_end(self) -> None:
        if self.breaker.is_shut and not self.breaker.waits_for_operator:
            assert may_be_probed(self.breaker, self.now + LEASE)


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=100, stateful_step_count=40)
