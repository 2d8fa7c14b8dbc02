"""What a queue function does with a message, before its own work begins and after it met a fault."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from shared.clock import Clock
from shared.errors import MailFault, Stale, VaultpostError
from shared.journal import Journal, Row, failed
from shared.log import Events
from shared.queue_messages import FromTheFuture, Message, decode
from shared.queues import Queues
from shared.retrying import Again, Decision, Fail, Hold, decide

PUT_BACK_FOR = 300
"""Seconds that a message of a later version waits: by then that version may be back."""
HELD_FOR = (timedelta(minutes=1), timedelta(minutes=5))
"""How long a mail waits, at least and at most, whose source cannot be served as configured."""
_M = TypeVar("_M", bound=Message)


@dataclass(frozen=True)
class Receiver:
    """Takes messages of queues; `jitter` gives random numbers from 0 to 1."""

    queues: Queues
    journal: Journal
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
        """Decode the `body` of a message in `queue`, and do its `work`.

        A mail that must wait has a copy of its message put back: to change the message itself would spoil
        the host's receipt. Raises Unreadable, Unavailable when journal or queue cannot be written, faults of
        work that is of no mail, and what is no fault of ours.
        """
        try:
            message = decode(body, kind)
        except FromTheFuture as error:
            Events("queues", queue=queue).warning("message-put-back", why=str(error))
            await self.queues.send_text(queue, body.decode(), delay=PUT_BACK_FOR)
            return
        try:
            await work(message)
        except VaultpostError as fault:
            if message.filing_key is None:
                raise
            waits = await self._after(queue, message.source, message.filing_key, fault)
            if waits is not None:
                delay = max(1, math.ceil(waits.total_seconds()))
                await self.queues.send_text(queue, body.decode(), delay=delay)

    async def _after(self, queue: str, source: str, key: str, fault: VaultpostError) -> timedelta | None:
        """How long the mail waits; None where it has ended."""
        now = self.clock.now()
        row = await self.journal.read(source, key)
        decision = decide(
            fault,
            attempt=(row.attempt if row else 0) + 1,
            first_tried=(row.first_tried if row else None) or now,
            now=now,
            give_up_after=self.give_up_after,
            jitter=self.jitter(),
        )
        changed = self._changed(row, decision, fault) if row is not None and not row.has_ended else None
        if changed is not None:
            await self._write(changed)
        log = Events("queues", queue=queue, source=source, key=key)
        match decision:
            case Again():
                log.info("message-put-back", why=str(fault), until=decision.at.isoformat())
                return decision.at - now
            case Hold():
                log.failure("source-held", why=str(fault))
                return self._held_for()
            case Fail():
                log.failure("mail-failed", why=str(fault))
                return None

    def _changed(self, row: Row, decision: Decision, fault: VaultpostError) -> Row | None:
        now = self.clock.now()
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
                return replace(row, reason=decision.reason, remedy=decision.remedy)
            case Fail():
                return failed(row, MailFault(decision.reason, decision.remedy), now)
        return None

    async def _write(self, row: Row) -> None:
        try:
            await self.journal.update(row)
        except Stale:
            # A twin has gone on with this mail: what it has written counts, and its message lives.
            Events("queues", source=row.source, key=row.key).info("row-changed-meanwhile")

    def _held_for(self) -> timedelta:
        shortest, longest = HELD_FOR
        return shortest + (longest - shortest) * self.jitter()
