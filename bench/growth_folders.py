"""`growth`: what folders cost as they become many: the configuration, the plan of subscriptions, a sweep."""

from __future__ import annotations

import gc
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import Figure, Spread, at_most, figure
from sandbox.app import ROOT
from shared.breaker_table import Breakers
from shared.configuration_file import configuration_in
from shared.folder_register import SweptFolder
from shared.graph.answers import Subscription
from shared.graph.delta import DeltaPage
from shared.queue_messages import FOLDER_SWEEP, FolderSweep, decode
from shared.services import Services
from shared.subscription_plan import LIFETIME, Registered, plan_subscriptions, watched_by
from shared.testing.breaker_table import InMemoryBreakerTable
from shared.testing.folder_register import InMemoryFolderRegister
from shared.testing.queues import InMemoryQueues
from shared.testing.sweep_states import InMemorySweepStates

FOLDERS = (10, 1_000, 100_000)
MOST_SWEPT = 2_000
"""Folders that are swept, of those that the orders of a round are made for: each is a run of its own."""
_PLANS = 3
"""Of each number of folders."""
_LINEAR = 3.0
"""Times as much for a folder among many, which do not fit the processor's caches. Were the work to grow with
the square of their number, it would be a hundred."""
_OF_A_SOURCE = 100
"""Folders: Graph takes 1,000 subscriptions of a mailbox at most."""


async def of_folders() -> list[Figure]:
    """Everything in memory, where only the app takes time."""
    found: list[Figure] = []
    plans: dict[int, list[float]] = {}
    for number in FOLDERS:
        text = _configured(number)
        parsed = time.perf_counter()
        configuration = configuration_in(text.encode(), "mail-sources.toml")
        parsed = time.perf_counter() - parsed
        wanted = list(watched_by(configuration.source))
        plans[number] = [_planned(wanted) for _ in range(_PLANS)]
        found += [
            figure(f"{number:,} folders: reading the configuration", [parsed], "s"),
            figure(f"{number:,} folders: the plan of subscriptions", plans[number], "s"),
            *await _of_sweep(text, number),
        ]
    few, many = FOLDERS[1], FOLDERS[2]
    linear = (median(plans[many]) / many) / (median(plans[few]) / few)
    return [
        *found,
        Figure(f"plan for {many:,} folders", Spread.of(plans[many]), "s", at_most(2.0)),
        Figure(
            f"plan for {many:,} folders, a folder, against {few:,}",
            Spread.of([linear]),
            "x",
            at_most(_LINEAR),
        ),
    ]


async def _of_sweep(text: str, folders: int) -> list[Figure]:
    """A sweep with nothing new, with a configuration of so many folders."""
    seconds, calls = await _swept(text, folders)
    what = f"{folders:,} folders, of each a sweep with nothing new"
    return [
        figure(f"{what}: time of the app", [1000 * seconds], "ms"),
        figure(f"{what}: requests to Graph", [calls["graph"]], ""),
        figure(f"{what}: operations of storage, the host's get and delete aside", [calls["storage"]], ""),
    ]


def _configured(folders: int) -> str:
    """Sources with a hundred folders each, which a configuration names by their ids."""
    head = """
[vault]
url = "https://mfiles.example.com"
guid = "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"
filing-key = "PD.FilingKey"

[defaults.document]
class = "CL.Mail"
title = "{{ subject }}"
"""
    sources = [range(start, min(start + _OF_A_SOURCE, folders)) for start in range(0, folders, _OF_A_SOURCE)]
    return head + "".join(
        f"""
[[source]]
name = "source-{number}"
mailbox = "mailbox-{number}@example.com"
folders = [{", ".join(f'"{_folder(one)}"' for one in of_source)}]
"""
        for number, of_source in enumerate(sources)
    )


def _folder(number: int) -> str:
    return f"AAMkADhAAAT{number:08d}OAAA="


def _planned(wanted: Sequence[Any]) -> float:
    """Seconds of a plan in which each folder has its subscription, half of them due to be renewed."""
    now, addresses = datetime.now(UTC), ("https://app.example.com/a", "https://app.example.com/b")
    left = (LIFETIME, LIFETIME / 3)
    ours = [
        Registered(one.source, f"s{number}", one.resource, addresses[0], "key", now + left[number % 2])
        for number, one in enumerate(wanted)
    ]
    existing = [
        Subscription(
            id=row.subscription,
            resource=row.resource,
            change_type="created",
            notification_url=addresses[0],
            lifecycle_notification_url=addresses[1],
            expiration_date_time=row.until.isoformat() if row.until else None,
        )
        for row in ours
    ]
    gc.freeze()  # what the bench has made is not the plan's to look through
    began = time.perf_counter()
    plan = plan_subscriptions(wanted, ours, existing, addresses=addresses, key_version="key", now=now)
    taken = time.perf_counter() - began
    gc.unfreeze()
    assert len(plan.renew) == len(wanted) // 2
    return taken


class _Counted:
    """Counts the calls to a part that stands for a service."""

    def __init__(self, part: Any, service: str, calls: Counter[str]) -> None:
        self._part, self._service, self._calls = part, service, calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if callable(found):
            self._calls[self._service] += 1
        return found


class _Register:
    """A table finds the rows of a source by their key: so does this, with a register for each."""

    def __init__(self) -> None:
        self._by_source: defaultdict[str, InMemoryFolderRegister] = defaultdict(InMemoryFolderRegister)

    async def read(self, source: str, name: str) -> SweptFolder | None:
        """As `FolderRegister` says, and the others, too."""
        return await self._by_source[source].read(source, name)

    async def add(self, folder: SweptFolder) -> SweptFolder:
        return await self._by_source[folder.source].add(folder)

    async def note(self, folder: SweptFolder, **facts: Any) -> None:
        await self._by_source[folder.source].note(folder, **facts)

    def rows(self, source: str) -> AsyncIterator[SweptFolder]:
        return self._by_source[source].rows(source)


class _NothingNew:
    """A delta query whose answer is empty."""

    async def page(self, mailbox: str, folder: str, link: str | None) -> DeltaPage:
        """The one page."""
        return DeltaPage([], None, "https://graph.example.com/v1.0/delta?$deltatoken=1")


async def _swept(text: str, folders: int) -> tuple[float, dict[str, float]]:
    """Seconds and calls of the second round, for each folder; the first one makes rows and states.

    Of more than MOST_SWEPT folders those at the front of the queue are swept.
    """
    calls: Counter[str] = Counter()
    services, queues = _in_memory(text, calls)
    swept = min(folders, MOST_SWEPT)
    taken, made = 0.0, {"graph": 0.0, "storage": 0.0}
    for _ in range(2):
        calls.clear()
        began = time.perf_counter()
        await services.sweeper.order_all()
        taken = (time.perf_counter() - began) / folders
        made = {service: calls[service] / folders for service in made}
        orders = [decode(one.text.encode(), FolderSweep) for one in queues.messages(FOLDER_SWEEP)[:swept]]
        queues.drop(lambda _: True)
        calls.clear()
        began = time.perf_counter()
        for order in orders:
            await services.sweeper.sweep(order)
        taken += (time.perf_counter() - began) / len(orders)
        made = {service: number + calls[service] / len(orders) for service, number in made.items()}
        queues.drop(lambda _: True)
    return taken, made


def _in_memory(text: str, calls: Counter[str]) -> tuple[Services, InMemoryQueues]:
    """The app's own composition, with everything that it keeps in memory; nothing is looked up or sent."""
    with tempfile.TemporaryDirectory(prefix="vaultpost-bench-") as directory:
        sources = Path(directory) / "mail-sources.toml"
        sources.write_text(text, encoding="utf-8")
        services = Services.from_environment({**_NOWHERE, "VAULTPOST_SOURCES": str(sources)}, ROOT)
    queues = InMemoryQueues(services.clock)

    async def nothing(source: str) -> None:
        """Subscriptions are another bench's."""

    breakers: Any = _Counted(InMemoryBreakerTable(), "storage", calls)
    parts: dict[str, Any] = {
        "queues": _Counted(queues, "storage", calls),
        "folder_register": _Counted(_Register(), "storage", calls),
        "sweep_states": _Counted(InMemorySweepStates(), "storage", calls),
        "breakers": Breakers(breakers, services.clock),
        "delta": _Counted(_NothingNew(), "graph", calls),
    }
    vars(services).update(parts)
    vars(services)["sweeper"] = replace(services.sweeper, ensure_subscribed=nothing)
    return services, queues


_NOWHERE = {
    "VAULTPOST_NOTIFICATION_URL": "https://app.example.com/api",
    "KEY_VAULT_URL": "https://vaultpost.vault.azure.net",
    "GRAPH_CREDENTIAL": "managed-identity",
    "MailStorage": "UseDevelopmentStorage=true",
}
