"""What a queue function does with a message, before its own work begins and after it (design, section 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from shared.admitting import Gate, Turn
from shared.aftermath import Aftermath, postponed_row, told
from shared.claim import Before, Beyond, Claim, Waits, claimed, standing
from shared.clock import Clock
from shared.errors import NotYet, Stale, Transient, VaultpostError
from shared.handing_over import HandOver, seconds_until
from shared.journal import Journal
from shared.journal_row import STATES, Row
from shared.log import Events
from shared.mail_step import MailStep
from shared.opening import open_row, reopen_row
from shared.queue_messages import FromTheFuture, MailMessage, Message, decode
from shared.queues import QueuesPort
from shared.retrying import AFTER_A_TWIN, SHORTEST
from shared.unfinished import OpenMail, Unfinished

PUT_BACK_FOR = 300
"""Seconds that a message of a later version waits: by then that version may be back."""
TOO_EARLY_FOR = timedelta(minutes=5)
"""How long a message waits whose mail is at an earlier step: a replay has overtaken it."""
_LOOKS = 3
_M = TypeVar("_M", bound=MailMessage)
_E = TypeVar("_E", bound=Message)


@dataclass(frozen=True)
class Receiver:
    """Takes messages of queues, and drives each mail through the step that its message is for."""

    queues: QueuesPort
    journal: Journal
    unfinished: Unfinished
    hand_over: HandOver
    gate: Gate
    aftermath: Aftermath
    clock: Clock

    async def receive(self, step: MailStep[_M], kind: type[_M], body: bytes) -> None:
        """Decode the `body` of a message of a mail, and do its step, unless that is shut.

        A mail that must wait has a copy of its message put back: to change the message itself would spoil
        the host's receipt. Raises Unreadable, Unavailable when the queue cannot be written, and what is no
        fault of ours.
        """

        async def drive(message: _M) -> datetime | None:
            return await self._drive(step, message, Turn(step.name, message.source, message.filing_key))

        await self._take(step.queue, kind, body, drive)

    async def receive_event(
        self, queue: str, kind: type[_E], body: bytes, work: Callable[[_E], Awaitable[object]]
    ) -> None:
        """Decode the `body` of a message that is of no mail, and do its `work`.

        Raises Unreadable, Unavailable, and permanent faults of the work.
        """

        async def do(message: _E) -> None:
            await work(message)

        await self._take(queue, kind, body, do)

    async def _take(
        self, queue: str, kind: type[_E], body: bytes, work: Callable[[_E], Awaitable[datetime | None]]
    ) -> None:
        log = Events("queues", queue=queue)
        try:
            message = decode(body, kind)
        except FromTheFuture as error:
            log.warning("message-put-back", why=str(error))
            await self.queues.send_text(queue, body.decode(), delay=PUT_BACK_FOR)
            return
        try:
            until = await work(message)
        except Transient as fault:
            # An event, or a mail whose journal cannot be read or written: nothing can be noted of it.
            until = self._soon() if fault.origin == "storage" else self.gate.put_back().until
            log.warning("message-put-back", source=message.source, why=str(fault), until=until.isoformat())
        if until is not None:
            delay = max(1, seconds_until(until, self.clock.now()))
            await self.queues.send_text(queue, body.decode(), delay=delay)

    def _soon(self) -> datetime:
        """The clients of storage have tried again already: not at once."""
        return self.clock.now() + SHORTEST * (2 + 2 * self.gate.jitter())

    async def _drive(self, step: MailStep[_M], message: _M, turn: Turn) -> datetime | None:
        """Until when the message waits; None where it is done with."""
        for _ in range(_LOOKS):
            try:
                return await self._look(step, message, turn)
            except _Overtaken:
                # A probe that this run was let in for is not made by it.
                await self.gate.passed(turn, used_service=False)
        return self.clock.now() + AFTER_A_TWIN

    async def _look(self, step: MailStep[_M], message: _M, turn: Turn) -> datetime | None:
        """As `_drive`. Raises _Overtaken when another worker was first with the claim."""
        known = await self.journal.read(turn.source, turn.key)
        try:
            row = known or await step.unknown(message)
        except NotYet as fault:
            return self._asked(turn, fault)
        if row is None:
            return None
        now = self.clock.now()
        if row.state not in STATES:
            turn.log.warning("message-put-back", why="a later version of the app has written its row")
            return now + timedelta(seconds=PUT_BACK_FOR)
        if step.reopens(message, row):
            row = await self._reopened(row, now)
        if row.owner == turn.owner:
            # Its write had been repeated by the SDK, and came back as stale.
            return await self._run(step, message, turn, Claim(self.journal, self.clock, row))
        match standing(row, turn.step, now):
            case Beyond():
                if row.handed is None:
                    await self.hand_over.follow(row, message.traceparent)
                return None
            case Before():
                await self.hand_over.follow(row, message.traceparent)
                return now + TOO_EARLY_FOR
            case Waits(until):
                if row.has_ended and row.handed is None:
                    await self.hand_over.follow(row, message.traceparent)
                return until
            case ready:
                is_one_write = step.is_one_write(row)
                shut = None if is_one_write else await self.gate.admit(turn)
                if shut is not None:
                    return await self._wait(turn, row, shut.until)
                if ready.deaths > 1:
                    return await self.aftermath.of_death(turn, row, ready.deaths)
                claim = await self._claimed(row, turn, is_one_write=is_one_write)
                return await self._run(step, message, turn, claim)

    async def _run(self, step: MailStep[_M], message: _M, turn: Turn, claim: Claim) -> datetime | None:
        was_admitted = claim.row.owner == turn.owner
        try:
            async with claim.kept():
                try:
                    outcome = await step.run(message, claim)
                except VaultpostError as fault:
                    return await self.aftermath.of_fault(turn, claim, fault, message.traceparent)
        except VaultpostError:
            raise  # what follows the fault could not be written
        except Exception as error:
            await self._give_up_claim(claim, error)
            raise
        if was_admitted:
            await self.gate.passed(turn, used_service=outcome.used_service)
        await self.aftermath.of_success(claim, message.traceparent)
        return None

    async def _claimed(self, row: Row, turn: Turn, *, is_one_write: bool) -> Claim:
        """The claim; a mail that the journal does not know is opened with it. One write needs none.

        Raises _Overtaken, Unavailable.
        """
        now = self.clock.now()
        try:
            if not row.etag:
                opened = replace(claimed(row, turn.owner, now), handed=now)
                return Claim(self.journal, self.clock, await open_row(self.journal, self.unfinished, opened))
            if row.opened is None:  # a former version of the app has begun with it
                await self.unfinished.add(OpenMail.of(row))
            if is_one_write:
                return Claim(self.journal, self.clock, row)
            return await Claim.take(self.journal, self.clock, row, turn.owner)
        except Stale:
            raise _Overtaken from None

    async def _reopened(self, row: Row, now: datetime) -> Row:
        try:
            return await reopen_row(self.journal, self.unfinished, row, now, handed=now)
        except Stale:
            raise _Overtaken from None

    async def _wait(self, turn: Turn, row: Row, until: datetime) -> datetime:
        """Behind a shut breaker: no attempt, and no time that counts; but the mail is on record."""
        now = self.clock.now()
        waiting = postponed_row(row, until, now)
        try:
            if row.etag:
                await self.journal.update(waiting)
            else:
                await open_row(self.journal, self.unfinished, replace(waiting, handed=now))
        except Stale:
            raise _Overtaken from None
        turn.log.info("message-put-back", why="what it needs is shut", until=until.isoformat())
        return until

    async def _give_up_claim(self, claim: Claim, error: Exception) -> None:
        """After a fault that nobody foresaw: the host tries again, and must not find its own claim."""
        why = f"The app met a fault that it did not expect: {type(error).__name__}."
        now = self.clock.now()
        with suppress(VaultpostError):
            await claim.end(lambda row: replace(told(row, why), due=now))

    def _asked(self, turn: Turn, fault: NotYet) -> datetime:
        until = self.clock.now() + (timedelta(seconds=fault.after) if fault.after else AFTER_A_TWIN)
        turn.log.info("message-put-back", why=str(fault), until=until.isoformat())
        return until


class _Overtaken(Exception):
    """Another worker was first: look again how the mail stands."""
