"""`file`: mails of three sizes through the whole pipeline, beside the floor and the usual way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from azure.data.tables.aio import TableServiceClient

from bench.counting import counted
from bench.documents import Documents
from bench.failure import BenchFailed
from bench.figures import Figure, Spread, at_least, at_most, figure, throughput
from bench.mails import letter, with_attachments
from bench.meter import Meter
from bench.notifying import body, post
from bench.programs.driving import program
from bench.programs.usual import make_places, own_settings
from bench.records import invocations
from bench.world import Bench, Place, app_in, sandbox, say, settings_of
from sandbox.box import Sandbox
from shared.identities import filing_key
from shared.unfinished import UnfinishedTable

_THIRD = 1 / 3
_KB, _MB = 1000, 1000 * 1000


@dataclass(frozen=True)
class Kind:
    """Mails of one size: how many of them are filed in a run, and how often that is done."""

    name: str
    make: Callable[[Path], bytes | Path]
    number: int
    rounds: int


KINDS = (
    Kind("5 KB", lambda _: letter(5 * _KB), 30, 3),
    Kind("500 KB, 2 attachments", lambda file: with_attachments(file, [250 * _KB] * 2), 15, 3),
    Kind("20 MB", lambda file: with_attachments(file, [20 * _MB]), 3, 3),
)
SMALL = KINDS[0]


@dataclass(frozen=True)
class Run:
    """What one run has taken: documents a second, CPU seconds for a mail, and at the most so many MB."""

    throughput: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Way:
    """A way of filing: its mailbox, a message's key in the vault, its process, and what files messages.

    `file` answers when the first mail was begun with, and the seconds of processor time.
    """

    mailbox: str
    key: Callable[[str], str]
    meter: Meter
    file: Callable[[Sequence[str]], Awaitable[tuple[float, float]]]
    runs: list[Run] = field(default_factory=list)


async def file(place: Place) -> list[Figure]:
    """Ours, the floor and the usual way in turn; then the operations of a mail, in an app of its own."""
    found = await _timed(place)
    say("file: operations …")
    async with sandbox(place) as box:
        return found + await counted(box, place)


async def _timed(place: Place) -> list[Figure]:
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(sandbox(place))
        ours = await _ours(stack, box, place)
        floor = await _program(stack, box, place, "straight", lambda one: filing_key("straight", one))
        await make_places(box.storage.connection_string)
        usual = await _program(stack, box, place, "usual", lambda one: one)
        found: list[Figure] = []
        for kind in KINDS:
            say(f"file: {kind.name} …")
            ways = (ours, floor, usual) if kind is SMALL else (ours, floor)
            for way in ways if kind is SMALL else ():
                await _run(box, place, way, kind)  # for warming up
            for _ in range(kind.rounds):
                for way in ways:
                    way.runs.append(await _run(box, place, way, kind))
            found += _figures(kind, *(way.runs for way in ways))
            for way in ways:
                way.runs.clear()
        return found


async def _run(box: Sandbox, place: Place, way: Way, kind: Kind) -> Run:
    messages = []
    for number in range(kind.number):
        mail = await asyncio.to_thread(kind.make, place.directory / f"{number}.eml")
        delivered = await asyncio.to_thread(box.tenant.deliver, way.mailbox, mail)
        messages.append(delivered.immutable_id)
    way.meter.forget_peak()
    began, cpu = await way.file(messages)
    known = Documents(box.vault).made()
    made = [known[key] for message in messages if (key := way.key(message)) in known]
    if len(made) != kind.number:
        raise BenchFailed(f"{way.mailbox}: {len(made)} documents of {kind.number} mails")
    return Run(throughput(began, made), cpu / kind.number, way.meter.peak())


async def _ours(stack: AsyncExitStack, box: Sandbox, place: Place) -> Way:
    app = await stack.enter_async_context(app_in(box, place, "ours"))
    tables = TableServiceClient.from_connection_string(box.storage.connection_string)
    unfinished = UnfinishedTable(await stack.enter_async_context(tables))
    session = await stack.enter_async_context(aiohttp.ClientSession())
    meter = Meter(app.app.process.pid)

    async def file_mails(messages: Sequence[str]) -> tuple[float, float]:
        posted, cpu = time.time(), meter.cpu()
        await post(session, app, body(app, messages))
        await _closed(app, unfinished, len(messages))
        # Until then the host had not looked into its queue: that is a matter of `latency`.
        ran = invocations(app.app.log)
        began = min(one.began for one in ran if one.what == "staging" and one.began >= posted)
        return began, meter.cpu() - cpu

    return Way(app.mailbox, lambda one: filing_key("ours", one), meter, file_mails)


async def _closed(app: Bench, unfinished: UnfinishedTable, number: int) -> None:
    """Wait until so many mails more are filed, and nothing of them is open."""
    before = len(app.documents.made())
    await app.until(lambda: len(app.documents.made()) >= before + number)
    await app.closed(unfinished)


async def _program(
    stack: AsyncExitStack, box: Sandbox, place: Place, name: str, key: Callable[[str], str]
) -> Way:
    mailbox = f"{name}@example.com"
    box.tenant.add_mailbox(mailbox)
    settings = settings_of(box, place, name, mailbox)
    settings |= own_settings(mailbox, box.addresses.vault, box.vault.guid)
    log = place.directory / f"{name}.log"
    running = await stack.enter_async_context(program(f"bench.programs.{name}", settings, log))

    async def file_mails(messages: Sequence[str]) -> tuple[float, float]:
        return time.time(), await running.file(messages)

    return Way(mailbox, key, Meter(running.pid), file_mails)


def _figures(
    kind: Kind, ours: Sequence[Run], floor: Sequence[Run], usual: Sequence[Run] | None = None
) -> list[Figure]:
    speed = Spread.of_ratios([one.throughput for one in ours], [one.throughput for one in floor])
    cpu = Spread.of_ratios([one.cpu for one in ours], [one.cpu for one in floor])
    found = [
        Figure(f"{kind.name}: throughput, against the floor", speed, "x", at_least(0.7)),
        figure(f"{kind.name}: mails", [one.throughput for one in ours], "/s"),
        figure(f"{kind.name}: CPU of each mail", [one.cpu * 1000 for one in ours], "ms"),
        Figure(f"{kind.name}: CPU of each mail, against the floor", cpu, "x"),
        figure(f"{kind.name}: peak memory", [one.peak for one in ours], "MB"),
        figure(f"{kind.name}: peak memory of the floor", [one.peak for one in floor], "MB"),
    ]
    if usual is not None:
        speed = Spread.of_ratios([one.throughput for one in ours], [one.throughput for one in usual])
        cpu = Spread.of_ratios([one.cpu for one in ours], [one.cpu for one in usual])
        least = Spread.of_ratios([one.cpu for one in floor], [one.cpu for one in usual])
        found += [
            Figure(f"{kind.name}: CPU of each mail, against the usual way", cpu, "x", at_most(_THIRD)),
            Figure(f"{kind.name}: CPU of each mail, the floor against the usual way", least, "x"),
            Figure(f"{kind.name}: throughput, against the usual way", speed, "x"),
            figure(f"{kind.name}: peak memory of the usual way", [one.peak for one in usual], "MB"),
        ]
    return found
