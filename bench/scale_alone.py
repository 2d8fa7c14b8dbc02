"""What grows with the number of mailboxes alone, and is done by one instance, or by each for itself.

No other instance takes part of it, so that only fewer mailboxes for a deployment make it shorter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bench import scale_limits as limits
from bench.scale_model import BREAKERS_OF_SOURCE, SERVICES, Fleet, Use, renewals
from shared.at_once import AT_ONCE
from shared.breaker_table import CACHED_FOR
from shared.graph.batch import LARGEST_BATCH

SUBSCRIPTIONS_EVERY = 900.0
"""Seconds: the timer of `handlers/subscriptions.py`."""
ORDERED_WITH = 3
"""Storage operations for the order of a source with one folder: `Sweeper.order`."""
ROWS_OF_PAGE = 1_000
"""Of a table, at most (learn.microsoft.com/rest/api/storageservices, query timeout and pagination)."""
A_DAY = 86_400.0
"""Seconds. Until a folder has its first subscription, its mail is found by sweeps alone."""


@dataclass(frozen=True)
class SoloPace:
    """What no page says. Seconds unless the name says otherwise; `cpu_` was measured on one core."""

    storage_operation: float = 0.01
    batch: float = 1.5
    page_of_subscriptions: float = 0.25
    subscriptions_of_page: int = 100
    page_of_rows: float = 0.05
    cpu_row: float = 0.00006
    cpu_storage_operation: float = 0.0025
    cpu_source_read: float = 0.00015


@dataclass(frozen=True)
class Solo:
    """Work of one instance: its seconds, and how many it may take."""

    name: str
    seconds: Callable[[Fleet, SoloPace], float]
    within: float

    def use(self, fleet: Fleet, pace: SoloPace) -> Use:
        """Of the time that it may take."""
        return Use(self.name, self.seconds(fleet, pace), self.within)


def reading_breakers(fleet: Fleet, pace: SoloPace) -> float:
    """`Breakers.all`: the whole table, a page at a time."""
    rows = BREAKERS_OF_SOURCE * fleet.mailboxes + SERVICES
    return _pages(rows, pace) + rows * pace.cpu_row


def ordering_sweeps(fleet: Fleet, pace: SoloPace) -> float:
    """`Sweeper.order_all`: some sources at once, as fast as one core sends and reads."""
    operations = fleet.mailboxes + (ORDERED_WITH - 1) * fleet.watched
    return operations * max(pace.storage_operation / AT_ONCE, pace.cpu_storage_operation)


def listing(fleet: Fleet, pace: SoloPace) -> float:
    """Until all subscriptions are known, Graph's and ours."""
    return pages_of_subscriptions(fleet, pace) * pace.page_of_subscriptions + _pages(fleet.watched, pace)


def ordinary_round(fleet: Fleet, pace: SoloPace) -> float:
    """`Subscriptions.maintain`, as it is every day."""
    due = renewals(fleet) * SUBSCRIPTIONS_EVERY
    return listing(fleet, pace) + _renewing(due, pace)


def first_rounds(fleet: Fleet, pace: SoloPace) -> float:
    """The same when nothing is there yet: all are made, and a sweep of each source is ordered.

    A round that is cut off keeps what it has done, and the next one lists everything anew.
    """
    listed = listing(fleet, pace)
    left, making = limits.FUNCTION_TIMEOUT - listed, _renewing(fleet.watched, pace)
    return making + math.ceil(making / left) * listed if left > 0 else math.inf


def reading_configuration(fleet: Fleet, pace: SoloPace) -> float:
    """Each instance does, at its start."""
    return fleet.mailboxes * pace.cpu_source_read


ALONE = (
    Solo("`breakers` read, by each instance every 5 s", reading_breakers, CACHED_FOR.total_seconds()),
    Solo("configuration read, at each start", reading_configuration, limits.START_WITHIN),
    Solo("`sweep`: all sweeps ordered", ordering_sweeps, limits.FUNCTION_TIMEOUT),
    Solo("`subscriptions`: an ordinary round", ordinary_round, SUBSCRIPTIONS_EVERY),
    Solo("`subscriptions`: all rounds until all are made", first_rounds, A_DAY),
)


def reach(solo: Solo, pace: SoloPace, folders: int = 1) -> int:
    """The most mailboxes for which its work is done in time."""
    low, high = 0, 1
    while _is_in_time(solo, high, folders, pace) and high < 1 << 30:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _is_in_time(solo, middle, folders, pace) else (low, middle)
    return low


def _is_in_time(solo: Solo, mailboxes: int, folders: int, pace: SoloPace) -> bool:
    fleet = Fleet(mailboxes, 0, 0.0, folders=folders)
    return solo.seconds(fleet, pace) <= solo.within


def _pages(rows: int, pace: SoloPace) -> float:
    return math.ceil(rows / ROWS_OF_PAGE) * pace.page_of_rows


def pages_of_subscriptions(fleet: Fleet, pace: SoloPace) -> int:
    """Pages of the list of all subscriptions."""
    return math.ceil(fleet.watched / pace.subscriptions_of_page)


def _renewing(subscriptions: float, pace: SoloPace) -> float:
    """Batches, one after the other; then the sweep of each source is ordered, and the new end noted."""
    batches = math.ceil(subscriptions / LARGEST_BATCH) * pace.batch
    return batches + subscriptions * (ORDERED_WITH + 1) * pace.storage_operation
