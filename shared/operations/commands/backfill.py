"""`backfill`: mail that the journal does not know, or that was passed over, is queued."""

from __future__ import annotations

import argparse
from contextlib import aclosing

from shared.operations.backfill import Backfill, Backfilled, Outcome
from shared.operations.commands.listing import Told, mailbox_of, told
from shared.operations.terminal import WELL
from shared.operations.text import counted, time_of
from shared.services import Services

_SAYS: dict[Outcome, str] = {
    "left": "known already",
    "chosen": "would be queued",
    "queued": "queued",
    "changed": "queued by another worker meanwhile",
}


async def run(services: Services, options: argparse.Namespace) -> int:
    """Queue, and tell what was queued."""
    work = Backfill(
        mailbox_of(services), services.journal, services.unfinished, services.hand_over, services.clock
    )
    head = {"source": options.source, "since": options.since, "dry_run": options.dry_run}
    source = services.sources[options.source]
    with told(options, "mails", head) as under_way:
        async with aclosing(work.run(source, options.since, dry_run=options.dry_run)) as done:
            async for batch in done:
                for one in batch:
                    _tell(under_way, one)
                seen = under_way.counts.total()
                under_way.progress.tell(f"{counted(seen)} of {options.source} read, {_sum(under_way)}")
        under_way.lines = [f"{counted(under_way.counts.total())} read: {_sum(under_way)}."]
    return WELL


def _tell(under_way: Told, one: Backfilled) -> None:
    under_way.counts[one.outcome] += 1
    if one.outcome == "left":
        return
    mail = one.mail
    line = f"  {mail.source} {mail.key}  received {time_of(mail.received)}  {_SAYS[one.outcome]} ({one.was})"
    facts = {
        "source": mail.source,
        "key": mail.key,
        "received": mail.received,
        "was": one.was,
        "outcome": one.outcome,
    }
    under_way.listing.item(line, facts)


def _sum(under_way: Told) -> str:
    said = [f"{under_way.counts[one]} {text}" for one, text in _SAYS.items() if under_way.counts[one]]
    return ", ".join(said) or "nothing to be queued"
