"""What an auditor does not let pass: mail that is open for long, or passed over though it came in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.breaker import BreakerKey, waits_for
from shared.breaker_table import Breakers
from shared.clock import Clock
from shared.configuration import Source
from shared.folder_register import FolderRegister
from shared.journal_row import Row
from shared.operations.comparison import OPEN_FOR, is_open_too_long, is_passed_over_late, stands_still
from shared.operations.watched_mail import FoundMail
from shared.sweep_plan import PASSED_OVER, files_from


@dataclass(frozen=True)
class Lateness:
    """Judges by what the breakers and the folders say now; `longest` is `give-up-after`."""

    breakers: Breakers
    folders: FolderRegister
    clock: Clock
    longest: timedelta
    _bounds: dict[str, datetime | None] = field(default_factory=dict)

    async def is_open_too_long(self, row: Row) -> bool:
        """Whether a mail should have ended by now. Raises Unavailable."""
        now = self.clock.now()
        if row.has_ended or now - row.open_since <= OPEN_FOR:
            return False
        known = await self.breakers.all()
        needed = [known[key] for key in _needed(row.source) if key in known]
        return is_open_too_long(row, now, self.longest, stands_still=stands_still(needed, now))

    async def is_passed_over_late(self, source: Source, mail: FoundMail, row: Row) -> bool:
        """Whether a mail that was passed over is to be filed. Raises Unavailable."""
        if row.rule != PASSED_OVER:
            return False
        if mail.folder not in self._bounds:
            self._bounds[mail.folder] = await self._files_from(source, mail.folder)
        return is_passed_over_late(row, mail.received, self._bounds[mail.folder])

    async def _files_from(self, source: Source, folder: str) -> datetime | None:
        """From when on mail of a folder is filed; None for one that was never swept, without `since`."""
        swept = await self.folders.read(source.key_name, folder)
        if swept is not None:
            return files_from(source.since, swept.first_start)
        return None if source.since is None else files_from(source.since, self.clock.now())


def _needed(source: str) -> tuple[BreakerKey, ...]:
    """What mail of a source needs on all of its way."""
    return (*waits_for("staging", source), *waits_for("filing", source))
