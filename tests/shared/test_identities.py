"""The names by which mails and sources are known."""

from __future__ import annotations

import base64
import hashlib
import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.identities import MESSAGE_ID, client_state, filing_key, proven_source

from .generated import any_text

PRESENT, FORMER = "the present key", "the former key"
sources = some.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)


def test_the_filing_key_is_32_hex_digits_of_sha_256_over_source_nul_id() -> None:
    digest = hashlib.sha256(b"invoices\x00AAkALgAA=").hexdigest()

    assert filing_key("invoices", "AAkALgAA=") == digest[:32] == "c0cd0c40a63e4780f9d8b10abec2c6cc"


def test_ids_that_differ_in_case_only_are_different_mails() -> None:
    assert filing_key("invoices", "AAkALgAA=") != filing_key("invoices", "AAkALgAa=")


def test_the_same_mail_has_another_key_in_each_source() -> None:
    assert filing_key("invoices", "A") != filing_key("orders", "A")


@given(sources, some.text(string.ascii_letters + string.digits + "_=+/-", min_size=1))
def test_a_filing_key_is_a_safe_name_and_always_the_same(source: str, message: str) -> None:
    key = filing_key(source, message)

    assert len(key) == 32
    assert set(key) <= set("0123456789abcdef")
    assert filing_key(source, message) == key


@pytest.mark.parametrize("message", ["", "A" * 1025, "A B", "A\n", "A.B", "A'B", "A%2F", "Ä", "../x?", "A\0"])
def test_what_is_no_message_id(message: str) -> None:
    assert MESSAGE_ID.fullmatch(message) is None


@pytest.mark.parametrize("message", ["A", "AAkALgAA-_+/==", "A" * 1024])
def test_what_is_a_message_id(message: str) -> None:
    assert MESSAGE_ID.fullmatch(message)


def test_the_client_state_is_signed_with_the_notification_key() -> None:
    digest = hmac.new(PRESENT.encode(), b"invoices", hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    assert client_state("invoices", PRESENT) == f"invoices.{signature}"


@given(sources, some.text())
def test_a_client_state_fits_into_a_subscription_and_proves_its_source(source: str, key: str) -> None:
    state = client_state(source, key)

    assert len(state) <= 128
    assert proven_source(state, [key]) == source


def test_the_longest_source_name_still_fits() -> None:
    assert len(client_state("a" * 63, PRESENT)) == 107


@pytest.mark.parametrize("key", [PRESENT, FORMER])
@pytest.mark.parametrize("padding", ["", "=", "=="])
def test_each_version_of_the_key_proves_a_source_with_and_without_padding(key: str, padding: str) -> None:
    assert proven_source(client_state("invoices", key) + padding, [PRESENT, FORMER]) == "invoices"


_TRUE = client_state("invoices", PRESENT)


@pytest.mark.parametrize(
    "state",
    [
        None,
        "",
        ".",
        "invoices",
        "invoices.",
        "invoices.=",
        f"orders.{_TRUE.partition('.')[2]}",
        _TRUE[:-1],
        f"{_TRUE}A",
        f" {_TRUE}",
        f"{_TRUE}\n",
        _TRUE.upper(),
        _TRUE.replace(".", ".."),
        f"{_TRUE}\N{FULLWIDTH EQUALS SIGN}",
        "rechnungen-ä.AAAA",
        "\N{PILE OF POO}",
        "\ud800",
        client_state("invoices", "a key that never was"),
    ],
)
def test_a_forged_client_state_proves_nothing(state: str | None) -> None:
    assert proven_source(state, [PRESENT, FORMER]) is None


def test_without_a_key_nothing_is_proven() -> None:
    assert proven_source(_TRUE, []) is None


@pytest.mark.parametrize(
    "source", ["", "Invoices", "-invoices", "in voices", "a" * 64, "../x", "ä", "invoices\n"]
)
def test_a_source_of_bad_form_is_not_proven_even_when_signed(source: str) -> None:
    """The name is a path and a partition key: its form counts whoever signed it."""
    assert proven_source(client_state(source, PRESENT), [PRESENT]) is None


@given(any_text)
def test_no_text_at_all_is_a_proof_by_chance_or_raises(state: str) -> None:
    assert proven_source(state, [PRESENT, FORMER]) is None
