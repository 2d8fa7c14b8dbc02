"""What the services allow at most, each with its page.

`is_verified` says that the figure was read in a copy of that page; others are hearsay, or disputed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """At most `amount` in so many seconds, as `page` says; with 0 seconds, at a time."""

    name: str
    amount: float
    seconds: float
    page: str
    is_verified: bool = True
    note: str = ""

    @property
    def rate(self) -> float:
        """A second; of what counts at a time, the amount."""
        return self.amount / self.seconds if self.seconds else self.amount

    @property
    def told(self) -> str:
        """The figure, for a person."""
        if not self.seconds:
            return f"{self.amount:,.0f} at a time"
        return f"{self.amount:,.0f} a second" if self.seconds == 1 else self._over_time

    @property
    def _over_time(self) -> str:
        time = f"{self.seconds / 60:.0f} minutes" if self.seconds >= 60 else f"{self.seconds:.0f} seconds"
        return f"{self.amount:,.0f} in {time}"


_THROTTLING = "learn.microsoft.com/graph/throttling-limits"
_FLEX = "learn.microsoft.com/azure/azure-functions/flex-consumption-plan"
_STORAGE = "learn.microsoft.com/azure/storage"

GRAPH_APP = Limit(
    "Graph: requests of an app",
    2_000,
    1,
    _THROTTLING,
    is_verified=False,
    note="of older copies of the page; newer ones say 130,000 in 10 seconds",
)
GRAPH_MAILBOX = Limit("Graph: requests to one mailbox", 10_000, 600, _THROTTLING)
GRAPH_AT_ONCE = Limit("Graph: requests at once to one mailbox", 4, 0, _THROTTLING)
GRAPH_AT_ONCE_IN_ALL = Limit(
    "Graph: requests at once to all mailboxes",
    4,
    0,
    _THROTTLING,
    is_verified=False,
    note="some copies of the page say that the 4 are of the app, not of each mailbox",
)
GRAPH_SUBSCRIPTIONS = Limit(
    "Graph: subscriptions of one mailbox",
    1_000,
    0,
    "learn.microsoft.com/graph/outlook-change-notifications-overview",
    note="of all apps together",
)
GRAPH_SUBSCRIPTION_WRITES = Limit("Graph: changes of subscriptions", 1_000, 20, _THROTTLING)
QUEUE = Limit("messages of one queue", 2_000, 1, f"{_STORAGE}/queues/scalability-targets")
ACCOUNT = Limit(
    "operations of one storage account",
    20_000,
    1,
    f"{_STORAGE}/common/scalability-targets-standard-account",
    note="40,000 in some regions, and more on request",
)
PARTITION = Limit("entities of one table partition", 2_000, 1, f"{_STORAGE}/tables/scalability-targets")
INSTANCES = Limit("instances of one function", 1_000, 0, _FLEX)
CORES = Limit(
    "cores of all apps of a region",
    250,
    0,
    _FLEX,
    note="of all Flex Consumption apps of the subscription; more on request",
)
EVENT_HUBS_UNIT = Limit(
    "events of one throughput unit of Event Hubs",
    1_000,
    1,
    "learn.microsoft.com/azure/event-hubs/event-hubs-scalability",
)
LIMITS = (
    GRAPH_APP,
    GRAPH_MAILBOX,
    GRAPH_AT_ONCE,
    GRAPH_AT_ONCE_IN_ALL,
    GRAPH_SUBSCRIPTIONS,
    GRAPH_SUBSCRIPTION_WRITES,
    QUEUE,
    ACCOUNT,
    PARTITION,
    INSTANCES,
    CORES,
    EVENT_HUBS_UNIT,
)
FUNCTION_TIMEOUT = 1800.0
"""Seconds; host.json says nothing else (learn.microsoft.com/azure/azure-functions/functions-scale)."""
START_WITHIN = 30.0
"""Seconds in which an app must be initialised (the page of CORES)."""
