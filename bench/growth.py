"""`growth`: what a mail costs with a journal that grows, and what folders cost as they become many."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from azure.data.tables.aio import TableServiceClient

from bench.figures import Figure, Spread, at_most, figure
from bench.growth_folders import of_folders
from bench.mails import letter
from bench.meter import Meter
from bench.notifying import body, post
from bench.records import operations, requests, settings
from bench.world import Bench, Place, app_in, sandbox, say
from sandbox.box import Sandbox
from sandbox.storage.azurite import Storage
from shared.identities import filing_key
from shared.journal import JournalTable
from shared.journal_row import Row
from shared.unfinished import UnfinishedTable

JOURNALS = (100, 1_000, 10_000)
"""Rows."""
ROUNDS = 3
_MAILS = 25
"""Of a round."""


async def growth(place: Place) -> list[Figure]:
    """The journal in storage of its own for each size; folders in memory, where only the app takes time."""
    found = await _of_journals(place)
    say("growth: folders …")
    return found + await of_folders()


@dataclass
class _Journal:
    """An app with a journal of so many rows, and what a mail has cost it in each round."""

    rows: int
    app: Bench
    record: Path
    account: str
    unfinished: UnfinishedTable
    wall: list[float] = field(default_factory=list)
    """Seconds."""
    cpu: list[float] = field(default_factory=list)
    """Seconds."""
    operations: list[float] = field(default_factory=list)

    async def round(self, session: aiohttp.ClientSession, *, counts: bool) -> None:
        """File some mails."""
        mails = [self.app.box.tenant.deliver(self.app.mailbox, letter(5_000)) for _ in range(_MAILS)]
        meter, before = Meter(self.app.app.process.pid), self._operations()
        began, used = time.time(), meter.cpu()
        await post(session, self.app, body(self.app, [one.immutable_id for one in mails]))
        made = await self.app.filed(mails)
        await self.app.closed(self.unfinished)
        if counts:
            self.wall.append((max(made) - began) / _MAILS)
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
    wall = Spread.of_ratios(large.wall, small.wall)
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
        Figure(f"time of a mail, {against}", wall, "x"),
    ]


async def _journal(stack: AsyncExitStack, box: Sandbox, place: Place, rows: int) -> _Journal:
    """An app of its own, in storage of its own."""
    name, record = f"rows-{rows}", place.directory / f"rows-{rows}.jsonl"
    storage = await stack.enter_async_context(Storage(place.node, place.azurite, place.authority))
    tables = await stack.enter_async_context(
        TableServiceClient.from_connection_string(storage.connection_string)
    )
    await tables.create_table("filings")
    await JournalTable(tables).add_absent([_row(name, number) for number in range(rows)])
    own = dict.fromkeys(("MailStorage", "AzureWebJobsStorage"), storage.connection_string)
    more = {**settings(box, record, storage), **own}
    app = await stack.enter_async_context(app_in(box, place, name, "bench.apps.recorded", more))
    return _Journal(rows, app, record, storage.account.name, UnfinishedTable(tables))


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
