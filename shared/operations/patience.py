"""Waiting for a service that stumbles while a command runs for long: a function would put its mail back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.errors import Unavailable

TRIES = 6
"""Tries in a row, before the command ends with the fault."""
LONGEST_WAIT = 300.0
"""Seconds that are waited at most, whatever the service asks for."""
_T = TypeVar("_T")


class Patience:
    """Tries again what one service has not answered.

    One that has never answered is not waited for, unless it asks for that itself: more likely than down it
    is out of reach for this machine, or for this person.
    """

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """`sleep` takes seconds."""
        self._sleep = sleep
        self._has_answered = False

    async def with_(self, work: Callable[[], Awaitable[_T]], *, proves: bool = True) -> _T:
        """What `work` gives; `proves` says that it comes from the service, which is there then.

        Raises what `work` raises, Unavailable only after several tries.
        """
        for number in range(1, TRIES + 1):
            try:
                answer = await work()
            except Unavailable as fault:
                if number == TRIES or not self._waits_for(fault):
                    raise
                await self._sleep(_seconds(fault, number))
            else:
                self._has_answered = self._has_answered or proves
                return answer
        raise AssertionError("the last try raises")

    def _waits_for(self, fault: Unavailable) -> bool:
        return self._has_answered or fault.after is not None


def _seconds(fault: Unavailable, number: int) -> float:
    asked = fault.after if fault.after is not None else float(2 ** (number - 1))
    return min(asked, LONGEST_WAIT)
