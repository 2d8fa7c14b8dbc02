"""What the sweeps cost a month, and what each remedy does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.cost import DAYS, LEAST_SECONDS, MEMORY, PRICES, SECONDS, monthly
from bench.scale_alone import ALONE, SoloPace
from bench.scale_counts import SWEEP
from bench.scale_limits import EVENT_HUBS_UNIT
from bench.scale_model import Deployment, Fleet, Use, VaultLimit, logs, uses

UNIT_OF_EVENT_HUBS, MILLION_EVENTS = 0.03 * SECONDS / 3600, 0.028
"""US dollars, a month and for a million, Standard. No copy with them was found: they are to be looked up."""
SWEEP_SECONDS = 0.35
FULL = 0.8
"""The share of a limit up to which a deployment is planned."""
SELDOM = 12.0
"""Sweeps of a folder a day: every two hours."""
_MOST_PARTS = 1_000


@dataclass(frozen=True)
class Remedy:
    """What it is, and US dollars a month that it costs more."""

    name: str
    dollars: float


def sweeps(fleet: Fleet, deployment: Deployment) -> float:
    """US dollars a month: as if no two shared an instance, but of no more instances than are needed."""
    number = fleet.watched * deployment.sweeps_a_day * DAYS
    tables = number * SWEEP.table + number / fleet.folders * SWEEP.of_source
    needed = math.ceil(number / SECONDS * SWEEP_SECONDS / deployment.at_once)
    seconds = min(number * max(SWEEP_SECONDS, LEAST_SECONDS), needed * SECONDS)
    return (
        number * SWEEP.queue / 1e4 * PRICES["10,000 queue operations"]
        + tables / 1e4 * PRICES["10,000 table operations"]
        + number * SWEEP.blob_writes / 1e4 * PRICES["10,000 blob writes"]
        + number * SWEEP.blob_reads / 1e4 * PRICES["10,000 blob reads"]
        + number / 1e6 * PRICES["million executions"]
        + seconds * MEMORY * PRICES["executing GB-s"]
    )


def logs_kept(fleet: Fleet, deployment: Deployment) -> float:
    """US dollars a month for the logs that the cap lets in."""
    found = logs(fleet, deployment)
    return min(found.demand, found.limit) * DAYS * PRICES["GB of logs"]


def logs_lost(fleet: Fleet, deployment: Deployment) -> float:
    """US dollars a month for those that it does not let in, were it above them."""
    found = logs(fleet, deployment)
    return max(0.0, found.demand - found.limit) * DAYS * PRICES["GB of logs"]


def part(fleet: Fleet, parts: int) -> Fleet:
    """The largest of so many parts of a fleet: that with the busiest mailbox."""
    mailboxes = -(-fleet.mailboxes // parts)
    mails = -(-fleet.mails_a_day // parts)
    return replace(fleet, mailboxes=mailboxes, mails_a_day=mails, busiest=min(1.0, fleet.busiest * parts))


def of_one(fleet: Fleet, deployment: Deployment, pace: SoloPace) -> list[Use]:
    """What of a deployment's use gets less by parting it: not that of one mailbox, nor of the vault."""
    boundless = VaultLimit(float("inf"))
    whole = [use for use in uses(replace(fleet, busiest=0.0), deployment, boundless) if use.is_certain]
    return [*whole, *(solo.use(fleet, pace) for solo in ALONE)]


def deployments(fleet: Fleet, deployment: Deployment, pace: SoloPace) -> int:
    """The fewest of them for which none is full."""
    for parts in range(1, _MOST_PARTS):
        if all(use.share <= FULL for use in of_one(part(fleet, parts), deployment, pace)):
            return parts
    raise ValueError(f"{_MOST_PARTS} deployments are not enough")


def event_hubs(fleet: Fleet) -> float:
    """US dollars a month for the notifications of the peak."""
    units = max(1, -(-fleet.peak // EVENT_HUBS_UNIT.rate))
    return units * UNIT_OF_EVENT_HUBS + fleet.mails_a_day * DAYS / 1e6 * MILLION_EVENTS


def remedies(fleet: Fleet, deployment: Deployment, pace: SoloPace) -> Sequence[Remedy]:
    """Each for itself."""
    ready = MEMORY * SECONDS * PRICES["always-ready GB-s"]
    polls = SECONDS / 1e4 * PRICES["10,000 queue operations"]
    fixed, parts = sum(monthly(0).values()), deployments(fleet, deployment, pace)
    seldom = replace(deployment, sweeps_a_day=SELDOM)
    return [
        Remedy("as many deployments as are needed", (parts - 1) * fixed),
        Remedy("a second queue of a step, its function always ready", ready + polls),
        Remedy("a second storage account, in a private network", 3 * PRICES["private endpoint"]),
        Remedy("notifications by Event Hubs", event_hubs(fleet)),
        Remedy("a sweep every two hours, not every half", sweeps(fleet, seldom) - sweeps(fleet, deployment)),
        Remedy("a cap above all logs", logs_lost(fleet, deployment)),
    ]
