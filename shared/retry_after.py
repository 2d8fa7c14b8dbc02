"""The header `Retry-After`, in every form that services send it."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST = 3600.0
"""Mail is not to lie for a day because a service has said so in its worst hour."""


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, from 0 to an hour; None where the header is absent or says nothing usable.

    Graph sends fractions, too (learn.microsoft.com/graph/throttling: `Retry-After: 2.128`).
    """
    if value is None:
        return None
    seconds = _number(value)
    if seconds is None:
        seconds = _date(value, now)
    return None if seconds is None or not math.isfinite(seconds) else min(max(seconds, 0.0), _LONGEST)


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _date(value: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
