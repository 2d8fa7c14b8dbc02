"""Temporary files: what was uploaded and waits for the object that it becomes part of."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

PIECE = 256 * 1024
"""Bytes read from the wire at a time, at most."""


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


@dataclass(frozen=True)
class Upload:
    """One uploaded file; its number counts within one token."""

    number: int
    path: Path
    size: int
    sha256: str


def _append(file: BinaryIO, digest: _Digest, piece: bytes) -> None:
    file.write(piece)
    digest.update(piece)


def _discard(path: Path) -> None:
    path.unlink(missing_ok=True)


async def receive(pieces: AsyncIterator[bytes], path: Path) -> tuple[int, str]:
    """Write a stream to `path`; gives its size in bytes and its SHA-256. A cut stream leaves no file."""
    digest = hashlib.sha256()
    size = 0
    try:
        with await asyncio.to_thread(path.open, "wb") as file:
            async for piece in pieces:
                await asyncio.to_thread(_append, file, digest, piece)
                size += len(piece)
    except BaseException:
        _discard(path)
        raise
    return size, digest.hexdigest()
