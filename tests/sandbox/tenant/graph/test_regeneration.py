"""MIME that is made anew at each call: other bytes, the same mail."""

from __future__ import annotations

import email
import hashlib
from email.message import Message as MimePart

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from sandbox.tenant.graph.mail import read_mail
from sandbox.tenant.graph.parts import attached_parts, parse
from sandbox.tenant.graph.regeneration import anew

from .conftest import MAILBOX, Service
from .published import CORPUS
from .samples import PDF, invoice, plain, with_attachments

pytestmark = pytest.mark.anyio


def files(root: MimePart) -> list[tuple[str, bytes]]:
    """The attachments that are no mail: that is made anew as well."""
    return [(one.name, b"".join(one.pieces)) for one in attached_parts(root) if not one.item]


def names(root: MimePart) -> list[str]:
    return sorted(name.lower() for name, _ in root.raw_items())


async def test_each_call_gives_other_bytes_of_the_same_mail(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, invoice())
    graph.tenant.regenerate_mime(MAILBOX, mail.id)

    answers = [await graph.get(f"/messages/{mail.id}/$value") for _ in range(3)]

    assert len({hashlib.sha256(one.content).digest() for one in answers} | {invoice()}) == 4
    for answer in answers:
        assert (answer.headers["Content-Type"], "Content-Length" in answer.headers) == ("text/plain", False)
        root, delivered = parse(answer.content), parse(invoice())
        assert files(root) == files(delivered)
        assert names(root) == names(delivered)
        assert read_mail(root).body == read_mail(delivered).body
    boundaries = {email.message_from_bytes(one.content).get_boundary() for one in answers}
    assert len(boundaries) == 3
    graph.tenant.regenerate_mime(MAILBOX, mail.id, False)
    assert (await graph.get(f"/messages/{mail.id}/$value")).content == invoice()


async def test_a_mail_within_is_made_anew_and_a_file_is_not(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, invoice())
    graph.tenant.regenerate_mime(MAILBOX, mail.id)
    path = f"/messages/{mail.id}/attachments"
    _, pdf, within = (await graph.json(path))["value"]

    first = (await graph.get(f"{path}/{within['id']}/$value")).content
    second = (await graph.get(f"{path}/{within['id']}/$value")).content

    assert first != second
    assert names(parse(first)) == names(parse(second))
    assert email.message_from_bytes(first).get_payload() == plain().get_payload()
    assert (await graph.get(f"{path}/{pdf['id']}/$value")).content == PDF


def test_what_is_signed_is_kept_as_it_came() -> None:
    signed = (
        b'Content-Type: multipart/signed; boundary="s"\r\nSubject: x\r\nTo: a, b\r\n\r\n--s\r\n'
        b'Content-Type: multipart/mixed; boundary="i"\r\n\r\n--i\r\n\r\ntext\r\n--i--\r\n\r\n--s\r\n'
        b"Content-Type: application/pkcs7-signature\r\n\r\nMII\r\n--s--\r\n"
    )
    made = anew(signed, 1)

    assert made != signed
    assert made.partition(b"\r\n\r\n")[2] == signed.partition(b"\r\n\r\n")[2]


def test_headers_of_one_name_keep_their_order() -> None:
    """The way of a mail is read from its Received headers, the last one first."""
    mail = b"Received: c\r\nReceived: b\r\nReceived: a\r\nSubject: x\r\nTo: a\r\n\r\ntext"
    for generation in range(5):
        root = parse(anew(mail, generation))
        assert root.get_all("Received") == ["c", "b", "a"]


def test_a_boundary_that_begins_another_one_is_told_from_it() -> None:
    inner = b'Content-Type: multipart/mixed; boundary="ab"\n\n--ab\n\none\n--ab\n\ntwo\n--ab--\n'
    mail = b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" + inner + b"\n--a\n\nthree\n--a--\n"
    made = parse(anew(mail, 1))
    assert made.get_boundary() != "a"
    assert [part.get_payload() for part in made.walk() if not part.is_multipart()] == ["one", "two", "three"]


@given(
    some.lists(
        some.sampled_from(
            [
                b"From: a@b",
                b"Subject: one two, three; four",
                b"\tfolded",
                b" folded",
                b" ",
                b"X: \xff, y",
                b"Content-Type: multipart/mixed; boundary=a",
                b'Content-Type: multipart/mixed; boundary="ab"',
                b"Content-Type: message/rfc822",
                b"Content-Disposition: attachment; filename=x.pdf",
                b"no header",
                b"",
                b"--a",
                b"--a--",
                b"--ab",
                b"text a ab --a",
            ]
        ),
        max_size=16,
    ),
    some.sampled_from([b"\r\n", b"\n"]),
    some.integers(1, 4),
)
@settings(max_examples=120, deadline=None, database=None)
def test_damaged_mail_made_anew_is_the_same_mail(
    lines: list[bytes], line_end: bytes, generation: int
) -> None:
    mail = line_end.join(lines)
    before, after = parse(mail), parse(anew(mail, generation))
    assert names(after) == names(before)
    assert files(after) == files(before)
    assert read_mail(after).body == read_mail(before).body
    assert read_mail(after).subject == read_mail(before).subject


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the mail corpus is not beside this checkout")
def test_mail_that_nobody_here_wrote_is_the_same_mail() -> None:
    for path in sorted(CORPUS.rglob("*.eml")):
        raw = path.read_bytes()
        before, after = parse(raw), parse(anew(raw, 1))
        assert files(after) == files(before), path.name
        assert names(after) == names(before), path.name


def test_many_files_are_all_kept() -> None:
    mail = with_attachments(40)
    assert files(parse(anew(mail, 1))) == files(parse(mail))
