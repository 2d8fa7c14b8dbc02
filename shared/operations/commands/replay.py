"""`replay`: failed mail goes back to the start."""

from __future__ import annotations

import argparse

from shared.operations.replay import Chosen, Replay, Selection, select, select_one
from shared.operations.terminal import NO_SERVICE, NOT_WELL, WELL, complain, say
from shared.operations.text import as_json, replay_json, replay_lines
from shared.services import Services


async def run(services: Services, options: argparse.Namespace) -> int:
    """Choose, replay, tell; NOT_WELL where a mail was left alone."""
    chosen = await _chosen(services, options)
    if isinstance(chosen, str):
        return complain(NOT_WELL, f"ops.py: nothing is replayed: {chosen}.")
    if not options.dry_run:
        if not options.json:
            say(f"Replaying {len(chosen)} of the journal's mails ...")
        worker = Replay(services.journal, services.unfinished, services.hand_over, services.clock)
        chosen = await worker.replay(chosen, again=options.again)
    shape = replay_json(chosen, dry_run=options.dry_run)
    say(as_json(shape) if options.json else "\n".join(replay_lines(chosen)))
    outcomes = {mail.outcome for mail in chosen}
    if outcomes & {"untouched", "not-queued"}:
        return NO_SERVICE
    return NOT_WELL if "changed" in outcomes else WELL


async def _chosen(services: Services, options: argparse.Namespace) -> list[Chosen] | str:
    if options.key:
        one = await select_one(services.journal, options.source, options.key, again=options.again)
        return one if isinstance(one, str) else [one]
    sources = [options.source] if options.source else list(services.sources)
    wanted = Selection(sources, options.since, options.reason, options.again)
    return await select(services.journal, wanted)
