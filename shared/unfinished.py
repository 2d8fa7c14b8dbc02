"""Table `unfinished`: one row for each open mail, so that the oldest one is found without a scan (design, 4).

PartitionKey is the source, RowKey `{arrival UTC}-{key}`. The row is written before that of the journal and
deleted last: what has none is not open.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.journal_row import Row
from shared.missing_table import made_if_missing
from shared.storage_errors import storage_faults

TABLE = "unfinished"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, order=True)
class OpenMail:
    """An open mail: since when, its filing key, and its message id, from which all else can be made anew."""

    source: str
    since: datetime
    key: str
    message: str = ""

    @classmethod
    def of(cls, row: Row) -> OpenMail:
        """That of a journal's row."""
        return cls(row.source, row.open_since, row.key, row.message)

    @property
    def row_key(self) -> str:
        """Its RowKey: these sort by time."""
        return f"{self.since.astimezone(UTC).strftime(_TIME)}-{self.key}"


class Unfinished(Protocol):
    """Where they are kept: `UnfinishedTable`, or `shared.testing.unfinished.InMemoryUnfinished`."""

    async def add(self, mail: OpenMail) -> None:
        """Note an open mail; once more is no fault. Raises Unavailable."""

    async def remove(self, mail: OpenMail) -> None:
        """Strike it off; one that is gone already is no fault. Raises Unavailable."""

    def all(self, source: str | None = None, after: OpenMail | None = None) -> AsyncIterator[OpenMail]:
        """The open mails of one source or all, in the order of source and time; those behind `after`.

        Raises Unavailable.
        """


class UnfinishedTable:
    """The table, which is made where it is missing."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(TABLE)

    async def add(self, mail: OpenMail) -> None:
        """As `Unfinished` says."""
        entity = {"PartitionKey": mail.source, "RowKey": mail.row_key, "message": mail.message}
        with storage_faults("unfinished"):
            await made_if_missing(
                self._table, lambda: self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)
            )

    async def remove(self, mail: OpenMail) -> None:
        """As `Unfinished` says."""
        try:
            with storage_faults("unfinished"):
                await self._table.delete_entity(mail.source, mail.row_key)
        except ResourceNotFoundError:
            return

    async def all(self, source: str | None = None, after: OpenMail | None = None) -> AsyncIterator[OpenMail]:
        """As `Unfinished` says, a page at a time."""
        wanted, parameters = [], dict[str, Any]()
        if source is not None:
            wanted.append("PartitionKey eq @source")
            parameters["source"] = source
        if after is not None:
            # The SDK parts a filter at spaces: a parameter must not touch a bracket.
            wanted.append("(PartitionKey gt @last or (PartitionKey eq @last and RowKey gt @row ) )")
            parameters |= {"last": after.source, "row": after.row_key}
        try:
            with storage_faults("unfinished"):
                found = (
                    self._table.query_entities(" and ".join(wanted), parameters=parameters)
                    if wanted
                    else self._table.list_entities()
                )
                async for entity in found:
                    mail = _mail(entity["PartitionKey"], entity["RowKey"], str(entity.get("message") or ""))
                    if mail is not None:
                        yield mail
        except ResourceNotFoundError:
            return


async def oldest(unfinished: Unfinished, source: str | None = None) -> OpenMail | None:
    """The open mail of a source that has waited longest; without a source, of its first source.

    Raises Unavailable.
    """
    async for mail in unfinished.all(source):
        return mail
    return None


def _mail(source: str, row_key: str, message: str) -> OpenMail | None:
    """The mail of a row; None for a row that this app has not written."""
    time, _, key = row_key.rpartition("-")
    try:
        return OpenMail(source, datetime.strptime(time, _TIME).replace(tzinfo=UTC), key, message)
    except ValueError:
        return None
