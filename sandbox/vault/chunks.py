"""Files that come in chunks: an undocumented way of the web service, known from the official client.

github.com/M-Files/Libraries.MFWSClient, MFWSVaultObjectFileOperations. That chunks come in their order, that
none comes twice, and that their number must be right, is unverified and strict.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.vault.errors import invalid


@dataclass(frozen=True)
class Chunk:
    """One chunk as it is announced: its number from 1, how many come, and the size of all but the last."""

    number: int
    total: int
    size: int


@dataclass
class PartialUpload:
    """A file of `size` bytes, of which so many have come."""

    number: int
    path: Path
    size: int
    received: int = 0
    chunks: int = 0
    chunk_size: int = 0
    busy: bool = False
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def is_complete(self) -> bool:
        """Whether all of it is there."""
        return self.received == self.size

    def check(self, chunk: Chunk, length: int) -> None:
        """Raises ServiceError (400) unless this is the next chunk, and of the right length in bytes."""
        if chunk.size < 1 or chunk.total != -(-self.size // chunk.size):
            raise invalid(f"{self.size} bytes do not make {chunk.total} chunks of {chunk.size} bytes.")
        if self.chunk_size not in (0, chunk.size):
            raise invalid("All chunks but the last have the same size.")
        if self.busy or chunk.number != self.chunks + 1:
            raise invalid(f"Chunk {chunk.number} does not follow chunk {self.chunks}.")
        expected = min(chunk.size, self.size - self.received)
        if length != expected:
            raise invalid(f"Chunk {chunk.number} has {length} bytes, not {expected}.")

    async def append(self, chunk: Chunk, pieces: AsyncIterator[bytes]) -> None:
        """Write a chunk to the end of the file; a cut stream leaves what was there before."""
        self.busy = True
        digest, received = self.digest.copy(), self.received
        try:
            with await asyncio.to_thread(self.path.open, "ab") as file:
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece)
                    digest.update(piece)
                    received += len(piece)
        except BaseException:
            with self.path.open("r+b") as file:
                file.truncate(self.received)
            raise
        finally:
            self.busy = False
        self.digest, self.received = digest, received
        self.chunks, self.chunk_size = chunk.number, chunk.size
