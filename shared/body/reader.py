"""The body of a mail from the bytes of its MIME, in memory that does not grow with the mail."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import unquote

from shared.body.charsets import decoded
from shared.body.document import document, narrow, preformatted
from shared.body.flowed import unflowed
from shared.body.html_balance import MOST_CHARACTERS
from shared.body.html_clean import cleaned
from shared.body.html_text import readable
from shared.body.pictures import Pictures
from shared.body.scanner import MIB, Limits, Part, Scanned, Scanner
from shared.body.selection import HTML, body_parts, pictures
from shared.body.transfer_encoding import undone

CUT = "the body is longer than what is kept of it as text or HTML: it was cut"
PICTURES_LEFT_OUT = "pictures within the text are missing from the mail, of an unknown kind, or too large"
_CID = re.compile(r"""cid:([^"'<>()\s]{1,1000})""", re.IGNORECASE)
MOST_HELD = 64 * MIB
"""Bytes of memory for what is kept of a mail (`Limits`) and what is made of it. The costliest mails that were
made for that took 50 MB."""
_HELD_FOR_A_BYTE, _HELD_ANYHOW = 96, 2 * MIB
REMOTE_LEFT_OUT = "pictures from elsewhere were left out"


def held_by_rendering(size: int) -> int:
    """The most bytes of memory that it takes to read and render the body of a mail of `size` bytes."""
    return min(MOST_HELD, _HELD_ANYHOW + _HELD_FOR_A_BYTE * size)


@dataclass(frozen=True)
class Rendered:
    """What a file is made of, to be written in UTF-8; the warnings hold nothing out of the mail."""

    content: str
    warnings: tuple[str, ...] = ()


class BodyReader:
    """Takes the MIME of a mail in pieces of any size, then gives its body; neither ever raises."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._scanner = Scanner(limits)

    def feed(self, piece: bytes) -> None:
        """The next bytes of the mail."""
        self._scanner.feed(piece)

    def finish(self) -> Body:
        """The mail has ended."""
        return Body(self._scanner.finish())


class Body:
    """The body of one mail. Making it takes up to seconds of a processor: not for an event loop."""

    def __init__(self, scanned: Scanned) -> None:
        self._scanned = scanned

    @property
    def is_there(self) -> bool:
        """Whether the mail has any text: one that is encrypted, or signed opaquely, shows none."""
        return any(part.content.strip() for part in body_parts(self._scanned.root, as_html=True))

    def shown_pictures(self) -> frozenset[str]:
        """The SHA-256, in hex, of the pictures that the HTML shows within the text (RFC 2392)."""
        html = [part for part in body_parts(self._scanned.root, as_html=True) if part.kind == HTML]
        there = {part.content_id for part in pictures(self._scanned.root)}
        names = (unquote(found[1]) for part in html for found in _CID.finditer(_text(part)))
        named = there.intersection(names)
        shown = (part for part in pictures(self._scanned.root) if part.content_id in named)
        return frozenset(
            hashlib.sha256(undone(bytes(part.content), part.encoding)).hexdigest() for part in shown
        )

    def text(self) -> Rendered:
        """The plain text, or that of the HTML where there is none other; empty where there is no body."""
        is_cut = self._scanned.is_cut
        texts = []
        for part in body_parts(self._scanned.root, as_html=False):
            text, shortened = readable(_text(part)) if part.kind == HTML else (_text(part), False)
            texts.append(text)
            is_cut |= shortened
        content = "\n".join(texts)
        return Rendered(content, (CUT,)) if is_cut else Rendered(content)

    def html(self) -> Rendered:
        """A document that stands alone: the header, the HTML, or the text where there is none, and pictures
        within it. It loads nothing and runs nothing.
        """
        found = Pictures(pictures(self._scanned.root))
        is_cut = self._scanned.is_cut
        fragments: list[str] = []
        left = MOST_CHARACTERS
        for part in body_parts(self._scanned.root, as_html=True):
            fragment, shortened = (
                cleaned(_text(part), found, left) if part.kind == HTML else preformatted(_text(part), left)
            )
            fragments.append(narrow(fragment))
            left = max(0, left - len(fragment))
            is_cut |= shortened
        told = ((CUT, is_cut), (PICTURES_LEFT_OUT, found.missing), (REMOTE_LEFT_OUT, found.remote))
        warnings = tuple(warning for warning, holds in told if holds)
        filled = map(found.filled, fragments)
        return Rendered(document(self._scanned.headers, filled, warnings), warnings)


def _text(part: Part) -> str:
    parameters = part.parameters
    content = undone(bytes(part.content), part.encoding)
    text = decoded(content, parameters.get("charset", ""), html=part.kind == HTML)
    if part.kind == "text/plain" and parameters.get("format", "").lower() == "flowed":
        return unflowed(text, delete_space=parameters.get("delsp", "").lower() == "yes")
    return text
