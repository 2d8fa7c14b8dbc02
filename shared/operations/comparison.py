"""What the journal says of a mail against what the vault has of it: decisions over values (no I/O)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from shared.breaker import Breaker
from shared.journal_row import Row
from shared.sweep_plan import PASSED_OVER
from shared.vault.protocol import VaultObject

Difference = Literal[
    "never-filed",
    "not-journalled",
    "filed-twice",
    "document-deleted",
    "document-missing",
    "other-document",
    "open-too-long",
    "passed-over-late",
]
"""never-filed: neither journal nor vault know the mail; not-journalled: the vault has its document, and the
journal does not say filed; document-missing: the vault has none, not even a deleted one, or does not show it;
other-document: the vault's one is not the one that the journal names; filed-twice: more than one document
that is not deleted, under its own filing key or under two; open-too-long: nothing explains why it has not
ended; passed-over-late: skipped as older than what is to be filed, though it is not."""
Information = Literal["open", "failed", "skipped"]
Kind = Difference | Information
INFORMATION: frozenset[str] = frozenset({"open", "failed", "skipped"})
OPEN_FOR = timedelta(hours=1)
"""So long a mail may be under way while nothing stands still: longer is to be looked at."""


def is_compared(row: Row | None) -> bool:
    """Whether the vault has to be asked: nothing is to be there of mail that is under way, or was skipped."""
    return row is None or row.state in ("filed", "failed")


def living(found: Iterable[VaultObject]) -> list[VaultObject]:
    """The documents that are not deleted."""
    return [one for one in found if not one.deleted]


def compared(row: Row | None, found: Sequence[VaultObject], *, is_late: bool = False) -> list[Kind]:
    """What is to be told of a mail that the journal has as `row`, and the vault as `found`.

    `is_late` is what `is_open_too_long` says of it.
    """
    there = living(found)
    told: list[Kind] = ["filed-twice"] if len(there) > 1 else []
    if row is None:
        return [*told, "not-journalled" if found else "never-filed"]
    if row.state == "filed":
        return told or _of_filed(row, found, there)
    if row.state == "failed":
        return [*told, *_unjournalled(there), "failed"]
    if row.state == "skipped":
        return ["skipped"]
    return ["open-too-long" if is_late else "open"]


def is_open_too_long(row: Row, now: datetime, longest: timedelta, *, stands_still: bool) -> bool:
    """Whether a mail should have ended by now; `longest` is `give-up-after`.

    While what it needs stands still it waits, for which an hour is nothing; but not for ever.
    """
    if row.has_ended:
        return False
    age = now - row.open_since
    return age > longest or (age > OPEN_FOR and not stands_still)


def stands_still(breakers: Iterable[Breaker], now: datetime) -> bool:
    """Whether one is shut, or was probed, and so was shut, an hour ago or later: the backlog takes time."""
    return any(
        one.is_shut or (one.probed_at is not None and now - one.probed_at <= OPEN_FOR) for one in breakers
    )


def is_passed_over_late(row: Row, received: datetime | None, files_from: datetime | None) -> bool:
    """Whether a mail was passed over that is to be filed; without a time of either nothing can be said."""
    if row.state != "skipped" or row.rule != PASSED_OVER or received is None or files_from is None:
        return False
    return received >= files_from


def _unjournalled(there: Sequence[VaultObject]) -> list[Kind]:
    return ["not-journalled"] if there else []


def _of_filed(row: Row, found: Sequence[VaultObject], there: Sequence[VaultObject]) -> list[Kind]:
    if not found:
        return ["document-missing"]
    if not there:
        return ["document-deleted"]
    named = (row.object_type, row.object_id)
    return [] if named in {(one.type, one.id) for one in there} else ["other-document"]
