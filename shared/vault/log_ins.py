"""Which user name and password to log in with. Decisions over values; docs/decisions/secrets.md says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_REST, LONGEST_REST = 2 * 60.0, 15 * 60.0
"""Seconds for which a log-in that was refused is not tried again; each refusal doubles them.

A server locks an account after some wrong passwords; but it may also have been in trouble for a moment.
"""
_REMEMBERED = 8
"""Refused log-ins that are remembered, beside the last one: secrets do not change often."""


@dataclass(frozen=True)
class LogIn:
    """A user name and its password."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True)
class _Refused:
    until: float
    rest: float


@dataclass
class LogIns:
    """What a session has learnt: the log-in that worked last, and those that were refused since they did."""

    clock: Callable[[], float]
    good: LogIn | None = None
    _refused: dict[LogIn, _Refused] = field(default_factory=dict)

    def works(self, log_in: LogIn) -> None:
        """The vault has taken it."""
        self.good = log_in
        self._refused.pop(log_in, None)

    def refuse(self, log_in: LogIn) -> None:
        """The server has refused it."""
        known = self._refused.pop(log_in, None)
        rest = FIRST_REST if known is None else min(LONGEST_REST, 2 * known.rest)
        self._refused = dict(list(self._refused.items())[-_REMEMBERED:])
        self._refused[log_in] = _Refused(self.clock() + rest, rest)

    def choose(self, present: LogIn) -> LogIn | None:
        """What to log in with while Key Vault has `present`; None where all was refused a short while ago.

        First that one, then the former one, which may be good for a while yet. But a new name with the
        password of the former one is most likely a change half made: then the other way round.
        """
        order = [present]
        if self.good is not None and self.good != present:
            is_half_made = present.username != self.good.username and present.password == self.good.password
            order.insert(0 if is_half_made else 1, self.good)
        return next((one for one in order if not self._rests(one)), None)

    def _rests(self, log_in: LogIn) -> bool:
        refused = self._refused.get(log_in)
        return refused is not None and self.clock() < refused.until
