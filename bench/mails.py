"""The mails that benches file: each with attachments of given sizes, and bytes that no other has."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from pathlib import Path

_LINE = 57
"""Bytes of a line of base64, which has 76 characters (RFC 2045, 6.8)."""
_BLOCK = _LINE * 18_000


def letter(size: int) -> bytes:
    """A mail of about `size` bytes without attachments."""
    head = b"From: Ada <ada@example.com>\r\nTo: invoices@example.com\r\nSubject: A letter\r\n"
    own = f"Message-ID: <{secrets.token_hex(16)}@example.com>\r\n\r\n".encode()
    line = b"The plans are on their way, and will be with you before the week is over.\r\n"
    return head + own + line * max(1, (size - len(head) - len(own)) // len(line))


def with_attachments(file: Path, sizes: Sequence[int]) -> Path:
    """Write a mail with an attachment of about each of these sizes, in bytes of the mail."""
    boundary = f"b{secrets.token_hex(8)}"
    with file.open("wb") as out:
        out.write(
            b"From: Ada <ada@example.com>\r\nTo: invoices@example.com\r\nSubject: With plans\r\n"
            + f"Message-ID: <{secrets.token_hex(16)}@example.com>\r\nMIME-Version: 1.0\r\n".encode()
            + f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
            + f"--{boundary}\r\nContent-Type: text/plain\r\n\r\nSee the plans.\r\n".encode()
        )
        for number, size in enumerate(sizes, 1):
            out.write(
                f"--{boundary}\r\nContent-Type: application/pdf\r\n"
                "Content-Transfer-Encoding: base64\r\n"
                f"Content-Disposition: attachment; filename=plan-{number}.pdf\r\n\r\n".encode()
            )
            end = out.tell() + size
            while (left := end - out.tell()) > 0:
                content = secrets.token_bytes(min(_BLOCK, max(_LINE, left * _LINE // 78)))
                out.write(base64.encodebytes(content).replace(b"\n", b"\r\n"))
            out.write(b"\r\n")
        out.write(f"--{boundary}--\r\n".encode())
    return file
