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
SMALL = 20
MANY, MANY_LONG, EARLY = 250, 5_000, 100
"""Small mails on end: the memory after the last one, beside that after the first hundred."""
_BODY = 50


async def memory(place: Place) -> list[Figure]:
    """Each load has an app of its own, whose peak holds all that it has met."""
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(sandbox(place))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        small = await _peak(box, place, session, "small", [])
        large = await _peak(box, place, session, "large", [150 * _MB])
        dozen = await _peak(box, place, session, "dozen", [40 * _MB] * 12)
        early, late, number = await _on_end(box, place, session)
    return [
        figure("peak for mails of 10 KB", [small], "MB"),
        figure("peak for a mail of 150 MB", [large], "MB"),
        figure("peak for 12 mails of 40 MB at once", [dozen], "MB"),
        Figure("150 MB, more than 10 KB", Spread.of([large - small]), "MB", at_most(64)),
        figure("12 of 40 MB, more than 10 KB", [dozen - small], "MB"),
        figure(f"after {EARLY} small mails", [early], "MB"),
        figure(f"after {number:,} small mails", [late], "MB"),
        Figure(
            f"the {number:,}th mail, more than the {EARLY}th", Spread.of([late - early]), "MB", at_most(5)
        ),
    ]


async def _peak(
    box: Sandbox, place: Place, session: aiohttp.ClientSession, name: str, sizes: Sequence[int]
) -> float:
    """The peak of an app that has filed small mails, and then those of these sizes at once; in MB."""
    say(f"memory: {name} …")
    async with app_in(box, place, name) as app:
        await _filed(session, app, [letter(10 * _KB) for _ in range(SMALL)])
        file = place.directory / f"{name}.eml"
        mails: list[bytes | Path] = []
        for number, size in enumerate(sizes):
            mails.append(
                await asyncio.to_thread(with_attachments, file.with_name(f"{name}-{number}.eml"), [size])
            )
        if mails:
            await _filed(session, app, mails)
        return Meter(app.app.process.pid).peak()


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
