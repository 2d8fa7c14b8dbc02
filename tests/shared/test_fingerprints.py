"""Fingerprints: what they are taken over, and who has one, in the table and in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from shared.errors import Stale, Unavailable
from shared.fingerprints import Fingerprints, FingerprintTable, Owner, fingerprint
from shared.graph.answers import Attachment
from shared.mail import EXAMPLE, Address, Mail
from shared.testing.fingerprints import InMemoryFingerprints

from .accounts import Stores
from .generated import any_text

pytestmark = pytest.mark.anyio
MAIL = replace(
    EXAMPLE,
    message_id="<1@contoso.com>",
    from_=Address("Ada", "ada@contoso.com"),
    sent="2026-11-24T10:00:00Z",
    subject="Invoice",
)
FILES = (Attachment(id="1", name="a.pdf", size=10), Attachment(id="2", name="b.pdf", size=20))
PRINT = fingerprint(MAIL, FILES)
FIRST, SECOND = Owner("invoices", "0" * 32), Owner("orders", "1" * 32)


def test_a_fingerprint_is_of_64_hex_digits() -> None:
    """It is a key of a table as it is."""
    assert len(PRINT) == 64
    assert set(PRINT) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "changed",
    [
        {"message_id": "<2@contoso.com>"},
        {"message_id": "<1@CONTOSO.com>"},
        {"from_": Address("Ada", "eve@contoso.com")},
        {"sent": "2026-11-24T10:00:01Z"},
        {"subject": "invoice"},
    ],
    ids=["message id", "message id in capitals", "sender", "sent", "subject"],
)
def test_it_is_of_this_mail_alone(changed: dict[str, Any]) -> None:
    assert fingerprint(replace(MAIL, **changed), FILES) != PRINT


@pytest.mark.parametrize(
    "files",
    [
        (),
        FILES[:1],
        (*FILES, FILES[0]),
        (Attachment(id="1", name="a.pdf", size=11), FILES[1]),
        (Attachment(id="1", name="A.pdf", size=10), FILES[1]),
        (Attachment(id="1", name="a.pdf", size=20), Attachment(id="2", name="b.pdf", size=10)),
    ],
    ids=["none", "fewer", "more", "size", "name", "sizes exchanged"],
)
def test_its_attachments_are_part_of_it(files: tuple[Attachment, ...]) -> None:
    assert fingerprint(MAIL, files) != PRINT


@pytest.mark.parametrize(
    ("mail", "files"),
    [
        (replace(MAIL, message_id=" <1@contoso.com>\r\n"), FILES),
        (replace(MAIL, from_=Address("Countess", "ADA@contoso.com")), FILES),
        (replace(MAIL, received="2020-01-01T00:00:00Z", categories=("Done",), to=()), FILES),
        (MAIL, FILES[::-1]),
        (MAIL, tuple(Attachment(id="other", name=one.name, size=one.size, is_inline=True) for one in FILES)),
    ],
    ids=["space", "name and case of the sender", "what people change", "order of files", "ids of files"],
)
def test_it_outlasts_what_a_migration_or_a_person_changes(mail: Mail, files: tuple[Attachment, ...]) -> None:
    assert fingerprint(mail, files) == PRINT


def test_without_a_from_the_sender_counts() -> None:
    sent_by = replace(MAIL, from_=Address(), sender=Address("", "Scanner@contoso.com"))

    assert fingerprint(sent_by, ()) == fingerprint(
        replace(MAIL, from_=Address("", "scanner@contoso.com"), sender=Address("", "x@y.z")), ()
    )


@pytest.mark.parametrize("message_id", ["", "  \t\r\n"])
def test_mail_without_a_message_id_cannot_be_told_apart(message_id: str) -> None:
    assert fingerprint(replace(MAIL, message_id=message_id), FILES) == ""


@given(some.tuples(any_text, any_text), some.tuples(any_text, any_text))
def test_no_text_passes_for_another_one(first: tuple[str, str], second: tuple[str, str]) -> None:
    """Not by where one ends and the next begins. Graph's text is UTF-8: a surrogate is no part of it."""
    if any("\ud800" <= letter <= "\udfff" for letter in "".join((*first, *second))):
        return
    prints = [fingerprint(replace(MAIL, sent=sent, subject=subject), ()) for sent, subject in (first, second)]

    assert (prints[0] == prints[1]) == (first == second)


@pytest.fixture(params=["table", "fake"])
def kept(request: pytest.FixtureRequest) -> Fingerprints:
    """Both kinds, empty."""
    if request.param == "fake":
        return InMemoryFingerprints()
    stores: Stores = request.getfixturevalue("stores")
    return FingerprintTable(stores.tables)


async def test_at_first_nobody_has_it(kept: Fingerprints) -> None:
    assert await kept.owner(PRINT) is None


async def test_the_first_one_has_it_across_all_sources(kept: Fingerprints) -> None:
    first = await kept.add(PRINT, FIRST)

    assert first.etag
    assert first.is_of("invoices", "0" * 32)
    assert await kept.add(PRINT, SECOND) == first
    assert await kept.add(PRINT, FIRST) == first
    assert await kept.owner(PRINT) == first


async def test_another_fingerprint_is_another_mail(kept: Fingerprints) -> None:
    """Also one that begins alike: that is its partition."""
    await kept.add(PRINT, FIRST)
    other = PRINT[:-1] + ("0" if PRINT[-1] != "0" else "1")

    assert await kept.owner(other) is None
    assert (await kept.add(other, SECOND)).is_of("orders", "1" * 32)


@pytest.mark.parametrize("rivals", [6])
async def test_of_many_at_once_one_is_the_first(kept: Fingerprints, rivals: int) -> None:
    """They also race for the table."""
    answers = await asyncio.gather(
        *(kept.add(PRINT, Owner("invoices", f"{number:032x}")) for number in range(rivals))
    )

    assert set(answers) == {await kept.owner(PRINT)}


async def test_one_that_came_to_nothing_is_replaced_once(kept: Fingerprints) -> None:
    first = await kept.add(PRINT, FIRST)

    second = await kept.replace(PRINT, first, SECOND)

    assert second.etag not in ("", first.etag)
    assert await kept.owner(PRINT) == second
    with pytest.raises(Stale):
        await kept.replace(PRINT, first, Owner("others", "2" * 32))
    assert await kept.owner(PRINT) == second


async def test_of_many_that_replace_it_one_wins(kept: Fingerprints) -> None:
    first = await kept.add(PRINT, FIRST)

    async def replaced(number: int) -> Owner:
        return await kept.replace(PRINT, first, Owner("orders", f"{number:032x}"))

    outcomes = await asyncio.gather(*map(replaced, range(6)), return_exceptions=True)

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Owner)]
    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 5
    assert await kept.owner(PRINT) == winner


@pytest.mark.parametrize("call", [lambda kept: kept.owner(PRINT), lambda kept: kept.add(PRINT, FIRST)])
async def test_a_storage_that_is_down_is_told(down: Stores, call: Callable[[Fingerprints], Any]) -> None:
    with pytest.raises(Unavailable, match="fingerprints"):
        await call(FingerprintTable(down.tables))
