"""What becomes of an entry: a table, and rules that hold for every entry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.graph.answers import Entry, Removed
from shared.journal_row import STATES, Row
from shared.mail_kinds import DRAFT
from shared.sweep_plan import (
    ANNOUNCED_WITHIN,
    PASSED_OVER,
    Bounds,
    Round,
    Verdict,
    files_from,
    is_old,
    is_passed_over,
    is_unannounced,
    verdict,
    was_moved_in,
    was_sent,
)

from .clock import NOON
from .generated import zones

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
NEW = Bounds(NOON)
SWEPT = Bounds(NOON, last_good=NOON + 10 * HOUR)
ROUNDS: tuple[Round, ...] = get_args(Round)


def entry(received: datetime | None = None, modified: datetime | None = None, **facts: Any) -> Entry:
    """An entry as Graph tells it."""
    return Entry(
        id="AAkALgAA=",
        received_date_time=received.isoformat() if received else None,
        last_modified_date_time=modified.isoformat() if modified else None,
        **facts,
    )


def row(rule: str = "", ended: datetime | None = NOON) -> Row:
    return Row("invoices", "0" * 32, "skipped", "AAkALgAA=", NOON, ended=ended, rule=rule)


BEFORE, AFTER_START, AFTER_GOOD = NOON - HOUR, NOON + HOUR, NOON + 11 * HOUR


@pytest.mark.parametrize(
    ("round_", "received", "bounds", "expected"),
    [
        ("first", BEFORE, NEW, Verdict.PASS_OVER),
        ("first", NOON - SECOND, NEW, Verdict.PASS_OVER),
        ("first", NOON, NEW, Verdict.FILE),
        ("first", AFTER_START, NEW, Verdict.FILE),
        ("first", None, NEW, Verdict.FILE),
        ("next", BEFORE, SWEPT, Verdict.COMPARE),
        ("next", AFTER_START, SWEPT, Verdict.COMPARE),
        ("next", AFTER_GOOD, SWEPT, Verdict.FILE),
        ("next", None, SWEPT, Verdict.FILE),
        ("again", BEFORE, SWEPT, Verdict.PASS_OVER),
        ("again", AFTER_START, SWEPT, Verdict.COMPARE),
        ("again", AFTER_GOOD, SWEPT, Verdict.COMPARE),
        ("again", None, SWEPT, Verdict.COMPARE),
    ],
)
def test_a_mail_that_nobody_knows(
    round_: Round, received: datetime | None, bounds: Bounds, expected: Verdict
) -> None:
    assert verdict(entry(received), None, round_, bounds) is expected
    assert is_passed_over(entry(received), round_, bounds) is (expected is Verdict.PASS_OVER)


@pytest.mark.parametrize("round_", ROUNDS)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("received", [BEFORE, AFTER_GOOD])
def test_a_mail_that_is_known_is_left_alone(round_: Round, state: Any, received: datetime) -> None:
    """Whatever has become of it, and however often it has changed."""
    known = replace(row(), state=state)

    assert verdict(entry(received, NOON + 20 * HOUR), known, round_, SWEPT) is Verdict.LEAVE


@pytest.mark.parametrize(
    ("round_", "modified", "expected"),
    [
        ("next", NOON + SECOND, Verdict.REOPEN),
        ("next", NOON, Verdict.LEAVE),
        ("next", NOON - HOUR, Verdict.LEAVE),
        ("next", None, Verdict.LEAVE),
        ("first", NOON + HOUR, Verdict.LEAVE),
        ("again", NOON + HOUR, Verdict.LEAVE),
    ],
)
def test_a_mail_that_was_passed_over(round_: Round, modified: datetime | None, expected: Verdict) -> None:
    """A round over everything shows what was read or marked, too: that is no move."""
    assert verdict(entry(BEFORE, modified), row(PASSED_OVER), round_, SWEPT) is expected


@pytest.mark.parametrize("round_", ROUNDS)
@pytest.mark.parametrize(
    ("is_draft", "expected"), [(True, Verdict.LEAVE), (False, Verdict.REOPEN), (None, Verdict.REOPEN)]
)
def test_a_draft_begins_anew_once_it_is_none_any_more(
    round_: Round, is_draft: bool | None, expected: Verdict
) -> None:
    """Whenever that was, and in each round: it is no mail that came before mail was to be filed."""
    for received in (BEFORE, AFTER_GOOD, None):
        assert verdict(entry(received, is_draft=is_draft), row(DRAFT), round_, SWEPT) is expected
        begun_anew = row(DRAFT, ended=None)
        assert verdict(entry(received, is_draft=is_draft), begun_anew, round_, SWEPT) is Verdict.LEAVE


@pytest.mark.parametrize("rule", ["", "restored", "duplicate", "newsletters"])
def test_a_mail_that_another_rule_has_skipped_is_not_begun_anew(rule: str) -> None:
    assert not was_moved_in(entry(BEFORE, NOON + HOUR), row(rule))
    assert not was_sent(entry(BEFORE, NOON + HOUR, is_draft=False), row(rule))


def test_a_mail_that_was_passed_over_and_has_begun_anew_is_not_begun_once_more() -> None:
    assert not was_moved_in(entry(BEFORE, NOON + HOUR), row(PASSED_OVER, ended=None))


@pytest.mark.parametrize("round_", ROUNDS)
@pytest.mark.parametrize("known", [None, row(PASSED_OVER)])
def test_what_has_left_the_folder_is_left_alone(round_: Round, known: Row | None) -> None:
    gone = entry(BEFORE, NOON + HOUR, removed_because=Removed("changed"))

    assert verdict(gone, known, round_, SWEPT) is Verdict.LEAVE
    assert not is_passed_over(gone, round_, SWEPT)


@pytest.mark.parametrize(
    ("received", "bounds", "old"),
    [
        (BEFORE, SWEPT, True),
        (NOON + 10 * HOUR - SECOND, SWEPT, True),
        (NOON + 10 * HOUR, SWEPT, False),
        (None, SWEPT, False),
        (BEFORE, NEW, False),
    ],
)
def test_old_is_what_the_last_good_sweep_should_have_made_known(
    received: datetime | None, bounds: Bounds, old: bool
) -> None:
    assert is_old(entry(received), bounds) is old


@pytest.mark.parametrize(
    ("ago", "unannounced"), [(ANNOUNCED_WITHIN, False), (ANNOUNCED_WITHIN + SECOND, True), (-HOUR, False)]
)
def test_mail_should_have_been_announced_within_a_quarter_of_an_hour(
    ago: timedelta, unannounced: bool
) -> None:
    assert is_unannounced(entry(NOON - ago), NOON) is unannounced
    assert not is_unannounced(entry(), NOON)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (None, NOON),
        (date(2026, 11, 1), datetime(2026, 11, 1, tzinfo=UTC)),
        (datetime(2026, 11, 1, 7, 30), datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),  # noqa: DTZ001
        (
            datetime(2026, 11, 1, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 10, 31, 22, tzinfo=UTC),
        ),
    ],
)
def test_mail_is_filed_from_since_on_or_from_the_first_start(since: date | None, expected: datetime) -> None:
    """Graph tells whole seconds: of the second of the start nothing is passed over."""
    assert files_from(since, NOON + timedelta(milliseconds=999)) == expected


_first, _last = NOON.replace(tzinfo=None, year=2020), NOON.replace(tzinfo=None, year=2030)
times = some.none() | some.datetimes(_first, _last, timezones=zones)
bounds = some.builds(Bounds, times.filter(bool), times)
rows = some.none() | some.builds(row, some.sampled_from(["", PASSED_OVER, DRAFT, "restored"]), times)
drafts = some.sampled_from([True, False, None])
removals = some.none() | some.just(Removed("deleted"))


@given(times, times, removals, drafts, rows, some.sampled_from(ROUNDS), bounds)
def test_for_every_entry(
    received: datetime | None,
    modified: datetime | None,
    removed: Removed | None,
    is_draft: bool | None,
    known: Row | None,
    round_: Round,
    bounds: Bounds,
) -> None:
    """No mail is queued that is known, but one that was passed over, or a draft; none is left out."""
    one = entry(received, modified, removed_because=removed, is_draft=is_draft)

    what = verdict(one, known, round_, bounds)

    assert (what is Verdict.LEAVE) >= (removed is not None)
    if known is not None:
        assert what in (Verdict.LEAVE, Verdict.REOPEN)
        assert (
            what is Verdict.LEAVE
            or (known.rule == PASSED_OVER and round_ == "next")
            or (known.rule == DRAFT and not is_draft)
        )
    elif removed is None:
        assert what in (Verdict.FILE, Verdict.PASS_OVER, Verdict.COMPARE)
        assert (what is Verdict.PASS_OVER) == (
            round_ != "next" and received is not None and received < bounds.files_from
        )
    if known is None:
        assert is_passed_over(one, round_, bounds) is (what is Verdict.PASS_OVER)
