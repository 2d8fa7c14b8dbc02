"""What a deployment costs a month, worked out from the number of operations.

The operations of a mail were counted at the app's own clients (docs/deploy.md says how); prices are list
prices in US dollars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PRICES_OF = "November 2026"
PRICES: Mapping[str, float] = {
    "always-ready GB-s": 0.000004,
    "executing GB-s": 0.000016,
    "million executions": 0.40,
    "10,000 queue operations": 0.0004,
    "10,000 table operations": 0.00036,
    "10,000 blob writes": 0.0625,
    "10,000 blob reads": 0.005,
    "GB of blobs": 0.023,
    "GB of logs": 2.76,
    "10,000 operations of Key Vault": 0.03,
    "alert asked every 5 minutes": 1.50,
    "alert asked less often": 0.50,
    "private endpoint": 7.30,
    "NAT gateway": 32.85,
}
"""US dollars, West Europe: azure.microsoft.com/pricing, for each service."""

SECONDS = 730 * 3600
"""Of a month."""
DAYS = SECONDS / 86_400


@dataclass(frozen=True)
class Deployment:
    """What costs whether or not mail comes; `memory` is that of an instance in GB."""

    memory: float = 2.0
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


QUEUE_OPERATIONS = 9
"""Of a mail: three hops, each put, got and deleted."""
TABLE_OPERATIONS = 18
"""Of a mail: rows of `filings` and `unfinished`, two fingerprints, one look at the breakers."""


def blob_writes(mail: Mail) -> int:
    """MIME, attachments, manifest, plan."""
    return 3 + mail.attachments


def blob_reads(mail: Mail) -> int:
    """Manifest and plan, looked for and read; MIME and attachments."""
    return 4 + mail.attachments


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
        + deployment.nat_gateways * PRICES["NAT gateway"],
    }


def _ready(deployment: Deployment) -> float:
    return deployment.always_ready * deployment.memory * SECONDS * PRICES["always-ready GB-s"]


def _executing(mails: int, deployment: Deployment, mail: Mail) -> float:
    """As if no two mails shared an instance, which they do: the most that it can be."""
    timers = (1440 + 96 + 48) * DAYS
    seconds = mails * mail.seconds + timers * 1.0
    executions = 4 * mails + timers
    return (
        seconds * deployment.memory * PRICES["executing GB-s"]
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


if __name__ == "__main__":
    print("\n".join(table()))
