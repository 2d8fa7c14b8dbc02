"""What Graph sends, acknowledged only when all that it announces is durably queued (design, promise 1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from shared.clock import Clock
from shared.configuration import Source
from shared.endpoint import Answer, Refusal
from shared.errors import VaultpostError
from shared.log import Events
from shared.notification import REPEATED, UNPROVEN, Item, Judgement, NotACollection, items_in, judge
from shared.progress import Progress
from shared.queue_health import QueueHealth
from shared.queue_messages import LIFECYCLE_EVENT, MAIL_ARRIVED, LifecycleEvent, MailArrived, Message
from shared.queues import QueuesPort
from shared.secret_store import SecretStore, Versions
from shared.sparing import SparingLog
from shared.subscriptions import NOTIFICATION_KEY
from shared.tracing import traceparent

LONGEST_WAIT = 2.5
"""Seconds until all must be queued: Graph calls an endpoint slow after 3.

Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks.
"""


async def _nothing_to_do() -> None:
    """A configuration out of a file is that of the start."""


class Webhook:
    """Takes notifications of both kinds, at whichever address they come.

    Anyone can call it: what is refused or dropped costs no request to another service, and few events.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        queues: QueuesPort,
        secrets: SecretStore,
        clock: Clock,
        progress: Progress,
        refresh: Callable[[], Awaitable[None]] = _nothing_to_do,
    ) -> None:
        """`refresh` brings the configuration up to date."""
        self._sources = sources
        self._queues = queues
        self._secrets = secrets
        self._clock = clock
        self._progress = progress
        self._refresh = refresh
        self._log = Events("webhook")
        self._sparing = SparingLog(clock.monotonic)
        self._health = QueueHealth(queues, clock.monotonic)

    def refuse(self, refusal: Refusal) -> Answer:
        """The answer to a request that is none of Graph's."""
        self._sparing.note(self._log.warning, "request-refused", refusal.why)
        return refusal.status

    async def take(self, body: bytes, trace: str | None = None) -> Answer:
        """Judge and queue what `body` announces; `trace` is the `traceparent` that came with it."""
        self._sparing.tell()
        try:
            items = items_in(body)
        except NotACollection as error:
            return self.refuse(Refusal(Answer.NOT_A_COLLECTION, f"not a collection ({error})"))
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                judgement = await self._judged(items)
                self._tell(judgement.dropped)
                is_well = await self._queued(judgement, trace)
        except (TimeoutError, VaultpostError) as error:
            why = str(error) or type(error).__name__
            self._sparing.note(self._log.failure, "notifications-not-queued", why)
            return Answer.AGAIN_PLEASE
        return Answer.QUEUED if is_well else Answer.AGAIN_PLEASE

    def _tell(self, dropped: Mapping[str, int]) -> None:
        for why, number in dropped.items():
            write = self._log.info if why == REPEATED else self._log.warning
            self._sparing.note(write, "notifications-dropped", why, number)

    async def _judged(self, items: list[Item | None]) -> Judgement:
        """Where a client state matches no known version of the key, these are read anew, but seldom."""
        await self._refresh()
        known = await self._secrets.versions(NOTIFICATION_KEY)
        judgement = self._judged_by(known, items)
        if not judgement.dropped[UNPROVEN]:
            return judgement
        newer = await self._secrets.versions_other_than(NOTIFICATION_KEY, known)
        return judgement if newer == known else self._judged_by(newer, items)

    def _judged_by(self, known: Versions, items: list[Item | None]) -> Judgement:
        return judge(items, [version.value for version in known], self._sources, self._clock.now())

    async def _queued(self, judgement: Judgement, trace: str | None) -> bool:
        """Queue what is announced. Where nothing is left to queue, whether it could be, as for a true one.

        Raises Unavailable when it is not durably queued.
        """
        messages = self._messages(judgement, trace)
        queued = await self._sent(messages) if messages else 0
        if queued < len(messages):
            self._tell({REPEATED: len(messages) - queued})
        if not queued:
            return await self._health.is_well()
        mails, events = len(judgement.arrivals), len(judgement.cares)
        self._log.info("notifications-queued", mails=mails, lifecycle=events, queued=queued)
        return True

    async def _sent(self, messages: list[tuple[str, Message]]) -> int:
        sent = None
        try:
            sent = await self._progress.send(self._queues, messages)
        finally:
            if sent != 0:
                self._health.note(is_well=sent is not None)
        return sent

    def _messages(self, judgement: Judgement, trace: str | None) -> list[tuple[str, Message]]:
        noticed = self._clock.now().isoformat()
        arrived: list[tuple[str, Message]] = [
            (
                MAIL_ARRIVED,
                MailArrived(
                    source=arrival.source,
                    traceparent=traceparent(trace),
                    message=arrival.message,
                    cause="notification",
                    noticed=noticed,
                ),
            )
            for arrival in judgement.arrivals
        ]
        lifecycle: list[tuple[str, Message]] = [
            (
                LIFECYCLE_EVENT,
                LifecycleEvent(
                    source=care.source,
                    traceparent=traceparent(trace),
                    event=care.event,
                    subscription=care.subscription,
                ),
            )
            for care in judgement.cares
        ]
        return arrived + lifecycle
