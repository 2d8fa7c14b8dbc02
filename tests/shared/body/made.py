"""Mail for the tests of the body."""

from __future__ import annotations

from shared.body.reader import Body, BodyReader
from shared.body.scanner import Limits

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A picture of one pixel."""


def body_of(mail: bytes, piece: int = 1 << 16, limits: Limits | None = None) -> Body:
    """The body of `mail`, which comes in pieces of that many bytes."""
    reader = BodyReader(limits)
    for start in range(0, len(mail), piece):
        reader.feed(mail[start : start + piece])
    return reader.finish()


def text_of(mail: bytes) -> str:
    """The body as text."""
    return body_of(mail).text().content


def html_of(mail: bytes) -> str:
    """The body as a document."""
    return body_of(mail).html().content


def part(kind: str, content: str, *headers: str) -> bytes:
    """A part or a whole mail of that type."""
    return "\r\n".join([f"Content-Type: {kind}", *headers, "", content]).encode()


def multipart(kind: str, *parts: bytes, boundary: str = "b") -> bytes:
    """Parts within a multipart of that type, which may have parameters."""
    between = b"\r\n--" + boundary.encode() + b"\r\n"
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\npreamble'.encode()
    return between.join([head, *parts]) + b"\r\n--" + boundary.encode() + b"--\r\nepilogue\r\n"
