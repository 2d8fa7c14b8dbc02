"""Mail put together from bytes: Python's own package would mend what is to be broken."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from sandbox.tenant.graph.manner import RECEIVED, Manner

MIXED, RELATED, ALTERNATIVE = "mixed", "related", "alternative"
TEXT = "text/plain; charset=utf-8"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0>>endobj\n%%EOF\n"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_LINE = 76


@dataclass(frozen=True)
class Case:
    """One mail, and in what manner it comes; `copies` of it do, each a message of its own."""

    name: str
    mime: bytes = field(repr=False)
    manner: Manner = RECEIVED
    copies: int = 1


def lines(*of: str | bytes) -> bytes:
    """Lines with their ends."""
    return b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in of)


def head(subject: str | bytes = "Hello", *more: str | bytes) -> bytes:
    """The header fields of a mail, without those of its content; the same subject has the same Message-ID."""
    raw = subject.encode() if isinstance(subject, str) else subject
    return lines(
        "From: Ada Lovelace <ada@contoso.com>",
        "To: Invoices <invoices@example.com>",
        b"Subject: " + raw,
        "Date: Tue, 24 Nov 2026 10:15:00 +0100",
        f"Message-ID: <{hashlib.sha256(raw).hexdigest()[:24]}@contoso.com>",
        "MIME-Version: 1.0",
        *more,
    )


def entity(kind: str | bytes, content: bytes | str, *more: str | bytes) -> bytes:
    """A part of that content type, its content as it stands."""
    raw = content.encode() if isinstance(content, str) else content
    of_kind = kind.encode() if isinstance(kind, str) else kind
    return lines(b"Content-Type: " + of_kind, *more) + b"\r\n" + raw


def text(content: str = "Hello\r\n", kind: str = TEXT) -> bytes:
    """A part that is text."""
    return entity(kind, content, "Content-Transfer-Encoding: 8bit")


def base64_lines(content: bytes) -> bytes:
    """In base64, as mail has it."""
    encoded = base64.b64encode(content)
    return b"".join(encoded[at : at + _LINE] + b"\r\n" for at in range(0, len(encoded), _LINE))


def encoded(kind: str | bytes, content: bytes, *more: str | bytes) -> bytes:
    """A part in base64."""
    return entity(kind, base64_lines(content), "Content-Transfer-Encoding: base64", *more)


def attached(
    name: str | None, content: bytes = PDF, kind: str = "application/pdf", *more: str | bytes
) -> bytes:
    """An attached file; a name is said as RFC 2231 has it, so that it can be of any characters."""
    called = "" if name is None else f"; filename*=utf-8''{quote(name, safe='')}"
    return encoded(kind, content, f"Content-Disposition: attachment{called}", *more)


def inline(content_id: str, content: bytes = PNG, kind: str = "image/png", *more: str | bytes) -> bytes:
    """A picture within the text."""
    return encoded(kind, content, f"Content-ID: <{content_id}>", "Content-Disposition: inline", *more)


def within(mail: bytes, *more: str | bytes) -> bytes:
    """A mail as a part of another one."""
    return entity("message/rfc822", mail, *more)


def multipart(kind: str, parts: Sequence[bytes], boundary: str = "==between==") -> bytes:
    """Parts as one; `kind` may have parameters."""
    delimiter = f"--{boundary}\r\n".encode()
    content = b"".join(delimiter + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    return entity(f'multipart/{kind}; boundary="{boundary}"', content)


def letter(subject: str | bytes, *files: bytes, body: bytes | None = None) -> bytes:
    """A mail with files attached."""
    return head(subject) + multipart(MIXED, [text() if body is None else body, *files])
