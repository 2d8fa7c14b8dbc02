"""Where mail waits in a burst, and for how long."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import scale_limits as limits
from bench.cost import QUEUE_OPERATIONS
from bench.scale_counts import graph_requests, storage_operations, vault_requests
from bench.scale_model import HOPS, Deployment, Fleet, VaultLimit, mails_of_instance, sweep_operations
from shared.breaker import LONGEST


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
    the burst until nothing waits any more. Endless where the mean alone is too much.
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
        "the storage account": stored / storage_operations(mail),
    }
    of_app = limits.GRAPH_APP.rate / graph_requests(mail)
    of_vault = vault.requests_a_second / vault_requests(mail)
    return [
        Stage("mail-arrived", {"instances": most * of_instance["staging"], "Graph": of_app, **storage}),
        Stage("vault-import", {"instances": most * of_instance["filing"], "M-Files": of_vault, **storage}),
    ]


def of_mailbox(fleet: Fleet, deployment: Deployment) -> Stage:
    """What Graph lets through of the busiest mailbox. Others do not wait for its mail."""
    at_once = limits.GRAPH_AT_ONCE.amount / deployment.pace.graph_request
    requests = graph_requests(fleet.mail)
    return Stage(
        "mail-arrived, of the busiest mailbox",
        {"Graph, at once": at_once / requests, "Graph, in 10 minutes": limits.GRAPH_MAILBOX.rate / requests},
    )


def waits(through: Sequence[Stage], mean: float, peak: float, seconds: float) -> list[Wait]:
    """How each queue goes, one behind the other, in a burst of `peak` mails a second for so many seconds.

    What comes behind a stage comes no faster than that lets it through, and for as much longer.
    """
    found, coming, last_comes, busy_until = [], peak, seconds, seconds
    for stage in through:
        if stage.capacity >= coming:
            found.append(Wait(stage.queue, stage.by))
            continue
        last_leaves = _ratio(peak * seconds, stage.capacity)
        is_endless = stage.capacity <= mean
        empty = math.inf if is_endless else (peak - mean) * seconds / (stage.capacity - mean)
        most = math.inf if is_endless else (coming - stage.capacity) * busy_until
        found.append(Wait(stage.queue, stage.by, most, last_leaves - last_comes, empty - seconds))
        coming, last_comes, busy_until = stage.capacity, last_leaves, empty
    return found


def in_burst(fleet: Fleet, deployment: Deployment, vault: VaultLimit) -> list[Wait]:
    """The queues of all mail, then that of the busiest mailbox, in the burst of the fleet."""
    mean, peak, seconds = fleet.mean, fleet.peak, fleet.burst.seconds
    of_all = waits(stages(fleet, deployment, vault), mean, peak, seconds)
    share = fleet.busiest
    return [*of_all, *waits([of_mailbox(fleet, deployment)], mean * share, peak * share, seconds)]


def after_outage(fleet: Fleet, deployment: Deployment, vault: VaultLimit, seconds: float) -> float:
    """Seconds until the mail of an outage is filed, while other mail goes on coming.

    No sooner than the last of it comes back from where it was put.
    """
    capacity = min(stage.capacity for stage in stages(fleet, deployment, vault))
    return max(LONGEST.total_seconds(), _ratio(fleet.mean * seconds, capacity - fleet.mean))


def _ratio(amount: float, rate: float) -> float:
    """The seconds that an amount takes; endless without a rate."""
    if amount <= 0:
        return 0.0
    return amount / rate if rate > 0 else math.inf
