"""Work that many ask for at once: one does it, the others wait, and soon after it is not done again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.clock import Clock
from shared.errors import Transient, VaultpostError


@dataclass(frozen=True)
class _Done:
    ended: float
    fault: VaultpostError | None


class Seldom:
    """Remembers, in this process alone, what was done under which name.

    What went well is not done again for `every` seconds; what failed, for `after_permanent` or
    `after_transient` seconds, in which its fault is raised again.
    """

    def __init__(self, clock: Clock, every: float, after_permanent: float, after_transient: float) -> None:
        self._clock = clock
        self._every = every
        self._after_permanent = after_permanent
        self._after_transient = after_transient
        self._done: dict[str, _Done] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def do(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`, or see that it was done just now. Raises the VaultpostError that it raises or raised."""
        async with self._locks[name]:
            done = self._done.get(name)
            if done is None or self._clock.monotonic() - done.ended >= self._lasts(done.fault):
                done = await self._anew(name, work)
        if done.fault is not None:
            raise done.fault.with_traceback(None)

    async def _anew(self, name: str, work: Callable[[], Awaitable[None]]) -> _Done:
        fault = None
        try:
            await work()
        except VaultpostError as met:
            fault = met
        self._done[name] = done = _Done(self._clock.monotonic(), fault)
        return done

    def _lasts(self, fault: VaultpostError | None) -> float:
        if fault is None:
            return self._every
        return self._after_transient if isinstance(fault, Transient) else self._after_permanent
