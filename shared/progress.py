"""What is queued already of a batch that could not be acknowledged in time.

Graph sends such a batch again. Without this memory of the worker a batch larger than 2.5 s can hold would be
queued anew, in part, at each repetition, and never be acknowledged.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence

from shared.queue_messages import Message
from shared.queues import QueuesPort

KEPT_FOR = 600.0
"""Seconds that a message counts as queued: what comes later may be of a new event."""
LARGEST = 20_000
"""Messages that are remembered at most: some megabytes."""


class Progress:
    """Sends batches, and remembers what of one that failed is durably queued."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only go forward."""
        self._clock = clock
        self._queued: OrderedDict[str, float] = OrderedDict()

    async def send(self, queues: QueuesPort, messages: Sequence[tuple[str, Message]]) -> None:
        """Put each message into its queue, but those that a former try has put there.

        Raises Unavailable when one of them is not durably queued.
        """
        self._forget_old()
        left = [(queue, message) for queue, message in messages if _name(message) not in self._queued]
        sent: list[str] = []

        async def send(queue: str, message: Message) -> None:
            await queues.send(queue, message)
            if message.filing_key is not None:  # a lifecycle event may come again, and mean it
                sent.append(_name(message))

        try:
            outcomes = await asyncio.gather(
                *(send(queue, message) for queue, message in left), return_exceptions=True
            )
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
        except BaseException:
            self._remember(sent)
            raise
        for _, message in messages:
            self._queued.pop(_name(message), None)

    def _remember(self, names: Sequence[str]) -> None:
        now = self._clock()
        for name in names:
            self._queued[name] = now
        while len(self._queued) > LARGEST:
            self._queued.popitem(last=False)

    def _forget_old(self) -> None:
        oldest = self._clock() - KEPT_FOR
        while self._queued and next(iter(self._queued.values())) < oldest:
            self._queued.popitem(last=False)


def _name(message: Message) -> str:
    return f"{message.source}/{message.filing_key}"
