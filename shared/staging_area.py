"""The bytes of a mail between mailbox and vault (design, section 3), in two containers.

All is written to `staging`, whose lifecycle rule deletes by age. What is needed for longer is copied to
`kept`, and is found there when it is gone from `staging`.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from typing import TypeVar

import msgspec
from azure.storage.blob.aio import BlobServiceClient

from shared.blob_container import BlobContainer, Written, held_by_reading, held_by_writing
from shared.body.reader import held_by_rendering
from shared.errors import NotYet, Stale, Unavailable
from shared.manifest import VERSION, Manifest
from shared.memory_budget import MemoryBudget

CONTAINER = "staging"
KEPT = "kept"
LATER_VERSION_WAITS = 300.0
"""Seconds until a document of a later version is looked at again."""
_T = TypeVar("_T")


class Missing(Exception):
    """A blob that a manifest names is not there, or not whole."""


class StagingArea:
    """Reads and writes both containers. Each stream waits until there is memory for it."""

    def __init__(self, service: BlobServiceClient, memory: MemoryBudget | None = None) -> None:
        """Without `memory`, there is enough for all."""
        self._memory = memory or MemoryBudget()
        self._staged = BlobContainer(service, CONTAINER, "staging area")
        self._kept = BlobContainer(service, KEPT, "kept mail")

    async def write(
        self, name: str, content: AsyncGenerator[bytes, None], expected: int | None = None
    ) -> Written:
        """Stream `content` into the blob `name`, piece by piece, with its digest taken on the way.

        `content` is begun when there is memory: less is needed if about `expected` bytes will come, and those
        are few. Raises Unavailable, and what `content` raises.
        """
        async with aclosing(content), self._memory.streaming(held_by_writing(expected)):
            return await self._staged.write(name, content, expected)

    async def read(self, name: str, size: int, sha256: str = "") -> AsyncGenerator[bytes, None]:
        """The content of the blob `name`, piece by piece: the staged one, else the kept one.

        It waits for memory, and holds it until it ends or is closed; there is enough for who sends each piece
        on before the next one. Raises Missing when neither is there with `size` bytes, or, before its last
        piece, when what is there does not have the digest `sha256`, in hex, if that is known; and
        Unavailable, also when it is deleted while it is read: whether the other one is missing, too, is not
        known then.
        """
        async with AsyncExitStack() as held:
            await held.enter_async_context(self._memory.streaming(held_by_reading(size)))
            content = await self._staged.open(name, size) or await self._kept.open(name, size)
            if content is None:
                raise Missing
            await held.enter_async_context(aclosing(content))
            digest, left = hashlib.sha256(), size
            async for piece in content:
                digest.update(piece)
                left -= len(piece)
                if sha256 and left <= 0 and digest.hexdigest() != sha256:
                    raise Missing
                yield piece
                del piece  # it would stay until the next one has come

    def rendering(self, size: int) -> AbstractAsyncContextManager[None]:
        """The memory that it takes to render the body of a staged mail of `size` bytes; streams go within."""
        return self._memory.rendering(held_by_rendering(size))

    async def has(self, name: str, size: int) -> bool:
        """Whether the blob `name` is there with `size` bytes, staged or kept.

        Raises Unavailable.
        """
        return await self._staged.size(name) == size or await self._kept.size(name) == size

    async def put_manifest(self, manifest: Manifest) -> bool:
        """Commit a staged mail. Whether this manifest is the first: the first one wins.

        Raises Unavailable.
        """
        return await self.put_first(manifest_name(manifest.source, manifest.key), manifest)

    async def manifest(self, source: str, key: str, *, also_kept: bool = True) -> Manifest | None:
        """The manifest of a mail, if it is staged or, unless only that is asked for, kept.

        Raises NotYet when a later version has written it, and Unavailable.
        """
        return _readable(source, key, await self._body(manifest_name(source, key), also_kept))

    async def put_first(self, name: str, document: msgspec.Struct) -> bool:
        """Stage a JSON document that is not there yet; False where there is one already.

        Raises Unavailable.
        """
        try:
            await self._staged.put(name, msgspec.json.encode(document), overwrite=False)
        except Stale:
            return False
        return True

    async def document(self, name: str, kind: type[_T], *, also_kept: bool = True) -> _T | None:
        """The JSON document `name`, staged or, unless only that is asked for, kept; or None.

        `also_kept` costs a request where nothing is staged: a mail that has just arrived does without.

        Raises Unavailable.
        """
        return _decoded(name, await self._body(name, also_kept), kind)

    async def delete(self, name: str) -> None:
        """Take a blob away, staged and kept; one that is gone already is no fault.

        Raises Unavailable.
        """
        # The kept one first: who finds none staged then finds none kept.
        await self._kept.delete(name)
        await self._staged.delete(name)

    async def delete_document(self, name: str, document: msgspec.Struct) -> None:
        """Take a JSON document away, staged and kept, each on its ETag and only if it is still this one.

        Raises Stale when one has just been changed, and Unavailable.
        """
        for container in (self._kept, self._staged):
            await container.delete_if(name, lambda body: _same(body, document))

    async def delete_run(self, source: str, key: str, run: str) -> None:
        """Take away what one run has staged.

        Raises Unavailable.
        """
        await self._staged.delete_below(f"{_folder(source, key)}{run}/")

    async def keep(self, source: str, key: str) -> None:
        """Copy what is staged of a mail to where no age deletes it: its plan, its files, its manifest.

        The manifest comes last: where it is kept, its files are. Of a run that is not whole, what is there is
        kept, without the manifest. What is kept already is not copied again; nothing staged is no fault.

        Raises NotYet when a later version has written the manifest, and Unavailable.
        """
        name = manifest_name(source, key)
        body = await self._staged.get(name)
        if body is None and await self._kept.size(name) is None:
            return  # without a manifest, a plan is of no use to anybody
        manifest = _readable(source, key, body)
        await self._keep_document(plan_name(source, key), await self._staged.get(plan_name(source, key)))
        if manifest is not None and await self._keep_files(manifest):
            await self._keep_document(name, body)

    async def forget_kept(self, source: str, key: str) -> None:
        """Take away all that is kept of a mail: it is filed, and nobody will read it again.

        Raises Unavailable.
        """
        # The manifest first: nobody finds a mail that is half there.
        await self._kept.delete(manifest_name(source, key))
        await self._kept.delete_below(_folder(source, key))

    async def put_unreadable(self, body: bytes, sha256: str) -> None:
        """Keep a queue message that cannot be read, under the SHA-256 of its bytes.

        Raises Unavailable.
        """
        name = unreadable_name(sha256)
        if await self._kept.size(name) != len(body):
            await self._kept.put(name, body, overwrite=True)

    async def _body(self, name: str, also_kept: bool) -> bytes | None:
        body = await self._staged.get(name)
        return await self._kept.get(name) if body is None and also_kept else body

    async def _keep_document(self, name: str, body: bytes | None) -> None:
        if body is not None and await self._kept.get(name) != body:
            await self._kept.put(name, body, overwrite=True)

    async def _keep_files(self, manifest: Manifest) -> bool:
        """Copy the files of a manifest, one after the other. Whether all are kept then."""
        kept = [
            await self._keep_file(
                file_name(manifest.source, manifest.key, manifest.run, file.path), file.size
            )
            for file in manifest.files
        ]
        return all(kept)

    async def _keep_file(self, name: str, size: int) -> bool:
        if await self._kept.size(name) == size:
            return True
        async with self._memory.streaming(held_by_reading(size) + held_by_writing(size)):
            content = await self._staged.open(name, size)
            if content is None:
                return False
            await self._kept.write(name, content, size)
        return True


def of_this_version(found: int, known: int, name: str) -> None:
    """After a roll-back, what a later version has written waits for it. Raises NotYet."""
    if found > known:
        raise NotYet(f"{name} is of version {found}; this app reads {known}", after=LATER_VERSION_WAITS)


def _readable(source: str, key: str, body: bytes | None) -> Manifest | None:
    name = manifest_name(source, key)
    found = _decoded(name, body, Manifest)
    if found is not None:
        of_this_version(found.v, VERSION, name)
    return found


def _decoded(name: str, body: bytes | None, kind: type[_T]) -> _T | None:
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"staging area: {name} cannot be read ({type(error).__name__})", origin="storage"
        ) from None


def _same(body: bytes, document: msgspec.Struct) -> bool:
    """Whether `body` says the same; another version of the app may have written more."""
    try:
        return msgspec.json.decode(body, type=type(document)) == document
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def manifest_name(source: str, key: str) -> str:
    """The blob of a mail's manifest."""
    return f"{_folder(source, key)}manifest.json"


def plan_name(source: str, key: str) -> str:
    """The blob of what is filed from a mail."""
    return f"{_folder(source, key)}plan.json"


def file_name(source: str, key: str, run: str, path: str) -> str:
    """The blob of a staged file."""
    return f"{_folder(source, key)}{run}/{path}"


def unreadable_name(sha256: str) -> str:
    """The blob of a queue message that cannot be read; no source has that name."""
    return f"_unreadable/{sha256}"


def _folder(source: str, key: str) -> str:
    return f"{source}/{key}/"
