"""Mail of our own making: every kind that is hostile, odd or no letter at all, made by code."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from . import attachments, bodies, charsets, headers, names, not_letters, sealed, structure
from .mime import Case

__all__ = ["Case", "charsets", "every_mail"]


def every_mail() -> Iterator[Case]:
    """One after the other, always the same."""
    kinds = (names, attachments, structure, sealed, not_letters, headers, bodies, charsets)
    yield from chain.from_iterable(kind.cases() for kind in kinds)
