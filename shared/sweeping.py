"""The sweep: what no notification has announced is found by the delta query of each folder.

A page's mail has its rows, then its messages, before the link to the next page is saved: whatever dies on the
way, the page is read again, and what the journal knows is left alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from shared.admitting import Gate, Turn
from shared.at_once import each
from shared.clock import Clock
from shared.configuration import Source, folder_name
from shared.errors import Permanent, Stale, Transient, Unavailable, VaultpostError
from shared.fingerprints import Fingerprints
from shared.folder_register import FolderRegister, SweptFolder
from shared.graph.delta import DeltaPage
from shared.graph.faults import NotFound, TokenLost
from shared.graph.mailbox import MailboxReader
from shared.handing_over import HandOver, seconds_until
from shared.journal import Journal
from shared.log import Events
from shared.migrated_mail import Consent
from shared.queue_messages import FOLDER_SWEEP, FolderSweep
from shared.queues import QueuesPort
from shared.sweep_intake import Intake
from shared.sweep_state import SweepState, SweepStates
from shared.tracing import traceparent
from shared.unfinished import Unfinished
from shared.watched_folders import WatchedFolder, WatchedFolders, is_watched

RUNS_FOR = 240.0
"""Seconds of one slice: what is left is done by another one."""
_MISSING = frozenset({"erroritemnotfound", "itemnotfound"})
"""Codes of a folder that is gone; others are of its mailbox (learn.microsoft.com/graph/errors)."""


class Delta(Protocol):
    """How pages are read: `shared.graph.delta.DeltaReader`."""

    async def page(self, mailbox: str, folder: str, link: str | None) -> DeltaPage:
        """A page. Raises TokenLost, NotFound, ConfigurationFault, Refused, Unavailable."""


@dataclass(frozen=True)
class Sweeper:
    """Sweeps folders. `ensure_subscribed` makes the subscriptions of a source, as far as they can be made."""

    sources: Mapping[str, Source]
    folders: WatchedFolders
    register: FolderRegister
    states: SweepStates
    delta: Delta
    mailboxes: MailboxReader
    journal: Journal
    unfinished: Unfinished
    fingerprints: Fingerprints
    hand_over: HandOver
    queues: QueuesPort
    gate: Gate
    clock: Clock
    ensure_subscribed: Callable[[str], Awaitable[None]]

    async def order_all(self) -> None:
        """Order a sweep of each folder of each source, some sources at once; one that fails stops no other.

        Raises the first VaultpostError, after the others were done.
        """
        outcomes = await each(list(self.sources), self._ordered)
        faults = [fault for fault in outcomes if fault is not None]
        if faults:
            raise faults[0]

    async def order(self, name: str) -> None:
        """Order a sweep of each folder of one source.

        Raises the first VaultpostError of a folder that cannot be found, after the others were ordered.
        """
        source = self.sources[name]
        await self._note_start(source)
        found, faults = await self.folders.found(source)
        rows = {row.name: row async for row in self.register.rows(name)}
        names = {watched.name for watched in found}
        former = [row for row in rows.values() if row.name not in names]
        for watched in found:
            folder = await self._known(watched, rows)
            if folder.last_good is None and former:
                folder = await self._gone_on(watched, folder, former)
            message = FolderSweep(source=name, traceparent=traceparent(), folder=folder.name)
            await self.queues.send(FOLDER_SWEEP, message)
        if faults:
            raise faults[0]
        for row in former:
            if row.above:  # the list is complete: that one is not below a watched folder any more
                await self._forget(row)

    async def note_starts(self) -> None:
        """Note for each source that its mail is filed from now on, if that was not noted before.

        Raises Unavailable.
        """
        await each(list(self.sources.values()), self._note_start)

    async def _note_start(self, source: Source) -> None:
        """Before Graph is asked for anything: while it is down, mail arrives all the same."""
        for name in dict.fromkeys(map(folder_name, source.folders)):
            if await self.register.read(source.key_name, name) is None:
                await self.register.add(SweptFolder(source.key_name, name, self.clock.now()))

    async def _gone_on(
        self, watched: WatchedFolder, folder: SweptFolder, former: Sequence[SweptFolder]
    ) -> SweptFolder:
        """The row of a folder that is new by its name alone: another case, its id, a path to it."""
        for row in former:
            state, _ = await self.states.read(row)
            if state is None or state.folder != watched.folder or _is_of_another(state, watched):
                continue
            folder = replace(row, name=watched.name, above=watched.above, due=None)
            await self.register.restart(folder)
            with suppress(Stale):
                await self.states.write(folder, state, "")
        return folder

    async def _forget(self, folder: SweptFolder) -> None:
        await self.states.forget(folder)
        await self.register.remove(folder)

    async def sweep(self, order: FolderSweep) -> None:
        """Sweep the folder that `order` names, as far as one slice of time goes.

        Raises Transient. What is permanent is logged: the next sweep tries again.
        """
        log = Events("sweep", source=order.source, trace=order.traceparent)
        source, folder = self.sources.get(order.source), await self._ordered_folder(order)
        if source is None or folder is None:
            log.warning("sweep-skipped", why="not watched")
            return
        if await self.consent.stops(order.source):
            log.warning("sweep-skipped", why="waits for the operator")
            return
        if folder.due is not None and folder.due > self.clock.now():
            return  # a copy of a former order comes back then
        turn = Turn("staging", source.key_name, folder.key)
        shut = await self.gate.admit(turn)
        if shut is not None:
            await self._put_back(order, folder, shut.until, "what it needs is shut", log)
            return
        try:
            await _Sweep(self, source, folder, log).run(order)
            await self.gate.passed(turn, used_service=True)
        except Stale:
            log.info("sweep-overtaken")  # a twin goes on with this folder
            await self.gate.passed(turn, used_service=False)
        except Transient as fault:
            await self.gate.met(turn, fault)
            asked = self.clock.now() + timedelta(seconds=fault.after or 0.0)
            until = max(self.gate.put_back().until, asked)
            await self._put_back(order, folder, until, str(fault), log)
        except VaultpostError as fault:
            # One folder that fails holds nobody, but a probe that it was let in for is over.
            await self.gate.passed(turn, used_service=False)
            await self._without(folder, fault, log)

    @property
    def consent(self) -> Consent:
        """What the operator has said."""
        return Consent(self.register, self.states, self.gate.breakers, self.clock)

    async def _put_back(
        self, order: FolderSweep, folder: SweptFolder, until: datetime, why: str, log: Events
    ) -> None:
        """Later, once: until then other orders of this folder are dropped, so that none pile up."""
        await self.register.note(folder, due=until)
        await self.queues.send(FOLDER_SWEEP, order, delay=seconds_until(until, self.clock.now()))
        log.warning("sweep-put-back", why=why, until=until.isoformat())

    async def _ordered(self, name: str) -> VaultpostError | None:
        try:
            await self.order(name)
        except VaultpostError as fault:
            Events("sweep", source=name).failure("sweep-not-ordered", why=str(fault))
            return fault
        return None

    async def _ordered_folder(self, order: FolderSweep) -> SweptFolder | None:
        """The folder of an order; None where it is gone, or not watched any more."""
        source = self.sources.get(order.source)
        if source is None:
            return None
        folder = await self.register.read(order.source, order.folder)
        if is_watched(source, order.folder, ""):
            rows = {order.folder: folder} if folder else {}
            return await self._known(WatchedFolder(source.key_name, source.mailbox, order.folder, ""), rows)
        return folder if folder is not None and is_watched(source, folder.name, folder.above) else None

    async def _known(self, watched: WatchedFolder, rows: Mapping[str, SweptFolder]) -> SweptFolder:
        """The row of a folder. A new one below another is filed from when that one was first seen."""
        folder = rows.get(watched.name)
        if folder is None:
            above = rows.get(watched.above)
            folder = SweptFolder(watched.source, watched.name, self.clock.now(), watched.above)
            if above is not None:
                folder = replace(folder, first_start=above.first_start, last_good=above.last_good)
            folder = await self.register.add(folder)
        if folder.above != watched.above:
            await self.register.note(folder, above=watched.above)
        return folder

    async def _without(self, folder: SweptFolder, fault: VaultpostError, log: Events) -> None:
        if folder.above and isinstance(fault, NotFound) and fault.code.casefold() in _MISSING:
            await self._forget(folder)
            log.info("folder-gone")
            return
        why, remedy = str(fault), "Look at mailbox and folders of this source."
        if isinstance(fault, Permanent):
            why, remedy = fault.reason, fault.remedy
        log.failure("sweep-failed", why=why, remedy=remedy)


class _Sweep:
    """One slice of the sweep of one folder."""

    def __init__(self, parts: Sweeper, source: Source, folder: SweptFolder, log: Events) -> None:
        self._parts = parts
        self._source = source
        self._folder = folder
        self._log = log
        self._has_lost = False
        self._intake = Intake(
            source,
            folder,
            parts.journal,
            parts.unfinished,
            parts.fingerprints,
            parts.mailboxes,
            parts.hand_over,
            parts.consent,
            parts.clock,
            log,
        )

    async def run(self, order: FolderSweep) -> None:
        parts = self._parts
        end = parts.clock.monotonic() + RUNS_FOR
        state, etag = await parts.states.read(self._folder)
        watched = await parts.folders.find(self._source, self._folder.name, self._folder.above)
        if state is not None and _is_of_another(state, watched):
            await self._move_to(watched)
            state = None
        state = await self._begun(state, watched)
        while not state.asked:
            page = await self._page(watched, state)
            if page is None:
                state = self._anew(watched, state)
                etag = await parts.states.write(self._folder, state, etag)
                continue
            state = await self._intake.take(page.entries, state)
            if state.asked:
                await parts.states.write(self._folder, state, etag)
                return
            if page.delta_link is not None:
                await self._ended(state, page.delta_link, etag)
                return
            state = msgspec.structs.replace(state, link=page.next_link)
            etag = await parts.states.write(self._folder, state, etag)
            if parts.clock.monotonic() >= end:
                await parts.queues.send(FOLDER_SWEEP, order)
                self._log.info("sweep-goes-on")
                return

    async def _begun(self, state: SweepState | None, watched: WatchedFolder) -> SweepState:
        """The round under way, or the one that begins now; with `asked`, the operator has yet to say."""
        if state is None:
            await self._subscribed()
            return self._anew(watched, None)
        if state.folder != watched.folder:
            return self._anew(watched, state)
        if state.asked and not await self._parts.consent.is_awaited(self._source.key_name):
            await self._parts.consent.note(self._folder)
            return msgspec.structs.replace(state, asked=False)
        if state.began is None:
            return msgspec.structs.replace(state, began=self._parts.clock.now())
        return state

    def _anew(self, watched: WatchedFolder, former: SweepState | None) -> SweepState:
        """A round over all of the folder. What is in one that was swept before may be known."""
        was_swept = former is not None and former.round != "first"
        is_first = self._folder.last_good is None and not was_swept
        self._log.info("sweep-begins", folder=self._folder.key, first=is_first)
        began = self._parts.clock.now()
        return SweepState(
            round="first" if is_first else "again",
            began=began,
            folder=watched.folder,
            mailbox=watched.mailbox,
        )

    async def _move_to(self, watched: WatchedFolder) -> None:
        """The source has another mailbox now: its mail is filed from now on, and its folder is a new one."""
        parts, now = self._parts, self._parts.clock.now()
        self._log.warning("sweep-of-another-mailbox", mailbox=watched.mailbox)
        self._folder = SweptFolder(self._folder.source, self._folder.name, now, self._folder.above)
        await parts.register.restart(self._folder)
        self._intake = replace(self._intake, folder=self._folder)

    async def _subscribed(self) -> None:
        """What comes from now on is announced; where that fails, the sweep alone finds it."""
        try:
            await self._parts.ensure_subscribed(self._source.key_name)
        except VaultpostError as fault:
            self._log.warning("sweep-without-subscription", why=str(fault))

    async def _page(self, watched: WatchedFolder, state: SweepState) -> DeltaPage | None:
        """The next page; None where the token is lost. Raises Unavailable if it is lost at once again."""
        try:
            return await self._parts.delta.page(watched.mailbox, watched.folder, state.link)
        except TokenLost as lost:
            if self._has_lost:
                raise Unavailable(f"a new delta token was lost at once: {lost}", origin="graph") from None
            self._has_lost = True
            self._log.warning("delta-token-lost", why=str(lost))
            return None

    async def _ended(self, state: SweepState, link: str, etag: str) -> None:
        at_rest = SweepState(round="next", link=link, folder=state.folder, mailbox=self._source.mailbox)
        await self._parts.states.write(self._folder, at_rest, etag)
        total = self._folder.unannounced + state.unannounced
        began = state.began or self._parts.clock.now()
        await self._parts.register.note(self._folder, last_good=began, unannounced=total)
        self._log.info("sweep-ended", round=state.round, unannounced=state.unannounced)


def _is_of_another(state: SweepState, watched: WatchedFolder) -> bool:
    """Whether a link is of a mailbox that the source had before."""
    return bool(state.mailbox) and state.mailbox.casefold() != watched.mailbox.casefold()
