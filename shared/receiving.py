"""What a queue function does with a message, before its own work begins and after it met a fault."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from shared.admitting import STEPS, Gate, Turn
from shared.breaker import postponed
from shared.clock import Clock
from shared.errors import MailFault, Stale, Transient, VaultpostError
from shared.journal import Journal, Row, State, failed
from shared.log import Events
from shared.outcome import Outcome
from shared.queue_messages import FromTheFuture, Message, decode
from shared.queues import Queues
from shared.retrying import LONGEST, SHORTEST, Again, Decision, Fail, Hold, decide

PUT_BACK_FOR = 300
"""Seconds that a message of a later version waits: by then that version may be back."""
BEGINS: dict[str, State] = {"staging": "arrived", "filing": "staged"}
"""The state in which a step begins: its faults say nothing of a mail that has gone on."""
_AFTER_A_TWIN = timedelta(seconds=5)
_M = TypeVar("_M", bound=Message)


@dataclass(frozen=True)
class Receiver:
    """Takes messages of queues; `jitter` gives random numbers from 0 to 1."""

    queues: Queues
    journal: Journal
    gate: Gate
    clock: Clock
    give_up_after: timedelta
    jitter: Callable[[], float]

    async def receive(
        self,
        queue: str,
        body: bytes,
        kind: type[_M],
        work: Callable[[_M], Awaitable[object]],
    ) -> None:
        """Decode the `body` of a message in `queue`, and do its `work`, unless its step is shut.

        A mail that must wait has a copy of its message put back: to change the message itself would spoil
        the host's receipt. Raises Unreadable, Unavailable when the queue cannot be written, permanent faults
        of work that is of no mail, and what is no fault of ours.
        """
        try:
            message = decode(body, kind)
        except FromTheFuture as error:
            Events("queues", queue=queue).warning("message-put-back", why=str(error))
            await self.queues.send_text(queue, body.decode(), delay=PUT_BACK_FOR)
            return
        until = await self._until_done(queue, message, partial(work, message))
        if until is not None:
            delay = max(1, math.ceil((until - self.clock.now()).total_seconds()))
            await self.queues.send_text(queue, body.decode(), delay=delay)

    async def _until_done(
        self, queue: str, message: Message, work: Callable[[], Awaitable[object]]
    ) -> datetime | None:
        """Until when the message waits; None where it is done with."""
        try:
            if message.filing_key is None:
                await work()
                return None
            return await self._take(Turn(STEPS[queue], message.source, message.filing_key), work)
        except Transient as fault:
            # An event, or a mail whose journal cannot be read or written: nothing can be noted of it.
            until = self.gate.put_back().until
            Events("queues", queue=queue, source=message.source).warning(
                "message-put-back", why=str(fault), until=until.isoformat()
            )
            return until

    async def _take(self, turn: Turn, work: Callable[[], Awaitable[object]]) -> datetime | None:
        """Until when the mail waits; None where this step has ended."""
        shut = await self.gate.admit(turn)
        if shut is not None:
            return await self._wait(turn, shut.until)
        try:
            outcome = await work()
        except VaultpostError as fault:
            return await self._after(turn, fault)
        await self.gate.passed(turn, used_service=isinstance(outcome, Outcome) and outcome.used_service)
        return None

    async def _wait(self, turn: Turn, until: datetime) -> datetime | None:
        """Behind a shut breaker: no attempt, and no time that counts."""
        row, now = await self.journal.read(turn.source, turn.key), self.clock.now()
        if row is not None and row.has_ended:
            return None
        # A copy that comes before its time has been postponed already.
        if row is not None and row.first_tried is not None and (row.due is None or row.due <= now):
            await self._write(_postponed(row, until, now))
        turn.log.info("message-put-back", why="what it needs is shut", until=until.isoformat())
        return until

    async def _after(self, turn: Turn, fault: VaultpostError) -> datetime | None:
        """Until when the mail waits; None where it has ended."""
        row, now = await self.journal.read(turn.source, turn.key), self.clock.now()
        decision = self._decided(row, fault, now)
        await self.gate.met(turn, fault)
        if (
            isinstance(decision, Fail)
            and isinstance(fault, Transient)
            and await self.gate.is_down(turn, fault)
        ):
            return await self._begin_anew(turn, row, fault)
        until = self._until(decision)
        if row is not None and row.state == BEGINS[turn.step]:
            changed = _changed(row, decision, fault, until, now)
            if changed != row and not await self._write(changed):
                until = now + _AFTER_A_TWIN
        elif until is None and (row is None or not row.has_ended):
            until = now + SHORTEST  # no end without a row that says so
        if until is None:
            turn.log.failure("mail-failed", why=str(fault))
        else:
            turn.log.info("message-put-back", why=str(fault), until=until.isoformat())
        return until

    def _decided(self, row: Row | None, fault: VaultpostError, now: datetime) -> Decision:
        decision = decide(
            fault,
            attempt=(row.attempt if row else 0) + 1,
            first_tried=(row.first_tried if row else None) or now,
            now=now,
            give_up_after=self.give_up_after,
            jitter=self.jitter(),
        )
        if isinstance(decision, Fail) and isinstance(fault, Transient) and row is not None and row.creating:
            # Nobody knows yet whether the vault has it: the next attempt will, and only then may it end.
            return Again(now + LONGEST, is_attempt=True)
        return decision

    def _until(self, decision: Decision) -> datetime | None:
        match decision:
            case Again(at=at):
                return at
            case Hold():
                return self.gate.put_back().until
            case Fail():
                return None

    async def _begin_anew(self, turn: Turn, row: Row | None, fault: VaultpostError) -> datetime:
        """All that was tried while the service was down does not count."""
        until = self.gate.put_back().until
        if row is not None and not row.has_ended:
            await self._write(replace(row, attempt=0, first_tried=None, due=until, reason=str(fault)))
        turn.log.info("message-put-back", why=str(fault), until=until.isoformat())
        return until

    async def _write(self, row: Row) -> bool:
        """Whether it is written: a twin may have gone on with this mail, and what it has written counts."""
        try:
            await self.journal.update(row)
        except Stale:
            Events("queues", source=row.source, key=row.key).info("row-changed-meanwhile")
            return False
        return True


def _changed(
    row: Row, decision: Decision, fault: VaultpostError, until: datetime | None, now: datetime
) -> Row:
    """The row of a mail after a fault; the same where that is not worth a word."""
    match decision:
        case Again(at=at, is_attempt=True):
            return replace(
                row,
                attempt=row.attempt + 1,
                first_tried=row.first_tried or now,
                due=at,
                reason=str(fault),
                remedy="",
            )
        case Hold():
            told = replace(row, reason=decision.reason, remedy=decision.remedy)
            return told if until is None else _postponed(told, until, now)
        case Fail():
            return failed(row, MailFault(decision.reason, decision.remedy), now)
    return row


def _postponed(row: Row, until: datetime, now: datetime) -> Row:
    """The row of a mail that waits for no fault of its own."""
    if row.first_tried is None:
        return row
    return replace(row, first_tried=postponed(row.first_tried, until - now), due=until)
