"""Whether what comes in could be queued, for those who send nothing that is.

Were a forged notification acknowledged while a true one, which cannot be queued, is not, the answer would
tell which is which.
"""

from __future__ import annotations

from collections.abc import Callable

from shared.errors import VaultpostError
from shared.queue_messages import MAIL_ARRIVED
from shared.queues import QueuesPort

ASKED_EVERY = 10.0
"""Seconds between two questions, however many want to know."""


class QueueHealth:
    """Known from what was sent last; else the queue is asked, seldom, and by one at a time."""

    def __init__(self, queues: QueuesPort, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only go forward."""
        self._queues = queues
        self._clock = clock
        self._is_well = True
        self._known_since = float("-inf")
        self._is_asking = False

    def note(self, *, is_well: bool) -> None:
        """Whether something could be queued just now."""
        self._is_well, self._known_since = is_well, self._clock()

    async def is_well(self) -> bool:
        """Whether something could be queued. Whoever comes while it is asked goes by the former answer."""
        if not self._is_asking and self._clock() - self._known_since >= ASKED_EVERY:
            await self._ask()
        return self._is_well

    async def _ask(self) -> None:
        self._is_asking = True
        try:
            await self._queues.oldest_visible(MAIL_ARRIVED)
        except VaultpostError:
            self.note(is_well=False)
        else:
            self.note(is_well=True)
        finally:
            self._is_asking = False
