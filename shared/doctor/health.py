"""`GET /api/health`: whether the app is well, for whoever asks; no detail, and little work.

Anybody can ask, as often as they like: the light checks run once in five minutes at most, in each instance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from shared.clock import Clock
from shared.log import Events

EVERY = 300.0
"""Seconds until the checks are run again, at the next question."""
PATIENCE = 2.0
"""Seconds that a question waits for a run that is under way."""
TOO_OLD = 3 * EVERY
"""Seconds after which an answer says nothing any more."""
Health = Literal["healthy", "unhealthy", "unknown"]


@dataclass
class HealthCheck:
    """Answers from what was seen last. `examine` runs the light checks, and tells whether all is well."""

    examine: Callable[[], Awaitable[bool]]
    clock: Clock
    _seen: Health = field(init=False, default="unknown")
    _at: float = field(init=False, default=float("-inf"))
    _run: asyncio.Task[None] | None = field(init=False, default=None)

    async def answer(self) -> Health:
        """How the app is: as a run that is under way finds it, if that ends soon; else as it was last."""
        if self._age() >= EVERY:
            if self._run is None or self._run.done():
                self._run = asyncio.create_task(self._examine(), name="health")
            await asyncio.wait({self._run}, timeout=PATIENCE)
        return self._seen if self._age() < TOO_OLD else "unknown"

    async def close(self) -> None:
        """End a run that is under way."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.wait({self._run})

    def _age(self) -> float:
        return self.clock.monotonic() - self._at

    async def _examine(self) -> None:
        try:
            self._seen = "healthy" if await self.examine() else "unhealthy"
        except Exception as error:  # noqa: BLE001 - what cannot be looked at is not well; strangers see no more
            Events("doctor").failure("health-broke", error=type(error).__name__)
            self._seen = "unhealthy"
        self._at = self.clock.monotonic()
