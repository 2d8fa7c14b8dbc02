"""The message as a file of text or HTML, which is made of its MIME and staged beside it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

from shared.mail_content import Content, Format
from shared.plan import RENDERED

EXTENSIONS: dict[Format, Literal["txt", "html"]] = {"text": "txt", "html": "html"}
_BOM = b"\xef\xbb\xbf"
"""Before plain text, which does not say its character set otherwise; M-Files' viewers go by it."""


def rendered_path(kind: Format) -> str:
    """Where the file stands, below the run's folder."""
    return f"{RENDERED}message.{EXTENSIONS[kind]}"


async def rendered_bytes(content: Content, path: str) -> bytes:
    """The file with that path; no bytes where the mail shows no text. Raises Missing, Unavailable."""
    kind: Format = "text" if path == rendered_path("text") else "html"
    made = await content.rendered(kind)
    if made is None:
        return b""
    # A surrogate on its own has no place in UTF-8.
    body = made.content.encode("utf-8", errors="replace")
    return _BOM + body if kind == "text" else body


async def one_piece(content: bytes) -> AsyncGenerator[bytes, None]:
    """`content` as a stream."""
    yield content
