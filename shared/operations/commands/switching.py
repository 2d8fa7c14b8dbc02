"""`pause` and `resume`: a source or a service stands still, and goes on."""

from __future__ import annotations

import argparse

from shared.breaker import Kind
from shared.operations.switching import pause, resume
from shared.operations.terminal import WELL, say
from shared.services import Services


async def run(services: Services, options: argparse.Namespace) -> int:
    """Do it, and tell it."""
    kind: Kind = "service" if options.service else "source"
    name = options.service or options.source
    if options.command == "pause":
        said = await pause(services.breakers, kind, name, options.why)
    else:
        said = await resume(services.breakers, kind, name)
    say("\n".join(said))
    return WELL
