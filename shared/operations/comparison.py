"""What the journal says of a mail against what the vault has of it: decisions over values (no I/O)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from shared.journal_row import Row
from shared.vault.protocol import VaultObject

Difference = Literal[
    "never-filed",
    "not-journalled",
    "filed-twice",
    "document-deleted",
    "document-missing",
    "other-document",
]
"""never-filed: neither journal nor vault know the mail; not-journalled: the vault has its document, and the
journal does not say filed; document-missing: the vault has none, not even a deleted one, or does not show it;
other-document: the vault's one is not the one that the journal names."""
Information = Literal["open", "failed", "skipped"]
Kind = Difference | Information
INFORMATION: frozenset[str] = frozenset({"open", "failed", "skipped"})


def is_compared(row: Row | None) -> bool:
    """Whether the vault has to be asked: nothing is to be there of mail that is under way, or was skipped."""
    return row is None or row.state in ("filed", "failed")


def compared(row: Row | None, found: Sequence[VaultObject]) -> list[Kind]:
    """What is to be told of a mail that the journal has as `row`, and the vault as `found`."""
    living = [one for one in found if not one.deleted]
    told: list[Kind] = ["filed-twice"] if len(living) > 1 else []
    if row is None:
        return [*told, "not-journalled" if found else "never-filed"]
    if row.state == "filed":
        return told or _of_filed(row, found, living)
    if row.state == "failed":
        return [*told, *_unjournalled(living), "failed"]
    return ["skipped" if row.state == "skipped" else "open"]


def _unjournalled(living: Sequence[VaultObject]) -> list[Kind]:
    return ["not-journalled"] if living else []


def _of_filed(row: Row, found: Sequence[VaultObject], living: Sequence[VaultObject]) -> list[Kind]:
    if not found:
        return ["document-missing"]
    if not living:
        return ["document-deleted"]
    named = (row.object_type, row.object_id)
    return [] if named in {(one.type, one.id) for one in living} else ["other-document"]
