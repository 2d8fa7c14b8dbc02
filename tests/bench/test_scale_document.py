"""What docs/scale.md says between its tables: no figure stands there that is not worked out here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus

import pytest

from bench.cost import DAYS, PRICES, SECONDS, blob_writes
from bench.scale_cost import (
    FULL,
    MILLION_EVENTS,
    SELDOM,
    UNIT_OF_EVENT_HUBS,
    logs_kept,
    of_one,
    sweeps,
)
from bench.scale_counts import SWEEP, graph_requests, vault_requests
from bench.scale_limits import FUNCTION_TIMEOUT, GRAPH_AT_ONCE, PARTITION, START_WITHIN
from bench.scale_model import (
    BREAKERS_OF_SOURCE,
    DAY,
    SERVICES,
    Fleet,
    instances,
    logs,
)
from bench.scale_outage import QUEUE_OF_WAKING, TABLE_OF_WAKING
from bench.scale_queues import in_burst, of_mailbox
from bench.scale_tables import DEPLOYMENT, FLEETS, PACE, VAULT
from shared.breaker import BETWEEN_PROBES, LONGEST, SHORTEST, SUSPECTS
from shared.breaker_table import CACHED_FOR
from shared.graph.batch import LARGEST_BATCH
from shared.storage_clients import PIECE
from shared.subscription_plan import LIFETIME
from tests.bench.scale_prose import ACCOUNT, CERTAIN, QUEUE, SHARES, TEXTS

SMALL, FEW, MANY, HUGE = FLEETS
MAIL = MANY.mail
BARE = Fleet(1, 1, busiest=1.0, attachments=0).mail
AT_ONCE = f"{GRAPH_AT_ONCE.amount:.0f}"
OF_MAILBOX = of_mailbox(FEW, DEPLOYMENT).capacity
"""Mails a second."""
STAGING = instances(FEW, DEPLOYMENT)["staging"]
CLOSED, OPEN = CACHED_FOR.total_seconds(), BETWEEN_PROBES.total_seconds()
SELDOM_SWEPT = replace(DEPLOYMENT, sweeps_a_day=SELDOM)
REFUSED = f"{HTTPStatus.TOO_MANY_REQUESTS:d}"
MINUTE = 60
PACES = DEPLOYMENT.pace
BURST = MANY.burst


def digit(value: float) -> float:
    """To one significant digit."""
    return float(f"{value:.0e}")


def most_of_one() -> int:
    """Mailboxes of one deployment that is planned up to its share."""
    low, high = 1, HUGE.mailboxes
    while high - low > 1:
        middle = (low + high) // 2
        fits = all(use.share <= FULL for use in of_one(Fleet(middle, 0, 0.0), DEPLOYMENT, PACE))
        low, high = (middle, high) if fits else (low, middle)
    return low


def most_for_breakers() -> float:
    """Mailboxes of which the breakers are as many entities as a partition may answer."""
    reading = sum(instances(MANY, DEPLOYMENT)[name] for name in ("staging", "filing"))
    return (PARTITION.rate * CLOSED / reading - SERVICES) / BREAKERS_OF_SOURCE


MILLION_LOGS = logs(MANY, DEPLOYMENT)
PHRASES: Mapping[str, Sequence[str]] = {
    "": ["over 100 % stands out"],
    "What is assumed": [
        f"One watched folder a mailbox, {MANY.attachments} attachment a mail",
        (
            f"Of {FEW.mailboxes} mailboxes the busiest has {FEW.busiest * 100:.0f} % of all mail, "
            f"of more it has {MANY.busiest * 100:.0f} %"
        ),
        f"less than {PIECE / 1024**2:.0f} MiB",
        (
            f"{BURST.factor:.0f} times the mean for {BURST.seconds / MINUTE:.0f} minutes: "
            f"{BURST.share * 100:.0f} % of the day's mail. The rest comes evenly in the other "
            f"{(DAY - BURST.seconds) / 3600:.0f} hours"
        ),
        f"M-Files takes {VAULT.requests_a_second:.0f} requests a second",
        (
            f"{PACES.graph_request} s for a request of Graph, {PACES.vault_request} s for one of M-Files, "
            f"{PACES.storage_operation} s for an operation of storage"
        ),
        (
            f"{PACES.cpu_step * 1000:.0f} ms of one core for a step of a mail, "
            f"{PACES.cpu_notification * 1000:.0f} ms for a notification, "
            f"{PACE.cpu_storage_operation * 1000:.1f} ms for an operation of storage"
        ),
        (
            f"at most {DEPLOYMENT.instances} instances of each function, one core each, "
            f"{DEPLOYMENT.at_once} messages at a time"
        ),
        f"{DEPLOYMENT.vault_at_once} requests at once to the vault from each instance",
    ],
    "What is asked for": [
        (
            f"{graph_requests(BARE)} + k requests of Graph, {vault_requests(BARE)} + k of M-Files (the "
            f"search for the filing key, each file, the create), and {blob_writes(BARE)} + k blobs "
            "that are written"
        ),
        (
            f"lives for {LIFETIME.total_seconds() / MINUTE:,.0f} minutes and is renewed after half of that, "
            f"and {DEPLOYMENT.sweeps_a_day:.0f} sweeps a day"
        ),
        f"{SWEEP.table + SWEEP.of_source} operations of tables and {SWEEP.queue} of its queue",
        (
            f"Above {1e6 * graph_requests(MAIL) / DEPLOYMENT.sweeps_a_day / SWEEP.graph:,.0f} mailboxes "
            "Graph is asked more by the sweeps than by a million mails"
        ),
        f"cut off after {FUNCTION_TIMEOUT / MINUTE:.0f} minutes",
        f"the batch of {LARGEST_BATCH} ",
    ],
    "What bends first": [
        f"{SMALL.mailboxes} mailboxes, {SMALL.mails_a_day:,} a day: nothing",
        (
            f"{FEW.mailboxes} mailboxes, a million a day: Graph's limit of {AT_ONCE} requests at once to "
            "the busiest mailbox"
        ),
        (
            f"{MANY.mailboxes:,} mailboxes, a million a day: M-Files. Of what else is known to be a limit, "
            f"{sorted(CERTAIN[MANY].values())[-2] * 100:.0f} % is used at most"
        ),
        (
            f"{HUGE.mailboxes:,} mailboxes, a million a day: what each instance does for itself. Each reads "
            "`breakers` without end"
        ),
        f"The cap of the logs is, at {DEPLOYMENT.log_gigabytes_a_day / MAIL.log_kilobytes * 1e6:,.0f}.",
    ],
    "How long mail waits": [
        f"The {in_burst(FEW, DEPLOYMENT, VAULT)[2].delay / 3600:.1f} h of Graph's limit are the best case",
        f"one of the {DEPLOYMENT.at_once} places of its instance",
        f"({REFUSED})",
        (
            f"Each instance keeps to {AT_ONCE} requests at once, so {STAGING} instances ask for "
            f"{STAGING * GRAPH_AT_ONCE.amount:.0f}"
        ),
        f"{SUSPECTS} mails that are refused",
        f"for {CLOSED:.0f} of {CLOSED + OPEN:.0f} seconds",
        (
            f"every {SHORTEST.total_seconds() / MINUTE:.0f} to {LONGEST.total_seconds() / MINUTE:.0f} "
            f"minutes, which is {QUEUE_OF_WAKING + TABLE_OF_WAKING} operations of storage"
        ),
    ],
    "1": [
        f"the mean, {MANY.mean * vault_requests(MAIL):.0f} requests a second for a million mails a day",
        f"{DEPLOYMENT.vault_at_once * DEPLOYMENT.instances} as they are",
    ],
    "2": [f"at {OF_MAILBOX:.1f} mails a second"],
    "3": [f"More than some {digit(most_of_one()):,.0f} mailboxes", f"only up to {FULL * 100:.0f} %"],
    "4": [
        (
            f"At {HUGE.watched:,} folders they ask more of Graph than a million mails do, and cost over "
            f"{sweeps(HUGE, DEPLOYMENT) // 500 * 500:,.0f} dollars a month"
        ),
        (
            f"Every {24 / SELDOM:.0f} hours (`EVERY_HALF_HOUR` in `handlers/sweep.py`) "
            f"they are {SELDOM / DEPLOYMENT.sweeps_a_day * 100:.0f} % of the requests and "
            f"{sweeps(HUGE, SELDOM_SWEPT) / sweeps(HUGE, DEPLOYMENT) * 100:.0f} % of the cost"
        ),
    ],
    "5": [f"at some {1 / SHARES[MANY][QUEUE]:.0f} times these peaks"],
    "6": [
        (
            f"at some {1 / SHARES[HUGE][ACCOUNT]:.0f} times these peaks of mail and sweeps with "
            f"{HUGE.mailboxes:,} mailboxes, at over {math.floor(1 / SHARES[MANY][ACCOUNT])} times with "
            f"{MANY.mailboxes:,}."
        ),
    ],
    "7": [
        (
            f"Each mail writes {MAIL.log_kilobytes:.0f} KB, a million a day {MILLION_LOGS.demand:.0f} GB: "
            f"{round(MILLION_LOGS.demand * DAYS * PRICES['GB of logs'], -1):,.0f} dollars a month, of which "
            f"the cap of {MILLION_LOGS.limit:.0f} GB lets in {logs_kept(MANY, DEPLOYMENT):.0f}"
        ),
    ],
    # Published (learn.microsoft.com/graph/change-notifications-delivery-webhooks): nothing follows from it.
    "8": ["once many answers took more than 3 s, and drops them at 10 s"],
    "What to do": [
        (
            f"({UNIT_OF_EVENT_HUBS / SECONDS * 3600:.2f} dollars an hour for a throughput unit, "
            f"{MILLION_EVENTS} for a million events)"
        ),
    ],
    "What is published": [
        (
            f"A function may run for {FUNCTION_TIMEOUT / MINUTE:.0f} minutes, an app must have started "
            f"within {START_WITHIN:.0f} s"
        ),
    ],
    "What is not known": [
        f"Graph's {AT_ONCE} requests at once",
        f"{OF_MAILBOX:.1f} mails a second at most, {int(OF_MAILBOX * DAY // 1e4 * 1e4):,} a day",
        (
            f"full at some {round(most_for_breakers(), -1):.0f} mailboxes with a million mails a day: "
            f"each of {sum(instances(MANY, DEPLOYMENT)[name] for name in ('staging', 'filing'))} instances "
            f"reads {BREAKERS_OF_SOURCE} rows of each source every {CLOSED:.0f} seconds"
        ),
        f"{PACE.subscriptions_of_page} is a guess",
        f"Graph answers {REFUSED} below its limits",
        f"retries after a {REFUSED} lower that",
    ],
}


@pytest.mark.parametrize("heading", PHRASES)
def test_each_figure_of_the_prose_is_worked_out(heading: str) -> None:
    """Each phrase stands there as the model has it, and there is no digit in any other place."""
    text = TEXTS[heading]

    assert [phrase for phrase in PHRASES[heading] if phrase not in text] == []
    for phrase in PHRASES[heading]:
        text = text.replace(phrase, "")
    assert re.findall(r"(?<!\w)\d\S*", text) == []


def test_no_section_goes_without() -> None:
    assert TEXTS.keys() == PHRASES.keys()
    assert sum(len(text) for text in TEXTS.values()) > 5_000
