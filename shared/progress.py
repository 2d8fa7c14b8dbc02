"""What is queued already, of a batch that could not be acknowledged in time, or of one that comes again.

Graph sends a batch again that was not acknowledged. Without this memory of the worker a batch larger than
2.5 s can hold would be queued anew, in part, at each repetition, and never be acknowledged. And one that was
acknowledged may be sent again by anyone who has seen it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from shared.queue_messages import LifecycleEvent, Message
from shared.queues import QueuesPort
from shared.recently import Recently

KEPT_FOR = 600.0
"""Seconds that a message of a batch that failed counts as queued: what comes later may be of a new event."""
MAIL_REPEATS_WITHIN = 10.0
"""Seconds in which the same mail need not be queued again."""
EVENT_REPEATS_WITHIN = 60.0
"""Seconds in which the same event of a subscription need not be queued again."""
LARGEST = 20_000
"""Messages of failed batches that are remembered at most: some megabytes."""
MOST_REPEATS = 10_000
"""Messages of either kind that are remembered at most after they were acknowledged."""


class Progress:
    """Sends batches, and remembers what of them is durably queued."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only go forward."""
        self._of_failed = Recently(clock, KEPT_FOR, LARGEST)
        self._mails = Recently(clock, MAIL_REPEATS_WITHIN, MOST_REPEATS)
        self._events = Recently(clock, EVENT_REPEATS_WITHIN, MOST_REPEATS)

    async def send(self, queues: QueuesPort, messages: Sequence[tuple[str, Message]]) -> int:
        """Put each message into its queue, once, but those that were put there just now; how many that were.

        Raises Unavailable when one of them is not durably queued.
        """
        left = {_name(queue, message): (queue, message) for queue, message in messages}
        left = {name: one for name, one in left.items() if not self._is_queued(name, one[1])}
        sent: list[str] = []

        async def send(name: str, queue: str, message: Message) -> None:
            await queues.send(queue, message)
            sent.append(name)

        try:
            outcomes = await asyncio.gather(
                *(send(name, *one) for name, one in left.items()), return_exceptions=True
            )
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
        except BaseException:
            for name in sent:
                self._memory_after_failure(left[name][1]).add([name])
            raise
        self._note_acknowledged(messages)
        return len(sent)

    def _is_queued(self, name: str, message: Message) -> bool:
        return name in self._of_failed or name in self._repeats_of(message)

    def _note_acknowledged(self, messages: Sequence[tuple[str, Message]]) -> None:
        for queue, message in messages:
            name = _name(queue, message)
            self._of_failed.discard([name])
            if name not in self._repeats_of(message):
                self._repeats_of(message).add([name])

    def _memory_after_failure(self, message: Message) -> Recently:
        """A lifecycle event may come again soon, and mean it."""
        return self._events if isinstance(message, LifecycleEvent) else self._of_failed

    def _repeats_of(self, message: Message) -> Recently:
        return self._events if isinstance(message, LifecycleEvent) else self._mails


def _name(queue: str, message: Message) -> str:
    if isinstance(message, LifecycleEvent):
        return f"{queue}/{message.source}/{message.subscription}/{message.event}"
    return f"{queue}/{message.source}/{message.filing_key}"
