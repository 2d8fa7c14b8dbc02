"""Poison queues: a message that a function could not take is no verdict on its mail (design, 4.6)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from shared.breaker import Step
from shared.claim import Ready, Waits, is_claimed, released, standing
from shared.clock import Clock
from shared.errors import MailFault, Stale
from shared.handing_over import HandOver, seconds_until
from shared.journal import Journal
from shared.journal_row import STATES, Row, failed
from shared.log import Events
from shared.opening import open_row
from shared.queue_messages import (
    KINDS,
    MAIL_ARRIVED,
    MAIL_FILED,
    VAULT_IMPORT,
    FromTheFuture,
    MailArrived,
    Message,
    Unreadable,
    decode,
)
from shared.queues import QueuesPort
from shared.retrying import MOST_REVIVALS
from shared.staging_area import StagingArea
from shared.unfinished import Unfinished

REVIVED_AFTER = timedelta(minutes=15)
_STEPS: dict[str, Step] = {MAIL_ARRIVED: "staging", VAULT_IMPORT: "filing", MAIL_FILED: "mailbox"}
UNREADABLE = "_unreadable"
"""The partition of messages that are of no mail, as far as anybody can read."""


@dataclass(frozen=True)
class DeadLetters:
    """Takes the messages of poison queues at once: the host's copies there end after seven days."""

    journal: Journal
    unfinished: Unfinished
    queues: QueuesPort
    hand_over: HandOver
    area: StagingArea
    clock: Clock

    async def take(self, queue: str, body: bytes) -> None:
        """Take the `body` of a message that was in `queue` before: send it there again, or give it up.

        Raises Unavailable; the message stays in the poison queue then.
        """
        try:
            message = decode(body, KINDS[queue])
        except FromTheFuture:
            await self.queues.send_text(queue, body.decode(), delay=_seconds(REVIVED_AFTER))
            return
        except Unreadable as error:
            await self._keep(queue, body, error)
            return
        if message.revived < MOST_REVIVALS:
            await self._revive(queue, message)
        elif message.filing_key is None:
            Events("dead-letters", queue=queue, source=message.source).failure(
                "message-given-up", why=f"it was revived {message.revived} times"
            )
        else:
            await self._give_up(queue, message, message.filing_key)

    async def _revive(self, queue: str, message: Message) -> None:
        revived = msgspec.structs.replace(message, revived=message.revived + 1)
        log = Events("dead-letters", queue=queue, source=message.source)
        until = self.clock.now() + REVIVED_AFTER
        if message.filing_key is not None:
            await self._postpone(queue, revived, message.filing_key, until)
        await self.queues.send(queue, revived, delay=_seconds(REVIVED_AFTER))
        log.warning("message-revived", times=revived.revived)

    async def _postpone(self, queue: str, message: Message, key: str, until: datetime) -> None:
        """Nobody else queues the mail before its revived message is there."""
        row, now = await self.journal.read(message.source, key), self.clock.now()
        if row is None or not _is_at(row, queue, now) or is_claimed(row, now):
            return
        due, revived = max(until, row.due or until), max(message.revived, row.revived)
        is_last = revived >= MOST_REVIVALS and row.creating is not None
        try:
            await self.journal.update(replace(row, due=due, revived=revived, last_look=is_last))
        except Stale:
            return  # another worker drives the mail: what that one writes counts

    async def _give_up(self, queue: str, message: Message, key: str) -> None:
        row, now = await self.journal.read(message.source, key), self.clock.now()
        if row is not None and row.state not in STATES:
            await self.queues.send(queue, message, delay=_seconds(REVIVED_AFTER))
            return  # a later version has written it: after its return that one decides
        if row is not None and not _is_at(row, queue, now):
            return  # it says nothing of the step that the mail is at, whose message is another one
        if row is not None and (is_claimed(row, now) or row.creating is not None):
            # Somebody works on it, or nobody knows yet whether the vault has it: its last look will tell.
            wait = (row.claim_expires if is_claimed(row, now) else None) or now + REVIVED_AFTER
            await self._postpone(queue, message, key, wait)
            await self.queues.send(queue, message, delay=seconds_until(wait, now))
            return
        if row is None:
            announced = message.message if isinstance(message, MailArrived) else ""
            new = Row(message.source, key, "arrived", announced, arrived=now, opened=now)
            row = await open_row(self.journal, self.unfinished, new)
        if not row.has_ended:
            await self.area.keep(row.source, row.key)
        written = await self.journal.update(_given_up(row, queue, now))
        Events("dead-letters", source=row.source, key=key).failure("mail-given-up", state=written.state)
        await self.hand_over.follow(written, message.traceparent)

    async def _keep(self, queue: str, body: bytes, error: Unreadable) -> None:
        """The bytes are kept, and the journal says so."""
        digest, now = hashlib.sha256(body).hexdigest(), self.clock.now()
        await self.area.put_unreadable(body, digest)
        reason = f"A message in queue {queue} cannot be read: {error}."
        remedy = f"Look at blob {UNREADABLE}/{digest} in container kept: what has put it into the queue?"
        row = Row(UNREADABLE, digest, "arrived", "", arrived=now, settled=now, kept=now)
        try:
            await self.journal.insert(failed(row, MailFault(reason, remedy), now))
        except Stale:
            return  # the same bytes were met before
        Events("dead-letters", queue=queue).failure("message-unreadable", why=str(error), digest=digest)


def _is_at(row: Row, queue: str, now: datetime) -> bool:
    """Whether the mail is at the step that messages of `queue` are for."""
    return row.state in STATES and isinstance(standing(row, _STEPS[queue], now), Waits | Ready)


def _given_up(row: Row, queue: str, now: datetime) -> Row:
    """A mail that has ended stays what it is: what is given up is what was left to do after it."""
    reason = f"The app failed at this mail again and again, and was revived {MOST_REVIVALS} times."
    if row.has_ended:
        told = replace(released(row), warnings=(*row.warnings, reason), due=None)
        return replace(told, settled=now) if queue == MAIL_FILED else replace(told, look_again=None)
    remedy = "Look at the app's log for what stopped it, then replay the mail."
    last = f" {row.reason}" if row.reason else ""
    return replace(failed(row, MailFault(f"{reason}{last}", remedy), now), kept=now)


def _seconds(delay: timedelta) -> int:
    return int(delay.total_seconds())
