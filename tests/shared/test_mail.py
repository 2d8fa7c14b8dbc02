"""A mail as templates see it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.mail import (
    EXAMPLE,
    ONLY_WHILE_FILING,
    Address,
    Addresses,
    Header,
    Mail,
    Moment,
    Texts,
    vocabulary,
)

from .generated import any_text, zones

ADA = Address("Ada Lovelace", "ada@example.com")


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (ADA, "Ada Lovelace <ada@example.com>"),
        (Address("", "ada@example.com"), "ada@example.com"),
        (Address("Ada", ""), "Ada"),
        (Address("ada@example.com", "ada@example.com"), "ada@example.com"),
        (Address(), ""),
    ],
)
def test_an_address_as_text(address: Address, text: str) -> None:
    assert str(address) == text


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("ada@Example.COM", "example.com"),
        ('"a@b"@example.com', "example.com"),
        ("ada", ""),
        ("", ""),
        ("ada@", ""),
        ("/O=EXCHANGELABS/CN=RECIPIENTS/CN=ADA", ""),
    ],
)
def test_the_domain_is_what_stands_after_the_last_at(address: str, domain: str) -> None:
    assert Address("Ada", address).domain == domain


def test_several_addresses_or_texts_have_semicolons_between_them() -> None:
    assert (
        str(Addresses((ADA, Address("", "b@example.com")))) == "Ada Lovelace <ada@example.com>; b@example.com"
    )
    assert str(Addresses()) == ""
    assert str(Texts(("a", "b"))) == "a; b"
    assert str(Texts()) == ""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T16:37:44Z", "2026-11-24T16:37:44Z"),
        ("2026-11-24T16:37:44+02:00", "2026-11-24T14:37:44Z"),
        ("2016-11-20T18:23:45.9356913Z", "2016-11-20T18:23:45Z"),
        ("2026-11-24T23:59:59.999Z", "2026-11-24T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0999-01-01T00:00:00Z", "0999-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_a_moment_is_in_utc(text: str, moment: str) -> None:
    read = Moment.read(text)

    assert str(read) == moment
    assert isinstance(read, Moment)
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "datetime-value",
        "2026-11-24",
        "2026-11-24T16:37:44",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59-02:00",
        "\ud800",
    ],
)
def test_what_is_no_moment(text: str) -> None:
    assert Moment.read(text) is None


@given(any_text | some.datetimes(timezones=zones).map(datetime.isoformat))
def test_no_text_at_all_raises(text: str) -> None:
    assert Moment.read(text) is None or str(Moment.read(text)).endswith("Z")


def test_a_header_is_found_in_any_case_and_the_first_of_several_counts() -> None:
    mail = Mail(headers=(Header("X-Ticket", "1"), Header("x-ticket", "2"), Header("Straße", "3")))

    assert mail.header("X-TICKET") == "1"
    assert mail.header("STRASSE") == "3"
    assert mail.header("X-Other") == ""
    assert mail.header("") == ""


def test_the_example_has_everything() -> None:
    """Templates are tried on it: what it lacked would hide their faults."""
    empty = [field for field in Mail.__struct_fields__ if not getattr(EXAMPLE, field)]

    assert empty == []


def test_the_vocabulary_of_every_mail_has_the_same_names() -> None:
    empty = vocabulary(Mail(), (), "invoices", "invoices@example.com")
    by_nature = {"kind": "letter", "signed": False, "encrypted": False, "tnef": False}

    assert empty.keys() == vocabulary(EXAMPLE, ("a.pdf",), "invoices", "invoices@example.com").keys()
    assert empty["received"] is None
    assert empty["sent"] is None
    assert empty["size"] is None
    assert {name: empty[name] for name in by_nature} == by_nature
    assert (empty["attachment_count"], empty["has_attachments"]) == (0, False)
    full = {name for name, value in empty.items() if value is not None and str(value)} - by_nature.keys()
    assert full == {"header", "source", "mailbox", "attachment_count", "has_attachments"}


def test_the_same_is_known_while_a_mail_is_staged_and_while_it_is_filed_but_for_some_names() -> None:
    staging = vocabulary(EXAMPLE, ("a.pdf", ""), "invoices", "invoices@example.com")
    filing = vocabulary(EXAMPLE, ("a.pdf", ""), "invoices", "invoices@example.com", size=2048)

    assert staging.keys() == filing.keys()
    assert {name for name in staging if staging[name] != filing[name]} == ONLY_WHILE_FILING
    assert filing["size"] == 2048
    assert (filing["attachment_count"], filing["has_attachments"]) == (2, True)


def test_what_headers_say_of_a_mail_is_on_one_line() -> None:
    names = vocabulary(EXAMPLE, (), "invoices", "invoices@example.com")

    assert names["sensitivity"] == "Private"
    assert names["in_reply_to"] == "<0@example.com>"
    assert names["references"] == "<00@example.com> <0@example.com>"
    assert names["date"] == names["sent"] == Moment.read(EXAMPLE.sent)
