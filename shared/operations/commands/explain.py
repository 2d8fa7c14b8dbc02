"""`explain`: what would become of a mail in a file."""

from __future__ import annotations

import argparse
import asyncio

from shared.operations.explain import Explainer
from shared.operations.explain_text import explanation_json, explanation_lines
from shared.operations.mail_file import FileContent, Unreadable, read_mail_file
from shared.operations.terminal import NOT_WELL, WELL, WRONG, complain, say
from shared.operations.text import as_json
from shared.planning import Planner
from shared.services import Services


async def run(services: Services, options: argparse.Namespace) -> int:
    """Tell it; NOT_WELL where it would not be filed though no rule skips it."""
    source, configuration = services.sources[options.source], services.configuration
    try:
        file = await asyncio.to_thread(read_mail_file, options.mail, options.received)
        explainer = Explainer(
            Planner(configuration.vault.filing_key, configuration.time_zone),
            await services.vault.structure(),
            frozenset(one.mailbox.casefold() for one in services.sources.values()),
            services.clock.now(),
        )
        told = await explainer.explain(file, source, FileContent(options.mail))
    except Unreadable as fault:
        return complain(WRONG, f"ops.py: {fault}")
    say(as_json(explanation_json(told)) if options.json else "\n".join(explanation_lines(told)))
    return WELL if told.outcome in ("filed", "skipped") else NOT_WELL
