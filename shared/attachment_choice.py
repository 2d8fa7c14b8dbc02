"""Which attachments of a mail are filed beside its message."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from shared.configuration import Attachments, size
from shared.manifest import StagedFile

SMALL_PICTURE = 5 * 1024
"""Bytes of an inline picture that is passed over although the text does not show it: a logo, a spacer."""


def passed_over(file: StagedFile, name: str, settings: Attachments, shown: frozenset[str]) -> str:
    """Why an attachment is not filed; empty where it is.

    `name` is what the vault would call it, with its extension; `shown` has the SHA-256 of the pictures that
    the text of the mail shows.
    """
    if settings.inline == "skip" and is_picture(file) and _belongs_to_text(file, shown):
        return "a picture within the text"
    if _is_among(settings.deny, file, name):
        return "its name or type is denied"
    if settings.allow and not _is_among(settings.allow, file, name):
        return "its name or type is not among those allowed"
    if settings.largest is not None and file.size > size(settings.largest):
        return f"it is larger than {settings.largest}"
    return ""


def is_picture(file: StagedFile) -> bool:
    """Whether the mail says that it is one: never what is no picture is taken for one within the text."""
    return file.type.strip().lower().startswith("image/")


def _belongs_to_text(file: StagedFile, shown: frozenset[str]) -> bool:
    return file.sha256 in shown or (file.inline and file.size < SMALL_PICTURE)


def _is_among(patterns: Sequence[str], file: StagedFile, name: str) -> bool:
    """Names and types in any case. What the mail calls it counts as well as what the vault would."""
    kind = file.type.partition(";")[0].strip().casefold()
    names = (name.casefold(), file.name.strip().rstrip(".").casefold())
    return any(
        fnmatchcase(kind, pattern.casefold())
        if "/" in pattern
        else any(fnmatchcase(one, pattern.casefold()) for one in names)
        for pattern in patterns
    )
