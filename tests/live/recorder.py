"""A receiver of notifications that answers as the app does, and keeps what Graph has sent."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

from sandbox.serving import Served, serve


@dataclass(frozen=True)
class Post:
    """One request of Graph; `at` is the time of the loop."""

    path: str
    query: tuple[str, ...]
    token: str | None
    content_type: str
    headers: tuple[str, ...]
    body: bytes
    at: float

    @property
    def items(self) -> list[dict[str, Any]]:
        """What it announces."""
        found: list[dict[str, Any]] = json.loads(self.body)["value"] if self.token is None else []
        return found


@dataclass(frozen=True)
class Behaviour:
    """How one notification is answered."""

    status: int = 202
    seconds: float = 0.0


class Recorder:
    """An asynchronous context manager; `behaviours` are used up by the next notifications, one each."""

    def __init__(self, port: int = 0) -> None:
        self.posts: list[Post] = []
        self.behaviours: deque[Behaviour] = deque()
        self._port = port
        self._news = asyncio.Condition()
        self._served: Served | None = None

    async def __aenter__(self) -> Self:
        site = web.Application()
        site.router.add_post("/{path:.*}", self._take)
        self._served = await serve(site, context=None, port=self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._served is not None:
            await self._served.close()

    @property
    def origin(self) -> str:
        """Where it listens on this machine."""
        assert self._served is not None
        return self._served.origin

    def now(self) -> float:
        """The time of the loop."""
        return asyncio.get_running_loop().time()

    async def wait(
        self, wanted: Callable[[Post], bool], seconds: float, *, number: int = 1, after: int = 0
    ) -> list[Post]:
        """The posts that are `wanted`, of those after the first `after`: once there are so many of them, or
        `seconds` are over.
        """

        def found() -> list[Post]:
            return [post for post in self.posts[after:] if wanted(post)]

        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: len(found()) >= number)
        except TimeoutError:
            pass
        return found()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("validationToken")
        post = Post(
            path=request.path,
            query=tuple(request.query),
            token=token,
            content_type=request.headers.get("Content-Type", ""),
            headers=tuple(sorted(name.lower() for name in request.headers)),
            body=await request.read(),
            at=self.now(),
        )
        async with self._news:
            self.posts.append(post)
            self._news.notify_all()
        if token is not None:
            return web.Response(text=token, content_type="text/plain")
        behaviour = self.behaviours.popleft() if self.behaviours else Behaviour()
        await asyncio.sleep(behaviour.seconds)
        return web.Response(status=behaviour.status)
