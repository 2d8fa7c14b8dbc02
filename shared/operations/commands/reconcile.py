"""`reconcile`: mailbox, journal and vault compared."""

from __future__ import annotations

import argparse
from contextlib import aclosing
from dataclasses import asdict

from shared.configuration import duration
from shared.operations.commands.listing import Told, documents_of, mailbox_of, told
from shared.operations.comparison import INFORMATION, Kind
from shared.operations.copies import Copies
from shared.operations.documents import Documents
from shared.operations.lateness import Lateness
from shared.operations.reconcile import Finding, Reconciliation
from shared.operations.terminal import NOT_WELL, WELL
from shared.operations.text import counted, time_of
from shared.operations.watched_mail import WatchedMail
from shared.services import Services

_SAYS: dict[Kind, str] = {
    "never-filed": "was never filed: neither journal nor vault know it. File it: backfill",
    "not-journalled": "has a document, but the journal does not say filed. Journal it: rebuild, or replay",
    "filed-twice": "was filed more than once. Delete in the vault what is too much",
    "document-deleted": "was filed, and its document is deleted in the vault. Undelete it, or replay --again",
    "document-missing": "was filed, and its document is not in the vault, or not to be seen. Look, or replay "
    "--again",
    "other-document": "was filed as another object than the one that the vault has. Look at both",
    "open-too-long": "should have ended by now. See status for what it waits for",
    "passed-over-late": "was passed over, though it came after mail was to be filed. File it: backfill",
    "open": "is under way",
    "failed": "has failed: see status",
    "skipped": "was skipped",
}


def reconciliation_of(services: Services, mailbox: WatchedMail, documents: Documents) -> Reconciliation:
    """A comparison of one source."""
    longest = duration(services.configuration.give_up_after)
    return Reconciliation(
        mailbox,
        services.journal,
        documents,
        Copies(services.mailboxes, services.fingerprints, services.journal, documents, mailbox.patience),
        Lateness(services.breakers, services.folder_register, services.clock, longest),
        services.clock,
    )


async def run(services: Services, options: argparse.Namespace) -> int:
    """Compare, and tell each difference; NOT_WELL where there is one."""
    work = reconciliation_of(services, mailbox_of(services), documents_of(services))
    head = {"source": options.source, "since": options.since, "until": work.until}
    differences = 0
    with told(options, "findings", head, limit=None) as under_way:
        async with aclosing(work.run(services.sources[options.source], options.since)) as findings:
            async for batch in findings:
                for one in batch:
                    differences += one.is_difference
                    _tell(under_way, one, in_full=options.all)
                under_way.progress.tell(f"{_so_far(work)}, differences: {differences}")
        under_way.facts = {"differences": differences, "compared": asdict(work.compared)}
        under_way.lines = [_sum(work, under_way, differences, options)]
    return NOT_WELL if differences else WELL


def _tell(under_way: Told, one: Finding, *, in_full: bool) -> None:
    under_way.counts[one.kind] += 1
    line = ""
    if one.is_difference or in_full:
        objects = f"  objects {', '.join(map(str, one.objects))}" if one.objects else ""
        named = f"  journalled as object {one.named}" if one.is_difference and one.named is not None else ""
        other = f"  also as {one.other_source} {one.other}" if one.other else ""
        line = f"  {one.source} {one.key}  {time_of(one.at)}  {_SAYS[one.kind]}{other}{named}{objects}"
    under_way.listing.item(line, {**asdict(one), "difference": one.is_difference})


def _so_far(work: Reconciliation) -> str:
    done = work.compared
    return f"{counted(done.mails)}, {done.rows} rows and {done.documents} documents compared"


def _sum(work: Reconciliation, under_way: Told, differences: int, options: argparse.Namespace) -> str:
    others = [f"{under_way.counts[kind]} {kind}" for kind in sorted(INFORMATION) if under_way.counts[kind]]
    not_filed = f" Not filed: {', '.join(others)}." if others else ""
    period = f"from {time_of(options.since)} to {time_of(work.until)}"
    return f"{_so_far(work)}, {period}. Differences: {differences or 'none'}.{not_filed}"
