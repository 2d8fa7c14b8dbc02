"""How the clients of Azure Storage reach it: over a bounded number of connections."""

from __future__ import annotations

from urllib.request import getproxies

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport

CONNECTIONS = 16
"""To the blobs, and to the tables: each takes some 300 KB, as asyncio reserves 256 for what it decrypts."""
PUTS_AT_ONCE = 32
"""Messages that are put at once, each over a connection: a turn of the worker's loop then serves several."""
READ_TIMEOUT = 60.0
"""Seconds in which a service may send nothing. The SDKs give theirs to no transport but their own."""
_CONNECTION_TIMEOUT = 20.0
_BLOCK = 256 * 1024
"""Bytes of an answer that are read at once; as the SDKs have it, too."""


class StorageTransport(AioHttpTransport):  # type: ignore[misc]  # azure.core imports it when it is asked for
    """That of one service. A request waits for a connection where all are in use; the SDK's own takes 100.

    Where this machine knows of no proxy, no request looks for one. aiohttp looks for it, and for a netrc
    file, in a thread and for each request: a fifth of what it costs.
    """

    def __init__(self, connections: int = CONNECTIONS, *, read_timeout: float = READ_TIMEOUT) -> None:
        """`read_timeout` is how many seconds a server may send nothing."""
        self._looks_for_proxy = bool(getproxies())
        # A transport that is told nothing waits for 300 s.
        super().__init__(
            use_env_settings=self._looks_for_proxy,
            connection_timeout=_CONNECTION_TIMEOUT,
            read_timeout=read_timeout,
            connection_data_block_size=_BLOCK,
        )
        self._connections = connections
        self._was_opened = False

    async def open(self) -> None:
        """Open it once, within a running event loop. Raises ValueError when it was closed."""
        if not self._was_opened:
            self._was_opened = True
            # As the SDK makes it, but for the connector: it unpacks compressed bodies itself.
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=self._looks_for_proxy,
            )
        await super().open()
