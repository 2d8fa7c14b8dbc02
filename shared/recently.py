"""What happened a short while ago: in this process alone, and no more of it than a bound."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable


class Recently:
    """Names that were added within the last `seconds`, `most` of them at the utmost: the oldest give way."""

    def __init__(self, clock: Callable[[], float], seconds: float, most: int) -> None:
        """`clock` gives seconds that only go forward."""
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._added: OrderedDict[str, float] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        added = self._added.get(name)
        return added is not None and self._clock() - added < self._seconds

    def __len__(self) -> int:
        return len(self._added)

    def add(self, names: Iterable[str]) -> None:
        """They happen now, whenever they did before."""
        now = self._clock()
        for name in names:
            self._added[name] = now
            self._added.move_to_end(name)
        while self._added and (len(self._added) > self._most or self._oldest <= now - self._seconds):
            self._added.popitem(last=False)

    def discard(self, names: Iterable[str]) -> None:
        """They did not happen."""
        for name in names:
            self._added.pop(name, None)

    @property
    def _oldest(self) -> float:
        return next(iter(self._added.values()))
