"""The same mail in several mailboxes, or under several ids: filed once where the configuration says so."""

from __future__ import annotations

from dataclasses import dataclass

from shared.clock import Clock
from shared.errors import NotYet
from shared.fingerprints import Fingerprints, Owner
from shared.journal import Journal
from shared.journal_row import Row

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

    async def note(self, fingerprint: str, row: Row) -> None:
        """The mail of `row` is in the vault: whatever comes with its fingerprint is one like it.

        Raises Unavailable.
        """
        if fingerprint:
            await self.fingerprints.add(fingerprint, Owner(row.source, row.key))

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
        first = await self.journal.read(owner.source, owner.key)
        if first is None or first.state in ("failed", "skipped"):
            await self.fingerprints.replace(fingerprint, owner, ours)
            return None
        if first.state == "filed":
            return first
        waited = (self.clock.now() - row.open_since).total_seconds()
        raise NotYet(
            f'source "{row.source}": the same mail waits to be filed, in source "{first.source}"',
            after=min(LONGEST, max(SHORTEST, waited / 4)),
        )

    async def still_first(self, fingerprint: str, row: Row) -> bool:
        """Whether the mail of `row` has this fingerprint still. Raises Unavailable."""
        if not fingerprint:
            return True
        owner = await self.fingerprints.owner(fingerprint)
        return owner is not None and owner.is_of(row.source, row.key)
