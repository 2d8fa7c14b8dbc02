"""Bodies of requests whose length was said before."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from shared.errors import Unavailable

_SENT_AT_ONCE = 64 * 1024


async def exactly(size: int, content: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """`content`, if that is its size; else Unavailable: httpx lets another library's fault through there.

    First nothing, as soon as the first piece has come. What is encrypted at once is copied three times for
    that, so it comes in short parts.
    """
    left = size
    piece = await anext(content, b"")
    yield b""
    while piece and left >= len(piece):
        left -= len(piece)
        for start in range(0, len(piece), _SENT_AT_ONCE):
            yield piece[start : start + _SENT_AT_ONCE]
        piece = b""  # it would stay until the next one has come
        piece = await anext(content, b"")
    if left or piece:
        raise Unavailable("a file has another length than was said")
