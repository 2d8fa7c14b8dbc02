"""Sending mail that has ended back to the start: the row first, then the message."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shared.claim import UNCLEAR_FOR
from shared.clock import Clock
from shared.errors import Stale, Unavailable
from shared.handing_over import HandOver
from shared.journal import Journal
from shared.journal_row import DELETED, Row, State, begun_anew
from shared.unfinished import OpenMail, Unfinished

_MARK = "replayed on "
_REASON_KEPT = 300
_REPLAYS_KEPT = 5
_AT_ONCE = 8

Outcome = Literal["chosen", "replayed", "queued", "changed", "not-queued", "untouched"]
"""chosen: a dry run would have replayed it; queued: it had not ended, and only its message was sent anew;
changed: another worker was first, nothing was done; not-queued: its row was written, its message could not be
sent; untouched: storage did not answer before its row was written."""


@dataclass(frozen=True)
class Selection:
    """Which mail: of these `sources`, failed since then, for a reason with this text in it (in any case).

    With `again` also the filed ones whose document was deleted, as far as the journal knows.
    """

    sources: Collection[str]
    since: datetime | None = None
    reason: str = ""
    again: bool = False


@dataclass(frozen=True)
class Chosen:
    """A mail to be replayed; `reason` is why it failed."""

    source: str
    key: str
    state: State
    reason: str
    outcome: Outcome = "chosen"


async def select(journal: Journal, selection: Selection) -> list[Chosen]:
    """What the journal has of that. Raises Unavailable."""
    states: tuple[State, ...] = ("failed", "filed") if selection.again else ("failed",)
    columns = ("ended", "reason", "warnings")
    return [
        _chosen(row)
        for source in selection.sources
        async for row in journal.rows(source, states, columns)
        if _fits(row, selection)
    ]


async def select_one(journal: Journal, source: str, key: str, *, again: bool) -> Chosen | str:
    """The mail with that filing key, or why it is not replayed. Raises Unavailable.

    One that has not ended may be chosen, too: it is queued again, in case its message was lost.
    """
    row = await journal.read(source, key)
    if row is None:
        return f'source "{source}" has no mail with the filing key {key}'
    if row.state == "skipped":
        return "it was skipped by a rule"
    if row.state == "filed" and not again:
        return f"it is filed, as object {row.object_id}; if that was deleted in the vault: --again"
    return _chosen(row)


@dataclass(frozen=True)
class Replay:
    """Replays what was chosen."""

    journal: Journal
    unfinished: Unfinished
    hand_over: HandOver
    clock: Clock

    async def replay(self, chosen: Iterable[Chosen], *, again: bool) -> list[Chosen]:
        """What became of each. With `again`, a deleted document no longer counts as the mail's."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(mail: Chosen) -> Chosen:
            async with places:
                return replace(mail, outcome=await self._replay(mail, again))

        return await asyncio.gather(*(one(mail) for mail in chosen))

    async def _replay(self, mail: Chosen, again: bool) -> Outcome:
        now = self.clock.now()
        try:
            row = await self.journal.read(mail.source, mail.key)
            if row is None or row.state != mail.state:
                return "changed"
            if row.has_ended:
                anew = replayed(row, now, again=again)
                await self.unfinished.add(OpenMail.of(anew))
                anew = await self.journal.update(anew)
            else:
                anew = row
        except Stale:
            return "changed"
        except Unavailable:
            return "untouched"
        try:
            await self.hand_over.send(anew)
        except Unavailable:
            return "not-queued"
        return "replayed" if row.has_ended else "queued"


def replayed(row: Row, now: datetime, *, again: bool) -> Row:
    """The row of an ended mail that begins anew; why it had ended is kept among its warnings.

    What failed a moment ago may have a create under way whose answer never came: it waits until that is over.
    """
    clear_at = (row.ended or now) + UNCLEAR_FOR
    anew = begun_anew(
        row,
        now,
        # A create whose document may still come late is looked for once more.
        creating=row.ended if row.look_again is not None else None,
        warnings=(*_earlier(row), f"{_MARK}{now:%Y-%m-%d %H:%M} UTC: {_why(row)}"),
        again=again,
    )
    return replace(anew, due=clear_at) if row.state == "failed" and clear_at > now else anew


def _earlier(row: Row) -> tuple[str, ...]:
    replays = [warning for warning in row.warnings if warning.startswith(_MARK)]
    return tuple(replays[1 - _REPLAYS_KEPT :])


def _why(row: Row) -> str:
    if row.state == "filed":
        return f"was filed as object {row.object_id}"
    return " ".join(row.reason.split())[:_REASON_KEPT] or "no reason was given"


def _fits(row: Row, selection: Selection) -> bool:
    if row.state == "filed" and DELETED not in row.warnings:
        return False
    is_late = selection.since is None or (row.ended is not None and row.ended >= selection.since)
    return is_late and selection.reason.casefold() in row.reason.casefold()


def _chosen(row: Row) -> Chosen:
    return Chosen(row.source, row.key, row.state, row.reason)
