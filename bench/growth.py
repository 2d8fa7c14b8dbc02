"""`growth`: what a mail costs with a journal that grows, and what folders cost as they become many."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from azure.data.tables.aio import TableServiceClient

from bench.figures import Figure, Spread, at_most, figure
from bench.mails import letter
from bench.meter import Meter
from bench.notifying import body, post
from bench.records import operations, requests, settings
from bench.world import Bench, Place, app_in, sandbox, say
from sandbox.app import ROOT
from sandbox.box import Sandbox
from sandbox.storage.azurite import Storage
from shared.breaker_table import Breakers
from shared.configuration_file import configuration_in
from shared.folder_register import SweptFolder
from shared.graph.answers import Subscription
from shared.graph.delta import DeltaPage
from shared.identities import filing_key
from shared.journal import JournalTable
from shared.journal_row import Row
from shared.queue_messages import FOLDER_SWEEP, FolderSweep, decode
from shared.services import Services
from shared.subscription_plan import LIFETIME, Registered, plan_subscriptions, watched_by
from shared.testing.breaker_table import InMemoryBreakerTable
from shared.testing.folder_register import InMemoryFolderRegister
from shared.testing.queues import InMemoryQueues
from shared.testing.sweep_states import InMemorySweepStates

JOURNALS = (100, 1_000, 10_000)
"""Rows."""
FOLDERS = (10, 1_000, 100_000)
ROUNDS = 3
_MAILS = 25
"""Of a round."""
MOST_SWEPT = 2_000
"""Folders that are swept here: a hundred thousand take minutes, and each costs the same."""
_PLANS = 3
"""Of each number of folders."""
_OF_A_SOURCE = 100
"""Folders: Graph takes 1,000 subscriptions of a mailbox at most."""


async def growth(place: Place) -> list[Figure]:
    """The journal in storage of its own for each size; folders in memory, where only the app takes time."""
    found = await _of_journals(place)
    say("growth: folders …")
    return found + await _of_folders()


# ---- The journal


@dataclass
class _Journal:
    """An app with a journal of so many rows, and what a mail has cost it in each round."""

    rows: int
    app: Bench
    record: Path
    account: str
    wall: list[float] = field(default_factory=list)
    """Seconds."""
    cpu: list[float] = field(default_factory=list)
    """Seconds."""
    operations: list[float] = field(default_factory=list)

    async def round(self, session: aiohttp.ClientSession, *, counts: bool) -> None:
        """File some mails."""
        meter, before = Meter(self.app.app.process.pid), self._operations()
        began, used = time.perf_counter(), meter.cpu()
        await _filed(session, self.app)
        if counts:
            self.wall.append((time.perf_counter() - began) / _MAILS)
            self.cpu.append((meter.cpu() - used) / _MAILS)
            self.operations.append((self._operations() - before) / _MAILS)

    def _operations(self) -> int:
        return operations(requests(self.record), self.account).total()


async def _of_journals(place: Place) -> list[Figure]:
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(sandbox(place))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        journals = [await _journal(stack, box, place, rows) for rows in JOURNALS]
        for number in range(ROUNDS + 1):
            say(f"growth: journals, round {number} …")
            for one in journals:
                await one.round(session, counts=number > 0)  # the first one is for warming up
    return _figures(journals)


def _figures(journals: Sequence[_Journal]) -> list[Figure]:
    small, large = journals[0], journals[-1]
    against = f"{large.rows:,} rows against {small.rows:,}"
    operations_of = Spread.of_ratios(large.operations, small.operations)
    cpu = Spread.of_ratios(large.cpu, small.cpu)
    return [
        *(figure(f"{one.rows:,} rows: operations of a mail", one.operations, "") for one in journals),
        *(
            figure(f"{one.rows:,} rows: CPU of a mail", [1000 * each for each in one.cpu], "ms")
            for one in journals
        ),
        *(
            figure(f"{one.rows:,} rows: time of a mail", [1000 * each for each in one.wall], "ms")
            for one in journals
        ),
        Figure(f"operations, {against}", operations_of, "x", at_most(1.05)),
        Figure(f"CPU of a mail, {against}", cpu, "x", at_most(1.05)),
    ]


async def _journal(stack: AsyncExitStack, box: Sandbox, place: Place, rows: int) -> _Journal:
    """An app of its own, in storage of its own."""
    name, record = f"rows-{rows}", place.directory / f"rows-{rows}.jsonl"
    storage = await stack.enter_async_context(Storage(place.node, place.azurite, place.authority))
    tables = TableServiceClient.from_connection_string(storage.connection_string)
    async with tables:
        await tables.create_table("filings")
        await JournalTable(tables).add_absent([_row(name, number) for number in range(rows)])
    own = dict.fromkeys(("MailStorage", "AzureWebJobsStorage"), storage.connection_string)
    more = {**settings(box, record, storage), **own}
    app = await stack.enter_async_context(app_in(box, place, name, "bench.apps.recorded", more))
    return _Journal(rows, app, record, storage.account.name)


def _row(source: str, number: int) -> Row:
    """A mail that was filed, as a row is then."""
    message = f"AAkALgAA{number:048d}AAA="
    now = datetime.now(UTC) - timedelta(minutes=number)
    key = filing_key(source, message)
    row = Row(source, key, "filed", message, arrived=now, opened=now)
    return replace(
        row,
        staged=now,
        ended=now,
        settled=now,
        handed=now,
        sizes=(5_000,),
        digests=(bytes(32),),
        object_type=0,
        object_id=number + 1,
        object_version=1,
    )


async def _filed(session: aiohttp.ClientSession, app: Bench) -> None:
    mails = [app.box.tenant.deliver(app.mailbox, letter(5_000)) for _ in range(_MAILS)]
    await post(session, app, body(app, [one.immutable_id for one in mails]))
    await app.filed(mails)
    # What follows a mail's document is of its cost as well.
    await asyncio.sleep(1.5)


# ---- Folders


async def _of_folders() -> list[Figure]:
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
            *await _of_sweep(min(number, MOST_SWEPT)),
        ]
    few, many = FOLDERS[1], FOLDERS[2]
    linear = (median(plans[many]) / many) / (median(plans[few]) / few)
    return [
        *found,
        Figure(f"plan for {many:,} folders", Spread.of(plans[many]), "s", at_most(2.0)),
        Figure(
            f"plan for {many:,} folders, a folder, against {few:,}", Spread.of([linear]), "x", at_most(1.5)
        ),
    ]


async def _of_sweep(folders: int) -> list[Figure]:
    """A sweep with nothing new, for each of so many folders."""
    seconds, calls = await _swept(_configured(folders), folders)
    what = f"{folders:,} folders swept with nothing new, each"
    return [
        figure(f"{what}: time of the app", [1000 * seconds], "ms"),
        figure(f"{what}: requests to Graph", [calls["graph"]], ""),
        figure(f"{what}: operations of storage", [calls["storage"]], ""),
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
    began = time.perf_counter()
    plan = plan_subscriptions(wanted, ours, existing, addresses=addresses, key_version="key", now=now)
    taken = time.perf_counter() - began
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
    """Seconds and calls of the second sweep, for each folder; the first one makes rows and states."""
    calls: Counter[str] = Counter()
    services, queues = _in_memory(text, calls)

    async def sweep() -> None:
        await services.sweeper.order_all()
        for message in queues.messages(FOLDER_SWEEP):
            await services.sweeper.sweep(decode(message.text.encode(), FolderSweep))
        queues.drop(lambda _: True)

    await sweep()
    calls.clear()
    began = time.perf_counter()
    await sweep()
    taken = (time.perf_counter() - began) / folders
    return taken, {service: calls[service] / folders for service in ("graph", "storage")}


def _in_memory(text: str, calls: Counter[str]) -> tuple[Services, InMemoryQueues]:
    """The app's own composition, with everything that it keeps in memory; nothing is looked up or sent."""
    with tempfile.TemporaryDirectory(prefix="vaultpost-bench-") as directory:
        sources = Path(directory) / "mail-sources.toml"
        sources.write_text(text, encoding="utf-8")
        services = Services.from_environment({**_NOWHERE, "VAULTPOST_SOURCES": str(sources)}, ROOT)
    queues = InMemoryQueues(services.clock)

    async def nothing(source: str) -> None:
        """Subscriptions are another bench's."""

    parts: dict[str, Any] = {
        "queues": _Counted(queues, "storage", calls),
        "folder_register": _Counted(_Register(), "storage", calls),
        "sweep_states": _Counted(InMemorySweepStates(), "storage", calls),
        "breakers": Breakers(InMemoryBreakerTable(), services.clock),
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
