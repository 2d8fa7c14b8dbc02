"""Open mails kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC

from shared.unfinished import OpenMail


class InMemoryUnfinished:
    """What `UnfinishedTable` does, for one process. Each access is counted, and lets others go first."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self._mails: dict[tuple[str, str], OpenMail] = {}

    async def add(self, mail: OpenMail) -> None:
        """Note an open mail; once more is no fault."""
        await asyncio.sleep(0)
        self.writes += 1
        self._mails[_place(mail)] = replace(mail, since=mail.since.astimezone(UTC))

    async def remove(self, mail: OpenMail) -> None:
        """Strike it off; one that is gone already is no fault."""
        await asyncio.sleep(0)
        self.writes += 1
        self._mails.pop(_place(mail), None)

    async def all(self, source: str | None = None, after: OpenMail | None = None) -> AsyncIterator[OpenMail]:
        """The open mails as they were when the first one is asked for, in the order of source and time.

        Those of one source or all; those behind `after`.
        """
        await asyncio.sleep(0)
        self.reads += 1
        for place, mail in sorted(self._mails.items()):
            if source in (None, mail.source) and (after is None or place > _place(after)):
                yield mail


def _place(mail: OpenMail) -> tuple[str, str]:
    return mail.source, mail.row_key
