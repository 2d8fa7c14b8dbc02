"""What a mail calls its files, made safe: titles and extensions for the vault."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_TITLE = 80
"""Characters of a file's title: Windows clients of the vault keep paths below 260."""
LONGEST_EXTENSION = 16
_PATH = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_EXTENSION = re.compile(r"[A-Za-z0-9_-]{1,16}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)", re.IGNORECASE)
_TYPES = mimetypes.MimeTypes()
"""What Python itself knows of content types, not what the machine does: names are the same everywhere."""
_OFFICE = "application/vnd.openxmlformats-officedocument"
_EXTENSIONS = {
    f"{_OFFICE}.wordprocessingml.document": "docx",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    f"{_OFFICE}.presentationml.presentation": "pptx",
    "application/gzip": "gz",
    "application/ms-tnef": "dat",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/rtf": "rtf",
    "application/vnd.ms-outlook": "msg",
    "application/x-pdf": "pdf",
    "application/x-pkcs7-mime": "p7m",
    "application/x-pkcs7-signature": "p7s",
    "application/x-zip-compressed": "zip",
    "application/xml": "xml",
    "image/heic": "heic",
    "image/jpg": "jpg",
    "image/webp": "webp",
    "message/global": "eml",
    "message/rfc822": "eml",
    "text/calendar": "ics",
    "text/markdown": "md",
    "text/rtf": "rtf",
    "text/vcard": "vcf",
}
"""What Python does not know, or knows otherwise from one release to the next."""
_HARMFUL_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


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
    taken: set[str] = set()
    return [_unlike(taken, *_split(file), number) for number, file in enumerate(files, 1)]


def _split(file: Called) -> tuple[str, str]:
    if file.extension:
        title = _plain(_PATH.sub("_", file.name))
        if title.casefold().endswith(f".{file.extension}".casefold()):
            title = title[: -len(file.extension) - 1]
        return title.rstrip(". "), file.extension
    plain = _plain(_PATH.split(file.name)[-1])
    title, dot, extension = plain.rpartition(".")
    typical = _extension_of(file.content_type)
    # "Invoice 4711.2" of a PDF ends in a number, not in an extension; "disk.001" of no known type does not.
    is_number = extension.isdecimal() and typical != "bin"
    if not dot or not title or is_number or not _EXTENSION.fullmatch(extension):
        title, extension = plain, typical
    return title.rstrip(". "), extension


def _plain(name: str) -> str:
    visible = "".join(c for c in name if unicodedata.category(c) not in _HARMFUL_CATEGORIES)
    # Composed, so that two that look alike are alike.
    composed = unicodedata.normalize("NFC", visible)
    return _FORBIDDEN.sub("_", " ".join(composed.split())).strip(". ")


def _extension_of(content_type: str) -> str:
    bare = content_type.partition(";")[0].strip().lower()
    guessed = _TYPES.guess_extension(bare) if bare != "application/octet-stream" else None
    return _EXTENSIONS.get(bare) or (guessed or ".bin").removeprefix(".")[:LONGEST_EXTENSION]


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
