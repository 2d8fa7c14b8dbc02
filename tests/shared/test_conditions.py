"""Conditions of rules: over what a mail has, as templates see it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.conditions import Condition, condition
from shared.mail import EXAMPLE, Mail, vocabulary
from shared.templates import EXAMPLE_VOCABULARY, TemplateFault

from .generated import any_text


def holds(text: str, mail: Mail = EXAMPLE) -> bool:
    values = vocabulary(mail, ("invoice.pdf",), "invoices", "invoices@example.com", size=48)
    return Condition(text).holds({**values, "body": "Please pay."})


@pytest.mark.parametrize(
    "text",
    [
        "subject is matching('^Invoice [0-9]+')",
        'subject is matching("^Invoice")',
        "subject == 'Invoice' ~ ' ' ~ '4711'",
        "subject == 'Invoice' ' 4711'",
        "subject is matching('\\d{4}$') and subject is matching(\"\\bInvoice\\b\")",
        "subject is matching('\\\\d{4}')",
        "subject ~ '\\'' == \"Invoice 4711'\"",
        "from.domain in ['example.com', 'example.org'] and not cc is matching('nobody')",
        "to[0].address | lower == 'invoices@example.com'",
        "to[7].address == ''",
        "header('X-Ticket') == 'T-1'",
        "body is matching('(?i)PAY') and size < 100",
        "has_attachments and attachment_count == 1",
        "attachments | select('matching', '[.]pdf$') | list",
        "received | date == '2026-11-24'",
        "to[7].address < 'a' and to[7].address <= '' and not to[7].address > 'a' and to[7].address >= ''",
        "header('X-Ticket') | group('([0-9]+)') | int == 1 and subject | group('([0-9]+)') | float > 4710.5",
        "subject | int < 1 and subject | float(2.5) == 2.5",
        "1",
    ],
)
def test_what_holds_of_a_mail_that_has_everything(text: str) -> None:
    assert holds(text)
    assert not holds(f"not ({text})")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("subjekt is matching('x')", "no mail has subjekt"),
        ("'a' == subjekt", "no mail has subjekt"),
        ("from.adress", "adress"),
        ("subject is matching('(')", "missing )"),
        ("subject is maching('x')", "maching"),
        ("subject ==", "not a condition"),
        ("subject 'x'", "not a condition"),
        ("subject) or (subject", "not a condition"),
        ("subject }}{{ subject", "not a condition"),
        ("subject %}{% if subject", "not a condition"),
        ("_text0 == 'x'", "_text0"),
        ("subject | group('x', 2)", "no such group"),
        ("'", "not a condition"),
    ],
)
def test_what_is_no_condition_is_refused_when_the_file_is_read(text: str, reason: str) -> None:
    with pytest.raises(TemplateFault, match=r"no mail has|not a condition that works") as refused:
        Condition(text)
    assert reason in str(refused.value)


def test_a_condition_knows_what_it_asks_for() -> None:
    """What is not known yet of a mail puts the decision off."""
    assert condition("body is matching('size') or size > 3").names == {"body", "size"}
    assert condition("subject == 'body'").names == {"subject"}


@pytest.mark.parametrize("number", ["int", "float"])
def test_a_number_that_a_mail_lacks_is_neither_greater_nor_less(number: str) -> None:
    lacked = f"subject | group('Offer ([0-9]+)') | {number}"

    assert not holds(f"{lacked} > -1 or {lacked} >= 0 or {lacked} < 5 or 5 > {lacked} or {lacked} == 0")
    assert holds(f"{lacked} == '' and header('X-None') | {number} == '' and not {lacked}")
    assert holds(f"subject | group('Offer ([0-9]+)') | {number}(7) == 7")


def test_conditions_of_one_form_are_told_apart_by_their_texts() -> None:
    assert holds("subject is matching('^Invoice')")
    assert not holds("subject is matching('^Order')")


def test_a_condition_that_cannot_be_worked_out_says_nothing_out_of_the_mail() -> None:
    with pytest.raises(TemplateFault, match="ZeroDivisionError") as fault:
        holds("4711 // (subject | length - 7)", Mail(subject="private"))
    assert "private" not in str(fault.value)


@given(subject=any_text, pattern=some.sampled_from(["^PO-", "(a|a)*b", "(?i)re: ", "[^x]*$"]))
def test_any_subject_is_decided(subject: str, pattern: str) -> None:
    """No subject makes a condition fail, or hang."""
    wanted = condition(f"subject is matching('{pattern}')")
    assert wanted.holds({**EXAMPLE_VOCABULARY, "subject": subject}) in (True, False)


@given(text=some.text(alphabet="'\"\\ab _()[]{}%|~.,0=<>", max_size=30))
def test_any_text_is_a_condition_or_is_refused(text: str) -> None:
    """And its texts, taken out of it, come back as they were written."""
    try:
        made = Condition(text)
    except TemplateFault:
        return
    assert made.holds(EXAMPLE_VOCABULARY) in (True, False)
