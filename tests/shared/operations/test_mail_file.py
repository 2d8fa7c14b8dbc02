"""A mail in a file: what Graph would show of it, worked out from its MIME."""

from __future__ import annotations

import base64
import hashlib
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.tenant.graph import parts as exchange
from shared.body.transfer_encoding import undone
from shared.graph.answers import mail_of
from shared.mail import Address, Mail
from shared.operations.mail_file import FileContent, MailFile, Unreadable, read_mail_file
from shared.operations.part_content import PartContent
from tests.mail import shapes

pytestmark = pytest.mark.anyio
Read = Callable[[bytes], MailFile]
MANY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail.eml"


@pytest.fixture
def read(path: Path) -> Read:
    def of(mime: bytes) -> MailFile:
        path.write_bytes(mime)
        return read_mail_file(path)

    return of


def mail(read: Read, *headers: str) -> Mail:
    return mail_of(read("\r\n".join([*headers, "", "Hello", ""]).encode()).message)


def whole() -> EmailMessage:
    """A mail with what is attached most."""
    inner = EmailMessage()
    inner["Subject"] = "Within"
    inner.set_content("An older mail")
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Ada <ada@contoso.com>", "invoices@example.com", "Offer"
    made.set_content("Hello")
    made.add_alternative('<p>Hello <img src="cid:logo@x"></p>', subtype="html")
    html = made.get_payload(1)
    assert isinstance(html, EmailMessage)
    html.add_related(b"\x89PNG\r\n\x1a\n" * 9, "image", "png", cid="<logo@x>")
    made.add_attachment(b"%PDF" * 9000, maintype="application", subtype="pdf", filename="Angebot für Öl.pdf")
    made.add_attachment("a;b\n1;2\n", subtype="csv", filename="table.csv", cte="quoted-printable")
    made.add_attachment(inner)
    return made


def test_the_headers_of_a_mail(read: Read) -> None:
    told = mail(
        read,
        "Received: from a by b; Tue, 24 Nov 2026 18:37:44 +0200",
        "Received: from c by a; Tue, 24 Nov 2026 18:00:00 +0200",
        "From: =?utf-8?q?J=C3=BCrgen?= <j@example.com>",
        "Sender: office@example.com",
        'To: invoices@example.com, "B, C" <c@example.com>',
        "Cc: d@example.com",
        "Reply-To: replies@example.com",
        "Subject: =?utf-8?b?UmVjaG51bmcgw7Y=?=",
        "Date: Tue, 24 Nov 2026 18:37:41 +0200",
        "X-Priority: 1 (Highest)",
        "Message-ID: <1@example.com>",
        "X-Ticket: T-1",
    )

    assert told.subject == "Rechnung ö"
    assert told.from_ == Address("Jürgen", "j@example.com")
    assert told.sender.address == "office@example.com"
    assert told.to == (
        Address("invoices@example.com", "invoices@example.com"),
        Address("B, C", "c@example.com"),
    )
    assert [one.address for one in (*told.cc, *told.reply_to)] == ["d@example.com", "replies@example.com"]
    assert (told.received, told.sent) == ("2026-11-24T16:37:44Z", "2026-11-24T16:37:41Z")
    assert (told.importance, told.message_id, told.header("x-ticket")) == ("high", "<1@example.com>", "T-1")


def test_without_received_the_date_counts_and_what_is_given_wins(read: Read, path: Path) -> None:
    told = mail(read, "From: a@example.com", "Date: Tue, 24 Nov 2026 16:37:41 +0000")
    given_ = read_mail_file(path, datetime(2026, 11, 25, tzinfo=UTC)).message

    assert told.received == "2026-11-24T16:37:41Z"
    assert given_.received_date_time == "2026-11-25T00:00:00Z"
    assert told.sender == told.from_


def test_a_time_that_is_none_is_empty(read: Read) -> None:
    told = mail(read, "Date: Tue, 99 Nov 99999 99:99:99 +9999", "Received: x; yesterday")

    assert (told.received, told.sent, told.importance) == ("", "", "normal")


def test_the_attachments_are_those_that_the_sandboxs_exchange_shows(read: Read) -> None:
    mime = whole().as_bytes(policy=SMTP)
    shown = exchange.attached_parts(exchange.parse(mime))

    found = read(mime)

    def digest(one: exchange.AttachedPart) -> str:
        return hashlib.sha256(b"".join(one.pieces)).hexdigest()

    expected = [
        (one.name, one.item, one.inline, one.content_type, digest(one)) for one in shown if not one.item
    ]
    files = [one for one in found.files[1:] if one.attached_as == "file"]
    assert [(one.name, False, one.inline, one.type, one.sha256) for one in files] == expected
    assert [one.name for one in found.attachments] == [
        "ATT00001.png",
        "Angebot für Öl.pdf",
        "table.csv",
        "Within",
    ]
    assert (found.files[-1].attached_as, found.files[-1].type) == ("item", "message/rfc822")
    assert [one.inline for one in found.files[1:]] == [True, False, False, False]
    assert (found.files[0].size, found.files[0].sha256) == (len(mime), hashlib.sha256(mime).hexdigest())


def test_a_meeting_request_is_no_attachment(read: Read) -> None:
    made = EmailMessage()
    made.set_content("Let us meet")
    made.add_alternative("BEGIN:VCALENDAR\r\n", subtype="calendar", params={"method": "REQUEST"})

    found = read(made.as_bytes(policy=SMTP))

    assert (found.attachments, found.message.odata_type) == ((), "#microsoft.graph.eventMessage")


async def test_the_text_and_the_pictures_in_it(read: Read, path: Path) -> None:
    found = read(whole().as_bytes(policy=SMTP))
    content = FileContent(path)

    assert (await content.text()).strip() == "Hello"
    assert await content.shown_pictures() == {found.files[1].sha256}
    html = await content.rendered("html")
    assert html is not None
    assert "data:image/png" in html.content


def test_a_file_that_is_not_there_or_empty_is_told(path: Path) -> None:
    with pytest.raises(Unreadable, match=r"mail\.eml: cannot be read"):
        read_mail_file(path)
    path.touch()
    with pytest.raises(Unreadable, match="has no bytes"):
        read_mail_file(path)


def test_memory_does_not_grow_with_the_mail(read: Read, path: Path) -> None:
    made = EmailMessage()
    made["Subject"] = "Large"
    made.set_content("Hello")
    made.add_attachment(b"x" * 6_000_000, maintype="application", subtype="pdf", filename="a.pdf")
    path.write_bytes(made.as_bytes(policy=SMTP))
    del made

    tracemalloc.start()
    try:
        found = read_mail_file(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found.files[1].sha256 == hashlib.sha256(b"x" * 6_000_000).hexdigest()
    assert most < 1_500_000


def test_any_mail_can_be_read(read: Read) -> None:
    """Whatever stands in the file; what is found of it is text that can be written."""

    @MANY
    @given(shapes.mails)
    def holds(mime: bytes) -> None:
        found = read(mime)
        told = mail_of(found.message)
        said = [told.subject, str(told.from_), *(one.name for one in found.files), *map(str, told.to)]
        "".join(said).encode()
        assert found.files[0].size == len(mime)
        assert [one.number for one in found.files] == list(range(len(found.files)))

    holds()


@pytest.mark.parametrize(
    "mime",
    [
        b"From: " + b"(" * 30_000,
        b'To: "' + b"\\" * 30_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 9_000,
        b"".join(
            b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (depth, depth) for depth in range(300)
        ),
        b"Subject: " + b"=?utf-8?q?" * 9_000,
        b"X: y\n" * 60_000,
        b"\n",
        b"--",
        b"\x00\xff" * 50_000,
    ],
    ids=["comments", "escapes", "parts", "depth", "words", "headers", "line", "delimiter", "bytes"],
)
def test_a_mail_that_is_an_attack_is_read_to_its_end(read: Read, mime: bytes) -> None:
    found = read(mime)

    assert found.files[0].size == len(mime)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "", "x-unknown"])
def test_content_is_decoded_as_if_it_were_whole(encoding: str) -> None:
    """However it is cut into lines, but for what follows the padding of base64."""

    @MANY
    @given(
        st.lists(st.binary(max_size=40) | st.sampled_from((b"=3D", b"=\r\n", b"QUJD", b"\n")), max_size=12)
    )
    def holds(lines: list[bytes]) -> None:
        if encoding == "base64":
            lines = [line.replace(b"=", b"") for line in lines]
        content = PartContent(encoding)
        for line in lines:
            content.feed(line)
        content.end(at_delimiter=False)
        expected = undone(b"".join(lines), encoding)
        assert (content.size, content.sha256) == (len(expected), hashlib.sha256(expected).hexdigest())

    holds()


@pytest.mark.parametrize("length", [48, 65_535, 65_536, 200_003])
def test_long_content_is_decoded_piece_by_piece(length: int) -> None:
    original = bytes(number % 251 for number in range(length))
    encoded: dict[str, Any] = {
        "base64": base64.encodebytes(original),
        "quoted-printable": b"".join(b"=%02X" % byte for byte in original),
    }
    for encoding, text in encoded.items():
        content = PartContent(encoding)
        for start in range(0, len(text), 65_537):
            content.feed(text[start : start + 65_537])
        content.end(at_delimiter=False)
        assert content.sha256 == hashlib.sha256(original).hexdigest()


def test_the_line_break_before_a_delimiter_is_not_of_the_part() -> None:
    content = PartContent("")
    content.feed(b"one\r\n")
    content.feed(b"two\r\n")
    content.end(at_delimiter=True)

    assert bytes(content.beginning) == b"one\r\ntwo"
