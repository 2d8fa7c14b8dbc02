"""Real mail is damaged; all of it is delivered, and every answer about it can be read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from sandbox.tenant.graph import Tenant
from sandbox.tenant.graph.mail import read_mail
from sandbox.tenant.graph.parts import attached_parts, parse
from sandbox.tenant.graph.text import header_text, preview

from .conftest import MAILBOX, Service
from .published import CORPUS, PublishedTypes


@pytest.mark.anyio
@pytest.mark.skipif(not CORPUS.exists(), reason=f"there is no {CORPUS.name} beside this checkout")
async def test_every_mail_of_the_corpus_is_delivered_and_readable(
    graph: Service, published: PublishedTypes
) -> None:
    paths = sorted(CORPUS.rglob("*.eml"))
    assert paths
    for path in paths:
        mail = graph.tenant.deliver(MAILBOX, path)
        held = graph.tenant.messages(MAILBOX)[-1]
        message = await graph.json(f"/messages/{mail.id}")
        assert published.faults(message, "message") == [], path.name
        assert (await graph.get(f"/messages/{mail.id}/$value")).content == path.read_bytes()
        attachments = (await graph.json(f"/messages/{mail.id}/attachments?$top=100"))["value"]
        assert [fault for one in attachments for fault in published.faults(one, "attachment")] == []
        digests = []
        for one in attachments:
            content = (await graph.get(f"/messages/{mail.id}/attachments/{one['id']}/$value")).content
            assert len(content) < one["size"]
            digests.append(hashlib.sha256(content).hexdigest())
        assert digests == [file.file.sha256 for file in held.files], path.name


@given(some.binary(max_size=400))
@settings(max_examples=200, deadline=None, database=None)
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    content = read_mail(parse(raw))
    text = (
        f"{content.subject}{content.author}{content.to}{content.headers}{content.body}{content.body_preview}"
    )
    text.encode()


@given(
    some.lists(
        some.sampled_from(
            [
                b"From: a@b",
                b'To: "x',
                b"To: unlisted-recipients:;",
                b"Subject: =?utf-8?b?x",
                b"Subject: =?nothing?q?a=FF?=",
                b"Date: yesterday",
                b"Date: Mon, 99 Foo 99999 99:99:99 +9999",
                b"Content-Type: multipart/mixed; boundary=a",
                b"Content-Type: multipart/mixed",
                b"Content-Type: message/rfc822",
                b"Content-Type: text/html; charset=\xff",
                b"Content-Type: /;;=\xc3\xa4; name*0*=utf-8''%FF",
                b"Content-Disposition: attachment; filename=\xfc.pdf",
                b"Content-Transfer-Encoding: base64",
                b"Content-Transfer-Encoding: x-uuencode",
                b"Content-ID: <>",
                b"",
                b"--a",
                b"--a--",
                b"===\xff",
            ]
        ),
        max_size=14,
    )
)
@settings(max_examples=200, deadline=None, database=None)
def test_damaged_structures_are_a_mail(lines: list[bytes]) -> None:
    root = parse(b"\r\n".join(lines))
    read_mail(root)
    for part in attached_parts(root):
        part.name.encode()
        b"".join(part.pieces)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?q?=C3=84rger?= im\r\n Amt", "Ärger im Amt"),
        ("=?utf-8?b?w4Q=?= =?utf-8?b?w5Y=?=", "ÄÖ"),
        ("=?iso-8859-1?q?gr=FC=DFe?=", "grüße"),
        ("=?unknown?q?caf=C3=A9?=", "café"),
        ("=?utf-8?b?not base64?=", "=?utf-8?b?not base64?="),
        ("Caf\udcc3\udca9", "Café"),
        ("Caf\udce9", "Café"),
        (r"=?utf-8?q?x?= C:\users", r"x C:\users"),
        ("Grüße =?utf-8?q?=E2=9C=94?=", "Grüße ✔"),
    ],
)
def test_headers_are_decoded(raw: str, text: str) -> None:
    assert header_text(raw) == text


def test_a_file_name_in_bare_utf8_is_read() -> None:
    named = 'Content-Disposition: attachment; filename="Überweisung.pdf"'
    raw = f"Content-Type: application/pdf\r\n{named}\r\n\r\n%PDF"
    (part,) = attached_parts(parse(raw.encode()))
    assert (part.name, b"".join(part.pieces)) == ("Überweisung.pdf", b"%PDF")


def test_a_mail_within_a_mail_may_be_encoded_against_the_rules() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogSW5uZXINCg0KVGV4dA==\r\n--a--\r\n"
    )
    (part,) = attached_parts(parse(raw))
    assert (part.item, part.name, b"".join(part.pieces)) == (True, "Inner", b"Subject: Inner\r\n\r\nText")


def test_a_preview_is_what_a_reader_sees() -> None:
    html = (
        "<html><head><title>No</title><style>p {}</style></head><body><p>Yes&amp;<br>more</p></body></html>"
    )
    assert preview(html, html=True) == "Yes&more"
    assert len(preview("x" * 1000, html=False)) == 255


def test_stored_names_come_from_no_mail(tmp_path: Path) -> None:
    """A name in a mail is data: it never becomes a path."""
    tenant = Tenant(tmp_path, "tenant")
    tenant.add_mailbox(MAILBOX)
    tenant.deliver(
        MAILBOX, b"Content-Disposition: attachment; filename=../../x\r\nContent-Type: image/png\r\n\r\nx"
    )
    (held,) = tenant.messages(MAILBOX)
    assert held.files[0].name == "../../x"
    assert held.files[0].file.path.name == "0001"
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"message.eml", "0001"}
