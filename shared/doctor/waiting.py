"""Check `waiting`: what stands still on purpose, or because of a fault that mail has met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.breaker import Breaker
from shared.breaker_table import Breakers
from shared.doctor.check import Check
from shared.doctor.finding import Finding, ok, warning
from shared.errors import VaultpostError

WAITING = "waiting"


@dataclass(frozen=True)
class StandingStill:
    """The check: breakers that are open, sources that are held or paused."""

    breakers: Callable[[], Breakers]

    def check(self) -> Check:
        """`waiting`."""
        return Check(WAITING, self._run, needs=("storage",))

    async def _run(self) -> list[Finding]:
        try:
            known = await self.breakers().all(fresh=True)
        except VaultpostError as fault:
            return [warning(WAITING, f"not known: {fault}", "python3 ops.py status")]
        shut = [one for _, one in sorted(known.items()) if one.is_shut]
        return [_told(one) for one in shut] or [ok(WAITING, "no service and no source stands still")]


def _told(one: Breaker) -> Finding:
    kind, name, scope = one.key
    part = "" if scope == "all" else f" ({scope})"
    resume = f"python3 ops.py resume --{kind} {name}"
    again = resume if one.waits_for_operator else f"It goes on by itself once that works; at once: {resume}"
    told = f"is {one.state}: {one.reason}" if one.reason else f"is {one.state}"
    remedy = f"{one.remedy}\n{again}" if one.remedy else again
    return warning(WAITING, told, remedy, subject=f"{kind} {name}{part}")
