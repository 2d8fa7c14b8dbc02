"""Comparing mailbox, journal and vault, and telling each difference: the proof that nothing was missed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.configuration import Source
from shared.journal import Journal
from shared.journal_row import Row
from shared.operations.comparison import INFORMATION, Kind, compared, is_compared, living
from shared.operations.copies import Copies
from shared.operations.documents import Documents
from shared.operations.lateness import Lateness
from shared.operations.together import batches, each, generated
from shared.operations.watched_mail import BATCH, FoundMail, WatchedMail
from shared.vault.protocol import VaultObject

UNDER_WAY_FOR = timedelta(hours=1)
"""Mail that young may be on its way: it is told as unknown only if it still is when all else is compared."""
_AT_ONCE = 16
_COLUMNS = ("object_type", "object_id", "opened", "ended", "message")


@dataclass(frozen=True)
class Finding:
    """A difference, or a mail that is no difference and not filed.

    `at` is when it was received, or, of a row, when it arrived; `objects` are the ids of its documents,
    deleted ones too. `message` is its id where no row has it: only so can it be found in the mailbox.
    `other` is the filing key of the same mail under another id, `other_source` that one's source; `objects`
    are then the documents of both.
    """

    kind: Kind
    source: str
    key: str
    at: datetime | None
    objects: tuple[int, ...] = ()
    named: int | None = None
    message: str = ""
    other_source: str = ""
    other: str = ""

    @property
    def is_difference(self) -> bool:
        """Whether an operator has to look at it."""
        return self.kind not in INFORMATION


@dataclass
class Compared:
    """How much was compared."""

    mails: int = 0
    rows: int = 0
    documents: int = 0


@dataclass
class Reconciliation:
    """Compares one source."""

    mailbox: WatchedMail
    journal: Journal
    documents: Documents
    copies: Copies
    lateness: Lateness
    clock: Clock
    compared: Compared = field(default_factory=Compared)
    until: datetime = field(init=False)
    _late: list[FoundMail] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.until = self.clock.now()

    async def run(self, source: Source, since: datetime) -> AsyncGenerator[list[Finding], None]:
        """What is to be told of the mail received from `since` on until now, a batch at a time.

        First each mail of the mailbox, then each row of the journal that arrived since, wherever its mail is
        now. What changes meanwhile is looked at again before it is told.
        Raises ConfigurationFault, NotFound, Refused, Transient.
        """
        async with aclosing(self.mailbox.of(source, since)) as mails:
            async for found in mails:
                yield _flat(await each(found, lambda mail: self._mail(source, mail, since), _AT_ONCE))
        async with aclosing(batches(self._rows(source, since), BATCH)) as rows:
            async for batch in rows:
                yield _flat(await each(batch, lambda row: self._row(source, row), _AT_ONCE))
        for start in range(0, len(self._late), BATCH):
            late = self._late[start : start + BATCH]
            yield _flat(await each(late, lambda mail: self._unknown(source, mail), _AT_ONCE))

    async def _mail(self, source: Source, mail: FoundMail, since: datetime) -> list[Finding]:
        if mail.received is not None and mail.received > self.until:
            return []
        self.compared.mails += 1
        row = await self.journal.read(mail.source, mail.key)
        if row is None:
            if mail.received is not None and mail.received > self.until - UNDER_WAY_FOR:
                self._late.append(mail)
                return []
            return await self._unknown(source, mail)
        # Rows that arrived since are compared by themselves; a clock that is behind makes earlier ones.
        of_row = await self._row(source, row) if row.arrived < since else []
        return [*await self._passed_over(source, mail, row), *of_row]

    async def _passed_over(self, source: Source, mail: FoundMail, row: Row) -> list[Finding]:
        if not await self.lateness.is_passed_over_late(source, mail, row):
            return []
        return [_finding("passed-over-late", mail.source, mail.key, mail.received, ())]

    async def _unknown(self, source: Source, mail: FoundMail) -> list[Finding]:
        found = await self._found(mail.key)
        row = await self.journal.read(mail.source, mail.key)
        if row is not None:
            return [*await self._passed_over(source, mail, row), *await self._row(source, row)]
        kinds = compared(None, found)
        return [_finding(kind, mail.source, mail.key, mail.received, found, mail.message) for kind in kinds]

    async def _rows(self, source: Source, since: datetime) -> AsyncGenerator[Row, None]:
        async with aclosing(generated(self.journal.rows(source.key_name, columns=_COLUMNS))) as rows:
            async for row in rows:
                if row.arrived >= since:
                    yield row

    async def _row(self, source: Source, row: Row) -> list[Finding]:
        """What is to be told of a row; of a difference only if the row is still the same."""
        self.compared.rows += 1
        findings = await self._compared(source, row)
        if not any(finding.is_difference for finding in findings):
            return findings
        now = await self.journal.read(row.source, row.key)
        if now is None or _is_same(now, row):
            return findings
        return await self._compared(source, now)

    async def _compared(self, source: Source, row: Row) -> list[Finding]:
        found = await self._found(row.key) if is_compared(row) else ()
        is_late = await self.lateness.is_open_too_long(row)
        findings = [
            _finding(kind, row.source, row.key, row.arrived, found, named=row.object_id)
            for kind in compared(row, found, is_late=is_late)
        ]
        return [*findings, *await self._filed_twice(source, row, found)]

    async def _filed_twice(self, source: Source, row: Row, found: Sequence[VaultObject]) -> list[Finding]:
        """The same mail under another id, where both have a document."""
        copy = await self.copies.of(source, row) if living(found) else None
        if copy is None:
            return []
        both = (*found, *copy.documents)
        told = _finding("filed-twice", row.source, row.key, row.arrived, both, named=row.object_id)
        return [replace(told, other_source=copy.owner.source, other=copy.owner.key)]

    async def _found(self, key: str) -> Sequence[VaultObject]:
        found = await self.documents.of(key)
        self.compared.documents += len(found)
        return found


def _is_same(one: Row, other: Row) -> bool:
    return (one.state, one.object_id, one.ended) == (other.state, other.object_id, other.ended)


def _finding(
    kind: Kind,
    source: str,
    key: str,
    at: datetime | None,
    found: Sequence[VaultObject],
    message: str = "",
    named: int | None = None,
) -> Finding:
    return Finding(kind, source, key, at, tuple(sorted(one.id for one in found)), named, message)


def _flat(findings: Sequence[Sequence[Finding]]) -> list[Finding]:
    return [finding for some in findings for finding in some]
