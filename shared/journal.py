"""The journal: one row for each mail, each change conditional on the row that was read."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, get_args

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.errors import MailFault, NotYet, Stale
from shared.storage_errors import storage_faults

TABLE = "filings"
LONGEST_TEXT = 4096
"""Bytes of a string in a row, at most."""
State = Literal["arrived", "staged", "filed", "skipped", "failed"]
STATES: tuple[State, ...] = get_args(State)
_ALWAYS_READ = ("PartitionKey", "RowKey", "state", "arrived")
_SIZE = struct.Struct(">Q")


@dataclass(frozen=True)
class Row:
    """What the journal knows of one mail. `etag` is empty for a row that was not read.

    `attempt`, `first_tried` and `due` are of the step that the mail is at; `reason` is that of the end, or
    the last fault on the way. `again` says that a deleted document does not count as this mail's: an operator
    wants it filed once more.
    """

    source: str
    key: str
    state: State
    message: str
    arrived: datetime
    staged: datetime | None = None
    ended: datetime | None = None
    creating: datetime | None = None
    attempt: int = 0
    first_tried: datetime | None = None
    due: datetime | None = None
    sizes: tuple[int, ...] = ()
    digests: tuple[bytes, ...] = ()
    object_type: int | None = None
    object_id: int | None = None
    object_version: int | None = None
    reason: str = ""
    remedy: str = ""
    warnings: tuple[str, ...] = ()
    again: bool = False
    etag: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will be done by itself."""
        return self.state in ("filed", "skipped", "failed")


class Journal:
    """Table `filings`, which it makes where it is missing."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(TABLE)

    async def read(self, source: str, key: str) -> Row | None:
        """The row of one mail, or None.

        Raises Unavailable.
        """
        try:
            with storage_faults("journal"):
                return _row(await self._table.get_entity(source, key))
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
                    yield replace(_row(entity), etag="")
        except ResourceNotFoundError:
            return

    async def insert(self, row: Row) -> Row:
        """Add a row that is not there yet; answers it with its ETag.

        Raises Stale when it is there already, and Unavailable.
        """
        with storage_faults("journal"):
            try:
                answer = await self._table.create_entity(_entity(row))
            except ResourceNotFoundError:
                await self._create_table()
                answer = await self._table.create_entity(_entity(row))
        return replace(row, etag=answer["etag"])

    async def update(self, row: Row) -> Row:
        """Replace the row that was read as `row.etag`; answers it with its new ETag.

        Raises Stale when it has changed since or is gone, and Unavailable.
        """
        try:
            with storage_faults("journal"):
                answer = await self._table.update_entity(
                    _entity(row),
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

    async def _create_table(self) -> None:
        try:
            await self._table.create_table()
        except ResourceExistsError:
            return  # a twin was first, or infra made it


def failed(row: Row, fault: MailFault, now: datetime) -> Row:
    """The row of a mail that ends for this reason."""
    end = gone_on(row, "failed", ended=now, creating=None)
    return replace(end, reason=fault.reason, remedy=fault.remedy)


def gone_on(row: Row, state: State, **changes: Any) -> Row:
    """The row of a mail that one step has brought to `state`: the next one begins anew."""
    return replace(row, state=state, attempt=0, first_tried=None, due=None, reason="", remedy="", **changes)


def wait_until_due(row: Row, now: datetime) -> None:
    """A message that comes before its mail is due waits until then. Raises NotYet."""
    if row.due is not None and row.due > now:
        left = (row.due - now).total_seconds()
        raise NotYet(f'source "{row.source}": a mail is not due yet', after=left)


def shortened(text: str) -> str:
    """`text`, cut to what a row may hold."""
    return text.encode()[:LONGEST_TEXT].decode(errors="ignore")


def _entity(row: Row) -> dict[str, Any]:
    facts = {
        "PartitionKey": row.source,
        "RowKey": row.key,
        "state": row.state,
        "message": row.message,
        "arrived": row.arrived,
        "staged": row.staged,
        "ended": row.ended,
        "creating": row.creating,
        "attempt": row.attempt,
        "first_tried": row.first_tried,
        "due": row.due,
        "sizes": b"".join(_SIZE.pack(size) for size in row.sizes) or None,
        "digests": b"".join(row.digests) or None,
        "object_type": row.object_type,
        "object_id": row.object_id,
        "object_version": row.object_version,
        "reason": shortened(row.reason) or None,
        "remedy": shortened(row.remedy) or None,
        "warnings": shortened("\n".join(row.warnings)) or None,
        "again": row.again or None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _row(entity: TableEntity | Mapping[str, Any]) -> Row:
    warnings = str(entity.get("warnings") or "")
    return Row(
        source=entity["PartitionKey"],
        key=entity["RowKey"],
        state=entity["state"],
        message=entity.get("message") or "",
        arrived=entity["arrived"],
        staged=entity.get("staged"),
        ended=entity.get("ended"),
        creating=entity.get("creating"),
        attempt=int(entity.get("attempt") or 0),
        first_tried=entity.get("first_tried"),
        due=entity.get("due"),
        sizes=tuple(_SIZE.unpack(piece)[0] for piece in _pieces(entity.get("sizes"), _SIZE.size)),
        digests=tuple(_pieces(entity.get("digests"), 32)),
        object_type=entity.get("object_type"),
        object_id=entity.get("object_id"),
        object_version=entity.get("object_version"),
        reason=str(entity.get("reason") or ""),
        remedy=str(entity.get("remedy") or ""),
        warnings=tuple(warnings.split("\n")) if warnings else (),
        again=bool(entity.get("again")),
        etag=getattr(entity, "metadata", {}).get("etag", ""),
    )


def _pieces(joined: bytes | None, size: int) -> Sequence[bytes]:
    return [joined[at : at + size] for at in range(0, len(joined), size)] if joined else []
