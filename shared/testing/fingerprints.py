"""Fingerprints kept in memory."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

from shared.errors import Stale
from shared.fingerprints import Owner


class InMemoryFingerprints:
    """What `FingerprintTable` does, for one process. Each access is counted, and lets others go first."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self._owners: dict[str, Owner] = {}
        self._numbers = itertools.count(1)

    async def owner(self, fingerprint: str) -> Owner | None:
        """The mail that has this fingerprint, or None."""
        await asyncio.sleep(0)
        self.reads += 1
        return self._owners.get(fingerprint)

    async def add(self, fingerprint: str, owner: Owner) -> Owner:
        """Note a mail that is the first with its fingerprint; answers the first one."""
        await asyncio.sleep(0)
        return self._owners.get(fingerprint) or self._write(fingerprint, owner)

    async def replace(self, fingerprint: str, former: Owner, owner: Owner) -> Owner:
        """Put a mail in the place of one that was read. Raises Stale when another was first."""
        await asyncio.sleep(0)
        if self._owners.get(fingerprint) != former:
            raise Stale("fingerprints: another worker was first, or the row is gone")
        return self._write(fingerprint, owner)

    def _write(self, fingerprint: str, owner: Owner) -> Owner:
        self.writes += 1
        written = self._owners[fingerprint] = replace(owner, etag=str(next(self._numbers)))
        return written
