"""Which folders a source watches, as Graph knows them: names of the configuration, paths, subfolders."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.configuration import Source, folder_name, is_path
from shared.errors import VaultpostError
from shared.graph.folders import Folder, FolderReader
from shared.subscription_plan import Watched


@dataclass(frozen=True)
class WatchedFolder:
    """A folder of a source.

    `name` is how a sweep calls it: as the configuration does, or, of a subfolder, by its id. `folder` is how
    Graph is asked for it: a well-known name or an id. `above` is the configured name of the folder that a
    subfolder stands below.
    """

    source: str
    mailbox: str
    name: str
    folder: str
    above: str = ""

    @property
    def watched(self) -> Watched:
        """What a subscription of it is for."""
        return Watched(self.source, self.mailbox, self.folder)


def is_watched(source: Source, name: str, above: str) -> bool:
    """Whether the configuration still has this folder watched; of a subfolder, if it is where it was."""
    configured = set(map(folder_name, source.folders))
    return source.subfolders and above in configured if above else name in configured


@dataclass(frozen=True)
class WatchedFolders:
    """Finds them. A well-known name or an id costs no request."""

    reader: FolderReader

    async def of(self, source: Source) -> list[WatchedFolder]:
        """The folders of a source, each once.

        Raises ConfigurationFault where one is not there, NotFound, Refused, Unavailable.
        """
        found, faults = await self.found(source)
        if faults:
            raise faults[0]
        return found

    async def found(self, source: Source) -> tuple[list[WatchedFolder], list[VaultpostError]]:
        """The folders of a source that are found, each once, and why others are not: what `of` raises.

        Each configured one is looked for by itself. Where the list of those below one breaks off, what came
        of it counts.
        """
        found: dict[str, WatchedFolder] = {}
        faults: list[VaultpostError] = []
        for reference in dict.fromkeys(map(folder_name, source.folders)):
            try:
                async for folder in self._below(source, reference):
                    found.setdefault(folder.folder, folder)
            except VaultpostError as fault:
                faults.append(fault)
        return list(found.values()), faults

    async def find(self, source: Source, name: str, above: str) -> WatchedFolder:
        """One folder by the name that a sweep has for it. Raises as `of` does."""
        folder = name if above else await self._address(source, name)
        return WatchedFolder(source.key_name, source.mailbox, name, folder, above)

    async def _below(self, source: Source, reference: str) -> AsyncIterator[WatchedFolder]:
        if not source.subfolders:
            yield await self.find(source, reference, "")
            return
        top = await self.reader.resolve(source.mailbox, reference)
        address = top.id if is_path(reference) else reference
        yield WatchedFolder(source.key_name, source.mailbox, reference, address)
        async for folder in self.reader.below(source.mailbox, Folder(top.id, top.name)):
            yield WatchedFolder(source.key_name, source.mailbox, folder.id, folder.id, reference)

    async def _address(self, source: Source, reference: str) -> str:
        if not is_path(reference):
            return reference
        return (await self.reader.resolve(source.mailbox, reference)).id
