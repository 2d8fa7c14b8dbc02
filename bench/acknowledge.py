"""`acknowledge`: notifications in bodies of 1, 10 and 100, beside a handler that checks nothing."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from bench.figures import Figure, Spread, at_least, at_most, figure
from bench.meter import Meter
from bench.notifying import body, post
from bench.world import Bench, Place, app_in, sandbox, say

SIZES = (1, 10, 100)
"""Notifications in a body."""
PAIRS = 5
_NOTIFICATIONS = {1: 300, 10: 500, 100: 800}
"""Of a run: enough for the processor time of a process, which is told in hundredths of a second."""
_AT_ONCE = 4
"""Requests under way, as from Graph to one instance."""


@dataclass(frozen=True)
class Run:
    """What one run has taken, for each notification."""

    wall: float
    cpu: float


async def acknowledge(place: Place) -> list[Figure]:
    """Ours and the floor in turn, each size with storage of its own.

    Azurite stands still when it looks through tens of thousands of messages that were cleared, once a minute.
    """
    found: list[Figure] = []
    for size in SIZES:
        say(f"acknowledge: bodies of {size} …")
        found += _figures(size, *await _of_size(place, size))
    return found


async def _of_size(place: Place, size: int) -> tuple[list[Run], list[Run]]:
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(sandbox(place))
        ours = await stack.enter_async_context(app_in(box, place, "ours", "bench.apps.webhook_only"))
        floor = await stack.enter_async_context(app_in(box, place, "floor", "bench.apps.bare_webhook"))
        service = QueueServiceClient.from_connection_string(box.storage.connection_string)
        queue = (await stack.enter_async_context(service)).get_queue_client("mail-arrived")
        await queue.create_queue()
        session = await stack.enter_async_context(aiohttp.ClientSession())
        return await _pairs(session, queue, (ours, floor), size)


async def _pairs(
    session: aiohttp.ClientSession, queue: QueueClient, apps: tuple[Bench, Bench], size: int
) -> tuple[list[Run], list[Run]]:
    """The runs of ours and of the floor; the first of each is for warming up."""
    runs: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(PAIRS + 1):
        for app, kept in zip(apps, runs, strict=True):
            bodies = _bodies(app, size, _NOTIFICATIONS[size] // size)
            kept.append(await _run(session, app, bodies, size))
            await queue.clear_messages()
    return runs[0][1:], runs[1][1:]


async def _run(session: aiohttp.ClientSession, app: Bench, bodies: Sequence[bytes], size: int) -> Run:
    waiting, meter = iter(bodies), Meter(app.app.process.pid)

    async def send() -> None:
        for content in waiting:
            await post(session, app, content)

    cpu, began = meter.cpu(), time.perf_counter()
    await asyncio.gather(*(send() for _ in range(_AT_ONCE)))
    number = len(bodies) * size
    return Run((time.perf_counter() - began) / number, (meter.cpu() - cpu) / number)


def _bodies(app: Bench, size: int, number: int) -> list[bytes]:
    """Bodies that announce mails which no other body has announced."""
    return [
        body(app, [f"AAkALgAA{uuid.uuid4().hex}{uuid.uuid4().hex}AAA=" for _ in range(size)])
        for _ in range(number)
    ]


def _figures(size: int, ours: Sequence[Run], floor: Sequence[Run]) -> list[Figure]:
    cpu = Spread.of_ratios([one.cpu for one in ours], [one.cpu for one in floor])
    throughput = Spread.of_ratios([1 / one.wall for one in ours], [1 / one.wall for one in floor])
    what = f"bodies of {size}"
    return [
        Figure(f"{what}: CPU of each notification, against the floor", cpu, "x", at_most(1.5)),
        Figure(f"{what}: throughput, against the floor", throughput, "x", at_least(0.8)),
        figure(f"{what}: CPU of each notification", [one.cpu * 1000 for one in ours], "ms"),
        figure(f"{what}: notifications", [1 / one.wall for one in ours], "/s"),
    ]
