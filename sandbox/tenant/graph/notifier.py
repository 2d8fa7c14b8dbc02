"""Sending change notifications, in the background.

An answer of 2xx within 3 seconds is a delivery; anything else is tried again for up to 4 hours, with
exponential back-off and 10 seconds to answer:
learn.microsoft.com/graph/change-notifications-delivery-webhooks
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any

import aiohttp

from sandbox.tenant.graph.push import Push

FIRST_ANSWER_SECONDS = 3.0
LATER_ANSWER_SECONDS = 10.0
FIRST_RETRY_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 900.0
GIVE_UP_SECONDS = 4 * 3600.0

# No limit is documented; this keeps a POST well below what receivers take.
LARGEST_BATCH = 100

Notification = Mapping[str, Any]

logger = logging.getLogger(__name__)


class Notifier:
    """Posts notifications to webhooks, those that wait for one address together.

    `trust` is the TLS context for https addresses; the default one without it. `first_retry` and
    `give_up_after` are in seconds. `push` says what goes wrong on the way.
    """

    def __init__(
        self,
        trust: ssl.SSLContext | None = None,
        *,
        first_retry: float = FIRST_RETRY_SECONDS,
        give_up_after: float = GIVE_UP_SECONDS,
    ) -> None:
        self._trust = trust
        self._first_retry = first_retry
        self._give_up_after = give_up_after
        self.push = Push()
        self._waiting: dict[str, deque[Notification]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Open the HTTP session, in the running loop."""
        self._loop = asyncio.get_running_loop()
        connector = aiohttp.TCPConnector(ssl=self._trust if self._trust is not None else True)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Give up everything under way and close the session."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._waiting.clear()
        if self._session is not None:
            await self._session.close()
        self._session = self._loop = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The open session. Raises RuntimeError before `start` and after `close`."""
        if self._session is None:
            raise RuntimeError("the notifier is not running")
        return self._session

    def send(self, url: str, notification: Notification) -> None:
        """Send soon; may be called from any thread. Raises RuntimeError when the notifier is not running."""
        if self._loop is None:
            raise RuntimeError("the notifier is not running")
        self._loop.call_soon_threadsafe(self._travel, url, notification)

    def _travel(self, url: str, notification: Notification) -> None:
        for seconds in self.push.arrivals(may_be_lost="lifecycleEvent" not in notification):
            if seconds > 0:
                self._begin(self._later(seconds, url, notification))
            else:
                self._enqueue(url, notification)

    async def _later(self, seconds: float, url: str, notification: Notification) -> None:
        await asyncio.sleep(seconds)
        self._enqueue(url, notification)

    def _enqueue(self, url: str, notification: Notification) -> None:
        if self._session is None:
            return
        waiting = self._waiting.get(url)
        if waiting is None:
            waiting = self._waiting[url] = deque()
            self._begin(self._work(url, waiting))
        waiting.append(notification)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, url: str, waiting: deque[Notification]) -> None:
        try:
            while waiting:
                await asyncio.sleep(self.push.gathered)
                number = min(len(waiting), LARGEST_BATCH)
                batch = self.push.order([waiting.popleft() for _ in range(number)])
                if not await self._post(url, batch, FIRST_ANSWER_SECONDS):
                    self._begin(self._retry(url, batch))
        finally:
            self._waiting.pop(url, None)

    async def _retry(self, url: str, batch: list[Notification]) -> None:
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + self._give_up_after, self._first_retry
        while loop.time() + pause <= end:
            await asyncio.sleep(pause)
            if await self._post(url, batch, LATER_ANSWER_SECONDS):
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        logger.warning("gave up %d notifications", len(batch), extra={"address": url})

    async def _post(self, url: str, batch: list[Notification], seconds: float) -> bool:
        body = json.dumps({"value": batch}).encode()
        try:
            async with self.session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json; charset=utf-8"},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.info("notification not delivered: %r", error, extra={"address": url})
            return False
