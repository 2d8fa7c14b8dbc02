"""`status`: how things stand."""

from __future__ import annotations

import argparse

from shared.operations.status import SHOWN, Records, read_status
from shared.operations.terminal import NOT_WELL, WELL, WRONG, complain, say
from shared.operations.text import as_json, status_json, status_lines
from shared.services import Services


async def run(services: Services, options: argparse.Namespace) -> int:
    """Read it, and tell it; NOT_WELL where something has to be looked at."""
    records = Records(services.journal, services.unfinished, services.folder_register, services.breakers)
    limit = None if options.all else SHOWN
    found = await read_status(records, services.clock, services.sources, options.source, limit)
    if options.source not in (None, *services.sources) and not any(found.counts[options.source].values()):
        return unknown(services, options.source)
    say(as_json(status_json(found)) if options.json else "\n".join(status_lines(found)))
    return WELL if found.well and not services.refused else NOT_WELL


def unknown(services: Services, source: str) -> int:
    """Complain of a source that is not configured."""
    known = ", ".join(services.sources)
    return complain(WRONG, f'ops.py: source "{source}" is not configured. Configured: {known}.')
