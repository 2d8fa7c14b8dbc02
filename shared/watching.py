"""The watch: mail that nobody drives any more is queued again (design, 4.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.aftermath import Keeper
from shared.claim import is_claimed
from shared.clock import Clock
from shared.errors import Transient
from shared.handing_over import HandOver, queue_of
from shared.journal import Journal
from shared.journal_row import STATES, Row
from shared.log import Events
from shared.queues import QueuesPort
from shared.unfinished import OpenMail, Unfinished

NOT_HANDED_OVER_FOR = timedelta(minutes=1)
OVERDUE_AFTER = timedelta(minutes=5)
STRAY_AFTER = timedelta(minutes=10)
"""How long a row of `unfinished` may stand for a mail that the journal has otherwise: a replay is between two
writes for a moment."""
RUNS_FOR = 45.0
"""Seconds that one run may take: the next one goes on where it has stopped."""
_AT_ONCE = 16


def is_forsaken(row: Row, now: datetime, head: datetime | None) -> bool:
    """Whether nobody drives this open mail any more.

    `head` is when the oldest visible message of its queue was put there, None for an empty queue. While that
    is before the time at which the mail was due, the queue is long, and nothing is lost.
    """
    if is_claimed(row, now):
        return False
    if row.owner and (row.due is None or row.claim_expires is None or row.due < row.claim_expires):
        return True
    if row.handed is None:
        return now - max(changed_at(row), row.due or changed_at(row)) >= NOT_HANDED_OVER_FOR
    due = due_at(row)
    return now - due >= OVERDUE_AFTER and (head is None or head > due)


def due_at(row: Row) -> datetime:
    """When a message of this mail, which was handed over, should have been taken."""
    look_again = row.look_again if row.settled is not None else None
    times = (row.due, row.handed, look_again)
    return max((time for time in times if time is not None), default=changed_at(row))


def changed_at(row: Row) -> datetime:
    """When the mail came to the state that it is in."""
    return row.ended or row.staged or row.open_since


@dataclass
class Watch:
    """Looks after the open mails; `kept_after` is the age at which their bytes are kept elsewhere.

    `begin` is done once, before the first run: it runs a minute after the app's start.
    """

    journal: Journal
    unfinished: Unfinished
    queues: QueuesPort
    hand_over: HandOver
    keeper: Keeper
    clock: Clock
    kept_after: timedelta
    begin: Callable[[], Awaitable[None]]
    _has_begun: bool = field(default=False, init=False)
    _seen: OpenMail | None = field(default=None, init=False)

    async def run(self) -> None:
        """Look at the open mails, in the order of source and age, as far as the time suffices.

        Raises Unavailable.
        """
        if not self._has_begun:
            await self.begin()
            self._has_begun = True
        end = self.clock.monotonic() + RUNS_FOR
        heads = _Heads(self.queues)
        batch: list[OpenMail] = []
        async for mail in self.unfinished.all(after=self._seen):
            batch.append(mail)
            if len(batch) == _AT_ONCE:
                await self._look_at(batch, heads)
                if self.clock.monotonic() >= end:
                    self._seen = batch[-1]  # the next run goes on there
                    return
                batch = []
        await self._look_at(batch, heads)
        self._seen = None

    async def _look_at(self, mails: list[OpenMail], heads: _Heads) -> None:
        await asyncio.gather(*(self._tolerantly(mail, heads) for mail in mails))

    async def _tolerantly(self, mail: OpenMail, heads: _Heads) -> None:
        """One mail that cannot be looked after now does not stop the others."""
        try:
            await self._look(mail, heads)
        except Transient as fault:
            _log_of(mail).warning("mail-not-watched", why=str(fault))
        except Exception as error:  # noqa: BLE001 - one row that nobody foresaw must not hide the others
            _log_of(mail).failure("mail-not-watched", why=type(error).__name__)

    async def _look(self, mail: OpenMail, heads: _Heads) -> None:
        row, now = await self.journal.read(mail.source, mail.key), self.clock.now()
        if row is None:
            if now - mail.since >= NOT_HANDED_OVER_FOR:
                await self._begin_anew(mail)
        elif row.open_since != mail.since:
            if now - mail.since >= STRAY_AFTER:
                await self.unfinished.remove(mail)
        elif row.is_closed:
            await self.unfinished.remove(mail)
        elif row.state in STATES:
            await self._drive(await self._kept(row, now), now, heads)

    async def _begin_anew(self, mail: OpenMail) -> None:
        """Its worker died before it had written the journal's row, or after it had taken that away.

        The row is written here, under the time of that in `unfinished`: whoever closes the mail finds both.
        """
        if not mail.message:
            return  # a dead letter names no message: whoever gives its mail up comes again
        row = Row(mail.source, mail.key, "arrived", mail.message, arrived=mail.since, opened=mail.since)
        await self.hand_over.send(await self.journal.insert(row))
        _log_of(mail).warning("mail-queued-again", why="it has no row in the journal")

    async def _drive(self, row: Row, now: datetime, heads: _Heads) -> None:
        head = await heads.of(queue_of(row))
        if not is_forsaken(row, now, head):
            return
        # The mark first: whatever becomes of this run, the next one does not send another copy at once.
        marked = await self.journal.update(replace(row, due=now))
        await self.hand_over.send(marked)
        _log_of(row).warning("mail-queued-again", state=row.state, since=due_at(row).isoformat())

    async def _kept(self, row: Row, now: datetime) -> Row:
        """What has been open for long is not lost by the end of its staged bytes."""
        since = min(time for time in (row.arrived, row.staged, row.opened) if time is not None)
        is_due = row.kept is None and not row.has_ended and now - since >= self.kept_after
        if not is_due or is_claimed(row, now):
            return row
        await self.keeper.keep(row.source, row.key)
        return await self.journal.update(replace(row, kept=now))


class _Heads:
    """When the oldest visible message of each queue was put there; each is asked once."""

    def __init__(self, queues: QueuesPort) -> None:
        self._queues = queues
        self._known: dict[str, datetime | None] = {}
        self._asking = asyncio.Lock()

    async def of(self, queue: str) -> datetime | None:
        """None for an empty queue. Raises Unavailable."""
        async with self._asking:
            if queue not in self._known:
                self._known[queue] = await self._queues.oldest_visible(queue)
            return self._known[queue]


def _log_of(mail: OpenMail | Row) -> Events:
    return Events("watch", source=mail.source, key=mail.key)
