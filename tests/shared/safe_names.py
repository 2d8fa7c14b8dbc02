"""What a safe file name is, said once more, and otherwise than the product says it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

LONGEST_TITLE, LONGEST_EXTENSION = 80, 16
RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
)
"""learn.microsoft.com/windows/win32/fileio/naming-a-file"""


def faults_of_names(names: Sequence[tuple[str, str]]) -> list[str]:
    """What is wrong with the titles and extensions of the files of one document."""
    found = [f"{name!r} {why}" for name in names for why in _faults(*name)]
    alike = len(names) - len({same(f"{title}.{extension}") for title, extension in names})
    return [*found, *([f"{alike} names are like others"] if alike else [])]


def same(name: str) -> str:
    """Names for which this is equal are the same to Windows, macOS or M-Files."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def units(text: str) -> int:
    """Its length as Windows counts it."""
    return len(text.encode("utf-16-le")) // 2


def _faults(title: str, extension: str) -> Iterator[str]:
    if not 0 < units(title) <= LONGEST_TITLE:
        yield "is empty or too long"
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{LONGEST_EXTENSION}}}", extension):
        yield "has no extension"
    if set(title) & set('<>:"/\\|?*'):
        yield "has characters that Windows forbids"
    if title != title.strip() or title.startswith(".") or title.endswith("."):
        yield "begins or ends with what Windows takes away"
    if title.split(".")[0].strip().casefold() in RESERVED:
        yield "is the name of a device"
    if any(
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for character in title
    ):
        yield "has characters that cannot be seen"
