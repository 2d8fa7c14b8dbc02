"""Pictures of a mail as addresses that hold their own content."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable
from urllib.parse import unquote

from shared.body.scanner import MIB, Part
from shared.body.transfer_encoding import undone

MOST_EMBEDDED = 6 * MIB
"""Characters of pictures in one document: a mail may refer to one of its pictures a thousand times."""
_KINDS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"BM"), "image/bmp"),
)
"""By their first bytes, since what a mail says of them may be wrong. SVG is more than a picture: left out."""
_OWN = re.compile(r"data:image/(?:png|jpeg|gif|webp|bmp);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)


class Pictures:
    """Finds the picture that HTML refers to, and counts those that are not there."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._by_name: dict[str, Part] = {}
        for part in parts:
            for name in (f"cid:{part.content_id}" if part.content_id else "", part.location):
                if name:
                    self._by_name.setdefault(name, part)
        self._embedded: dict[str, str] = {}
        self._used: list[str] = []
        self._stand_in = re.compile(rf"cid:{secrets.token_hex(8)}-([0-9]+)")
        self._left = MOST_EMBEDDED
        self.missing = 0
        self.remote = 0

    def address(self, source: str) -> str | None:
        """A stand-in for what the `src` of a picture names: a part by its Content-ID (RFC 2392), or by its
        Content-Location (RFC 2557, 8); None for what is not within the mail, or too much.

        Pictures themselves come into the text at last: with one emoji, each of its characters takes 4 bytes.
        """
        name = source.strip()
        if name[:4].lower() == "cid:":
            name = f"cid:{unquote(name[4:])}"
        found = self._content(name) or (name if _OWN.fullmatch(name) else "")
        if found and len(found) <= self._left:
            self._left -= len(found)
            self._used.append(found)
            return self._stand_in.pattern.replace("([0-9]+)", str(len(self._used) - 1))
        if name.startswith("cid:") or found:
            self.missing += 1
        elif not name.lower().startswith("data:"):
            self.remote += 1
        return None

    def filled(self, fragment: str) -> list[str]:
        """The pieces of `fragment`, with a `data:` address in place of each stand-in."""
        pieces = self._stand_in.split(fragment)
        pieces[1::2] = [self._used[int(number)] for number in pieces[1::2]]
        return pieces

    def _content(self, name: str) -> str:
        """Made once, however often it is referred to."""
        if name in self._by_name and name not in self._embedded:
            self._embedded[name] = _embedded(self._by_name[name])
        return self._embedded.get(name, "")


def _embedded(part: Part) -> str:
    content = undone(bytes(part.content), part.encoding)
    kind = next((kind for start, kind in _KINDS if start.match(content)), "")
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}" if kind else ""
