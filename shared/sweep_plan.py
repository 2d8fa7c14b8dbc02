"""What a sweep does with each entry of a delta page: decisions over values (design, promise 2; no I/O)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, auto
from typing import Literal

from shared.graph.answers import Entry
from shared.journal_row import Row
from shared.mail_kinds import DRAFT

Round = Literal["first", "next", "again"]
"""first: drains a folder that was never swept; next: what has come since; again: all of it, as the token was
lost, or as the folder is a new one below a folder that was swept before."""
PASSED_OVER = "passed-over"
"""The rule that has skipped a mail which was there before anything was to be filed."""
ANNOUNCED_WITHIN = timedelta(minutes=15)
"""Mail older than that which no notification has announced says something about the push."""
MOST_COMPARED = 50
"""So much old mail that nobody knows is filed; more of it is a mailbox that was migrated or restored."""


class Verdict(Enum):
    """What becomes of an entry."""

    LEAVE = auto()
    """It is known, or no mail that came."""
    PASS_OVER = auto()
    """It was there before anything was to be filed: skipped, unless the journal knows it."""
    FILE = auto()
    """It is opened, and queued."""
    REOPEN = auto()
    """It was passed over, and has been moved in since; or it was a draft, and is none any more."""
    COMPARE = auto()
    """It is unknown, and old, or found in a round that has begun anew: was it filed under another id?"""


@dataclass(frozen=True)
class Bounds:
    """From when on a folder's mail is filed, and when its last good sweep began."""

    files_from: datetime
    last_good: datetime | None = None


def files_from(since: date | datetime | None, first_start: datetime) -> datetime:
    """From when on mail is filed: `since`, a day as UTC counts it, or the first start.

    Graph tells times of receipt in whole seconds: what came in the second of the start is filed.
    """
    if isinstance(since, datetime):
        return since if since.tzinfo else since.replace(tzinfo=UTC)
    if since is not None:
        return datetime.combine(since, time.min, UTC)
    return first_start.replace(microsecond=0)


def is_passed_over(entry: Entry, round_: Round, bounds: Bounds) -> bool:
    """Whether an entry is skipped unless the journal knows it; in a next round it has been moved in."""
    return not entry.removed and round_ != "next" and _is_before(entry, bounds.files_from)


def verdict(entry: Entry, row: Row | None, round_: Round, bounds: Bounds) -> Verdict:
    """What becomes of an entry whose mail the journal has as `row`."""
    if entry.removed:
        return Verdict.LEAVE
    if row is not None:
        begins_anew = was_sent(entry, row) or (round_ == "next" and was_moved_in(entry, row))
        return Verdict.REOPEN if begins_anew else Verdict.LEAVE
    if is_passed_over(entry, round_, bounds):
        return Verdict.PASS_OVER
    # What is old, and new here, was moved in or restored.
    return Verdict.COMPARE if round_ == "again" or is_old(entry, bounds) else Verdict.FILE


def is_old(entry: Entry, bounds: Bounds) -> bool:
    """Whether a mail is older than the last good sweep: that one should have made it known."""
    return bounds.last_good is not None and _is_before(entry, bounds.last_good)


def was_moved_in(entry: Entry, row: Row) -> bool:
    """Whether a mail that was passed over has been moved into the folder since.

    That a move sets `lastModifiedDateTime` is unverified; a notification of the move reopens the mail, too.
    """
    if row.rule != PASSED_OVER or row.ended is None or entry.last_modified is None:
        return False
    return entry.last_modified > row.ended


def was_sent(entry: Entry, row: Row) -> bool:
    """Whether a mail that was skipped as a draft is none any more.

    Where Graph does not say, it is looked at once too often rather than lost.
    """
    return row.rule == DRAFT and row.ended is not None and not entry.is_draft


def is_unannounced(entry: Entry, now: datetime) -> bool:
    """Whether a mail that the journal does not know should have been announced by now."""
    return entry.received is not None and now - entry.received > ANNOUNCED_WITHIN


def _is_before(entry: Entry, time: datetime) -> bool:
    # Mail without a readable time is filed: better once too often looked at than lost.
    return entry.received is not None and entry.received < time
