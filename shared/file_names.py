"""What a mail calls its files, made safe: titles and extensions for the vault."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from shared.file_extensions import LONGEST, UNKNOWN, extension_of

LONGEST_TITLE = 80
"""UTF-16 code units of a file's title, which Windows counts: clients of the vault keep paths below 260."""
LONGEST_EXTENSION = LONGEST
_PATH = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_EXTENSION = re.compile(r"[A-Za-z0-9_-]{1,16}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)", re.IGNORECASE)
"""learn.microsoft.com/windows/win32/fileio/naming-a-file"""
_HARMFUL_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that nobody sees (Unicode, Default_Ignorable_Code_Point; the empty Braille pattern)."""
_LAST_OF_ONE_UNIT = "\uffff"


@dataclass(frozen=True)
class Called:
    """What a mail calls a file, and its content type.

    With an `extension` of ours the name is no file name but a text, as a subject is: it has no path and no
    extension of its own.
    """

    name: str
    content_type: str = ""
    extension: str = ""


def vault_names(files: Sequence[Called]) -> list[tuple[str, str]]:
    """Title and extension (without a dot) for each file, unlike one another in any case.

    Each depends on those before it alone.
    """
    given = _Given()
    return [given.unlike(*_split(file), number) for number, file in enumerate(files, 1)]


def _split(file: Called) -> tuple[str, str]:
    if file.extension:
        title = _plain(_PATH.sub("_", file.name))
        if title.casefold().endswith(f".{file.extension}".casefold()):
            title = title[: -len(file.extension) - 1]
        return title.rstrip(". "), file.extension
    plain = _plain(_PATH.split(file.name)[-1])
    title, dot, extension = plain.rpartition(".")
    typical = extension_of(file.content_type)
    # "Invoice 4711.2" of a PDF ends in a number, not in an extension; "disk.001" of no known type does not.
    is_number = extension.isdecimal() and typical != UNKNOWN
    if not dot or not title or is_number or not _EXTENSION.fullmatch(extension):
        title, extension = plain, typical
    return title.rstrip(". "), extension


def _plain(name: str) -> str:
    visible = "".join(
        c for c in name if unicodedata.category(c) not in _HARMFUL_CATEGORIES and c not in _BLANK
    )
    # Composed, so that two that look alike are alike.
    composed = unicodedata.normalize("NFC", visible)
    return _FORBIDDEN.sub("_", " ".join(composed.split())).strip(". ")


class _Given:
    """The names that were given. A thousand alike take no longer than others: no number is tried twice."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._next: dict[tuple[str, int], int] = {}

    def unlike(self, title: str, extension: str, number: int) -> tuple[str, str]:
        """A name like that for the file with that number."""
        title = _cut(title, LONGEST_TITLE) or f"attachment {number}"
        if _RESERVED.match(title):
            title = _cut(f"_{title}", LONGEST_TITLE)
        if self._has(title, extension):
            title = next(filter(None, (self._marked(title, extension, digits) for digits in count(1))))
        self._names.add(_folded(f"{title}.{extension}"))
        return title, extension

    def _marked(self, title: str, extension: str, digits: int) -> str:
        """The title with the least number of so many digits that makes it another; empty if none does."""
        start = _cut(title, LONGEST_TITLE - len(" ()") - digits)
        alike = _folded(f"{start}.{extension}"), digits
        mark = self._next.get(alike, max(2, 10 ** (digits - 1)))
        while mark < 10**digits and self._has(f"{start} ({mark})", extension):
            mark += 1
        self._next[alike] = mark
        return f"{start} ({mark})" if mark < 10**digits else ""

    def _has(self, title: str, extension: str) -> bool:
        return _folded(f"{title}.{extension}") in self._names


def _cut(title: str, units: int) -> str:
    """So many UTF-16 code units of it, no character in halves."""
    for at, character in enumerate(title):
        units -= 1 if character <= _LAST_OF_ONE_UNIT else 2
        if units < 0:
            return title[:at].rstrip(". ")
    return title


def _folded(name: str) -> str:
    """The same for names that are the same in any case and form (Unicode, 3.13, D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
