"""What mailboxes and their mail ask of each service, beside what it allows, and where a queue builds up.

Arithmetic over means, as of a fluid: a queue holds what came less what could be served, and scaling out takes
no time. `Pace` has what no page says; all else is published, or stands in the code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench import scale_limits as limits
from bench.cost import QUEUE_OPERATIONS, TABLE_OPERATIONS, Mail
from bench.scale_counts import SWEEP, graph_requests, operations_with_sweep, vault_requests
from bench.scale_limits import Limit
from shared.breaker_table import CACHED_FOR
from shared.subscription_plan import LIFETIME
from shared.vault.session import AT_ONCE

DAY = 86_400.0
HOPS = 2
"""Queues that a mail goes through: each has its part of the queue operations."""
OUTSIDE_FILINGS = 5
"""Table operations of a mail elsewhere: two of `unfinished`, two of `fingerprints`, one of `breakers`."""
BREAKERS_OF_SOURCE = 2
"""Rows of a source in `breakers`, once its mail was staged and filed: each has noted that it works."""
SERVICES = 3
"""Rows of `breakers` that are of no source."""


@dataclass(frozen=True)
class Burst:
    """So many times the mean of the day, for so many seconds of it.

    Raises ValueError where that is more mail than the day has, or less than comes outside of it.
    """

    factor: float = 6.0
    seconds: float = 3600.0

    def __post_init__(self) -> None:
        if not (0 < self.seconds < DAY and 1 <= self.factor <= DAY / self.seconds):
            raise ValueError(f"{self.factor} times the mean for {self.seconds} s is no burst of a day")

    @property
    def share(self) -> float:
        """Of the day's mail."""
        return self.factor * self.seconds / DAY


@dataclass(frozen=True)
class Fleet:
    """Mailboxes and their mail. `busiest` is the share of all mail that comes to one mailbox."""

    mailboxes: int
    mails_a_day: int
    busiest: float
    folders: int = 1
    attachments: int = 1
    burst: Burst = Burst()

    @property
    def mean(self) -> float:
        """Mails a second, over the whole day."""
        return self.mails_a_day / DAY

    @property
    def peak(self) -> float:
        """Mails a second within the burst."""
        return self.mean * self.burst.factor

    @property
    def rest(self) -> float:
        """Mails a second outside of the burst: what it leaves of the day's mail."""
        return self.mails_a_day * max(0.0, 1 - self.burst.share) / (DAY - self.burst.seconds)

    @property
    def watched(self) -> int:
        """Folders, each with a subscription and a sweep of its own."""
        return self.mailboxes * self.folders

    @property
    def mail(self) -> Mail:
        """One of them, as costs are worked out for."""
        return Mail(attachments=self.attachments)


@dataclass(frozen=True)
class VaultLimit:
    """What the M-Files server takes: nothing is published, so it is to be measured."""

    requests_a_second: float = 100.0


@dataclass(frozen=True)
class Pace:
    """What no page says. Seconds unless the name says otherwise; `cpu_` is of one core."""

    graph_request: float = 0.25
    storage_operation: float = 0.01
    vault_request: float = 0.2
    cpu_notification: float = 0.005
    cpu_step: float = 0.05


@dataclass(frozen=True)
class Deployment:
    """How one is made: host.json, and the defaults of infra/. `queues` are those of each step."""

    instances: int = 40
    batch: int = 8
    threshold: int = 4
    cores: float = 1.0
    http_concurrency: int = 16
    vault_at_once: int = AT_ONCE
    accounts: int = 1
    queues: int = 1
    sweeps_a_day: float = 48.0
    log_gigabytes_a_day: float = 5.0
    pace: Pace = field(default_factory=Pace)

    @property
    def at_once(self) -> int:
        """Messages of one queue that an instance works at."""
        return self.batch + self.threshold


@dataclass(frozen=True)
class Use:
    """Of a limit: so much a second, or at a time. Of what is not `certain` nothing is concluded."""

    name: str
    demand: float
    limit: float
    is_certain: bool = True

    @property
    def share(self) -> float:
        """1 is all of it."""
        return self.demand / self.limit


def sweep_operations(fleet: Fleet, sweeps_a_day: float) -> float:
    """On all services of the account, a second."""
    of_folder = SWEEP.queue + SWEEP.table + SWEEP.blob_reads + SWEEP.blob_writes
    return (fleet.watched * of_folder + fleet.mailboxes * SWEEP.of_source) * sweeps_a_day / DAY


def renewals(fleet: Fleet) -> float:
    """Of subscriptions, a second: each when half its life is over."""
    return fleet.watched / (LIFETIME.total_seconds() / 2)


def staging_seconds(mail: Mail, pace: Pace) -> float:
    """One after the other; half of the storage operations are of staging."""
    return (
        graph_requests(mail) * pace.graph_request + operations_with_sweep(mail) / 2 * pace.storage_operation
    )


def filing_seconds(mail: Mail, pace: Pace) -> float:
    """One after the other, the other half."""
    return (
        vault_requests(mail) * pace.vault_request + operations_with_sweep(mail) / 2 * pace.storage_operation
    )


def mails_of_instance(fleet: Fleet, deployment: Deployment) -> Mapping[str, float]:
    """Mails a second that one instance of each function does."""
    mail, pace = fleet.mail, deployment.pace
    by_core = deployment.cores / pace.cpu_step
    by_vault = deployment.vault_at_once / (vault_requests(mail) * pace.vault_request)
    return {
        "notifications": deployment.cores / pace.cpu_notification,
        "staging": min(deployment.at_once / staging_seconds(mail, pace), by_core),
        "filing": min(deployment.at_once / filing_seconds(mail, pace), by_core, by_vault),
    }


def instances(fleet: Fleet, deployment: Deployment) -> Mapping[str, int]:
    """Instances of each function that the peak needs, whatever the most is that there may be."""
    rates = mails_of_instance(fleet, deployment)
    return {name: max(1, math.ceil(fleet.peak / rate)) for name, rate in rates.items()}


def breaker_reads(fleet: Fleet, deployment: Deployment) -> float:
    """Entities of `breakers` a second: each instance of staging and filing reads all of them."""
    rows = BREAKERS_OF_SOURCE * fleet.mailboxes + SERVICES
    needed = instances(fleet, deployment)
    reading = sum(min(needed[name], deployment.instances) for name in ("staging", "filing"))
    return reading * rows / CACHED_FOR.total_seconds()


def uses(fleet: Fleet, deployment: Deployment, vault: VaultLimit) -> list[Use]:
    """What the peak asks of each limit, beside the sweeps and the renewals."""
    mail, swept = fleet.mail, fleet.watched * deployment.sweeps_a_day / DAY
    pace, needed = deployment.pace, instances(fleet, deployment)
    requests = fleet.peak * graph_requests(mail)
    to_busiest = requests * fleet.busiest
    of_app = requests + swept * SWEEP.graph + renewals(fleet)
    stored = fleet.peak * operations_with_sweep(mail) + sweep_operations(fleet, deployment.sweeps_a_day)
    most = min(deployment.instances, limits.INSTANCES.amount)
    of_filings = max(1, TABLE_OPERATIONS - OUTSIDE_FILINGS) + 1

    def of(limit: Limit, demand: float, times: int = 1, *, is_certain: bool = True) -> Use:
        return Use(limit.name, demand, limit.rate * times, is_certain)

    return [
        of(limits.GRAPH_APP, of_app),  # the lower of two figures
        of(limits.GRAPH_MAILBOX, to_busiest),
        of(limits.GRAPH_AT_ONCE, to_busiest * pace.graph_request),
        of(limits.GRAPH_AT_ONCE_IN_ALL, of_app * pace.graph_request, is_certain=False),
        of(limits.GRAPH_SUBSCRIPTIONS, fleet.folders),
        of(limits.GRAPH_SUBSCRIPTION_WRITES, renewals(fleet)),
        of(limits.QUEUE, fleet.peak * QUEUE_OPERATIONS / HOPS, deployment.queues),
        of(limits.ACCOUNT, stored, deployment.accounts),
        Use("filings: entities of the busiest source", fleet.peak * fleet.busiest * of_filings, _PARTITION),
        # Whether what one query answers counts as entities is not said.
        Use(
            "breakers: entities of all sources",
            breaker_reads(fleet, deployment),
            _PARTITION,
            is_certain=False,
        ),
        Use("instances of the function that needs most", max(needed.values()), most),
        of(limits.CORES, sum(needed.values()) * deployment.cores),
        Use("M-Files: requests", fleet.peak * vault_requests(mail), vault.requests_a_second),
    ]


def logs(fleet: Fleet, deployment: Deployment) -> Use:
    """GB a day beside `logDailyCapGB`, at which the workspace takes no more: a parameter, not a limit."""
    written = fleet.mails_a_day * fleet.mail.log_kilobytes / 1e6
    return Use("logs of a day (`logDailyCapGB`)", written, deployment.log_gigabytes_a_day)


_PARTITION = limits.PARTITION.rate
