"""The same mail in several mailboxes, or under several ids: filed once where the configuration says so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.errors import NotYet, Stale
from shared.fingerprints import Fingerprints, Owner, print_of
from shared.journal import Journal
from shared.journal_row import Row

RESTORED = "restored"
"""The rule that has skipped a mail which was filed before under another id."""
RESTORED_AFTER = timedelta(days=1)
"""A mail that comes into its folder so long after it was received was moved in, copied or restored."""
RULE = "duplicate"
"""The rule that has skipped a mail which another one was filed as."""
SHORTEST, LONGEST = 15.0, 900.0
"""Seconds until a mail is looked at again whose twin is being filed: the longer, the longer that takes."""


@dataclass(frozen=True)
class Duplicates:
    """Knows the first mail of each fingerprint. A mail without one is never a duplicate."""

    fingerprints: Fingerprints
    journal: Journal
    clock: Clock
    sources: Collection[str]

    async def note(self, fingerprint: str, row: Row) -> None:
        """The mail of `row` is in the vault: whatever comes with its fingerprint is one like it.

        Raises Unavailable.
        """
        if not fingerprint:
            return
        ours = Owner(row.source, row.key)
        for print_ in (fingerprint, print_of(row.source, fingerprint)):
            owner = await self.fingerprints.add(print_, ours)
            if not owner.is_of(row.source, row.key) and await self._came_to_nothing(owner):
                await self.fingerprints.replace(print_, owner, ours)

    async def filed_before(self, fingerprint: str, row: Row) -> Row | None:
        """The row of the mail that was filed before with this fingerprint; None if `row`'s is the first.

        It takes the place of one that came to nothing. Raises NotYet while the first one is not filed, Stale,
        and Unavailable.
        """
        if not fingerprint:
            return None
        ours = Owner(row.source, row.key)
        owner = await self.fingerprints.add(fingerprint, ours)
        if owner.is_of(row.source, row.key):
            return None
        if await self._came_to_nothing(owner):
            await self.fingerprints.replace(fingerprint, owner, ours)
            return None
        first = await self.journal.read(owner.source, owner.key)
        if first is None:
            raise Stale("journal: the row of a twin has just gone")
        if first.state == "filed":
            return first
        waited = (self.clock.now() - row.open_since).total_seconds()
        raise NotYet(
            f'source "{row.source}": the same mail waits to be filed, in source "{first.source}"',
            after=min(LONGEST, max(SHORTEST, waited / 4)),
        )

    async def _came_to_nothing(self, owner: Owner) -> bool:
        """Whether that mail will never be filed: it failed, was skipped, is gone, or its source is."""
        first = await self.journal.read(owner.source, owner.key)
        if first is None or first.state in ("failed", "skipped"):
            return True
        return first.state != "filed" and owner.source not in self.sources

    async def restored_as(self, fingerprint: str, row: Row, received: datetime | None) -> Row | None:
        """The row of the mail of the same source that an old one was filed as before, under another id.

        None for a mail that was received a moment before it came, whatever it is like. Raises Unavailable.
        """
        own = print_of(row.source, fingerprint)
        if not own or received is None or row.arrived - received < RESTORED_AFTER:
            return None
        owner = await self.fingerprints.owner(own)
        if owner is None or owner.is_of(row.source, row.key):
            return None
        former = await self.journal.read(owner.source, owner.key)
        return former if former is not None and former.state == "filed" else None

    async def still_first(self, fingerprint: str, row: Row) -> bool:
        """Whether the mail of `row` has this fingerprint still. Raises Unavailable."""
        if not fingerprint:
            return True
        owner = await self.fingerprints.owner(fingerprint)
        return owner is not None and owner.is_of(row.source, row.key)
