"""Text of real mail: headers and bodies that are damaged, mislabelled or not encoded at all.

Whatever the bytes are, the result is a string without lone surrogates, since answers are JSON in UTF-8.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from email.errors import HeaderParseError
from email.header import decode_header
from html.parser import HTMLParser
from typing import TypeVar

Result = TypeVar("Result")
Otherwise = TypeVar("Otherwise")

PREVIEW_LENGTH = 255
SEARCHED_LENGTH = 64 * 1024
UNSEEN = frozenset({"head", "script", "style", "title"})


def guarded(read: Callable[[], Result], otherwise: Otherwise) -> Result | Otherwise:
    """What `read` gives, or `otherwise` when the mail is too damaged for it.

    The standard library raises nearly anything on damaged mail (ValueError, LookupError, AssertionError,
    AttributeError, TypeError, binascii.Error ...), and Exchange delivers such mail all the same.
    """
    try:
        return read()
    except Exception:  # noqa: BLE001 - any exception of the parser means the same: this part is damaged
        return otherwise


def decode_bytes(raw: bytes, charset: str | None) -> str:
    """`raw` in its declared character set, else in UTF-8, else in Windows-1252."""
    for candidate in (charset, "utf-8"):
        try:
            return without_surrogates(raw.decode(candidate or "utf-8"))
        except (LookupError, ValueError):
            continue
    return raw.decode("cp1252", "replace")


def without_surrogates(text: str) -> str:
    """`text` with what UTF-8 cannot carry replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def header_text(value: str) -> str:
    """A header's value unfolded and decoded (RFC 2047)."""
    unfolded = bare_text(re.sub(r"\r?\n[ \t]?", " ", value))
    try:
        pieces = decode_header(unfolded)
    except (HeaderParseError, binascii.Error, ValueError):
        return unfolded.strip()
    # What stands between encoded words comes back escaped, but only where it was not ASCII.
    plain = "ascii" if unfolded.isascii() else "raw-unicode-escape"
    return "".join(_piece(content, charset, plain) for content, charset in pieces).strip()


def bare_text(value: str) -> str:
    """A header's value as it stands, its bytes that are not ASCII read as UTF-8, else as Windows-1252."""
    if value.isascii():
        return value
    return decode_bytes(value.encode("utf-8", "surrogateescape"), None)


def _piece(content: bytes | str, charset: str | None, plain: str) -> str:
    if isinstance(content, str):
        return without_surrogates(content)
    if charset is None:
        return without_surrogates(content.decode(plain, "replace"))
    return decode_bytes(content, charset)


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in UNSEEN

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN and self._hidden:
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _read(parser: _Visible, content: str) -> None:
    parser.feed(content)
    parser.close()


def preview(content: str, html: bool) -> str:
    """The first 255 characters of what a reader sees."""
    if not html:
        return content.strip()[:PREVIEW_LENGTH]
    parser = _Visible()
    guarded(lambda: _read(parser, content[:SEARCHED_LENGTH]), None)
    return re.sub(r"\s+", " ", "".join(parser.pieces)).strip()[:PREVIEW_LENGTH]
