"""How long to rest between two looks into a queue that may stay empty."""

from __future__ import annotations

from collections.abc import Callable

SHORTEST = 0.1


class Backoff:
    """Random exponential back-off from 100 ms to `longest`, in seconds.

    As in RandomizedExponentialBackoffStrategy.cs of the storage extensions. `uniform` gives a random number
    between its two arguments.
    """

    def __init__(self, longest: float, uniform: Callable[[float, float], float]) -> None:
        self._longest = longest
        self._uniform = uniform
        self._empty_looks = 0

    def next_delay(self, *, found: bool) -> float:
        """The rest to take now; `found` says whether there was a message since the last rest."""
        if found:
            self._empty_looks = 0
        delay = SHORTEST
        if self._empty_looks:
            # 2 ** 20 steps of 100 ms are more than a day: no interval is longer.
            delay += self._uniform(0.8, 1.2) * 2.0 ** min(self._empty_looks - 1, 20) * SHORTEST
        self._empty_looks += 1
        return min(delay, self._longest)
