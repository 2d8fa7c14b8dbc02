"""Which user name and password to log in with. Decisions over values; docs/decisions/secrets.md says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

REFUSED_FOR = 15 * 60.0
"""Seconds for which a log-in that was refused is not tried again: a server locks an account that is."""


@dataclass(frozen=True)
class LogIn:
    """A user name and its password."""

    username: str
    password: str = field(repr=False)


@dataclass
class LogIns:
    """What a session has learnt: the log-in that worked last, and those that were refused, until when."""

    clock: Callable[[], float]
    good: LogIn | None = None
    _refused: dict[LogIn, float] = field(default_factory=dict)

    def works(self, log_in: LogIn) -> None:
        """The vault has taken it."""
        self.good = log_in
        self._refused.pop(log_in, None)

    def refuse(self, log_in: LogIn) -> None:
        """The server has refused it."""
        now = self.clock()
        self._refused = {one: until for one, until in self._refused.items() if now < until}
        self._refused[log_in] = now + REFUSED_FOR

    def choose(self, present: LogIn) -> LogIn | None:
        """What to log in with while Key Vault has `present`; None where all was refused.

        First that one, then the former one, which may be good for a while yet. But a new name with the
        password of the former one is most likely a change half made: then the other way round.
        """
        order = [present]
        if self.good is not None and self.good != present:
            is_half_made = present.username != self.good.username and present.password == self.good.password
            order.insert(0 if is_half_made else 1, self.good)
        now = self.clock()
        return next((one for one in order if self._refused.get(one, now) <= now), None)
