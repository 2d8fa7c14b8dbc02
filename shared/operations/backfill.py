"""Queueing mail of the watched folders that the journal does not know, or has passed over or only observed.

Begun again it goes on where it stopped: what is on record is left alone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.clock import Clock
from shared.configuration import Source
from shared.errors import Stale
from shared.handing_over import HandOver
from shared.journal import Journal
from shared.journal_row import Row
from shared.mail_kinds import DRAFT
from shared.opening import open_row, reopen_row
from shared.operations.together import each
from shared.operations.watched_mail import FoundMail, WatchedMail
from shared.plan import OBSERVED
from shared.sweep_plan import PASSED_OVER
from shared.unfinished import Unfinished

_AT_ONCE = 16

Was = Literal["unknown", "passed-over", "observed", "known"]
Outcome = Literal["left", "chosen", "queued", "changed"]
"""left: the journal knows it; chosen: a dry run would have queued it; changed: another worker was first."""


@dataclass(frozen=True)
class Backfilled:
    """A mail, what the journal knew of it, and what became of it."""

    mail: FoundMail
    was: Was
    outcome: Outcome


@dataclass(frozen=True)
class Backfill:
    """Does it: the row first, then the message, so that the watch finds what is cut short in between."""

    mailbox: WatchedMail
    journal: Journal
    unfinished: Unfinished
    hand_over: HandOver
    clock: Clock

    async def run(
        self, source: Source, since: datetime, *, dry_run: bool
    ) -> AsyncGenerator[list[Backfilled], None]:
        """The mail received at `since` or later, a batch at a time, with what became of each.

        Raises ConfigurationFault, NotFound, Refused, Unavailable.
        """

        async def one(mail: FoundMail) -> Backfilled:
            return await self._one(mail, files=source.mode == "file", dry_run=dry_run)

        async with aclosing(self.mailbox.of(source, since)) as found:
            async for batch in found:
                yield await each(batch, one, _AT_ONCE)

    async def _one(self, mail: FoundMail, *, files: bool, dry_run: bool) -> Backfilled:
        row = await self.journal.read(mail.source, mail.key)
        was = state_of(row, is_draft=mail.is_draft, files=files)
        if was == "known":
            return Backfilled(mail, was, "left")
        if dry_run:
            return Backfilled(mail, was, "chosen")
        try:
            opened = await self._opened(mail, row)
        except Stale:
            return Backfilled(mail, was, "changed")
        await self.hand_over.send(opened, cause="backfill")
        return Backfilled(mail, was, "queued")

    async def _opened(self, mail: FoundMail, row: Row | None) -> Row:
        now = self.clock.now()
        if row is not None:
            return await reopen_row(self.journal, self.unfinished, row, now)
        new = Row(mail.source, mail.key, "arrived", mail.message, arrived=now, opened=now)
        return await open_row(self.journal, self.unfinished, new)


def state_of(row: Row | None, *, is_draft: bool, files: bool) -> Was:
    """What a backfill makes of a row: what the first sweep passed over begins anew, and what was a draft.

    So does what was observed, once its source `files`.
    """
    if row is None:
        return "unknown"
    if not row.has_ended:
        return "known"
    if row.rule == OBSERVED:
        return "observed" if files else "known"
    return "passed-over" if row.rule == PASSED_OVER or (row.rule == DRAFT and not is_draft) else "known"
