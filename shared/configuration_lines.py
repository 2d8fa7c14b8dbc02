"""On which line of a TOML text each key and value stands: Python's own parser does not tell.

It reads text which that parser has taken, so that it only has to see where things begin and end (toml.io).
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

from shared.configuration_places import Path

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_TEXT = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?!")'
    r"|'''.*?'''(?!')"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_OTHER = re.compile(r"[^,\]}#\r\n]+")


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, of each table, key and item of a TOML `text`, by its place."""
    return _Finder(text).lines


class _Finder:
    """Goes through the text once. `_at` is how far it has come, `_table` where the keys are that come now."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._begins = [0, *(found.end() for found in re.finditer(r"\n", text))]
        self._at = 0
        self._table: Path = ()
        self._last: dict[Path, int] = {}
        self.lines: dict[Path, int] = {}
        self._skip_blank()
        while self._at < len(text):
            if text[self._at] == "[":
                self._header()
            else:
                self._pair(self._table)
            self._skip_blank()

    def _header(self) -> None:
        is_item = self._text.startswith("[[", self._at)
        start, self._at = self._at, self._at + (2 if is_item else 1)
        place: Path = ()
        *above, last = self._key()
        for part in above:
            place = self._item((*place, part), start)
        place = (*place, last)
        if is_item:
            self._note(place, start)
            self._last[place] = self._last.get(place, -1) + 1
        self._table = self._item(place, start)
        self._skip_blank()
        self._at += 2 if is_item else 1

    def _item(self, place: Path, start: int) -> Path:
        """A place as headers below mean it: of a list of tables, the last one."""
        self._note(place, start)
        if place in self._last:
            place = (*place, self._last[place])
            self._note(place, start)
        return place

    def _pair(self, table: Path) -> None:
        start, place = self._at, table
        for part in self._key():
            place = (*place, part)
            self._note(place, start)
        self._skip_blank()
        self._at += 1  # the equals sign
        self._value(place)

    def _key(self) -> list[str]:
        self._skip_blank()
        parts = []
        while True:
            parts.append(_plain(self._take(_KEY)))
            if not self._take(_DOT):
                return parts

    def _value(self, place: Path) -> None:
        self._skip_blank()
        opening = self._text[self._at]
        if opening == "[":
            self._list(place)
        elif opening == "{":
            self._inline_table(place)
        elif not self._take(_TEXT):
            self._take(_OTHER)

    def _list(self, place: Path) -> None:
        self._at += 1
        index = 0
        while not self._closes("]"):
            self._note((*place, index), self._at)
            self._value((*place, index))
            index += 1

    def _inline_table(self, place: Path) -> None:
        self._at += 1
        while not self._closes("}"):
            self._pair(place)

    def _closes(self, bracket: str) -> bool:
        """Go to what comes next; of the bracket, past it."""
        self._skip_blank()
        if self._text[self._at] == ",":
            self._at += 1
            self._skip_blank()
        if self._text[self._at] != bracket:
            return False
        self._at += 1
        return True

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _skip_blank(self) -> None:
        self._take(_BLANK)

    def _note(self, place: Path, start: int) -> None:
        self.lines.setdefault(place, bisect_right(self._begins, start))


def _plain(key: str) -> str:
    """A key without its quotation marks and escapes."""
    return next(iter(tomllib.loads(f"{key}=0"))) if key[0] in "\"'" else key
