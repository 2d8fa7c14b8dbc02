"""A container of blobs: streamed in pieces, and made where it is missing."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobBlock
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient, StorageStreamDownloader

from shared.errors import Stale, Unavailable
from shared.storage_clients import PIECE
from shared.storage_errors import created_anew, storage_faults


@dataclass(frozen=True)
class Written:
    """What was written: its size in bytes and SHA-256 in hex."""

    size: int
    sha256: str


class BlobContainer:
    """The container `name`; its faults call it `what`. Each method may raise Unavailable."""

    def __init__(self, service: BlobServiceClient, name: str, what: str) -> None:
        self._container: ContainerClient = service.get_container_client(name)
        self._what = what

    async def write(self, name: str, content: AsyncGenerator[bytes, None]) -> Written:
        """Stream `content` into the blob `name`, piece by piece, with its digest taken on the way.

        Raises Unavailable, and what `content` raises; then the blob is as it was.
        """
        digest, size = hashlib.sha256(), 0
        blob, blocks = self._container.get_blob_client(name), list[BlobBlock]()
        pending: bytes | None = None
        async with aclosing(_pieces(content)) as pieces:
            async for piece in pieces:
                digest.update(piece)
                size += len(piece)
                if pending is not None:
                    blocks.append(await self._stage(blob, pending, len(blocks)))
                pending = piece
        if not blocks:
            await self.put(name, pending or b"", overwrite=True)
        else:
            blocks.append(await self._stage(blob, pending or b"", len(blocks)))
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
        with storage_faults(self._what):
            try:
                await blob.stage_block(block, piece)
            except ResourceNotFoundError:
                await self._create()
                with created_anew(self._what):
                    await blob.stage_block(block, piece)
        return BlobBlock(block_id=block)

    async def _create(self) -> None:
        try:
            await self._container.create_container()
        except ResourceExistsError:
            return  # a twin was first, or infra made it


async def _pieces(content: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """`content` in pieces of one size, whatever the sizes that it comes in; it is closed in any case."""
    held = bytearray()
    async with aclosing(content):
        async for part in content:
            if not held and len(part) == PIECE:
                yield part  # out of another blob: not worth two copies
                continue
            held += part
            while len(held) >= PIECE:
                yield bytes(held[:PIECE])
                del held[:PIECE]
    if held:
        yield bytes(held)
