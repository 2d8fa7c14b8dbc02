"""What mail does that waits behind a shut breaker: it comes back every few minutes, and is put back.

In an outage nothing is asked of the service that is away, but much of the queue and the journal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench import scale_limits as limits
from bench.cost import LEAST_SECONDS, MEMORY, PRICES
from bench.scale_model import DAY, Deployment, Fleet, Use
from shared.breaker import LONGEST, SHORTEST

BETWEEN = (SHORTEST + LONGEST).total_seconds() / 2
"""Seconds, on average, until a mail that was put back comes again: `shared.breaker.put_back`."""
QUEUE_OF_WAKING = 3
"""Got, deleted, put."""
TABLE_OF_WAKING = 2
"""The row of the journal, read and written."""
LOG_KILOBYTES = 0.5


@dataclass(frozen=True)
class Waking:
    """Mail that comes back from its queue, a second; `wanted` would, were there no limit."""

    wanted: float
    possible: float

    @property
    def done(self) -> float:
        """What does come back."""
        return min(self.wanted, self.possible)


def waking(open_mails: float, deployment: Deployment) -> Waking:
    """Of so much open mail in one step."""
    of_queue = limits.QUEUE.rate * deployment.queues / QUEUE_OF_WAKING
    of_account = limits.ACCOUNT.rate * deployment.accounts / (QUEUE_OF_WAKING + TABLE_OF_WAKING)
    return Waking(open_mails / BETWEEN, min(of_queue, of_account))


def uses_of_waking(fleet: Fleet, deployment: Deployment, seconds: float) -> list[Use]:
    """What all mail of an outage of so many seconds asks for, at its end."""
    wanted = waking(fleet.mean * seconds, deployment).wanted
    queue, account = limits.QUEUE, limits.ACCOUNT
    operations = wanted * (QUEUE_OF_WAKING + TABLE_OF_WAKING)
    return [
        Use(f"{queue.name}, if it could", wanted * QUEUE_OF_WAKING, queue.rate * deployment.queues),
        Use(f"{account.name}, if the queue could", operations, account.rate * deployment.accounts),
    ]


def log_gigabytes(fleet: Fleet, deployment: Deployment, seconds: float) -> float:
    """A day, of mail that is put back alone, as written: what is over the cap is lost."""
    return waking(fleet.mean * seconds, deployment).done * DAY * LOG_KILOBYTES / 1e6


def dollars_a_day(fleet: Fleet, deployment: Deployment, seconds: float) -> float:
    """US dollars for each day that so much mail goes on waiting.

    Where more would come back than can, the queue looks long, and as many instances are started as may be.
    Logs cost up to their cap.
    """
    found = waking(fleet.mean * seconds, deployment)
    number = found.done * DAY
    operations = (QUEUE_OF_WAKING + TABLE_OF_WAKING) * deployment.pace.storage_operation
    needed = min(deployment.instances, math.ceil(found.done * operations / deployment.at_once))
    kept = min(log_gigabytes(fleet, deployment, seconds), deployment.log_gigabytes_a_day)
    running = needed if found.done == found.wanted else deployment.instances
    return (
        number * QUEUE_OF_WAKING / 1e4 * PRICES["10,000 queue operations"]
        + number * TABLE_OF_WAKING / 1e4 * PRICES["10,000 table operations"]
        + number / 1e6 * PRICES["million executions"]
        + min(number * LEAST_SECONDS, running * DAY) * MEMORY * PRICES["executing GB-s"]
        + kept * PRICES["GB of logs"]
    )
