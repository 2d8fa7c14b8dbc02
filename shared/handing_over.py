"""The hand-over: the message that brings a mail to its next step, made from its row alone (design, 4.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

from shared.clock import Clock
from shared.errors import Stale, Unavailable
from shared.journal import Journal
from shared.journal_row import Row
from shared.log import Events
from shared.queue_messages import (
    MAIL_ARRIVED,
    MAIL_FILED,
    VAULT_IMPORT,
    Cause,
    MailArrived,
    MailFiled,
    Message,
    VaultImport,
)
from shared.queues import QueuesPort
from shared.tracing import traceparent
from shared.unfinished import OpenMail, Unfinished


@dataclass(frozen=True)
class Letter:
    """A message, its queue, and when it may be seen."""

    queue: str
    message: Message
    not_before: datetime | None = None


def queue_of(row: Row) -> str:
    """The queue that an open mail waits in."""
    if row.state == "arrived":
        return MAIL_ARRIVED
    return MAIL_FILED if row.has_ended and row.settled is None else VAULT_IMPORT


def letters(row: Row, now: datetime, trace: str | None = None, cause: Cause = "replay") -> list[Letter]:
    """What must be sent for the state of `row`; nothing for a mail that is closed.

    `cause` is why, for mail that begins anew.
    """
    revived, trace = row.revived, traceparent(trace)
    if row.state == "arrived":
        arrived = MailArrived(
            source=row.source,
            revived=revived,
            traceparent=trace,
            message=row.message,
            cause=cause,
            noticed=now.isoformat(),
        )
        return [Letter(MAIL_ARRIVED, arrived, row.due)]
    order = VaultImport(source=row.source, revived=revived, traceparent=trace, key=row.key)
    if row.state == "staged":
        return [Letter(VAULT_IMPORT, order, row.due)]
    to_send = []
    if row.settled is None:
        ended = MailFiled(source=row.source, revived=revived, traceparent=trace, key=row.key)
        to_send.append(Letter(MAIL_FILED, ended, row.due))
    if row.look_again is not None:
        to_send.append(Letter(VAULT_IMPORT, order, row.look_again))
    return to_send


def seconds_until(until: datetime | None, now: datetime) -> int:
    """Whole seconds, as queues count them, and never less than there are."""
    return 0 if until is None else max(0, math.ceil((until - now).total_seconds()))


@dataclass(frozen=True)
class HandOver:
    """Brings mails to their next step, and strikes off those that have none."""

    journal: Journal
    unfinished: Unfinished
    queues: QueuesPort
    clock: Clock

    async def follow(self, row: Row, trace: str | None = None) -> None:
        """Do what follows a state that was written: hand it over, or strike the mail off as closed.

        Raises Unavailable.
        """
        if row.is_closed:
            await self.strike_off(row)
        elif row.handed is None:
            await self.send(row, trace)

    async def strike_off(self, row: Row) -> None:
        """The mail of `row` is not open any more. Raises Unavailable."""
        await self.unfinished.remove(OpenMail.of(row))

    async def send(self, row: Row, trace: str | None = None, cause: Cause = "replay") -> None:
        """Send the messages of a row's state, and note it. Raises Unavailable."""
        now = self.clock.now()
        for letter in letters(row, now, trace, cause):
            delay = seconds_until(letter.not_before, now)
            await self.queues.send(letter.queue, letter.message, delay=delay)
        try:
            await self.journal.update(replace(row, handed=now))
        except Stale:
            return  # a row that has gone on counts as handed over
        except Unavailable as fault:
            # It is sent: to send it again because that can't be noted would make ever more copies.
            Events("hand-over", source=row.source, key=row.key).warning("not-noted", why=str(fault))
