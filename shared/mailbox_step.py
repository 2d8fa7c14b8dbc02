"""Queue `mail-filed`: what is left to do in its mailbox for a mail that has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from shared.afterwards import Afterwards, is_deleted, wanted
from shared.breaker import Step
from shared.claim import Claim
from shared.clock import Clock
from shared.configuration import Source
from shared.journal_row import Row
from shared.log import Events
from shared.outcome import Outcome
from shared.queue_messages import MAIL_FILED, MailFiled
from shared.staging_area import StagingArea


class Settled(Outcome):
    """How it ended."""

    CHANGED = "changed"
    LEFT = "left"

    @property
    def used_service(self) -> bool:
        """Only what was written proves that it may be: to read a message takes less."""
        return self is Settled.CHANGED


@dataclass(frozen=True)
class MailboxStep:
    """Settles mail that was filed, skipped or given up.

    What is to be done in the mailbox follows from the row and from the configuration as it stands. Where that
    is nothing, Graph is not asked.
    """

    sources: Mapping[str, Source]
    afterwards: Afterwards
    area: StagingArea
    clock: Clock
    name: ClassVar[Step] = "mailbox"
    queue: ClassVar[str] = MAIL_FILED

    def is_one_write(self, row: Row) -> bool:
        """Where nothing is to be done in the mailbox."""
        return not wanted(self.sources.get(row.source), row)

    async def unknown(self, message: MailFiled) -> Row | None:
        """There is nothing to do for a mail whose row is gone."""
        return None

    def reopens(self, message: MailFiled, row: Row) -> bool:
        """Never."""
        return False

    async def run(self, message: MailFiled, claim: Claim) -> Settled:
        """Do what is left to do, and note that nothing is; safe to run again from its start.

        Raises Transient, ConfigurationFault, NotFound, Conflict, Refused.
        """
        if _is_done_with(claim.row) and claim.row.kept is not None:
            await self.area.forget_kept(claim.row.source, claim.row.key)
        outcome = await self._changed(claim.row)
        now = self.clock.now()
        await claim.end(
            lambda row: replace(row, settled=now, due=None, attempt=0, first_tried=None, kept=_kept_on(row))
        )
        if outcome is Settled.CHANGED:
            log = Events("mailbox", source=claim.row.source, key=claim.row.key, trace=message.traceparent)
            log.info("mail-changed", state=claim.row.state)
        return outcome

    async def _changed(self, row: Row) -> Settled:
        source = self.sources.get(row.source)
        want = wanted(source, row)
        if source is None or not want:
            return Settled.LEFT
        has_changed = await self.afterwards.do(source.mailbox, row.message, want)
        return Settled.CHANGED if has_changed else Settled.LEFT


def _is_done_with(row: Row) -> bool:
    return row.state == "filed" and not is_deleted(row)


def _kept_on(row: Row) -> datetime | None:
    """What was kept of a mail is kept until it is filed, and goes on where its document is deleted."""
    return None if _is_done_with(row) else row.kept
