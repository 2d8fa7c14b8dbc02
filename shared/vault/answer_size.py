"""Reading an answer as a whole, but not one without end."""

from __future__ import annotations

import httpx

from shared.errors import ConfigurationFault, Unavailable

LARGEST = 32 * 1024 * 1024
"""Bytes that are read, unpacked. A value list of 100,000 items, which comes in one answer, has less."""
_OF_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})


async def read_whole(stream: httpx.Response) -> httpx.Response:
    """The answer with its body, of which at most a piece more than `LARGEST` is read.

    Raises httpx.HTTPError.
    """
    body = bytearray()
    async for piece in stream.aiter_bytes():
        body += piece
        if len(body) > LARGEST:
            break
    # It is unpacked by now.
    headers = [(name, value) for name, value in stream.headers.multi_items() if name not in _OF_TRANSFER]
    return httpx.Response(stream.status_code, headers=headers, content=bytes(body), request=stream.request)


def too_long(response: httpx.Response, base: str) -> ConfigurationFault | Unavailable | None:
    """The fault that the size of an answer is, which came from below the address `base`.

    Unavailable where the request may have changed something, since nobody knows whether it has.
    """
    if len(response.content) <= LARGEST:
        return None
    said = f"What answers at {base} sent over {LARGEST // 1024**2} MiB to one request."
    remedy = (
        "Look at vault.url, and at what stands before M-Files. If a property chooses from a list of more "
        'than some 100,000 items, let its value be an id: by = "id".'
    )
    if response.request.method == "GET":
        return ConfigurationFault(said, remedy)
    return Unavailable(f"{said} {remedy}", origin="vault")
