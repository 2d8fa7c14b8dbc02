"""Swept folders kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from shared.folder_register import SweptFolder, entity_of, folder_key, folder_of


class InMemoryFolderRegister:
    """What `FolderTable` does, for one process. Each access is counted, and lets others go first."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self._entities: dict[tuple[str, str], dict[str, Any]] = {}

    async def read(self, source: str, name: str) -> SweptFolder | None:
        """The row of a folder, or None."""
        await asyncio.sleep(0)
        self.reads += 1
        entity = self._entities.get((source, folder_key(name)))
        return None if entity is None else folder_of(entity)

    async def add(self, folder: SweptFolder) -> SweptFolder:
        """Add a folder that is not there yet; answers what is there then."""
        await asyncio.sleep(0)
        self.writes += 1
        entity = {name: _in_utc(value) for name, value in entity_of(folder).items()}
        return folder_of(self._entities.setdefault((folder.source, folder.key), entity))

    async def note(self, folder: SweptFolder, **facts: datetime | int | str) -> None:
        """Write these facts of a folder that is there, and leave the others."""
        await asyncio.sleep(0)
        self.writes += 1
        if entity := self._entities.get((folder.source, folder.key)):
            entity.update({name: _in_utc(value) for name, value in facts.items()})

    async def restart(self, folder: SweptFolder) -> None:
        """Write all of a folder's row anew."""
        await asyncio.sleep(0)
        self.writes += 1
        entity = {name: _in_utc(value) for name, value in entity_of(folder).items()}
        self._entities[folder.source, folder.key] = entity

    async def remove(self, folder: SweptFolder) -> None:
        """Forget a folder; one that is gone already is no fault."""
        await asyncio.sleep(0)
        self.writes += 1
        self._entities.pop((folder.source, folder.key), None)

    async def rows(self, source: str | None = None) -> AsyncIterator[SweptFolder]:
        """The folders of a source, or all, as they were when the first one is asked for, in order of key."""
        await asyncio.sleep(0)
        self.reads += 1
        found = [folder_of(entity) for _, entity in sorted(self._entities.items())]
        for folder in found:
            if source in (None, folder.source):
                yield folder


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
