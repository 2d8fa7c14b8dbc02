"""Mail that is skipped before any byte of it is fetched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.early_skips import CAME_BEFORE, IS_DRAFT, MAX_AGE, skipped_by_rule, skipped_for_its_time
from shared.graph.answers import Message
from shared.mail import EXAMPLE, Mail, vocabulary
from shared.skip import BY_RULE, Skip

from .clock import NOON
from .made import source

DAY = timedelta(days=1)
TWO_DAYS: dict[str, Any] = {"max-age-days": 2}


def received(before: timedelta, **more: Any) -> Message:
    return Message(id="AAA=", received_date_time=(NOON - before).isoformat(), **more)


def test_mail_of_today_is_not_skipped() -> None:
    assert skipped_for_its_time(source(), received(DAY), NOON, NOON) is None


def test_a_draft_is() -> None:
    assert skipped_for_its_time(source(), received(DAY, is_draft=True), NOON, NOON) == IS_DRAFT


def test_mail_before_its_source_begins_is() -> None:
    begins = source(since=(NOON + 2 * DAY).date())
    assert skipped_for_its_time(begins, received(DAY), NOON, NOON) == CAME_BEFORE


@pytest.mark.parametrize(("age", "is_skipped"), [(2 * DAY, False), (2 * DAY + timedelta(seconds=1), True)])
def test_mail_that_is_too_old_is(age: timedelta, is_skipped: bool) -> None:
    skip = skipped_for_its_time(source(**TWO_DAYS), received(age), NOON, NOON)

    assert (skip is not None and skip.rule == MAX_AGE) is is_skipped


def test_mail_without_a_readable_time_is_not_too_old() -> None:
    """Better once too often filed than lost."""
    for text in (None, "", "yesterday", "2020-01-01"):
        odd = Message(id="AAA=", received_date_time=text)
        assert skipped_for_its_time(source(**TWO_DAYS), odd, NOON, NOON) is None


def test_what_waited_for_a_service_has_grown_no_older() -> None:
    """It counts when the app heard of it: an outage of three days skips nothing."""
    announced = NOON - 3 * DAY
    old = received(4 * DAY)

    assert skipped_for_its_time(source(**TWO_DAYS), old, NOON, announced) is None
    assert skipped_for_its_time(source(**TWO_DAYS), old, NOON, NOON) is not None


def by_rule(*rules: dict[str, Any], mail: Mail = EXAMPLE) -> Skip | None:
    configured = source(rule=list(rules))
    return skipped_by_rule(configured, vocabulary(mail, ("invoice.pdf",), "invoices", "i@example.com"))


SKIPS = {"name": "news", "when": "subject is matching('Invoice')", "skip": True}


def test_a_rule_skips() -> None:
    assert by_rule(SKIPS) == Skip("news", BY_RULE)


@pytest.mark.parametrize(
    "before",
    [
        {"name": "large", "when": "size > 7", "document": {"class": "CL.Large"}},
        {"name": "said", "when": "body is matching('x')", "skip": True},
        {"name": "broken", "when": "subject | date", "skip": True},
    ],
)
def test_what_cannot_be_told_yet_is_left_to_filing(before: dict[str, Any]) -> None:
    """A rule before it might take the mail."""
    assert by_rule(before, SKIPS) is None
    assert by_rule(SKIPS, before) == Skip("news", BY_RULE)


@pytest.mark.parametrize("flag", ["signed", "encrypted", "tnef"])
def test_a_flag_that_is_not_set_may_be_told_by_the_mime(flag: str) -> None:
    """One that is set stays so."""
    takes = {"name": "wrapped", "when": flag, "document": {"class": "CL.Wrapped"}}
    everything = {"name": "rest", "skip": True}

    assert by_rule(takes, everything, mail=Mail()) is None
    assert by_rule({"name": "no", "when": f"not {flag}", "skip": True}, mail=Mail()) is None
    assert by_rule({"name": "yes", "when": flag, "skip": True}) == Skip("yes", BY_RULE)


@pytest.mark.parametrize(
    ("kind", "is_certain"), [("letter", False), ("auto-reply", False), ("own-mail", True)]
)
def test_a_kind_may_be_another_one_by_the_mime(kind: str, is_certain: bool) -> None:
    skip = by_rule({"name": "kind", "when": f"kind == '{kind}'", "skip": True}, mail=Mail(kind=kind))

    assert (skip is not None) is is_certain
