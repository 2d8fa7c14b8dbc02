"""The configuration as a blob: read at the first need, and anew when its ETag changes.

A faulty one is refused, with an alert, and the last good one goes on. That is kept beside it, so that a new
instance has it, too.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from shared.clock import Clock
from shared.configuration import Configuration
from shared.configuration_file import configuration_in
from shared.configuration_live import LiveConfiguration
from shared.errors import ConfigurationFault, StartRefused, Transient
from shared.log import Events
from shared.settings import SourcesBlob
from shared.storage_errors import storage_faults

LOOKED_AT_EVERY = 60.0
"""Seconds between two looks at the blob."""
LAST_GOOD = ".last-good"
_LOG = Events("configuration")


class Blobs(Protocol):
    """Where the blob is, and the one that is kept beside it. Each method raises Transient."""

    async def read(self, name: str, etag: str) -> tuple[bytes | None, str] | None:
        """Content and ETag; None for one that has still the ETag `etag`; no content where there is none."""

    async def keep(self, name: str, content: bytes) -> None:
        """Write a blob, whatever was there."""


class ContainerOfBlobs:
    """A container of the storage for mail."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._container = service.get_container_client(container)

    async def read(self, name: str, etag: str) -> tuple[bytes | None, str] | None:
        """Content and ETag; None for one that has still the ETag `etag`; no content where there is none.

        Raises Unavailable.
        """
        condition: dict[str, Any] = (
            {"etag": etag, "match_condition": MatchConditions.IfModified} if etag else {}
        )
        try:
            with storage_faults("configuration"):
                try:
                    download = await self._container.get_blob_client(name).download_blob(**condition)
                except HttpResponseError as error:
                    if error.status_code == HTTPStatus.NOT_MODIFIED:
                        return None
                    raise
                return await download.readall(), download.properties.etag or ""
        except ResourceNotFoundError:
            return None, ""

    async def keep(self, name: str, content: bytes) -> None:
        """Write a blob, whatever was there. Raises Unavailable."""
        with storage_faults("configuration"):
            await self._container.get_blob_client(name).upload_blob(content, overwrite=True)


class ConfigurationBlob:
    """Brings `live` up to date.

    `refused` is what is wrong with the file that is there now; `since` is when the one in force was read.
    """

    def __init__(self, blobs: Blobs, file: SourcesBlob, live: LiveConfiguration, clock: Clock) -> None:
        self._blobs = blobs
        self._file = file
        self._live = live
        self._clock = clock
        self._etag = ""
        self._looked_at: float | None = None
        self._is_read = False
        self._is_hopeless = False
        self._reading = asyncio.Lock()
        self.refused: tuple[str, ...] = ()
        self.since: datetime | None = None

    async def refresh(self) -> bool:
        """Look at the blob, at most once a minute; answers whether another configuration is in force now.

        Raises Transient and ConfigurationFault as long as there is none at all. Once there is one, a storage
        that is down changes nothing.
        """
        if self._is_read and (self._is_fresh or self._reading.locked()):
            return False
        async with self._reading:
            if not self._is_read:
                await self._first()
                return True
            return not self._is_fresh and await self._again()

    @property
    def _is_fresh(self) -> bool:
        last = self._looked_at
        return last is not None and self._clock.monotonic() - last < LOOKED_AT_EVERY

    async def _first(self) -> None:
        if not (self._is_hopeless and self._is_fresh):
            self._is_hopeless = False
            await self._look()
        if not self._is_read:
            self._take(await self._last_good())

    async def _again(self) -> bool:
        before = self._live.current
        try:
            await self._look()
        except Transient as fault:
            _LOG.warning("configuration-not-looked-at", file=str(self._file), why=str(fault))
        return self._live.current is not before

    async def _look(self) -> None:
        found = await self._blobs.read(self._file.name, self._etag)
        self._looked_at = self._clock.monotonic()
        if found is None:
            return
        content, etag = found
        if content is None:
            self._refuse((f"{self._file}: is not there. VAULTPOST_SOURCES names this blob.",), "")
            return
        try:
            configuration = await _parsed(content, str(self._file))
        except StartRefused as refused:
            self._refuse(refused.faults, etag)
            return
        self._etag, self.refused = etag, ()
        self._take(configuration)
        await self._keep(content)

    def _take(self, configuration: Configuration) -> None:
        self._live.take(configuration)
        self._is_read, self.since = True, self._clock.now()
        _LOG.info("configuration-read", file=str(self._file), sources=len(configuration.source))

    def _refuse(self, faults: tuple[str, ...], etag: str) -> None:
        """An alert for each state of the file, not for each look at it."""
        if self.refused != faults:
            _LOG.failure("configuration-refused", file=str(self._file), faults=" | ".join(faults))
        self._etag, self.refused = etag, faults

    async def _last_good(self) -> Configuration:
        content = None
        if not self._is_hopeless:
            content, _ = await self._blobs.read(f"{self._file.name}{LAST_GOOD}", "") or (None, "")
        if content is not None:
            try:
                return await _parsed(content, f"{self._file}{LAST_GOOD}")
            except StartRefused as refused:
                _LOG.warning("last-good-refused", file=str(self._file), faults=" | ".join(refused.faults))
        self._is_hopeless = True
        raise ConfigurationFault(
            f"{self._file} is refused, and there is none from before: {' | '.join(self.refused)}",
            "Correct it: it is read anew within a minute.",
        )

    async def _keep(self, content: bytes) -> None:
        try:
            await self._blobs.keep(f"{self._file.name}{LAST_GOOD}", content)
        except (Transient, ResourceNotFoundError) as fault:
            _LOG.warning("configuration-not-kept", file=str(self._file), why=str(fault))


async def _parsed(content: bytes, file: str) -> Configuration:
    # Beside the loop: hundreds of sources take a second.
    return await asyncio.to_thread(configuration_in, content, file)
