"""The first rule whose condition holds takes the mail; without one its source's own document counts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.configuration import After, OnFailure
from shared.errors import MailFault
from shared.rules import Undecided, Way, names_used, way_named, way_of
from shared.templates import EXAMPLE_VOCABULARY

from .made import source


def rule(name: str, when: str | None = None, **more: Any) -> dict[str, Any]:
    document = {"class": f"CL.{name}"}
    return {"name": name, **({"when": when} if when else {}), "document": document, **more}


def way(*rules: dict[str, Any], unknown: frozenset[str] = frozenset(), **values: Any) -> Way:
    return way_of(source(rule=list(rules)), {**EXAMPLE_VOCABULARY, **values}, unknown)


def test_the_first_that_holds_wins() -> None:
    found = way(rule("a", "subject == 'x'"), rule("b", "subject"), rule("c", "subject"), rule("d"))

    assert (found.rule, found.document.class_, found.skip) == ("b", "CL.b", False)


def test_what_no_rule_takes_is_filed_as_the_source_says() -> None:
    found = way(rule("a", "subject == 'x'"))

    assert (found.rule, found.document.class_) == ("", "CL.Invoice")


def test_a_rule_without_a_condition_takes_all_that_comes_to_it() -> None:
    assert way(rule("a", "not subject"), rule("all")).rule == "all"


def test_a_rule_may_skip() -> None:
    found = way({"name": "spam", "when": "subject", "skip": True})

    assert (found.rule, found.skip) == ("spam", True)


def test_a_rule_has_its_own_attachments_and_what_follows() -> None:
    changed: dict[str, Any] = {
        "attachments": {"deny": ["*.exe"]},
        "after": {"read": True},
        "on-failure": {"category": "No"},
    }
    found = way(rule("a", **changed))

    assert (found.attachments.deny, found.after.read, found.on_failure.category) == (("*.exe",), True, "No")


def test_a_condition_over_what_is_not_known_yet_puts_the_decision_off() -> None:
    with pytest.raises(Undecided):
        way(rule("a", "body is matching('x')"), rule("b"), unknown=frozenset({"body"}))


def test_a_rule_that_takes_the_mail_before_that_is_enough() -> None:
    assert way(rule("a", "subject"), rule("b", "body"), unknown=frozenset({"body"})).rule == "a"


def test_a_condition_that_cannot_be_worked_out_is_a_fault_of_the_mail_that_names_the_rule() -> None:
    with pytest.raises(MailFault, match='source "invoices", rule "a"') as fault:
        way(rule("a", "subject | date"), subject="private words")
    assert "private" not in str(fault.value)


def test_a_way_is_found_by_the_name_that_the_journal_has() -> None:
    configured = source(rule=[rule("a", "subject"), rule("b")])

    assert way_named(configured, "b").document.class_ == "CL.b"
    assert way_named(configured, "").rule == ""


def test_of_a_rule_that_is_gone_nothing_follows_in_the_mailbox() -> None:
    """It may have been the one that keeps mail from being deleted."""
    settings: dict[str, Any] = {"after": {"delete": True}, "on-failure": {"category": "No"}}
    configured = source(**settings)
    gone = way_named(configured, "gone")

    assert (gone.after, gone.on_failure) == (After(), OnFailure())
    assert way_named(configured, "").after.delete


def test_the_names_that_the_conditions_use() -> None:
    configured = source(rule=[rule("a", "subject"), rule("b", "body"), rule("c")])

    assert names_used(configured) == {"subject", "body"}
    assert names_used(source()) == frozenset()


@given(truths=some.lists(some.booleans(), max_size=8))
def test_one_way_always_and_the_same_each_time(truths: list[bool]) -> None:
    rules = [rule(f"r{number}", "1" if holds else "0") for number, holds in enumerate(truths)]

    found = way(*rules)

    assert found.rule == (f"r{truths.index(True)}" if True in truths else "")
    assert found == way(*rules)
