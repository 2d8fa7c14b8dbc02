"""A record of every request that a process sends, by either HTTP client.

The host polls from the same process as the app: its requests are on record as well.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any, TextIO

import azure.core.pipeline.transport as azure_transport
import httpx

RECORD, SERVICES = "BENCH_RECORD", "BENCH_SERVICES"
"""Settings: the file of the record, and a JSON object with the service at each `host:port`."""


class Recorder:
    """Writes a line for each request: service, verb, path, status, and when it began and ended, UTC."""

    def __init__(self, file: TextIO, services: dict[str, str]) -> None:
        self._file = file
        self._services = services

    def note(self, verb: str, url: str, status: int, began: float) -> None:
        """A request is over."""
        parts = httpx.URL(url)
        place = f"{parts.host}:{parts.port}"
        line = [self._services.get(place, place), verb, parts.raw_path.decode(), status, began, time.time()]
        self._file.write(f"{json.dumps(line)}\n")


class _Watched(httpx.AsyncByteStream):
    """The body of an answer: its end is that of the request."""

    def __init__(self, stream: Any, done: Any) -> None:
        self._stream = stream
        self._done = done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._done()


def record(recorder: Recorder) -> None:
    """Have every request of both HTTP clients go on record."""
    of_httpx = httpx.AsyncHTTPTransport.handle_async_request
    of_azure = azure_transport.AioHttpTransport.send

    async def sent(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        began = time.time()
        answer = await of_httpx(self, request)
        answer.stream = _Watched(
            answer.stream,
            lambda: recorder.note(request.method, str(request.url), answer.status_code, began),
        )
        return answer

    async def sent_to_azure(self: Any, request: Any, **options: Any) -> Any:
        began = time.time()
        answer = await of_azure(self, request, **options)
        recorder.note(request.method, request.url, answer.status_code, began)
        return answer

    httpx.AsyncHTTPTransport.handle_async_request = sent  # type: ignore[method-assign]
    azure_transport.AioHttpTransport.send = sent_to_azure
