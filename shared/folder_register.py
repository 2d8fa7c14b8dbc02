"""Table `folders`: since when each watched folder is swept, and when that last came to its end."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.errors import Stale
from shared.missing_table import made_if_missing
from shared.storage_errors import storage_faults

TABLE = "folders"
_KEY_DIGITS = 32


@dataclass(frozen=True)
class SweptFolder:
    """A watched folder of a source.

    `name` is what the configuration calls it, or the id of a subfolder; `above` is then what the
    configuration calls the folder above. `first_start` is when it was first seen; `last_good`, when the last
    sweep of it began that came to its end; `due`, when a sweep that met a fault goes on; `confirmed`, when an
    operator last let old mail of it be filed that nobody knew. `unannounced` counts the mail that no
    notification had announced.
    """

    source: str
    name: str
    first_start: datetime
    above: str = ""
    last_good: datetime | None = None
    due: datetime | None = None
    confirmed: datetime | None = None
    unannounced: int = 0

    @property
    def key(self) -> str:
        """Its RowKey: ids are case-sensitive, and names hold what a key can't."""
        return folder_key(self.name)


def folder_key(name: str) -> str:
    """The key of a folder by the name that it has in a `folder-sweep` message."""
    return hashlib.sha256(name.encode()).hexdigest()[:_KEY_DIGITS]


class FolderRegister(Protocol):
    """Where they are kept: `FolderTable`, or `shared.testing.folder_register.InMemoryFolderRegister`."""

    async def read(self, source: str, name: str) -> SweptFolder | None:
        """The row of a folder, or None. Raises Unavailable."""

    async def add(self, folder: SweptFolder) -> SweptFolder:
        """Add a folder that is not there yet; answers what is there then. Raises Unavailable."""

    async def note(self, folder: SweptFolder, **facts: datetime | int | str) -> None:
        """Write these facts of a folder that is there, and leave the others: a twin may have written them.

        Raises Unavailable.
        """

    async def restart(self, folder: SweptFolder) -> None:
        """Write all of a folder's row anew. Raises Unavailable."""

    async def remove(self, folder: SweptFolder) -> None:
        """Forget a folder that is gone. Raises Unavailable."""

    def rows(self, source: str | None = None) -> AsyncIterator[SweptFolder]:
        """The folders of a source, or all. Raises Unavailable."""


class FolderTable:
    """The table, which is made where it is missing."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(TABLE)

    async def read(self, source: str, name: str) -> SweptFolder | None:
        """As `FolderRegister` says."""
        try:
            with storage_faults("folders"):
                return folder_of(await self._table.get_entity(source, folder_key(name)))
        except ResourceNotFoundError:
            return None

    async def add(self, folder: SweptFolder) -> SweptFolder:
        """As `FolderRegister` says."""
        try:
            with storage_faults("folders"):
                await made_if_missing(self._table, lambda: self._table.create_entity(entity_of(folder)))
        except Stale:
            return await self.read(folder.source, folder.name) or folder
        return folder

    async def note(self, folder: SweptFolder, **facts: datetime | int | str) -> None:
        """As `FolderRegister` says."""
        entity = {"PartitionKey": folder.source, "RowKey": folder.key, **facts}
        try:
            with storage_faults("folders"):
                await self._table.update_entity(entity, mode=UpdateMode.MERGE)
        except ResourceNotFoundError:
            return  # the folder is gone

    async def restart(self, folder: SweptFolder) -> None:
        """As `FolderRegister` says."""
        with storage_faults("folders"):
            await self._table.upsert_entity(entity_of(folder), mode=UpdateMode.REPLACE)

    async def remove(self, folder: SweptFolder) -> None:
        """As `FolderRegister` says."""
        try:
            with storage_faults("folders"):
                await self._table.delete_entity(folder.source, folder.key)
        except ResourceNotFoundError:
            return

    async def rows(self, source: str | None = None) -> AsyncIterator[SweptFolder]:
        """As `FolderRegister` says, a page at a time."""
        try:
            with storage_faults("folders"):
                if source is None:
                    found = self._table.list_entities()
                else:
                    found = self._table.query_entities(
                        "PartitionKey eq @source", parameters={"source": source}
                    )
                async for entity in found:
                    yield folder_of(entity)
        except ResourceNotFoundError:
            return


def entity_of(folder: SweptFolder) -> dict[str, Any]:
    """The row of a folder: what is empty is left out."""
    facts = {
        "PartitionKey": folder.source,
        "RowKey": folder.key,
        "name": folder.name,
        "above": folder.above or None,
        "first_start": folder.first_start,
        "last_good": folder.last_good,
        "due": folder.due,
        "confirmed": folder.confirmed,
        "unannounced": folder.unannounced,
    }
    return {name: value for name, value in facts.items() if value is not None}


def folder_of(entity: Any) -> SweptFolder:
    """The folder in a row."""
    return SweptFolder(
        source=entity["PartitionKey"],
        name=entity["name"],
        first_start=entity["first_start"],
        above=str(entity.get("above") or ""),
        last_good=entity.get("last_good"),
        due=entity.get("due"),
        confirmed=entity.get("confirmed"),
        unannounced=int(entity.get("unannounced") or 0),
    )
