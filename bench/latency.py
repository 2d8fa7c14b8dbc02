"""`latency`: from the delivery of a mail to its document, idle and at half load, and where the time goes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from bench.figures import Figure, Spread, Target, at_most, figure, percentile, throughput
from bench.mails import letter
from bench.meter import Meter
from bench.records import OWN, Request, Span, invocations, mean_parts, requests, settings, shares
from bench.world import Bench, Place, app_in, sandbox, say
from sandbox.tenant.graph import Delivered

IDLE_MAILS = 25
BURST = 40
"""Mails that come at once: how fast they are filed is full load."""
HALF_LOAD_SECONDS = 20.0
_SIZE = 5_000
_OF_MAIL = {"staging", "filing"}
"""The functions in which a mail is worked on; the others run beside them."""
_WARMING = 3


async def latency(place: Place) -> list[Figure]:
    """Idle first, while the app is as it was started; then a burst, and half of what that has shown."""
    record = place.directory / "requests.jsonl"
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(sandbox(place))
        more = settings(box, record)
        app = await stack.enter_async_context(app_in(box, place, "ours", "bench.apps.recorded", more))
        await app.subscribed()
        await _each_alone(app, _WARMING)
        say("latency: idle …")
        idle = await _each_alone(app, IDLE_MAILS)
        say("latency: half load …")
        rate = await _full_rate(app) / 2
        meter, began = Meter(app.app.process.pid), time.time()
        cpu = meter.cpu()
        loaded = await _at(app, rate)
        cpu = (meter.cpu() - cpu) / len(loaded)
        # What ran last is told when it has ended.
        await asyncio.sleep(1.0)
        found = requests(record)
        return [
            *_figures("idle", [filed - sent for sent, filed in idle], at_most(1.5)),
            *_shares(app, idle, found),
            figure("half load: mails", [rate], "/s"),
            figure("half load: CPU of each mail", [1000 * cpu], "ms"),
            *_figures("half load", loaded),
            *(
                figure(f"half load, of which {name} of a mail, together", [seconds], "s")
                for name, seconds in _parts(app, began, loaded, found).items()
            ),
        ]


async def _each_alone(app: Bench, number: int) -> list[tuple[float, float]]:
    """When each mail was delivered and filed; the next comes at any moment of the host's polling."""
    found = []
    for _ in range(number):
        await asyncio.sleep(random.uniform(0.5, 2.0))
        sent = time.time()
        (filed,) = await app.filed([_delivered(app)])
        found.append((sent, filed))
    return found


async def _full_rate(app: Bench) -> float:
    """Documents a second, in a burst."""
    began = time.time()
    mails = [_delivered(app) for _ in range(BURST)]
    return throughput(began, await app.filed(mails))


async def _at(app: Bench, rate: float) -> list[float]:
    """The seconds that mails take which come at this rate, at random moments."""
    mails: list[Delivered] = []
    sent: list[float] = []
    began = time.monotonic()
    due = random.expovariate(rate)
    while due < HALF_LOAD_SECONDS:
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        # When it was to come: a bench that is late itself must not hide the wait.
        sent.append(time.time() - (time.monotonic() - began - due))
        mails.append(_delivered(app))
        due += random.expovariate(rate)
    filed = await app.filed(mails)
    return [end - start for start, end in zip(sent, filed, strict=True)]


def _delivered(app: Bench) -> Delivered:
    return app.box.tenant.deliver(app.mailbox, letter(_SIZE))


def _figures(what: str, seconds: Sequence[float], target: Target | None = None) -> list[Figure]:
    return [
        Figure(f"{what}: to the document", Spread.of(seconds), "s", target),
        figure(f"{what}: 95th percentile", [percentile(seconds, 0.95)], "s"),
        figure(f"{what}: 99th percentile", [percentile(seconds, 0.99)], "s"),
    ]


def _shares(app: Bench, idle: Sequence[tuple[float, float]], found: Sequence[Request]) -> list[Figure]:
    """Where the time of a mail goes that is alone."""
    ran, asked = invocations(app.app.log), _within_functions(found)
    each = [shares(sent, filed, ran, asked) for sent, filed in idle]
    names = sorted({name for one in each for name in one})
    return [
        figure(
            f"idle, of which {name}",
            [one.get(name, 0.0) for one in each],
            "s",
            at_most(0.3) if name == OWN else None,
        )
        for name in names
    ]


def _parts(app: Bench, began: float, seconds: Sequence[float], found: Sequence[Request]) -> dict[str, float]:
    """The same where many mails are under way: for each of them, all that was waited for since `began`."""
    ran = [one for one in invocations(app.app.log) if one.began >= began and one.what in _OF_MAIL]
    asked = [one for one in _within_functions(found) if one.began >= began]
    return mean_parts(seconds, ran, asked)


def _within_functions(found: Sequence[Request]) -> list[Span]:
    """Without the host's own looks at its queues, which run beside all functions."""
    return [one.span for one in found if not (one.service == "queue" and one.verb in ("GET", "DELETE"))]
