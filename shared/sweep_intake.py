"""What a sweep finds is taken in: each mail of a page is on record, and queued, or left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from shared.at_once import each
from shared.clock import Clock
from shared.configuration import Source
from shared.duplicates import RESTORED
from shared.errors import Stale
from shared.fingerprints import Fingerprints, fingerprint, print_of
from shared.folder_register import SweptFolder
from shared.graph.answers import Entry, mail_of
from shared.graph.faults import NotFound, Refused
from shared.graph.mailbox import MailboxReader
from shared.handing_over import HandOver
from shared.identities import filing_key
from shared.journal import Journal
from shared.journal_row import Row, gone_on
from shared.log import Events
from shared.migrated_mail import Consent
from shared.opening import open_row, reopen_row
from shared.sweep_plan import (
    MOST_COMPARED,
    PASSED_OVER,
    Bounds,
    Verdict,
    files_from,
    is_old,
    is_passed_over,
    is_unannounced,
    verdict,
)
from shared.sweep_state import SweepState
from shared.unfinished import Unfinished


@dataclass(frozen=True)
class Intake:
    """Takes in the pages of one folder."""

    source: Source
    folder: SweptFolder
    journal: Journal
    unfinished: Unfinished
    fingerprints: Fingerprints
    mailboxes: MailboxReader
    hand_over: HandOver
    consent: Consent
    clock: Clock
    log: Events

    async def take(self, entries: Sequence[Entry], state: SweepState) -> SweepState:
        """Take in a page: the rows of its mail first, then the messages; answers what is counted now.

        Where the answer has `asked`, nothing of the page is queued: the operator decides.
        Raises Transient, and ConfigurationFault when the mailbox may not be read.
        """
        unlike = without_repetitions(entries)
        if state.round == "first":
            # None of this is known, as a rule: a look at each would cost more than all of the writing.
            await self._pass_over([one for one in unlike if self._is_passed_over(one, state)])
            unlike = [one for one in unlike if not self._is_passed_over(one, state)]
        rows = await each(unlike, self._row)
        judged = [
            (verdict(entry, row, state.round, self._bounds), entry, row)
            for entry, row in zip(unlike, rows, strict=True)
        ]
        await self._pass_over([entry for what, entry, _ in judged if what is Verdict.PASS_OVER])
        compared = [entry for what, entry, _ in judged if what is Verdict.COMPARE]
        restored = await each(compared, self._is_restored)
        unknown = [entry for entry, is_known in zip(compared, restored, strict=True) if not is_known]
        state = await self._counted(state, unknown) if state.round == "again" else state
        if not state.asked:
            to_file = [entry for what, entry, _ in judged if what is Verdict.FILE]
            to_reopen = [row for what, _, row in judged if what is Verdict.REOPEN and row is not None]
            await self._queue([*to_file, *unknown], to_reopen)
            state = self._with_unannounced(state, to_file)
        return state

    @property
    def _bounds(self) -> Bounds:
        return Bounds(files_from(self.source.since, self.folder.first_start), self.folder.last_good)

    def _is_passed_over(self, entry: Entry, state: SweepState) -> bool:
        return is_passed_over(entry, state.round, self._bounds)

    async def _pass_over(self, entries: Sequence[Entry]) -> None:
        reason = "It was there before mail was to be filed."
        await self.journal.add_absent([self._skipped(entry, PASSED_OVER, reason) for entry in entries])

    async def _row(self, entry: Entry) -> Row | None:
        return None if entry.removed else await self.journal.read(self.source.key_name, self._key(entry))

    async def _queue(self, entries: Sequence[Entry], to_reopen: Sequence[Row]) -> None:
        opened = await each(entries, self._opened)
        reopened = await each(to_reopen, self._reopened)
        await each([row for row in (*opened, *reopened) if row is not None], self._queued)

    async def _opened(self, entry: Entry) -> Row | None:
        """The row of a mail that nobody knew; None where another worker was first."""
        try:
            return await open_row(self.journal, self.unfinished, self._new(entry))
        except Stale:
            return None

    async def _reopened(self, row: Row) -> Row | None:
        try:
            return await reopen_row(self.journal, self.unfinished, row, self.clock.now())
        except Stale:
            return None

    async def _queued(self, row: Row) -> None:
        await self.hand_over.send(row, cause="sweep")

    async def _is_restored(self, entry: Entry) -> bool:
        """Whether a mail was filed before under another id: then it is skipped.

        One that cannot be read is for staging to judge, which looks more than once.
        """
        mailbox = self.source.mailbox
        try:
            message, attachments = await self.mailboxes.opened(mailbox, entry.id)
        except (NotFound, Refused):
            return False
        owner = await self._filed_as(fingerprint(mail_of(message), attachments))
        if owner is None:
            return False
        reason = f"It was filed before, with the filing key {owner.key}."
        await self.journal.add_absent([self._skipped(entry, RESTORED, reason)])
        return True

    async def _filed_as(self, print_: str) -> Row | None:
        """The mail of this source that has a fingerprint, if its bytes are safe."""
        own = print_of(self.source.key_name, print_)
        owner = await self.fingerprints.owner(own) if own else None
        if owner is None:
            return None
        row = await self.journal.read(owner.source, owner.key)
        return row if row is not None and row.state in ("staged", "filed") else None

    async def _counted(self, state: SweepState, unknown: Sequence[Entry]) -> SweepState:
        """Count old mail that nobody knows; too much of it is for the operator to decide."""
        compared = state.compared + sum(is_old(entry, self._bounds) for entry in unknown)
        counted = msgspec.structs.replace(state, compared=compared)
        is_much = compared > max(MOST_COMPARED, state.compared)
        if not is_much or await self.consent.is_given(self.folder):
            return counted
        why, remedy = await self.consent.ask(self.source.key_name)
        self.log.failure("source-held", why=why, remedy=remedy)
        return msgspec.structs.replace(state, asked=True)

    def _with_unannounced(self, state: SweepState, filed: Sequence[Entry]) -> SweepState:
        if state.round != "next":
            return state
        now = self.clock.now()
        number = sum(is_unannounced(entry, now) for entry in filed)
        return msgspec.structs.replace(state, unannounced=state.unannounced + number)

    def _key(self, entry: Entry) -> str:
        return filing_key(self.source.key_name, entry.id)

    def _new(self, entry: Entry) -> Row:
        now = self.clock.now()
        return Row(self.source.key_name, self._key(entry), "arrived", entry.id, arrived=now, opened=now)

    def _skipped(self, entry: Entry, rule: str, reason: str) -> Row:
        now = self.clock.now()
        ended = gone_on(self._new(entry), "skipped", ended=now, settled=now, handed=now)
        return replace(ended, rule=rule, reason=reason)


def without_repetitions(entries: Sequence[Entry]) -> list[Entry]:
    """Each message once: as it is there, rather than removed, since order is not kept; and as it is last."""
    best: dict[str, Entry] = {}
    for entry in entries:
        known = best.get(entry.id)
        if known is None or known.removed or (not entry.removed and _is_later(entry, known)):
            best[entry.id] = entry
    return list(best.values())


def _is_later(entry: Entry, known: Entry) -> bool:
    if entry.last_modified is None or known.last_modified is None:
        return known.last_modified is None
    return entry.last_modified >= known.last_modified
