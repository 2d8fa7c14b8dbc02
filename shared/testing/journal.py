"""A journal kept in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shared.errors import Stale
from shared.journal_row import Row, State, entity_of, row_of

_ALWAYS_READ = ("PartitionKey", "RowKey", "state", "arrived")


class InMemoryJournal:
    """What `JournalTable` does, for one process. Each access is counted, and lets others go first."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self._entities: dict[tuple[str, str], tuple[Mapping[str, Any], str]] = {}
        self._numbers = itertools.count(1)

    async def read(self, source: str, key: str) -> Row | None:
        """The row of one mail, or None."""
        await asyncio.sleep(0)
        self.reads += 1
        found = self._entities.get((source, key))
        return None if found is None else row_of(*found)

    async def rows(
        self, source: str | None = None, states: Collection[State] = (), columns: Collection[str] = ()
    ) -> AsyncIterator[Row]:
        """Rows as they were when the first one is asked for: of one source or all, in these states or any.

        Only key, state, arrival and `columns` are read; the other fields have their defaults. Without an ETag
        none of them can be written back.
        """
        await asyncio.sleep(0)
        self.reads += 1
        wanted = {*_ALWAYS_READ, *columns}
        for _, (entity, _) in sorted(self._entities.items()):
            if source in (None, entity["PartitionKey"]) and (not states or entity["state"] in states):
                yield row_of({name: value for name, value in entity.items() if name in wanted})

    async def insert(self, row: Row) -> Row:
        """Add a row that is not there yet; answers it with its ETag.

        Raises Stale when it is there already.
        """
        await asyncio.sleep(0)
        if (row.source, row.key) in self._entities:
            raise Stale("journal: another worker was first")
        return self._write(row)

    async def add_absent(self, rows: Sequence[Row]) -> None:
        """Add those of these rows of one source that are not there yet."""
        await asyncio.sleep(0)
        for row in rows:
            if (row.source, row.key) not in self._entities:
                self._write(row)

    async def update(self, row: Row) -> Row:
        """Replace the row that was read as `row.etag`; answers it with its new ETag.

        Raises Stale when it has changed since or is gone.
        """
        _was_read(row)
        await asyncio.sleep(0)
        if self._etag(row) != row.etag:
            raise Stale("journal: another worker was first, or the row is gone")
        return self._write(row)

    async def delete(self, row: Row) -> None:
        """Take the row away that was read as `row.etag`; one that is gone already is no fault.

        Raises Stale when it has changed since.
        """
        _was_read(row)
        await asyncio.sleep(0)
        if self._etag(row) not in (None, row.etag):
            raise Stale("journal: another worker was first")
        self.writes += 1
        self._entities.pop((row.source, row.key), None)

    def _etag(self, row: Row) -> str | None:
        found = self._entities.get((row.source, row.key))
        return None if found is None else found[1]

    def _write(self, row: Row) -> Row:
        self.writes += 1
        etag = f'W/"{next(self._numbers)}"'
        entity = {name: _in_utc(value) for name, value in entity_of(row).items()}
        self._entities[row.source, row.key] = (entity, etag)
        return replace(row, etag=etag)


def _was_read(row: Row) -> None:
    if not row.etag:
        raise ValueError("a row without an etag was not read, and can't be written back")


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
