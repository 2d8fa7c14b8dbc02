"""Queue `mail-filed`: what is left to do in its mailbox for a mail that has ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from shared.breaker import Step
from shared.claim import Claim
from shared.clock import Clock
from shared.journal_row import Row
from shared.outcome import Outcome
from shared.queue_messages import MAIL_FILED, MailFiled
from shared.staging_area import StagingArea


class Settled(Outcome):
    """How it ended."""

    SETTLED = "settled"

    @property
    def used_service(self) -> bool:
        """No source asks for anything in its mailbox yet."""
        return False


@dataclass(frozen=True)
class MailboxStep:
    """Settles mail that was filed, skipped or given up."""

    area: StagingArea
    clock: Clock
    name: ClassVar[Step] = "mailbox"
    queue: ClassVar[str] = MAIL_FILED
    is_one_write: ClassVar[bool] = True

    async def unknown(self, message: MailFiled) -> Row | None:
        """There is nothing to do for a mail whose row is gone."""
        return None

    def reopens(self, message: MailFiled, row: Row) -> bool:
        """Never."""
        return False

    async def run(self, message: MailFiled, claim: Claim) -> Settled:
        """Note that nothing is left to do. Raises Transient."""
        if claim.row.state == "filed" and claim.row.kept is not None:
            await self.area.forget_kept(claim.row.source, claim.row.key)
        now = self.clock.now()
        await claim.end(
            lambda row: replace(row, settled=now, due=None, attempt=0, first_tried=None, kept=_kept_on(row))
        )
        return Settled.SETTLED


def _kept_on(row: Row) -> datetime | None:
    """What was kept of a mail that could not be filed is kept until it is."""
    return None if row.state == "filed" else row.kept
