"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class FakeClock:
    """Tells whatever time it was moved to."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._seconds = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    def advance(self, **amount: float) -> None:
        """Move it on, as `timedelta` counts."""
        step = timedelta(**amount)
        self._now += step
        self._seconds += step.total_seconds()
