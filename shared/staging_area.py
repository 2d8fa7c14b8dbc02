"""Container `staging`: the bytes of a mail between mailbox and vault (design, section 3)."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobBlock
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient

from shared.errors import NotYet, Stale, Unavailable
from shared.manifest import VERSION, Manifest
from shared.storage_clients import PIECE
from shared.storage_errors import storage_faults

CONTAINER = "staging"
LATER_VERSION_WAITS = 300.0
"""Seconds until a document of a later version is looked at again."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Written:
    """What was written: its size in bytes and SHA-256 in hex."""

    size: int
    sha256: str


class Missing(Exception):
    """A blob that a manifest names is not there, or not whole."""


class StagingArea:
    """Reads and writes the container, which it makes where it is missing."""

    def __init__(self, service: BlobServiceClient) -> None:
        self._container: ContainerClient = service.get_container_client(CONTAINER)

    async def write(self, name: str, content: AsyncGenerator[bytes, None]) -> Written:
        """Stream `content` into the blob `name`, piece by piece, with its digest taken on the way.

        Raises Unavailable, and what `content` raises.
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
        with storage_faults("staging area"):
            if not blocks:
                await self._put(blob, pending or b"", overwrite=True)
            else:
                blocks.append(await self._stage(blob, pending or b"", len(blocks)))
                await blob.commit_block_list(blocks)
        return Written(size, digest.hexdigest())

    async def read(self, name: str, size: int) -> AsyncIterator[bytes]:
        """The content of the blob `name`, piece by piece.

        Raises Missing when it is gone or does not have `size` bytes, and Unavailable.
        """
        try:
            with storage_faults("staging area"):
                download = await self._container.get_blob_client(name).download_blob(max_concurrency=1)
                if download.size != size:
                    raise Missing
                async for piece in download.chunks():
                    yield piece
        except ResourceNotFoundError:
            raise Missing from None

    async def put_manifest(self, manifest: Manifest) -> bool:
        """Commit a staged mail. Whether this manifest is the first: the first one wins.

        Raises Unavailable.
        """
        return await self.put_first(manifest_name(manifest.source, manifest.key), manifest)

    async def manifest(self, source: str, key: str) -> Manifest | None:
        """The manifest of a mail, if it is staged.

        Raises Unavailable.
        """
        name = manifest_name(source, key)
        found = await self.document(name, Manifest)
        if found is not None:
            of_this_version(found.v, VERSION, name)
        return found

    async def put_first(self, name: str, document: msgspec.Struct) -> bool:
        """Write a JSON document that is not there yet; False where there is one already.

        Raises Unavailable.
        """
        try:
            with storage_faults("staging area"):
                await self._put(
                    self._container.get_blob_client(name), msgspec.json.encode(document), overwrite=False
                )
        except Stale:
            return False
        return True

    async def document(self, name: str, kind: type[_T]) -> _T | None:
        """The JSON document `name`, or None.

        Raises Unavailable.
        """
        try:
            with storage_faults("staging area"):
                download = await self._container.get_blob_client(name).download_blob()
                return msgspec.json.decode(await download.readall(), type=kind)
        except ResourceNotFoundError:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable(
                f"staging area: {name} cannot be read ({type(error).__name__})", origin="storage"
            ) from None

    async def delete(self, name: str) -> None:
        """Take a blob away; one that is gone already is no fault.

        Raises Unavailable.
        """
        try:
            with storage_faults("staging area"):
                await self._container.delete_blob(name)
        except ResourceNotFoundError:
            return

    async def delete_document(self, name: str, document: msgspec.Struct) -> None:
        """Take a JSON document away, on its ETag, if it is still this one.

        Raises Stale when it has just been changed, and Unavailable.
        """
        blob = self._container.get_blob_client(name)
        try:
            with storage_faults("staging area"):
                download = await blob.download_blob()
                if _same(await download.readall(), document):
                    condition = MatchConditions.IfNotModified
                    await blob.delete_blob(etag=download.properties.etag, match_condition=condition)
        except ResourceNotFoundError:
            return

    async def delete_run(self, source: str, key: str, run: str) -> None:
        """Take away what one run has written.

        Raises Unavailable.
        """
        with storage_faults("staging area"):
            names = [
                name
                async for name in self._container.list_blob_names(name_starts_with=f"{source}/{key}/{run}/")
            ]
        for name in names:
            await self.delete(name)

    async def _stage(self, blob: BlobClient, piece: bytes, number: int) -> BlobBlock:
        block = b64encode(f"{number:08d}".encode()).decode()
        with storage_faults("staging area"):
            try:
                await blob.stage_block(block, piece)
            except ResourceNotFoundError:
                await self._create_container()
                await blob.stage_block(block, piece)
        return BlobBlock(block_id=block)

    async def _put(self, blob: BlobClient, content: bytes, **options: Any) -> None:
        try:
            await blob.upload_blob(content, length=len(content), **options)
        except ResourceNotFoundError:
            await self._create_container()
            await blob.upload_blob(content, length=len(content), **options)

    async def _create_container(self) -> None:
        try:
            await self._container.create_container()
        except ResourceExistsError:
            return  # a twin was first, or infra made it


def of_this_version(found: int, known: int, name: str) -> None:
    """After a roll-back, what a later version has written waits for it. Raises NotYet."""
    if found > known:
        raise NotYet(f"{name} is of version {found}; this app reads {known}", after=LATER_VERSION_WAITS)


def _same(body: bytes, document: msgspec.Struct) -> bool:
    """Whether `body` says the same; another version of the app may have written more."""
    try:
        return msgspec.json.decode(body, type=type(document)) == document
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def manifest_name(source: str, key: str) -> str:
    """The blob of a mail's manifest."""
    return f"{source}/{key}/manifest.json"


def plan_name(source: str, key: str) -> str:
    """The blob of what is filed from a mail."""
    return f"{source}/{key}/plan.json"


def file_name(source: str, key: str, run: str, path: str) -> str:
    """The blob of a staged file."""
    return f"{source}/{key}/{run}/{path}"


async def _pieces(content: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """`content` in pieces of one size, whatever the sizes that it comes in; it is closed in any case."""
    held = bytearray()
    async with aclosing(content):
        async for part in content:
            held += part
            while len(held) >= PIECE:
                yield bytes(held[:PIECE])
                del held[:PIECE]
    if held:
        yield bytes(held)
