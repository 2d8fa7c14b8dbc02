"""`rebuild`: the journal is made anew from the vault's filing keys."""

from __future__ import annotations

import argparse
from contextlib import aclosing

from shared.configuration import Source
from shared.operations.commands.listing import Told, documents_of, mailbox_of, told
from shared.operations.rebuild import Outcome, Rebuild, Rebuilt
from shared.operations.terminal import WELL
from shared.operations.text import counted, time_of
from shared.services import Services

_SAYS: dict[Outcome, str] = {
    "known": "journalled already",
    "not-filed": "not in the vault",
    "chosen": "would be journalled as filed",
    "journalled": "journalled as filed",
}


async def run(services: Services, options: argparse.Namespace) -> int:
    """Journal what the vault has, and tell it."""
    names = [options.source] if options.source else list(services.sources)
    work = Rebuild(mailbox_of(services), services.journal, documents_of(services), services.clock)
    head = {"sources": names, "dry_run": options.dry_run}
    with told(options, "mails", head) as under_way:
        for name in names:
            await _rebuild(work, services.sources[name], under_way, dry_run=options.dry_run)
        under_way.lines = [f"{counted(under_way.counts.total())} read: {_sum(under_way)}."]
    return WELL


async def _rebuild(work: Rebuild, source: Source, under_way: Told, *, dry_run: bool) -> None:
    async with aclosing(work.run(source, dry_run=dry_run)) as rebuilt:
        async for batch in rebuilt:
            for one in batch:
                _tell(under_way, one)
            seen = under_way.counts.total()
            under_way.progress.tell(f"{counted(seen)} read, {source.name}: {_sum(under_way)}")


def _tell(under_way: Told, one: Rebuilt) -> None:
    under_way.counts[one.outcome] += 1
    if one.document is None:
        return
    mail = one.mail
    document = f"object {one.document.id}{' (deleted)' if one.document.deleted else ''}"
    line = f"  {mail.source} {mail.key}  received {time_of(mail.received)}  {_SAYS[one.outcome]}: {document}"
    facts = {
        "source": mail.source,
        "key": mail.key,
        "received": mail.received,
        "object": one.document.id,
        "deleted": one.document.deleted,
        "outcome": one.outcome,
    }
    under_way.listing.item(line, facts)


def _sum(under_way: Told) -> str:
    said = [f"{under_way.counts[one]} {text}" for one, text in _SAYS.items() if under_way.counts[one]]
    return ", ".join(said) or "no mail"
