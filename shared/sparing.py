"""Events that anyone can cause, as often as they like: a flood of them must not become one in the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shared.log import Field

EVERY = 60.0
"""Seconds between two events of one kind for one reason."""
MOST_REASONS = 100
"""Reasons that are told apart; more of them are one."""
OTHER = "other"


class _Write(Protocol):
    def __call__(self, event: str, **fields: Field) -> None: ...


@dataclass
class _Told:
    write: _Write
    at: float
    since: int = 0


class SparingLog:
    """Writes the first event of a kind and reason at once, then one a minute at most, with their number.

    What is left to tell when they cease is told with the next event of any kind.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only go forward."""
        self._clock = clock
        self._told: dict[tuple[str, str], _Told] = {}

    def note(self, write: _Write, event: str, why: str, times: int = 1) -> None:
        """That `event` happened so many times, which `write` (a method of `Events`) writes."""
        if (event, why) not in self._told and len(self._told) >= MOST_REASONS:
            why = OTHER
        told = self._told.setdefault((event, why), _Told(write, float("-inf")))
        told.since += times
        self.tell()

    def tell(self) -> None:
        """Write what is to be told by now."""
        now = self._clock()
        for (event, why), told in self._told.items():
            if told.since and now - told.at >= EVERY:
                told.write(event, why=why, times=told.since)
                told.at, told.since = now, 0
