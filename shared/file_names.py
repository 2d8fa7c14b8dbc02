"""What a mail calls its files, made safe: titles and extensions for the vault."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from collections.abc import Sequence

LONGEST_TITLE = 80
"""Characters of a file's title: Windows clients of the vault keep paths below 260."""
LONGEST_EXTENSION = 16
_PATH = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_EXTENSION = re.compile(r"[A-Za-z0-9_-]{1,16}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)", re.IGNORECASE)
_TYPES = mimetypes.MimeTypes()
"""What Python itself knows of content types, not what the machine does: names are the same everywhere."""
_HARMFUL_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def vault_names(files: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Title and extension (without a dot) for each (name, content type), unlike one another in any case."""
    taken: set[str] = set()
    return [
        _unlike(taken, *_split(name, content_type), number)
        for number, (name, content_type) in enumerate(files, 1)
    ]


def _split(name: str, content_type: str) -> tuple[str, str]:
    plain = _plain(_PATH.split(name)[-1])
    title, dot, extension = plain.rpartition(".")
    if not dot or not title or not _EXTENSION.fullmatch(extension):
        title, extension = plain, _extension_of(content_type)
    return title.rstrip(". "), extension


def _plain(name: str) -> str:
    visible = "".join(c for c in name if unicodedata.category(c) not in _HARMFUL_CATEGORIES)
    return _FORBIDDEN.sub("_", " ".join(visible.split())).strip(". ")


def _extension_of(content_type: str) -> str:
    bare = content_type.partition(";")[0].strip().lower()
    guessed = _TYPES.guess_extension(bare) if bare != "application/octet-stream" else None
    return (guessed or ".bin").removeprefix(".")[:LONGEST_EXTENSION]


def _unlike(taken: set[str], title: str, extension: str, number: int) -> tuple[str, str]:
    title = title[:LONGEST_TITLE].rstrip(". ") or f"attachment {number}"
    if _RESERVED.match(title):
        title = f"_{title}"[:LONGEST_TITLE].rstrip(". ")
    candidate, count = title, 1
    while f"{candidate}.{extension}".casefold() in taken:
        count += 1
        mark = f" ({count})"
        candidate = title[: LONGEST_TITLE - len(mark)].rstrip(". ") + mark
    taken.add(f"{candidate}.{extension}".casefold())
    return candidate, extension
