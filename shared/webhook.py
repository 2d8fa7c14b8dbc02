"""What Graph sends, acknowledged only when all that it announces is durably queued (design, promise 1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from shared.clock import Clock
from shared.configuration import Source
from shared.errors import VaultpostError
from shared.log import Events
from shared.notification import LARGEST_BODY, UNPROVEN, Judgement, NotACollection, judge
from shared.progress import Progress
from shared.queue_messages import LIFECYCLE_EVENT, MAIL_ARRIVED, LifecycleEvent, MailArrived, Message
from shared.queues import QueuesPort
from shared.secret_store import SecretStore
from shared.subscriptions import NOTIFICATION_KEY
from shared.tracing import traceparent

LONGEST_WAIT = 2.5
"""Seconds until all must be queued: Graph calls an endpoint slow after 3.

Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks.
"""


class Answer(IntEnum):
    """The HTTP status of an answer to Graph."""

    QUEUED = 202
    NOT_A_COLLECTION = 400
    TOO_LARGE = 413
    AGAIN_PLEASE = 503


async def _nothing_to_do() -> None:
    """A configuration out of a file is that of the start."""


@dataclass(frozen=True)
class Webhook:
    """Takes notifications of both kinds, at whichever address they come."""

    sources: Mapping[str, Source]
    queues: QueuesPort
    secrets: SecretStore
    clock: Clock
    progress: Progress
    refresh: Callable[[], Awaitable[None]] = _nothing_to_do
    """Brings the configuration up to date."""

    async def take(self, body: bytes, trace: str | None = None) -> Answer:
        """Judge and queue what `body` announces; `trace` is the `traceparent` that came with it."""
        log = Events("webhook")
        if len(body) > LARGEST_BODY:
            log.warning("notifications-refused", why="too large", bytes=len(body))
            return Answer.TOO_LARGE
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                judgement = await self._judged(body)
                await self.progress.send(self.queues, self._messages(judgement, trace))
        except NotACollection as error:
            log.warning("notifications-refused", why=f"not a collection ({error})")
            return Answer.NOT_A_COLLECTION
        except (TimeoutError, VaultpostError) as error:
            log.failure("notifications-not-queued", why=str(error) or type(error).__name__)
            return Answer.AGAIN_PLEASE
        log.info(
            "notifications-queued",
            mails=len(judgement.arrivals),
            lifecycle=len(judgement.cares),
            dropped=dict(judgement.dropped),
        )
        return Answer.QUEUED

    async def _judged(self, body: bytes) -> Judgement:
        """Where a client state matches no known version of the key, these are read anew, but seldom."""
        await self.refresh()
        known = await self.secrets.versions(NOTIFICATION_KEY)
        judgement = judge(body, [version.value for version in known], self.sources)
        if not judgement.dropped[UNPROVEN]:
            return judgement
        newer = await self.secrets.versions_other_than(NOTIFICATION_KEY, known)
        return judgement if newer == known else judge(body, [one.value for one in newer], self.sources)

    def _messages(self, judgement: Judgement, trace: str | None) -> list[tuple[str, Message]]:
        noticed = self.clock.now().isoformat()
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
