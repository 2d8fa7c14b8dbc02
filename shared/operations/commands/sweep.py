"""`sweep`: a sweep of each folder of a source is ordered."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from shared.operations.ordering import Ordered, Orders
from shared.operations.terminal import WELL, say
from shared.operations.text import as_json, printable
from shared.services import Services


async def run(services: Services, options: argparse.Namespace) -> int:
    """Order, and tell what was ordered, and what waits for the operator first."""
    orders = Orders(services.folder_register, services.queues, services.breakers)
    names = [options.source] if options.source else list(services.sources)
    ordered: list[Ordered] = []
    waiting: dict[str, str] = {}
    for name in names:
        ordered += [one async for one in orders.order(services.sources[name])]
        if reason := await orders.waiting(name):
            waiting[name] = reason
    if options.json:
        say(as_json({"ordered": [asdict(one) for one in ordered], "waiting": waiting}))
        return WELL
    for one in ordered:
        say(printable(f"  {one.source} {one.folder}: ordered"))
    for name, reason in waiting.items():
        say(printable(f'Source "{name}" stands still, so no sweep is made before `resume`: {reason}'))
    return WELL
