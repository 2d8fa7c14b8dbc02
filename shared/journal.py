"""The journal: one row for each mail, each change conditional on the row that was read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Protocol

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.errors import Stale
from shared.journal_row import Row, State, entity_of, row_of
from shared.missing_table import made_if_missing
from shared.storage_errors import storage_faults

TABLE = "filings"
MOST_AT_ONCE = 100
"""Rows of one transaction (learn.microsoft.com/rest/api/storageservices, entity group transactions)."""
_ALWAYS_READ = ("PartitionKey", "RowKey", "state", "arrived")


class Journal(Protocol):
    """Where rows are kept: `JournalTable`, or `shared.testing.journal.InMemoryJournal`."""

    async def read(self, source: str, key: str) -> Row | None:
        """The row of one mail, or None. Raises Unavailable."""

    def rows(
        self, source: str | None = None, states: Collection[State] = (), columns: Collection[str] = ()
    ) -> AsyncIterator[Row]:
        """Rows as they come: of one source or all, in these states or any.

        Only key, state, arrival and `columns` are read; the other fields have their defaults. Without an ETag
        none of them can be written back. Raises Unavailable.
        """

    async def insert(self, row: Row) -> Row:
        """Add a row that is not there yet; answers it with its ETag.

        Raises Stale when it is there already, and Unavailable.
        """

    async def add_absent(self, rows: Sequence[Row]) -> None:
        """Add those of these rows of one source that are not there yet. Raises Unavailable."""

    async def update(self, row: Row) -> Row:
        """Replace the row that was read as `row.etag`; answers it with its new ETag.

        Raises Stale when it has changed since or is gone, and Unavailable.
        """

    async def delete(self, row: Row) -> None:
        """Take the row away that was read as `row.etag`; one that is gone already is no fault.

        Raises Stale when it has changed since, and Unavailable.
        """


class JournalTable:
    """Table `filings`, which it makes where it is missing."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(TABLE)

    async def read(self, source: str, key: str) -> Row | None:
        """The row of one mail, or None.

        Raises Unavailable.
        """
        try:
            with storage_faults("journal"):
                entity = await self._table.get_entity(source, key)
                return row_of(entity, entity.metadata["etag"] or "")
        except ResourceNotFoundError:
            return None

    async def rows(
        self, source: str | None = None, states: Collection[State] = (), columns: Collection[str] = ()
    ) -> AsyncIterator[Row]:
        """Rows as they come, a page at a time: of one source or all, in these states or any.

        Only key, state, arrival and `columns` are read; the other fields have their defaults. Without an ETag
        none of them can be written back. Raises Unavailable.
        """
        wanted = [] if source is None else ["PartitionKey eq @source"]
        any_state = " or ".join(f"state eq '{state}'" for state in states)
        wanted += [f"({any_state})"] if any_state else []
        options: dict[str, Any] = {"select": sorted({*_ALWAYS_READ, *columns})}
        try:
            with storage_faults("journal"):
                if wanted:
                    found = self._table.query_entities(
                        " and ".join(wanted), parameters={"source": source or ""}, **options
                    )
                else:
                    found = self._table.list_entities(**options)
                async for entity in found:
                    yield row_of(entity)
        except ResourceNotFoundError:
            return

    async def insert(self, row: Row) -> Row:
        """Add a row that is not there yet; answers it with its ETag.

        Raises Stale when it is there already, and Unavailable.
        """
        with storage_faults("journal"):
            answer = await made_if_missing(self._table, lambda: self._table.create_entity(entity_of(row)))
        return replace(row, etag=answer["etag"])

    async def add_absent(self, rows: Sequence[Row]) -> None:
        """Add those of these rows of one source that are not there yet, as many at once as a table takes.

        Raises Unavailable.
        """
        for start in range(0, len(rows), MOST_AT_ONCE):
            batch = rows[start : start + MOST_AT_ONCE]
            if not await self._added(batch):
                for row in batch:
                    with suppress(Stale):
                        await self.insert(row)

    async def _added(self, rows: Sequence[Row]) -> bool:
        """Whether all of them were added in one transaction.

        None is if one is there already, or if there is no table: the client has one exception for both.
        """
        with storage_faults("journal"):
            try:
                await self._table.submit_transaction([("create", entity_of(row)) for row in rows])
            except TableTransactionError as error:
                if error.status_code in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                    return False
                raise
        return True

    async def update(self, row: Row) -> Row:
        """Replace the row that was read as `row.etag`; answers it with its new ETag.

        Raises Stale when it has changed since or is gone, and Unavailable.
        """
        try:
            with storage_faults("journal"):
                answer = await self._table.update_entity(
                    entity_of(row),
                    mode=UpdateMode.REPLACE,
                    etag=row.etag,
                    match_condition=MatchConditions.IfNotModified,
                )
        except ResourceNotFoundError:
            raise Stale("journal: the row is gone") from None
        return replace(row, etag=answer["etag"])

    async def delete(self, row: Row) -> None:
        """Take the row away that was read as `row.etag`; one that is gone already is no fault.

        Raises Stale when it has changed since, and Unavailable.
        """
        try:
            with storage_faults("journal"):
                await self._table.delete_entity(
                    row.source, row.key, etag=row.etag, match_condition=MatchConditions.IfNotModified
                )
        except ResourceNotFoundError:
            return
