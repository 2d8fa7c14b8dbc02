"""Where mail waits in a burst, and for how long."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import scale_limits as limits
from bench.cost import QUEUE_OPERATIONS
from bench.scale_counts import graph_requests, operations_with_sweep, vault_requests
from bench.scale_model import (
    DAY,
    HOPS,
    Deployment,
    Fleet,
    VaultLimit,
    instances,
    mails_of_instance,
    sweep_operations,
)
from shared.breaker import BETWEEN_PROBES, LONGEST
from shared.breaker_table import CACHED_FOR


@dataclass(frozen=True)
class Stage:
    """What takes mail from a queue: mails a second that each limit lets through."""

    queue: str
    allowed: Mapping[str, float]

    @property
    def by(self) -> str:
        """The limit that lets least through."""
        return min(self.allowed, key=lambda name: self.allowed[name])

    @property
    def capacity(self) -> float:
        """Mails a second."""
        return self.allowed[self.by]


@dataclass(frozen=True)
class Wait:
    """A queue in a burst.

    `most` messages at its longest; seconds that the last mail of the burst waits there, and from the end of
    the burst until nothing waits any more. Endless where the next day's burst comes before that.
    """

    queue: str
    by: str
    most: float = 0.0
    delay: float = 0.0
    empty_after: float = 0.0


def stages(fleet: Fleet, deployment: Deployment, vault: VaultLimit) -> list[Stage]:
    """In the order of a mail's way. Sweeps take what they need of the account first."""
    mail, of_instance = fleet.mail, mails_of_instance(fleet, deployment)
    most = min(deployment.instances, limits.INSTANCES.amount)
    swept = sweep_operations(fleet, deployment.sweeps_a_day)
    stored = max(0.0, limits.ACCOUNT.rate * deployment.accounts - swept)
    storage = {
        "its queue": limits.QUEUE.rate * deployment.queues * HOPS / QUEUE_OPERATIONS,
        "the storage account": stored / operations_with_sweep(mail),
    }
    of_app = limits.GRAPH_APP.rate / graph_requests(mail)
    of_vault = vault.requests_a_second / vault_requests(mail)
    return [
        Stage("mail-arrived", {"instances": most * of_instance["staging"], "Graph": of_app, **storage}),
        Stage("vault-import", {"instances": most * of_instance["filing"], "M-Files": of_vault, **storage}),
    ]


def of_mailbox(fleet: Fleet, deployment: Deployment) -> Stage:
    """What Graph lets through of the busiest mailbox, if it is always asked for just as much."""
    at_once = limits.GRAPH_AT_ONCE.amount / deployment.pace.graph_request
    requests = graph_requests(fleet.mail)
    return Stage(
        "mail-arrived, of the busiest mailbox",
        {"Graph, at once": at_once / requests, "Graph, in 10 minutes": limits.GRAPH_MAILBOX.rate / requests},
    )


def behind_mailbox(fleet: Fleet, deployment: Deployment) -> Stage:
    """All mail, while the breaker of the busiest mailbox is closed.

    It is one queue, and `GraphClient` lets four requests to a mailbox go on: the rest of that mailbox's mail
    waits within the function, and keeps its places. So all go at the pace of its share.
    """
    capacity = of_mailbox(fleet, deployment).capacity
    all_mail = capacity / fleet.busiest if fleet.busiest else math.inf
    return Stage("mail-arrived, of all mailboxes", {"the busiest, while Graph refuses nothing": all_mail})


def refused_mailbox(fleet: Fleet, deployment: Deployment) -> Stage:
    """The busiest mailbox if Graph refuses (429) what is above its limit, as several instances ask for it.

    Three refused mails open its breaker. Each worker goes on for as long as it takes the breakers that it
    has read for the present ones; a minute later one mail closes it, and the same begins anew.
    """
    most = of_mailbox(fleet, deployment).capacity
    is_refused = fleet.peak * fleet.busiest > most and instances(fleet, deployment)["staging"] > 1
    closed = CACHED_FOR / (CACHED_FOR + BETWEEN_PROBES)
    return Stage(
        "mail-arrived, of the busiest mailbox",
        {"its breaker, once Graph refuses requests": most * closed if is_refused else math.inf},
    )


def waits(through: Sequence[Stage], rest: float, peak: float, seconds: float) -> list[Wait]:
    """How each queue goes, one behind the other, in a burst of `peak` mails a second for so many seconds.

    `rest` is what comes before and after. That a queue is empty within a day says that the day's mail gets
    through.

    What comes behind a stage comes no faster than that lets it through, and for as much longer.
    """
    found, coming, last_comes, busy_until = [], peak, seconds, seconds
    for stage in through:
        if stage.capacity >= coming:
            found.append(Wait(stage.queue, stage.by))
            continue
        last_leaves = _ratio(peak * seconds, stage.capacity)
        empty = (peak - rest) * seconds / (stage.capacity - rest) if stage.capacity > rest else math.inf
        is_endless = empty >= DAY
        empty = math.inf if is_endless else empty
        most = math.inf if is_endless else (coming - stage.capacity) * busy_until
        found.append(Wait(stage.queue, stage.by, most, last_leaves - last_comes, empty - seconds))
        coming, last_comes, busy_until = stage.capacity, last_leaves, empty
    return found


def in_burst(fleet: Fleet, deployment: Deployment, vault: VaultLimit) -> list[Wait]:
    """The queues of all mail in the burst of the fleet, then what the busiest mailbox adds to that.

    It waits as long as Graph's limit wants, at the least. Either all mail waits behind it, or its breaker
    opens, and it waits longer: which of them depends on what Graph refuses.
    """
    rest, peak, seconds, share = fleet.rest, fleet.peak, fleet.burst.seconds, fleet.busiest
    return [
        *waits(stages(fleet, deployment, vault), rest, peak, seconds),
        *waits([of_mailbox(fleet, deployment)], rest * share, peak * share, seconds),
        *waits([behind_mailbox(fleet, deployment)], rest, peak, seconds),
        *waits([refused_mailbox(fleet, deployment)], rest * share, peak * share, seconds),
    ]


def after_outage(fleet: Fleet, deployment: Deployment, vault: VaultLimit, seconds: float) -> float:
    """Seconds until the mail of an outage is filed, while other mail goes on coming, at the mean of a day.

    No sooner than the last of it comes back from where it was put.
    """
    capacity = min(stage.capacity for stage in stages(fleet, deployment, vault))
    return max(LONGEST.total_seconds(), _ratio(fleet.mean * seconds, capacity - fleet.mean))


def _ratio(amount: float, rate: float) -> float:
    """The seconds that an amount takes; endless without a rate."""
    if amount <= 0:
        return 0.0
    return amount / rate if rate > 0 else math.inf
