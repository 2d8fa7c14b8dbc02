"""The mail that the watched folders of a source have now, as the long commands read it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.configuration import Source
from shared.errors import Unavailable
from shared.graph.answers import Entry
from shared.graph.faults import NotFound
from shared.graph.folders import FolderReader
from shared.identities import filing_key
from shared.operations.patience import Patience
from shared.operations.together import batches
from shared.watched_folders import WatchedFolder, WatchedFolders

BATCH = 100
"""Mails that are worked on at a time."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FoundMail:
    """A mail in a watched folder: its filing key, its immutable id, and when it was received, if known.

    `folder` is the name that a sweep has for the folder.
    """

    source: str
    key: str
    message: str
    received: datetime | None
    folder: str
    is_draft: bool = False


@dataclass(frozen=True)
class WatchedMail:
    """Reads it, the oldest of each folder first; Graph is waited for where it stumbles."""

    folders: WatchedFolders
    patience: Patience = field(default_factory=Patience)

    async def of(self, source: Source, since: datetime) -> AsyncGenerator[list[FoundMail], None]:
        """The mail of a source received at `since` or later, a batch at a time.

        One that is moved from folder to folder meanwhile may come twice.
        Raises ConfigurationFault, NotFound, Refused, Unavailable.
        """
        # Folders with well-known names are found without a request.
        for folder in await self.patience.with_(lambda: self.folders.of(source), proves=False):
            async with aclosing(batches(self._within(folder, since), BATCH)) as found:
                async for batch in found:
                    yield batch

    async def _within(self, folder: WatchedFolder, since: datetime) -> AsyncGenerator[FoundMail, None]:
        async with aclosing(_Reading(self.folders.reader, folder, since)) as reading:
            try:
                while (entry := await self.patience.with_(reading.following)) is not None:
                    key = filing_key(folder.source, entry.id)
                    draft = bool(entry.is_draft)
                    yield FoundMail(folder.source, key, entry.id, entry.received, folder.name, draft)
            except NotFound:
                if not folder.above:
                    raise
                # A subfolder that has gone since it was listed.


class _Reading:
    """Reads the entries of a folder one by one; after a fault from where it was."""

    def __init__(self, reader: FolderReader, folder: WatchedFolder, since: datetime) -> None:
        self._reader = reader
        self._folder = folder
        self._since = since
        self._given = set[str]()
        self._entries: AsyncGenerator[Entry, None] | None = None

    async def following(self) -> Entry | None:
        """The next entry, or None. Raises NotFound, ConfigurationFault, Refused, Unavailable."""
        if self._entries is None:
            folder = self._folder
            self._entries = self._reader.messages(folder.mailbox, folder.folder, self._since)
        try:
            async for entry in self._entries:
                if entry.id not in self._given:
                    self._note(entry)
                    return entry
        except Unavailable:
            self._entries = None
            raise
        return None

    async def aclose(self) -> None:
        """Read no more."""
        if self._entries is not None:
            await self._entries.aclose()

    def _note(self, entry: Entry) -> None:
        """Where to begin again: with the second of the last entry, without those that were given of it."""
        second = entry.received.astimezone(UTC).replace(microsecond=0) if entry.received else self._since
        if second > self._since:
            self._since = second
            self._given = set()
        self._given.add(entry.id)
