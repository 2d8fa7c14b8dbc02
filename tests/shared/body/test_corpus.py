"""Mail that nobody here wrote, where it stands beside the checkout, against Python's own email package."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default
from pathlib import Path

import pytest

from .made import body_of
from .safety import faults_of

CORPUS = Path(__file__).parents[4] / "shared" / "mail-corpus"
MAILS = sorted(CORPUS.rglob("*.eml"))
FEWEST_COMPARED = 50

pytestmark = pytest.mark.skipif(not MAILS, reason="the corpus of mail is not beside the checkout")


def words(text: str) -> list[str]:
    return text.split()


def expected(mail: bytes) -> str | None:
    """The plain text of a mail in which Python finds no fault, and which has one such part only."""
    try:
        parsed = message_from_bytes(mail, EmailMessage, policy=default)
        parts = [part for part in parsed.walk() if not part.is_multipart()]
        plain = [p for p in parts if p.get_content_type() == "text/plain" and not p.is_attachment()]
        body = parsed.get_body(("plain",))
        if any(part.defects for part in parsed.walk()) or len(plain) != 1 or body is None:
            return None
        if _is_misnamed(body):
            return None
        return str(body.get_content())
    except (LookupError, ValueError, AttributeError, TypeError):
        return None


def _is_misnamed(part: MIMEPart) -> bool:
    """Bytes that the declared character set has not, or that everyone reads as windows-1252."""
    charset = part.get_content_charset("us-ascii")
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return True
    if charset == "iso-8859-1" and any(0x80 <= byte < 0xA0 for byte in raw):
        return True
    try:
        raw.decode(charset)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.relative_to(CORPUS).as_posix())
def test_each_has_a_body_that_is_safe(path: Path) -> None:
    mail = path.read_bytes()
    body = body_of(mail, 1000)

    assert faults_of(body.html().content) == []
    assert body.text() == body_of(mail).text()
    wanted = expected(mail)
    if wanted is not None and "format=flowed" not in mail.decode("latin-1").lower():
        assert words(body.text().content) == words(wanted)


def test_enough_of_them_are_compared() -> None:
    assert sum(expected(path.read_bytes()) is not None for path in MAILS) >= FEWEST_COMPARED
