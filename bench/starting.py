"""`start`: a new interpreter until the app is indexed, acknowledges, and has filed; beside the bare SDKs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp

from bench.documents import Documents
from bench.failure import BenchFailed
from bench.figures import Figure, Spread, at_most, figure
from bench.mails import letter
from bench.meter import Meter
from bench.notifying import body, post
from bench.programs.driving import program
from bench.programs.usual import make_places, own_settings
from bench.world import LONGEST_WAIT, Bench, Place, app_in, sandbox, say, settings_of
from sandbox.app import ROOT
from sandbox.box import Sandbox

ROUNDS = 5
INDEX = "import function_app; assert function_app.app.get_functions()"
"""What a worker does first (learn.microsoft.com/azure/azure-functions/functions-reference-python)."""
BARE = """\
import azure.functions
import azure.data.tables.aio
import azure.identity.aio
import azure.keyvault.secrets.aio
import azure.storage.blob.aio
import azure.storage.queue.aio
import msgraph
"""
"""The clients that the app uses, as their packages offer them."""
NOTHING = "pass"
_SIZE = 5_000
_USUAL = "usual@example.com"
_THIRD = 1 / 3


async def start(place: Place) -> list[Figure]:
    """Each as often as the other, in turn."""
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(sandbox(place))
        say("start: until indexed …")
        indexed = await _until_indexed(box, place)
        say("start: until the first mail is filed …")
        await _warmed(box, place)
        box.tenant.add_mailbox(_USUAL)
        await make_places(box.storage.connection_string)
        await _usual(box, place)
        ours, usual = [], []
        for number in range(ROUNDS):
            ours.append(await _ours(box, place, f"ours-{number}"))
            usual.append(await _usual(box, place))
        first = Spread.of_ratios([one.filed for one in ours], [one.filed for one in usual])
        return [
            *indexed,
            figure("until the first notification is acknowledged", [one.acknowledged for one in ours], "s"),
            figure("until the first mail is filed", [one.filed for one in ours], "s"),
            figure("CPU until then", [one.cpu for one in ours], "s"),
            figure("the usual way, until its first mail is filed", [one.filed for one in usual], "s"),
            figure("the usual way, CPU until then", [one.cpu for one in usual], "s"),
            Figure("first mail filed, against the usual way", first, "x", at_most(_THIRD)),
        ]


async def _until_indexed(box: Sandbox, place: Place) -> list[Figure]:
    settings = settings_of(box, place, "index", "index@example.com")
    runs: dict[str, list[float]] = {INDEX: [], BARE: [], NOTHING: []}
    for number in range(ROUNDS + 1):
        for code, seconds in runs.items():
            taken = await _interpreter(code, settings)
            if number:  # the first one compiles and reads from the disk
                seconds.append(taken)
    return [
        figure("until the app is indexed", runs[INDEX], "s"),
        figure("importing the bare clients", runs[BARE], "s"),
        figure("an interpreter that does nothing", runs[NOTHING], "s"),
        Figure(
            "indexed, against the bare clients", Spread.of_ratios(runs[INDEX], runs[BARE]), "x", at_most(1.3)
        ),
    ]


async def _interpreter(code: str, settings: Mapping[str, str]) -> float:
    """The seconds of a new interpreter that runs `code`. Raises BenchFailed."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, env={**os.environ, **settings}
    )
    try:
        status = await asyncio.wait_for(process.wait(), LONGEST_WAIT)
    except TimeoutError:
        raise BenchFailed(f"an interpreter has not ended with {code!r}") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status:
        raise BenchFailed(f"an interpreter has failed with {code!r}")
    return time.perf_counter() - began


async def _warmed(box: Sandbox, place: Place) -> None:
    """The account has its queues, tables and containers, as a deployment makes them."""
    async with app_in(box, place, "warming") as app, aiohttp.ClientSession() as session:
        await _first_filed(session, app)


@dataclass(frozen=True)
class _Start:
    """Seconds from the start of a process until its first mail is filed, and those of processor time."""

    filed: float
    cpu: float
    acknowledged: float = 0.0


async def _ours(box: Sandbox, place: Place, name: str) -> _Start:
    began = time.time()
    async with app_in(box, place, name) as app, aiohttp.ClientSession() as session:
        acknowledged, filed = await _first_filed(session, app)
        cpu = Meter(app.app.process.pid).cpu()
        return _Start(filed - began, cpu, acknowledged - began)


async def _first_filed(session: aiohttp.ClientSession, app: Bench) -> tuple[float, float]:
    delivered = app.box.tenant.deliver(app.mailbox, letter(_SIZE))
    await post(session, app, body(app, [delivered.immutable_id]))
    acknowledged = time.time()
    (filed,) = await app.filed([delivered])
    return acknowledged, filed


async def _usual(box: Sandbox, place: Place) -> _Start:
    delivered = box.tenant.deliver(_USUAL, letter(_SIZE))
    settings = settings_of(box, place, "usual", _USUAL)
    settings |= own_settings(_USUAL, box.addresses.vault, box.vault.guid)
    began = time.time()
    async with program("bench.programs.usual", settings, place.directory / "usual.log") as usual:
        await usual.file([delivered.immutable_id])
        cpu = Meter(usual.pid).cpu()
    return _Start(Documents(box.vault).made()[delivered.immutable_id] - began, cpu)
