"""The mail of the checks, which says nothing."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

FILE = bytes(range(256)) * 200
"""The bytes of the attached file: every value, 50 KB."""
INLINE = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""A picture of one dot."""


def _letter(subject: str) -> EmailMessage:
    letter = EmailMessage(policy=SMTP)
    letter["From"] = "Live check <live-check@example.com>"
    letter["To"] = "live-check@example.com"
    letter["Subject"] = f"Vaultpost live check: {subject}"
    letter["X-Vaultpost-Live"] = "yes"
    letter.set_content("This mail was made by a check, and is deleted after it.\r\n")
    return letter


def plain(subject: str) -> bytes:
    """A letter."""
    return _letter(subject).as_bytes()


def with_attachments() -> bytes:
    """A letter with a file, a picture in its text, and a mail."""
    letter = _letter("attachments")
    letter.add_alternative('<p>A picture: <img src="cid:dot@example.com"></p>', subtype="html")
    page = list(letter.iter_parts())[1]
    assert isinstance(page, EmailMessage)
    page.add_related(
        INLINE, "image", "gif", cid="<dot@example.com>", filename="dot.gif", disposition="inline"
    )
    letter.add_attachment(FILE, maintype="application", subtype="octet-stream", filename="bytes.bin")
    letter.add_attachment(_letter("within"), filename="within.eml")
    return letter.as_bytes()


def with_files(number: int, size: int = 10) -> bytes:
    """A letter with so many files of `size` bytes each."""
    letter = _letter("files")
    for one in range(number):
        letter.add_attachment(
            bytes(size), maintype="application", subtype="octet-stream", filename=f"{one}.bin"
        )
    return letter.as_bytes()


def large(size: int) -> bytes:
    """A letter with a file of `size` bytes."""
    letter = _letter("large")
    letter.add_attachment(bytes(size), maintype="application", subtype="octet-stream", filename="large.bin")
    return letter.as_bytes()
