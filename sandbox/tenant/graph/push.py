"""How notifications travel, when it is not as it should be: provoked by whoever tests a receiver."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from typing import TypeVar

from sandbox.tenant.graph.forms import FORMS, USUAL, Form

_T = TypeVar("_T")


@dataclass
class Push:
    """As long as nothing is set, each notification comes once, at once, in order, in one form.

    lost      odds, from 0 to 1, that a change is never announced; lifecycle events are not lost
    doubled   odds that a notification comes twice
    late      seconds that each one waits at most, by chance: they overtake each other
    gathered  seconds that the first one for an address waits for others, which go with it in one POST
    shuffled  whether what goes in one POST is in any order
    varied    whether they come in all the documented forms by turns

    It may be changed at any time. What comes too early, before its mail can be read, is a 404 of that mail:
    a `Status` fault of Graph.
    """

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    gathered: float = 0.0
    shuffled: bool = False
    varied: bool = False
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - must repeat # nosec B311
    _turns: itertools.count[int] = field(default_factory=itertools.count)

    def form(self) -> Form:
        """The form of the next notification."""
        return FORMS[next(self._turns) % len(FORMS)] if self.varied else USUAL

    def arrivals(self, *, may_be_lost: bool) -> list[float]:
        """After how many seconds each copy of one notification comes."""
        if may_be_lost and self._falls(self.lost):
            return []
        copies = 2 if self._falls(self.doubled) else 1
        return [self.late * self.chance.random() if self.late else 0.0 for _ in range(copies)]

    def order(self, batch: list[_T]) -> list[_T]:
        """What goes in one POST, in the order in which it stands there."""
        return self.chance.sample(batch, len(batch)) if self.shuffled else batch

    def _falls(self, odds: float) -> bool:
        return odds > 0 and self.chance.random() < odds
