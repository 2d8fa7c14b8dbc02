"""The claim of one worker on one mail (design, 4.1): an owner and an expiry in the journal's row.

Every write of a step goes through its claim, on the ETag that was read: a worker whose claim has run out, and
was taken over, writes nothing any more, however late it wakes up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from shared.breaker import Step
from shared.clock import Clock
from shared.errors import Stale, Unavailable
from shared.journal import Journal
from shared.journal_row import ENDS, Row, State, entity_of
from shared.log import Events

LASTS = timedelta(seconds=90)
RENEWED_EVERY = 30.0
"""Seconds between two renewals while the work runs."""
UNCLEAR_FOR = timedelta(seconds=90)
"""How long a create that was sent may still be under way: until then the vault is not even searched."""
_RENEWED_AGAIN = 5.0
_TRIES = 4
_BEGINS: dict[Step, frozenset[State]] = {
    "staging": frozenset({"arrived"}),
    "filing": frozenset({"staged"}),
    "mailbox": ENDS,
}
_ORDER: dict[State, int] = {"arrived": 0, "staged": 1, "filed": 2, "skipped": 2, "failed": 2}


@dataclass(frozen=True)
class Before:
    """The mail is at an earlier step."""


@dataclass(frozen=True)
class Beyond:
    """The mail has this step behind it."""


@dataclass(frozen=True)
class Waits:
    """The mail is at this step, but waits until then: it is not due, or another worker is at it."""

    until: datetime


@dataclass(frozen=True)
class Ready:
    """The mail is at this step. Where its claim has run out, `deaths` workers in a row have not come back."""

    deaths: int = 0


Standing = Before | Beyond | Waits | Ready


def standing(row: Row, step: Step, now: datetime) -> Standing:
    """How the mail of `row` stands to a step for which a message has come."""
    where = _place(row, step)
    if where == "before":
        return Before()
    if where == "beyond":
        return Beyond()
    until = max((time for time in _waits_for(row, step) if time is not None), default=now)
    if until > now:
        return Waits(until)
    return Ready(row.deaths + 1 if row.owner else 0)


def is_claimed(row: Row, now: datetime) -> bool:
    """Whether a worker is at it, as far as anybody knows."""
    return bool(row.owner) and row.claim_expires is not None and row.claim_expires > now


def claimed(row: Row, owner: str, now: datetime) -> Row:
    """The row with a claim of `owner`, who is a name of one run alone; what it waited for is over."""
    return replace(bereaved(row), owner=owner, claim_expires=now + LASTS)


def bereaved(row: Row) -> Row:
    """The row without the claim that has run out, if it had one; its worker counts as dead."""
    return replace(row, owner="", claim_expires=None, deaths=row.deaths + 1) if row.owner else row


def released(row: Row) -> Row:
    """The row without a claim; its worker has come back from it alive."""
    return replace(row, owner="", claim_expires=None, deaths=0)


def _place(row: Row, step: Step) -> Literal["before", "here", "beyond"]:
    if row.state in _BEGINS[step]:
        return "beyond" if step == "mailbox" and row.settled is not None else "here"
    if step == "filing" and row.look_again is not None:
        return "here"
    return "before" if _ORDER[row.state] < min(_ORDER[state] for state in _BEGINS[step]) else "beyond"


def _waits_for(row: Row, step: Step) -> tuple[datetime | None, ...]:
    is_looking_again = step == "filing" and row.has_ended
    return (
        row.due,
        row.claim_expires if row.owner else None,
        # A create without an answer may still commit.
        row.creating + UNCLEAR_FOR if step == "filing" and row.creating is not None else None,
        row.look_again if is_looking_again else None,
    )


class Claim:
    """A claim that is held; `row` is the journal's row as it was last written."""

    def __init__(self, journal: Journal, clock: Clock, row: Row) -> None:
        """`row` is in the journal already, claimed or, where one write is the whole work, not."""
        self.row = row
        self.is_over = False
        self.is_gone = False
        self._owner = row.owner
        self._journal = journal
        self._clock = clock
        self._writing = asyncio.Lock()

    @classmethod
    async def take(cls, journal: Journal, clock: Clock, row: Row, owner: str) -> Claim:
        """Claim a row that was read. Raises Stale when another worker was first, and Unavailable."""
        return cls(journal, clock, await journal.update(claimed(row, owner, clock.now())))

    async def update(self, change: Callable[[Row], Row]) -> Row:
        """Write a change, and renew the claim with it.

        Raises Stale when the claim is lost, and Unavailable.
        """
        return await self._write(lambda row: replace(change(row), claim_expires=self._clock.now() + LASTS))

    async def end(self, change: Callable[[Row], Row]) -> Row:
        """Write a change and release the claim in the same write; nothing can be written after it.

        Raises Stale when the claim is lost, and Unavailable.
        """
        written = await self._write(lambda row: released(change(row)))
        self.is_over = True
        return written

    async def delete(self) -> None:
        """Take the row away, and the claim with it. Raises as `end` does."""
        async with self._writing:
            await self._journal.delete(self.row)
            self.is_over = self.is_gone = True

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew the claim while the work runs."""
        renewal = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)

    async def _renew(self) -> None:
        wait = RENEWED_EVERY
        while not self.is_over:
            await asyncio.sleep(wait)
            try:
                await self.update(lambda row: row)
                wait = RENEWED_EVERY
            except Unavailable:
                wait = _RENEWED_AGAIN
            except Stale:
                if not self.is_over:
                    Events("claims", source=self.row.source, key=self.row.key).warning("claim-lost")
                return

    async def _write(self, change: Callable[[Row], Row]) -> Row:
        async with self._writing:
            if self.is_over:
                raise Stale("journal: this claim was released")
            for _ in range(_TRIES):
                wanted = change(self.row)
                try:
                    self.row = await self._journal.update(wanted)
                except Stale:
                    if not await self._is_written(wanted):
                        continue
                return self.row
            raise Stale("journal: the row of a claim changes again and again")

    async def _is_written(self, wanted: Row) -> bool:
        """Whether a write that came back as stale is there all the same: the SDK repeats what had no answer.

        Raises Stale when another worker has the row now.
        """
        found = await self._journal.read(self.row.source, self.row.key)
        if found is None:
            raise Stale("journal: the row of a claim is gone")
        if entity_of(found) == entity_of(wanted):
            self.row = found
            return True
        if not self._owner or found.owner != self._owner:
            raise Stale("journal: another worker has taken this mail over")
        # An earlier write of ours had no answer: this one follows it.
        self.row = found
        return False
