"""A staging area kept in memory: for tests alone, since it holds whole mails."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from shared.blob_container import BlobContainer, Written
from shared.errors import Stale, Unavailable
from shared.memory_budget import MemoryBudget
from shared.staging_area import StagingArea
from shared.storage_clients import PIECE


class InMemoryBlobContainer(BlobContainer):
    """What `BlobContainer` does, for one process. Each access is counted, and lets others go first."""

    def __init__(self, what: str) -> None:
        self.reads = 0
        self.writes = 0
        self._what = what
        self._blobs: dict[str, tuple[bytes, int]] = {}
        self._numbers = itertools.count(1)

    async def write(
        self, name: str, content: AsyncGenerator[bytes, None], expected: int | None = None
    ) -> Written:
        """Collect `content` into the blob `name`.

        Raises what `content` raises; then the blob is as it was.
        """
        async with aclosing(content):
            body = b"".join([piece async for piece in content])
        await self.put(name, body, overwrite=True)
        return Written(len(body), hashlib.sha256(body).hexdigest())

    async def put(self, name: str, content: bytes, *, overwrite: bool) -> None:
        """Write a blob. Raises Stale when it is there already and is not to be overwritten."""
        await asyncio.sleep(0)
        self.writes += 1
        if name in self._blobs and not overwrite:
            raise Stale(f"{self._what}: another worker was first")
        self._blobs[name] = (content, next(self._numbers))

    async def open(self, name: str, size: int) -> AsyncGenerator[bytes, None] | None:
        """The content of the blob `name`, piece by piece; None if it is gone or does not have `size` bytes.

        After its first piece it raises Unavailable when the blob is deleted, and Stale when it is changed.
        """
        await asyncio.sleep(0)
        self.reads += 1
        found = self._blobs.get(name)
        return self._pieces(name, found) if found is not None and len(found[0]) == size else None

    async def get(self, name: str) -> bytes | None:
        """The content of a blob, or None."""
        await asyncio.sleep(0)
        self.reads += 1
        return self._blobs[name][0] if name in self._blobs else None

    async def get_with_etag(self, name: str) -> tuple[bytes | None, str]:
        """The content of a blob with its ETag; None and an empty one where there is none."""
        await asyncio.sleep(0)
        self.reads += 1
        found = self._blobs.get(name)
        return (None, "") if found is None else (found[0], str(found[1]))

    async def put_if(self, name: str, content: bytes, etag: str) -> str:
        """Write a blob that was read with this ETag, or was not there. Raises Stale when it has changed."""
        await asyncio.sleep(0)
        found = self._blobs.get(name)
        if (str(found[1]) if found else "") != etag:
            raise Stale(f"{self._what}: another worker was first")
        self.writes += 1
        number = next(self._numbers)
        self._blobs[name] = (content, number)
        return str(number)

    async def size(self, name: str) -> int | None:
        """The size of a blob in bytes, or None where there is none."""
        body = await self.get(name)
        return None if body is None else len(body)

    async def delete(self, name: str) -> None:
        """Take a blob away; one that is gone already is no fault."""
        await asyncio.sleep(0)
        self.writes += 1
        self._blobs.pop(name, None)

    async def delete_if(self, name: str, holds: Callable[[bytes], bool]) -> None:
        """Take a blob away, if that holds of its content. Raises Stale when it has just been changed."""
        await asyncio.sleep(0)
        self.reads += 1
        found = self._blobs.get(name)
        if found is None or not holds(found[0]):
            return
        await asyncio.sleep(0)
        self.writes += 1
        if self._blobs.get(name, found) is not found:
            raise Stale(f"{self._what}: another worker was first")
        self._blobs.pop(name, None)

    async def delete_below(self, prefix: str) -> None:
        """Take away all blobs whose names begin so."""
        for name in self.names(prefix):
            await self.delete(name)

    def names(self, prefix: str = "") -> list[str]:
        """The names that begin so, in their order."""
        return sorted(name for name in self._blobs if name.startswith(prefix))

    def lose(self, prefix: str = "") -> None:
        """Lose the blobs whose names begin so, as by the rule that deletes by age."""
        for name in self.names(prefix):
            del self._blobs[name]

    async def _pieces(self, name: str, found: tuple[bytes, int]) -> AsyncGenerator[bytes, None]:
        body, _ = found
        for start in range(0, len(body), PIECE):
            if start > 0 and self._blobs.get(name) is not found:
                if name in self._blobs:
                    raise Stale(f"{self._what}: another worker was first")
                raise Unavailable(f"{self._what}: a blob was deleted while it was read", origin="storage")
            yield body[start : start + PIECE]
            await asyncio.sleep(0)


class InMemoryStagingArea(StagingArea):
    """The staging area itself, on containers in memory."""

    def __init__(self, memory: MemoryBudget | None = None) -> None:
        self._memory = memory or MemoryBudget()
        self.staged = self._staged = InMemoryBlobContainer("staging area")
        self.kept = self._kept = InMemoryBlobContainer("kept mail")
