"""Opening a mail: its row in table `unfinished` first, then that of the journal (design, section 4)."""

from __future__ import annotations

from datetime import datetime

from shared.errors import Stale
from shared.journal import Journal
from shared.journal_row import Row, begun_anew, entity_of
from shared.unfinished import OpenMail, Unfinished


async def open_row(journal: Journal, unfinished: Unfinished, row: Row) -> Row:
    """Add the row of a mail that the journal does not know; answers it with its ETag.

    Raises Stale when another worker was first, and Unavailable.
    """
    ours = OpenMail.of(row)
    await unfinished.add(ours)
    try:
        return await journal.insert(row)
    except Stale:
        found = await journal.read(row.source, row.key)
    if found is not None and entity_of(found) == entity_of(row):
        return found  # ours: its answer was lost, and the SDK has sent it again
    if found is None or OpenMail.of(found) != ours:
        await unfinished.remove(ours)
    raise Stale("journal: another worker was first with this mail")


async def reopen_row(
    journal: Journal, unfinished: Unfinished, row: Row, now: datetime, *, handed: datetime | None = None
) -> Row:
    """Begin anew with a mail that has ended; answers its row with the new ETag.

    Raises Stale when another worker was first, and Unavailable.
    """
    anew = begun_anew(row, now, handed=handed)
    await unfinished.add(OpenMail.of(anew))
    return await journal.update(anew)
