"""`memory`: the peak of the app for mails of 10 KB, of 150 MB, of 12 × 40 MB, and for small ones on end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from bench.figures import Figure, Spread, at_most, figure
from bench.mails import letter, with_attachments
from bench.meter import Meter
from bench.notifying import body, post
from bench.world import Bench, Place, app_in, sandbox, say
from sandbox.box import Sandbox

_KB, _MB = 1000, 1000 * 1000
_WARMING = 5
"""Mails, one after the other, until all that is read once is there."""
_PAIRS = 2
_DOZEN = 12
MANY, MANY_LONG, EARLY = 200, 5_000, 100
"""Small mails on end: the memory after the last one, beside that after the first hundred."""
_BODY = 50


async def memory(place: Place) -> list[Figure]:
    """A small mail and a large one in turn, in an app of its own each time; then a dozen; then many."""
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(sandbox(place))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        small, large = [], []
        for number in range(_PAIRS):
            one, other = await _peaks(box, place, session, f"large-{number}", [150 * _MB])
            small.append(one)
            large.append(other)
        one, dozen = await _peaks(box, place, session, "dozen", [40 * _MB] * _DOZEN)
        early, late, number = await _on_end(box, place, session)
    return [
        figure("peak for a mail of 10 KB", small, "MB"),
        figure("peak for a mail of 150 MB", large, "MB"),
        figure(f"peak for {_DOZEN} mails of 40 MB at once", [dozen], "MB"),
        Figure(
            "150 MB, more than 10 KB",
            Spread.of(more - less for more, less in zip(large, small, strict=True)),
            "MB",
            at_most(64),
        ),
        figure(f"{_DOZEN} of 40 MB, more than 10 KB", [dozen - one], "MB"),
        figure(f"after {EARLY} small mails", [early], "MB"),
        figure(f"after {number:,} small mails", [late], "MB"),
        Figure(
            f"the {number:,}th mail, more than the {EARLY}th",
            Spread.of([late - early]),
            "MB",
            at_most(5) if number == MANY_LONG else None,
        ),
    ]


async def _peaks(
    box: Sandbox, place: Place, session: aiohttp.ClientSession, name: str, sizes: Sequence[int]
) -> tuple[float, float]:
    """The peak of an app in MB while it files a mail of 10 KB, and then while it files those of these sizes.

    Where the system does not let a peak be forgotten (Linux alone does), each is that of all until then.
    """
    say(f"memory: {name} …")
    async with app_in(box, place, name) as app:
        meter = Meter(app.app.process.pid)
        for _ in range(_WARMING):
            await _filed(session, app, [letter(10 * _KB)])
        meter.forget_peak()
        await _filed(session, app, [letter(10 * _KB)])
        small = meter.peak()
        files = [
            await asyncio.to_thread(with_attachments, place.directory / f"{name}-{number}.eml", [size])
            for number, size in enumerate(sizes)
        ]
        meter.forget_peak()
        await _filed(session, app, files)
        for file in files:
            file.unlink()
        return small, meter.peak()


async def _filed(session: aiohttp.ClientSession, app: Bench, mails: Sequence[bytes | Path]) -> None:
    delivered = [await asyncio.to_thread(app.box.tenant.deliver, app.mailbox, mail) for mail in mails]
    await post(session, app, body(app, [one.immutable_id for one in delivered]))
    await app.filed(delivered)


async def _on_end(box: Sandbox, place: Place, session: aiohttp.ClientSession) -> tuple[float, float, int]:
    """What the app holds after the first mails and after the last one, in MB, and how many that were."""
    number = MANY_LONG if place.long else MANY
    say(f"memory: {number:,} small mails …")
    async with app_in(box, place, "many") as app:
        meter, early = Meter(app.app.process.pid), 0.0
        mails = box.tenant.fill(app.mailbox, letter(2 * _KB), number)
        for start in range(0, number, _BODY):
            some = mails[start : start + _BODY]
            await post(session, app, body(app, [one.immutable_id for one in some]))
            await app.filed(some)
            if start + _BODY == EARLY:
                early = meter.memory()
        return early, meter.memory(), number
