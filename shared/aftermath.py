"""What becomes of a mail after its step: written with the release of its claim, then followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from shared.admitting import Gate, Turn
from shared.breaker import Step, postponed
from shared.claim import Claim, bereaved
from shared.clock import Clock
from shared.errors import MailFault, NotYet, Origin, Permanent, Stale, Transient, VaultpostError
from shared.handing_over import HandOver
from shared.journal import Journal
from shared.journal_row import Row, failed
from shared.retrying import (
    AFTER_A_TWIN,
    LONGEST,
    SHORTEST,
    Afresh,
    Again,
    Decision,
    Fail,
    Hold,
    LastLook,
    decide,
)
from shared.unfinished import OpenMail

_SERVICE: Mapping[Step, Origin] = {"staging": "graph", "filing": "vault", "mailbox": "graph"}


class Keeper(Protocol):
    """Where the bytes of a mail are kept that ends unfiled."""

    async def keep(self, source: str, key: str) -> None:
        """Copy what is staged of a mail there. Raises Unavailable."""


@dataclass(frozen=True)
class Aftermath:
    """Decides what follows, and writes it; `jitter` gives random numbers from 0 to 1."""

    journal: Journal
    hand_over: HandOver
    gate: Gate
    keeper: Keeper
    clock: Clock
    give_up_after: timedelta
    jitter: Callable[[], float]

    async def of_success(self, claim: Claim, trace: str | None) -> None:
        """The step has written how far the mail has come. Raises Unavailable."""
        if claim.is_gone:
            await self.hand_over.strike_off(claim.row)
        else:
            await self.hand_over.follow(claim.row, trace)

    async def of_fault(
        self, turn: Turn, claim: Claim, fault: VaultpostError, trace: str | None
    ) -> datetime | None:
        """Until when the mail waits; None where this step has ended. Raises Unavailable."""
        fault = plain(fault, turn)
        await self.gate.met(turn, fault)
        if claim.is_over:
            # It had come to its end before: the fault is of the source, not of this mail.
            await self.of_success(claim, trace)
            return None
        now = self.clock.now()
        decision = await self._kept(claim.row, await self._decided(turn, claim.row, fault, now), now)
        try:
            written = await claim.end(
                lambda row: changed(row, decision, fault, self._until(decision), now, turn.step)
            )
        except Stale:
            await self._late(turn, claim.row, trace)
            return now + AFTER_A_TWIN
        return await self._tell(turn, written, fault, trace)

    async def of_death(self, turn: Turn, row: Row, deaths: int) -> datetime | None:
        """The same for a mail whose workers die, the second time or later: that is an attempt.

        Raises Unavailable.
        """
        fault = Transient(f"{deaths} workers in a row have not come back from this mail")
        await self.gate.met(turn, fault)
        now = self.clock.now()
        decision = await self._kept(row, await self._decided(turn, row, fault, now), now)
        try:
            written = await self.journal.update(
                changed(bereaved(row), decision, fault, self._until(decision), now, turn.step)
            )
        except Stale:
            return now + AFTER_A_TWIN
        return await self._tell(turn, written, fault, None)

    async def _late(self, turn: Turn, ours: Row, trace: str | None) -> None:
        """Whoever has lost its claim may have sent a create since, for which nobody has looked."""
        row = await self.journal.read(turn.source, turn.key) if ours.creating is not None else None
        if row is None or row.state != "filed" or row.look_again is not None:
            return
        looking = replace(row, look_again=self.clock.now(), handed=None)
        await self.hand_over.unfinished.add(OpenMail.of(looking))
        try:
            written = await self.journal.update(looking)
        except Stale:
            return  # whoever has it now comes after that create
        # The worker that has filed it may have struck it off meanwhile: by the row as that one knew it.
        await self.hand_over.unfinished.add(OpenMail.of(written))
        await self.hand_over.follow(written, trace)

    async def _kept(self, row: Row, decision: Decision, now: datetime) -> Decision:
        """The decision, with the bytes of a mail kept that ends unfiled: where they can't be, it waits."""
        if not isinstance(decision, Fail) or row.has_ended:
            return decision
        try:
            await self.keeper.keep(row.source, row.key)
        except Transient:
            return Again(now + SHORTEST, is_attempt=False)
        return decision

    async def _tell(
        self, turn: Turn, written: Row, fault: VaultpostError, trace: str | None
    ) -> datetime | None:
        if written.state == "failed" and written.handed is None:
            turn.log.failure("mail-failed", why=str(fault))
        if written.handed is None or written.is_closed:
            await self.hand_over.follow(written, trace)
            return None
        until = written.due or self.clock.now() + AFTER_A_TWIN
        turn.log.info("message-put-back", why=str(fault), until=until.isoformat())
        return until

    async def _decided(self, turn: Turn, row: Row, fault: VaultpostError, now: datetime) -> Decision:
        decision = decide(
            fault,
            attempt=row.attempt + 1,
            first_tried=row.first_tried or now,
            now=now,
            give_up_after=self.give_up_after,
            jitter=self.jitter(),
        )
        if not isinstance(decision, Fail) or not isinstance(fault, Transient):
            return decision
        if fault.origin == "storage":
            return Afresh(self.gate.put_back().until)
        if row.creating is not None:
            # Nobody knows yet whether the vault has it: the next attempt looks, and only then may it end.
            return LastLook(now + LONGEST)
        since = row.first_tried or now
        if await self.gate.is_down(turn, fault) or not await self.gate.has_worked(turn, fault, since):
            return Afresh(self.gate.put_back().until)
        return decision

    def _until(self, decision: Decision) -> datetime | None:
        match decision:
            case Again(at=at) | Afresh(at=at) | LastLook(at=at):
                return at
            case Hold():
                return self.gate.put_back().until
            case Fail():
                return None


def plain(fault: VaultpostError, turn: Turn) -> Transient | Permanent:
    """The fault; one that says nothing about retrying is a transient one of the step's service."""
    if isinstance(fault, Transient | Permanent):
        return fault
    return Transient(str(fault), origin=_SERVICE[turn.step])


def changed(
    row: Row, decision: Decision, fault: VaultpostError, until: datetime | None, now: datetime, step: Step
) -> Row:
    """The row of a mail after a fault of this step."""
    match decision:
        case Afresh(at=at):
            return told(replace(row, attempt=0, first_tried=None, due=at, last_look=False), str(fault))
        case LastLook(at=at):
            return told(replace(row, attempt=row.attempt + 1, due=at, last_look=True), str(fault))
        case Again(at=at, is_attempt=True):
            tried = replace(row, attempt=row.attempt + 1, first_tried=row.first_tried or now, due=at)
            return told(tried, str(fault))
        case Again(at=at):
            waiting = replace(row, due=at)
            return told(waiting, str(fault)) if isinstance(fault, NotYet) else waiting
        case Hold():
            held = told(row, decision.reason, decision.remedy)
            return held if until is None else postponed_row(held, until, now)
        case Fail():
            return _given_up(row, decision, now, step)


def postponed_row(row: Row, until: datetime, now: datetime) -> Row:
    """The row of a mail that waits for no fault of its own."""
    first_tried = None if row.first_tried is None else postponed(row.first_tried, until - now)
    return replace(row, first_tried=first_tried, due=until)


def told(row: Row, reason: str, remedy: str = "") -> Row:
    """The row with the last fault on the way; after the end the reason is that of the end."""
    return row if row.has_ended else replace(row, reason=reason, remedy=remedy)


def _given_up(row: Row, decision: Fail, now: datetime, step: Step) -> Row:
    """A mail that has ended stays what it is: what is given up is what was left to do after it."""
    if not row.has_ended:
        return replace(failed(row, MailFault(decision.reason, decision.remedy), now), kept=now)
    warned = replace(row, warnings=(*row.warnings, decision.reason), due=None)
    return replace(warned, settled=now) if step == "mailbox" else replace(warned, look_again=None)
