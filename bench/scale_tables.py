"""The model's answers as Markdown tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.cost import blob_writes
from bench.scale_alone import ALONE, SUBSCRIPTIONS_EVERY, SoloPace, pages_of_subscriptions, reach
from bench.scale_cost import deployments, logs_kept, remedies, sweeps
from bench.scale_counts import SWEEP, graph_requests, vault_requests
from bench.scale_limits import LIMITS
from bench.scale_model import DAY, Deployment, Fleet, Use, VaultLimit, logs, renewals, uses
from bench.scale_outage import dollars_a_day, log_gigabytes, uses_of_waking
from bench.scale_queues import after_outage, in_burst

FLEETS = (
    Fleet(10, 1_000, busiest=0.3),
    Fleet(10, 1_000_000, busiest=0.3),
    Fleet(1_000, 1_000_000, busiest=0.01),
    Fleet(100_000, 1_000_000, busiest=0.01),
)
OUTAGE = DAY
"""Seconds for which the vault was away."""
DEPLOYMENT, VAULT, PACE = Deployment(), VaultLimit(), SoloPace()


def all_uses(fleet: Fleet) -> list[Use]:
    """Of all limits, those of time too."""
    return [*uses(fleet, DEPLOYMENT, VAULT), *(solo.use(fleet, PACE) for solo in ALONE)]


def bends_first(fleet: Fleet) -> Use:
    """The limit of which most is used, among those that are certain."""
    return max((use for use in all_uses(fleet) if use.is_certain), key=lambda use: use.share)


def limits_table() -> list[str]:
    """The published figures, and where they stand."""
    head = ["| limit | figure | page | read there |", "|---|---:|---|---|"]
    return head + [
        f"| {one.name} | {one.told} | {one.page} | {'yes' if one.is_verified else 'no'}"
        f"{'; ' + one.note if one.note else ''} |"
        for one in LIMITS
    ]


def daily_table() -> list[str]:
    """What is asked for in a day, on average."""
    swept = DEPLOYMENT.sweeps_a_day
    asked: dict[str, Callable[[Fleet], float]] = {
        "Graph, for mails": lambda fleet: fleet.mails_a_day * graph_requests(fleet.mail),
        "Graph, for sweeps": lambda fleet: fleet.watched * swept * SWEEP.graph,
        "Graph, to renew subscriptions": lambda fleet: renewals(fleet) * DAY,
        "Graph, to list them": lambda fleet: pages_of_subscriptions(fleet, PACE) * DAY / SUBSCRIPTIONS_EVERY,
        "blobs written, for mails": lambda fleet: fleet.mails_a_day * blob_writes(fleet.mail),
        "blobs written, for sweeps": lambda fleet: fleet.watched * swept * SWEEP.blob_writes,
        "M-Files": lambda fleet: fleet.mails_a_day * vault_requests(fleet.mail),
    }
    return [*_head("requests a day"), *(_figures(name, of) for name, of in asked.items())]


def uses_table(vault: VaultLimit = VAULT) -> list[str]:
    """The share of each limit at the peak; what is over it stands out."""
    columns = [[*uses(fleet, DEPLOYMENT, vault), logs(fleet, DEPLOYMENT)] for fleet in FLEETS]
    rows = [_shares(of_limit) for of_limit in zip(*columns, strict=True)]
    return [*_head("share of the limit at the peak"), *rows]


def alone_table() -> list[str]:
    """Seconds of what one instance does alone, and up to how many mailboxes it is in time."""
    fleets = [FLEETS[0], *FLEETS[2:]]
    heads = " | ".join(f"{fleet.mailboxes:,}" for fleet in fleets)
    lines = [
        f"| seconds, by mailboxes | {heads} | may take | in time up to |",
        "|---|" + "---:|" * (len(fleets) + 2),
    ]
    for solo in ALONE:
        cells = " | ".join(_bold(solo.use(fleet, PACE), _seconds) for fleet in fleets)
        most = float(f"{reach(solo, PACE):.2g}")
        lines.append(f"| {solo.name} | {cells} | {solo.within:,.0f} | {most:,.0f} |")
    return lines


def waits_table(vault: VaultLimit = VAULT) -> list[str]:
    """Where mail waits in the burst."""
    lines = [
        "| mailboxes × mails a day | waits in | for | messages | last mail late by | empty after |",
        "|---|---|---|---:|---:|---:|",
    ]
    for fleet in FLEETS:
        waiting = [wait for wait in in_burst(fleet, DEPLOYMENT, vault) if wait.most]
        for wait in waiting:
            cells = f"{_messages(wait.most)} | {_time(wait.delay)} | {_time(wait.empty_after)}"
            lines.append(f"| {_name(fleet)} | {wait.queue} | {wait.by} | {cells} |")
        if not waiting:
            lines.append(f"| {_name(fleet)} | none | | 0 | 0 s | 0 s |")
    return lines


def outage_table(vault: VaultLimit = VAULT) -> list[str]:
    """A day without the vault: what waits, what that asks of storage and costs, how long it takes after."""
    uncapped = replace(DEPLOYMENT, log_gigabytes_a_day=math.inf)
    columns = [uses_of_waking(fleet, DEPLOYMENT, OUTAGE) for fleet in FLEETS]
    after = " | ".join(_time(after_outage(fleet, DEPLOYMENT, vault, OUTAGE)) for fleet in FLEETS)
    return [
        *_head("after a day without the vault"),
        _figures("open mails", lambda fleet: fleet.mean * OUTAGE),
        *(_shares(of_limit) for of_limit in zip(*columns, strict=True)),
        _figures(
            "GB of logs written on each further day", lambda fleet: log_gigabytes(fleet, DEPLOYMENT, OUTAGE)
        ),
        _figures("US dollars for each further day", lambda fleet: dollars_a_day(fleet, DEPLOYMENT, OUTAGE)),
        _figures("the same with a cap above all logs", lambda fleet: dollars_a_day(fleet, uncapped, OUTAGE)),
        f"| all filed, once it is back, after | {after} |",
    ]


def remedies_table() -> list[str]:
    """US dollars a month."""
    columns = [remedies(fleet, DEPLOYMENT, PACE) for fleet in FLEETS]
    rows = [
        f"| {row[0].name} | " + " | ".join(_whole(one.dollars) for one in row) + " |"
        for row in zip(*columns, strict=True)
    ]
    return [
        *_head("US dollars a month"),
        _figures("the sweeps, as they are", lambda fleet: sweeps(fleet, DEPLOYMENT)),
        _figures("the logs, up to the cap", lambda fleet: logs_kept(fleet, DEPLOYMENT)),
        _figures("deployments that are needed (a number)", lambda one: deployments(one, DEPLOYMENT, PACE)),
        *rows,
    ]


def tables(vault: VaultLimit = VAULT) -> list[list[str]]:
    """All, in the order of docs/scale.md."""
    return [
        daily_table(),
        uses_table(vault),
        alone_table(),
        waits_table(vault),
        outage_table(vault),
        remedies_table(),
        limits_table(),
    ]


def _name(fleet: Fleet) -> str:
    return f"{fleet.mailboxes:,} × {fleet.mails_a_day:,}"


def _head(what: str) -> list[str]:
    names = " | ".join(_name(fleet) for fleet in FLEETS)
    return [f"| {what} | {names} |", "|---|" + "---:|" * len(FLEETS)]


def _figures(title: str, of: Callable[[Fleet], float]) -> str:
    return f"| {title} | " + " | ".join(_whole(of(fleet)) for fleet in FLEETS) + " |"


def _shares(of_limit: Sequence[Use]) -> str:
    title = of_limit[0].name + ("" if of_limit[0].is_certain else " (?)")
    return f"| {title} | " + " | ".join(_bold(use, _share) for use in of_limit) + " |"


def _bold(use: Use, told: Callable[[Use], str]) -> str:
    return f"**{told(use)}**" if use.share > 1 else told(use)


def _share(use: Use) -> str:
    return "< 1 %" if use.share < 0.01 else f"{use.share * 100:,.0f} %"


def _seconds(use: Use) -> str:
    return f"{use.demand:,.0f}" if use.demand >= 1 else "< 1"


def _whole(value: float) -> str:
    return f"{round(value):,}"


def _messages(number: float) -> str:
    return "without end" if math.isinf(number) else f"{number:,.0f}"


def _time(seconds: float) -> str:
    if math.isinf(seconds):
        return "never"
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
