"""A container of blobs: streamed in pieces, and made where it is missing."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobBlock
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient, StorageStreamDownloader

from shared.errors import Stale, Unavailable
from shared.storage_clients import PIECE
from shared.storage_errors import created_anew, storage_faults

_SMALL_PIECE = 256 * 1024
_CONNECTIONS = 1024 * 1024
"""Bytes that a stream's two connections hold: TLS records, windows of HTTP, buffers of sockets."""


@dataclass(frozen=True)
class Written:
    """What was written: its size in bytes and SHA-256 in hex."""

    size: int
    sha256: str


def held_by_writing(expected: int | None) -> int:
    """The most bytes of memory that `BlobContainer.write` holds of a stream, with what its source holds.

    The piece that is filled, and a copy of it that is sent.
    """
    return 2 * _piece_of(expected) + _CONNECTIONS


def held_by_reading(size: int) -> int:
    """The most bytes of memory that `BlobContainer.open` holds of a blob, with who sends its pieces on.

    The SDK keeps the first piece to the end. The next one is there in parts and as a whole, for a moment.
    """
    return 3 * min(size, PIECE) + _CONNECTIONS


class BlobContainer:
    """The container `name`; its faults call it `what`. Each method may raise Unavailable."""

    def __init__(self, service: BlobServiceClient, name: str, what: str) -> None:
        self._container: ContainerClient = service.get_container_client(name)
        self._what = what

    async def write(
        self, name: str, content: AsyncGenerator[bytes, None], expected: int | None = None
    ) -> Written:
        """Stream `content` into the blob `name`, piece by piece, with its digest taken on the way.

        About `expected` bytes will come, if that is known; what is small goes in small pieces, however much
        comes of it. Raises Unavailable, and what `content` raises; then the blob is as it was.
        """
        digest, size = hashlib.sha256(), 0
        blob, blocks = self._container.get_blob_client(name), list[BlobBlock]()
        limit = _piece_of(expected)
        async with aclosing(_pieces(content, limit)) as pieces:
            async for piece in pieces:
                digest.update(piece)
                size += len(piece)
                if size < limit:  # all that there is
                    await self.put(name, piece, overwrite=True)
                else:
                    blocks.append(await self._stage(blob, piece, len(blocks)))
                del piece  # it would stay until the next one is complete
        if not size:
            await self.put(name, b"", overwrite=True)
        if blocks:
            with storage_faults(self._what):
                await blob.commit_block_list(blocks)
        return Written(size, digest.hexdigest())

    async def put(self, name: str, content: bytes, *, overwrite: bool) -> None:
        """Write a small blob.

        Raises Stale when it is there already and is not to be overwritten, and Unavailable.
        """
        blob = self._container.get_blob_client(name)
        with storage_faults(self._what):
            try:
                await blob.upload_blob(content, length=len(content), overwrite=overwrite)
            except ResourceNotFoundError:
                await self._create()
                with created_anew(self._what):
                    await blob.upload_blob(content, length=len(content), overwrite=overwrite)

    async def open(self, name: str, size: int) -> AsyncGenerator[bytes, None] | None:
        """The content of the blob `name`, piece by piece; None if it is gone or does not have `size` bytes.

        Raises Unavailable, also when it is deleted while it is read.
        """
        try:
            with storage_faults(self._what):
                download = await self._container.get_blob_client(name).download_blob(max_concurrency=1)
        except ResourceNotFoundError:
            return None
        return self._read(download) if download.size == size else None

    async def _read(self, download: StorageStreamDownloader[bytes]) -> AsyncGenerator[bytes, None]:
        try:
            with storage_faults(self._what):
                async for piece in download.chunks():
                    yield piece
                    del piece  # it would stay until the next one has come
        except ResourceNotFoundError:
            raise Unavailable(
                f"{self._what}: a blob was deleted while it was read", origin="storage"
            ) from None

    async def get(self, name: str) -> bytes | None:
        """The content of a small blob, or None."""
        try:
            with storage_faults(self._what):
                download = await self._container.get_blob_client(name).download_blob()
                return await download.readall()
        except ResourceNotFoundError:
            return None

    async def get_with_etag(self, name: str) -> tuple[bytes | None, str]:
        """The content of a small blob with its ETag; None and an empty one where there is none."""
        try:
            with storage_faults(self._what):
                download = await self._container.get_blob_client(name).download_blob()
                return await download.readall(), download.properties.etag or ""
        except ResourceNotFoundError:
            return None, ""

    async def put_if(self, name: str, content: bytes, etag: str) -> str:
        """Write a small blob that was read with this ETag, or that was not there; answers its new one.

        Raises Stale when it has changed since, and Unavailable.
        """
        blob = self._container.get_blob_client(name)
        condition: dict[str, Any] = (
            {"overwrite": True, "etag": etag, "match_condition": MatchConditions.IfNotModified}
            if etag
            else {"overwrite": False}
        )
        with storage_faults(self._what):
            try:
                answer = await blob.upload_blob(content, length=len(content), **condition)
            except ResourceNotFoundError:
                if etag:
                    raise Stale(f"{self._what}: a blob is gone") from None
                await self._create()
                with created_anew(self._what):
                    answer = await blob.upload_blob(content, length=len(content), **condition)
        return str(answer["etag"])

    async def size(self, name: str) -> int | None:
        """The size of a blob in bytes, or None where there is none."""
        try:
            with storage_faults(self._what):
                return (await self._container.get_blob_client(name).get_blob_properties()).size
        except ResourceNotFoundError:
            return None

    async def delete(self, name: str) -> None:
        """Take a blob away; one that is gone already is no fault."""
        try:
            with storage_faults(self._what):
                await self._container.delete_blob(name)
        except ResourceNotFoundError:
            return

    async def delete_if(self, name: str, holds: Callable[[bytes], bool]) -> None:
        """Take a small blob away, on its ETag, if that holds of its content.

        Raises Stale when it has just been changed, and Unavailable.
        """
        blob = self._container.get_blob_client(name)
        try:
            with storage_faults(self._what):
                download = await blob.download_blob()
                if holds(await download.readall()):
                    condition = MatchConditions.IfNotModified
                    await blob.delete_blob(etag=download.properties.etag, match_condition=condition)
        except ResourceNotFoundError:
            return

    async def delete_below(self, prefix: str) -> None:
        """Take away all blobs whose names begin so, as they are listed."""
        async with aclosing(self._names(prefix)) as names:
            async for name in names:
                await self.delete(name)

    async def _names(self, prefix: str) -> AsyncGenerator[str, None]:
        try:
            with storage_faults(self._what):
                found: AsyncIterator[str] = self._container.list_blob_names(name_starts_with=prefix)
                async for name in found:
                    yield name
        except ResourceNotFoundError:
            return  # there is no container

    async def _stage(self, blob: BlobClient, piece: bytes, number: int) -> BlobBlock:
        block = b64encode(f"{number:08d}".encode()).decode()
        # As a file: bytes would be encrypted all at once, and copied three times for that.
        with storage_faults(self._what):
            try:
                await blob.stage_block(block, BytesIO(piece), length=len(piece))
            except ResourceNotFoundError:
                await self._create()
                with created_anew(self._what):
                    await blob.stage_block(block, BytesIO(piece), length=len(piece))
        return BlobBlock(block_id=block)

    async def _create(self) -> None:
        try:
            await self._container.create_container()
        except ResourceExistsError:
            return  # a twin was first, or infra made it


def _piece_of(expected: int | None) -> int:
    return _SMALL_PIECE if expected is not None and expected <= _SMALL_PIECE else PIECE


async def _pieces(content: AsyncGenerator[bytes, None], limit: int) -> AsyncGenerator[bytes, None]:
    """`content` in pieces of that size, whatever the sizes that it comes in; it is closed in any case.

    Only the last one is shorter.
    """
    held = bytearray()
    async with aclosing(content):
        async for part in content:
            if not held and len(part) == limit:
                yield part  # out of another blob: not worth a copy
                continue
            for start in range(0, len(part), limit):
                held += part[start : start + limit]
                if len(held) >= limit:
                    with memoryview(held) as whole:
                        piece = bytes(whole[:limit])
                    del held[:limit]
                    yield piece
                    del piece
    if held:
        yield bytes(held)
