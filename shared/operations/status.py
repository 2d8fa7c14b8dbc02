"""How things stand: read from the journal, row by row, from the open mails, the breakers and the folders."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.breaker import Breaker
from shared.breaker_table import Breakers
from shared.clock import Clock
from shared.folder_register import FolderRegister, SweptFolder
from shared.journal import Journal
from shared.journal_row import STATES, Row
from shared.unfinished import Unfinished

SHOWN = 50
"""So many of the failed, and so many reasons to wait, are shown without `--all`."""
_COLUMNS = ("ended", "due", "reason", "remedy")


@dataclass(frozen=True)
class Records:
    """Where it is read."""

    journal: Journal
    unfinished: Unfinished
    folders: FolderRegister
    breakers: Breakers


@dataclass(frozen=True)
class OpenMail:
    """A mail that has not ended, and its age in seconds."""

    source: str
    key: str
    state: str
    arrived: datetime
    seconds: int


@dataclass(frozen=True)
class Waiting:
    """Mails of one source that wait in one state for one reason; `due` is when the first one goes on."""

    source: str
    state: str
    reason: str
    remedy: str
    mails: int
    due: datetime | None


@dataclass(frozen=True)
class Shut:
    """A service or source that stands still: open, held or paused."""

    kind: str
    name: str
    scope: str
    state: str
    since: datetime | None
    reason: str
    remedy: str


@dataclass(frozen=True)
class FailedMail:
    """A mail that ended unfiled."""

    source: str
    key: str
    at: datetime
    reason: str
    remedy: str


@dataclass(frozen=True)
class Status:
    """All of it. Of `waiting` and `failed` the first ones; `reasons_to_wait` and `counts` count all.

    `folders` are those that are swept; `unannounced` is how much mail of each source came without a
    notification: it says how well the push works.
    """

    well: bool
    at: datetime
    counts: dict[str, dict[str, int]]
    oldest: OpenMail | None
    waiting: tuple[Waiting, ...]
    reasons_to_wait: int
    shut: tuple[Shut, ...]
    failed: tuple[FailedMail, ...]
    folders: tuple[SweptFolder, ...] = ()

    @property
    def unannounced(self) -> dict[str, int]:
        """By source, since its first sweep."""
        totals: Counter[str] = Counter()
        for folder in self.folders:
            totals[folder.source] += folder.unannounced
        return dict(totals)

    @property
    def failures(self) -> int:
        """How many mails have failed."""
        return sum(states["failed"] for states in self.counts.values())


async def read_status(
    records: Records,
    clock: Clock,
    sources: Iterable[str],
    source: str | None,
    limit: int | None = SHOWN,
) -> Status:
    """How one `source` stands, or the configured `sources` and whatever else is journalled.

    Of failed mails the newest `limit` are kept, or all. Raises Unavailable.
    """
    now = clock.now()
    tally = _Tally(limit)
    await tally.take(records.journal.rows(source, columns=_COLUMNS))
    known = (await records.breakers.all(fresh=True)).values()
    shut = tuple(_shut(one) for one in sorted(known, key=lambda one: one.key) if _concerns(one, source))
    counts = tally.counts_of(sources if source is None else [source])
    waiting = tally.waiting()
    folders = [folder async for folder in records.folders.rows(source)]
    return Status(
        well=not shut and not any(states["failed"] for states in counts.values()),
        at=now,
        counts=counts,
        oldest=await _oldest(records, counts, now),
        waiting=tuple(waiting[:limit]),
        reasons_to_wait=len(waiting),
        shut=shut,
        failed=tally.newest_failed(),
        folders=tuple(
            sorted(folders, key=lambda one: (one.source, one.above or one.name, one.above != "", one.name))
        ),
    )


@dataclass
class _Tally:
    """What is kept of the rows that went by."""

    limit: int | None
    _counts: dict[str, Counter[str]] = field(default_factory=dict)
    _failed: list[tuple[datetime, str, str, FailedMail]] = field(default_factory=list)
    _waiting: dict[tuple[str, str, str, str], tuple[int, datetime | None]] = field(default_factory=dict)

    async def take(self, rows: AsyncIterable[Row]) -> None:
        async for row in rows:
            self._counts.setdefault(row.source, Counter())[row.state] += 1
            if row.state == "failed":
                self._take_failed(row)
            elif row.state in ("arrived", "staged"):
                self._take_open(row)

    def _take_failed(self, row: Row) -> None:
        at = row.ended or row.arrived
        item = (at, row.source, row.key, FailedMail(row.source, row.key, at, row.reason, row.remedy))
        if self.limit is None or len(self._failed) < self.limit:
            heapq.heappush(self._failed, item)
        else:
            heapq.heappushpop(self._failed, item)

    def _take_open(self, row: Row) -> None:
        if row.due is None and not row.reason:
            return
        group = (row.source, row.state, row.reason, row.remedy)
        mails, due = self._waiting.get(group, (0, None))
        self._waiting[group] = (mails + 1, min(filter(None, (due, row.due)), default=None))

    def counts_of(self, sources: Iterable[str]) -> dict[str, dict[str, int]]:
        """By source and state: of all states that there are, and of those that a later version wrote."""
        names = [*dict.fromkeys([*sources, *self._counts])]
        empty: dict[str, int] = dict.fromkeys(STATES, 0)
        return {name: {**empty, **self._counts.get(name, {})} for name in names}

    def waiting(self) -> list[Waiting]:
        """The reason that most mails wait for comes first."""
        found = [Waiting(*group, mails, due) for group, (mails, due) in self._waiting.items()]
        return sorted(found, key=lambda one: (-one.mails, one.source, one.state, one.reason))

    def newest_failed(self) -> tuple[FailedMail, ...]:
        return tuple(item[-1] for item in sorted(self._failed, key=lambda item: item[:3], reverse=True))


async def _oldest(records: Records, sources: Iterable[str], now: datetime) -> OpenMail | None:
    """The first open mail of each source is its oldest; of these the oldest. No scan."""
    first = [mail for source in sources if (mail := await _oldest_of(records, source, now)) is not None]
    return min(first, key=lambda mail: mail.arrived, default=None)


async def _oldest_of(records: Records, source: str, now: datetime) -> OpenMail | None:
    """What has ended is open for a moment still, until it is handed over: it is passed."""
    async for mail in records.unfinished.all(source):
        row = await records.journal.read(source, mail.key)
        if row is not None and row.has_ended:
            continue
        state, arrived = (row.state, row.arrived) if row is not None else ("arrived", mail.since)
        return OpenMail(source, mail.key, state, arrived, int((now - arrived).total_seconds()))
    return None


def _concerns(breaker: Breaker, source: str | None) -> bool:
    """Services concern every source."""
    is_ours = source is None or breaker.key.kind == "service" or breaker.key.name == source
    return breaker.is_shut and is_ours


def _shut(breaker: Breaker) -> Shut:
    return Shut(*breaker.key, breaker.state, breaker.since, breaker.reason, breaker.remedy)
