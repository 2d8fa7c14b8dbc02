"""Staging: from the mailbox to the staging area, streamed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from shared.attachments import AttachmentFetcher, Patience, Place
from shared.breaker import Step
from shared.claim import Claim
from shared.clock import Clock
from shared.configuration import Source
from shared.errors import ConfigurationFault, MailFault, NotYet, Stale, Transient, Unavailable, VaultpostError
from shared.fingerprints import fingerprint
from shared.graph.answers import Attachment, Message, mail_of
from shared.graph.faults import NotFound, Refused
from shared.graph.mailbox import MailboxReader
from shared.identities import filing_key
from shared.journal_row import Row, gone_on
from shared.log import Events
from shared.manifest import MESSAGE_NAME, LeftOut, Manifest, StagedFile
from shared.outcome import Outcome
from shared.queue_messages import MAIL_ARRIVED, MailArrived
from shared.queues import QueuesPort
from shared.staging_area import StagingArea, file_name
from shared.sweep_plan import PASSED_OVER, files_from
from shared.tracing import traceparent

UNREADABLE_FOR = timedelta(minutes=10)
"""How long a mail may not be found, from the first time on: notifications can be early."""
RENAMED_AFTER = 5
"""Seconds until a mail is fetched under the id of Graph's answer: ids may change at each answer."""
LOOK_AGAIN_AFTER = 15.0
"""Seconds between two looks for it."""
_MISSING_ITEM, _MALFORMED_ID = {"erroritemnotfound", "itemnotfound"}, "errorinvalididmalformed"


class Staged(Outcome):
    """How staging ended."""

    STAGED = "staged"
    RENAMED = "renamed"
    PASSED_OVER = "passed-over"

    @property
    def used_service(self) -> bool:
        """Graph has answered for the source."""
        return True


@dataclass(frozen=True)
class Staging:
    """Stages announced mail."""

    sources: Mapping[str, Source]
    mailboxes: MailboxReader
    area: StagingArea
    queues: QueuesPort
    clock: Clock
    name: ClassVar[Step] = "staging"
    queue: ClassVar[str] = MAIL_ARRIVED
    is_one_write: ClassVar[bool] = False

    async def unknown(self, message: MailArrived) -> Row:
        """The row of a mail that was announced just now."""
        key, now = filing_key(message.source, message.message), self.clock.now()
        return Row(message.source, key, "arrived", message.message, arrived=now, opened=now)

    def reopens(self, message: MailArrived, row: Row) -> bool:
        """A mail that was passed over by the first sweep, and is announced now, has been moved in."""
        return row.rule == PASSED_OVER and message.cause in ("notification", "backfill")

    async def run(self, message: MailArrived, claim: Claim) -> Staged:
        """Stage the mail that `message` announces; safe to run again, and beside a twin of itself.

        Raises Transient, MailFault, and ConfigurationFault when its source cannot be read as configured.
        """
        source = self.sources.get(message.source)
        if source is None:
            raise ConfigurationFault(
                f'source "{message.source}" has mail in queue {MAIL_ARRIVED}, but is not configured.',
                "Put it back into mail-sources.toml, or delete its messages.",
            )
        outcome = await self._stage(source, message, claim)
        log = Events("staging", source=source.name, key=claim.row.key, trace=message.traceparent)
        log.info("staging-ended", outcome=outcome.value)
        return outcome

    async def _stage(self, source: Source, arrived: MailArrived, claim: Claim) -> Staged:
        row = claim.row
        manifest = await self.area.manifest(row.source, row.key, also_kept=row.kept is not None)
        is_fetched = manifest is None
        try:
            if manifest is None:
                message = await self.mailboxes.message(source.mailbox, row.message)
                if message.id != row.message:
                    return await self._rename(arrived, claim, message.id)
                if self._comes_too_early(source):
                    await claim.end(lambda row: passed_over(row, self.clock.now()))
                    return Staged.PASSED_OVER
                if row.missing_since is not None:  # a mail that is not found later is not found anew
                    row = await claim.update(lambda row: replace(row, missing_since=None))
                manifest = await self._fetched(source, row, message)
        except NotFound as fault:
            raise await self._not_found(source, claim, fault) from None
        except Refused as fault:
            if fault.code.casefold() == _MALFORMED_ID:
                raise _gone("Graph does not take the id that was announced for this mail.") from None
            # What is refused is this one message: access to the mailbox is another fault.
            raise Transient(f'source "{source.name}", mailbox {source.mailbox}: {fault}') from None
        now = self.clock.now()
        # What was kept of it before, if anything, was not whole.
        kept = None if is_fetched else row.kept
        await claim.end(lambda row: replace(staged(row, manifest, now), kept=kept))
        return Staged.STAGED

    def _comes_too_early(self, source: Source) -> bool:
        """Whether the day has not come from which mail of this source is filed."""
        now = self.clock.now()
        return source.since is not None and now < files_from(source.since, now)

    async def _rename(self, arrived: MailArrived, claim: Claim, message: str) -> Staged:
        """The answer's id is the one that counts: begin anew under it (design, section 3)."""
        if not message:
            raise Transient(
                f'source "{arrived.source}": Graph\'s answer has no id for a message', origin="graph"
            )
        renamed = MailArrived(
            source=arrived.source,
            traceparent=traceparent(arrived.traceparent),
            message=message,
            cause=arrived.cause,
            noticed=arrived.noticed,
        )
        await self.queues.send(MAIL_ARRIVED, renamed, delay=RENAMED_AFTER)
        await claim.delete()
        return Staged.RENAMED

    async def _fetched(self, source: Source, row: Row, message: Message) -> Manifest:
        """The mail could be read: what is refused of its content now says nothing of its mailbox.

        Raises Transient instead, so that it is given up in the end, as a fault of this mail.
        """
        try:
            return await self._fetch(source, row, message)
        except (NotFound, Refused) as fault:
            raise Transient(f'source "{source.name}": content of a mail: {fault}', origin="graph") from None

    async def _fetch(self, source: Source, row: Row, message: Message) -> Manifest:
        """Stream the mail into a run of its own; the first manifest wins, a loser takes its run away."""
        run = secrets.token_hex(8)
        attachments = await self.mailboxes.attachments(source.mailbox, message.id)
        try:
            files, left_out = await self._fetch_attachments(source, row, message, run, attachments)
        except NotYet:
            # It will be looked at again and again: what has come of it so far must not pile up.
            await self.area.delete_run(row.source, row.key, run)
            raise
        files.insert(0, await self._fetch_message(source, row, message.id, run))
        mail = mail_of(message)
        manifest = Manifest(
            source=row.source,
            key=row.key,
            message=message.id,
            run=run,
            mail=mail,
            files=tuple(files),
            left_out=tuple(left_out),
            fingerprint=fingerprint(mail, attachments),
        )
        if await self.area.put_manifest(manifest):
            return manifest
        winner = await self.area.manifest(row.source, row.key, also_kept=False)
        # Where an answer was lost, the SDK has sent ours twice, and it is ours that is there.
        if winner is None or winner.run != run:
            await self.area.delete_run(row.source, row.key, run)
        if winner is None:
            raise Stale("staging area: another worker's manifest has just been taken away")
        return winner

    async def _fetch_message(self, source: Source, row: Row, message: str, run: str) -> StagedFile:
        written = await self.area.write(
            file_name(row.source, row.key, run, MESSAGE_NAME), self.mailboxes.mime(source.mailbox, message)
        )
        if not written.size:
            raise Unavailable(f'source "{row.source}": Graph answered a mail with no bytes', origin="graph")
        return StagedFile(MESSAGE_NAME, "message", written.size, written.sha256, type="message/rfc822")

    async def _fetch_attachments(
        self, source: Source, row: Row, message: Message, run: str, attachments: Sequence[Attachment]
    ) -> tuple[list[StagedFile], list[LeftOut]]:
        return await AttachmentFetcher(self.mailboxes, self.area).fetch(
            Place(source.mailbox, message, row.source, row.key, run),
            attachments,
            Patience(self.clock.now() - row.open_since, row.attempt),
        )

    async def _not_found(self, source: Source, claim: Claim, fault: NotFound) -> VaultpostError:
        # At first any 404 may be of a mail that cannot be read yet, whatever its code says.
        now = self.clock.now()
        since = claim.row.missing_since
        if since is None:
            await claim.update(lambda row: replace(row, missing_since=now))
        if since is None or now - since < UNREADABLE_FOR:
            return NotYet(
                f'source "{source.name}", mailbox {source.mailbox}: a mail that was announced cannot be read '
                f"yet ({fault})",
                after=LOOK_AGAIN_AFTER,
            )
        if fault.code.casefold() not in _MISSING_ITEM:
            return ConfigurationFault(
                f'source "{source.name}", mailbox {source.mailbox}: {fault}.',
                "Look whether the mailbox exists in Exchange Online, under this address.",
            )
        return _gone("The mail was gone before it could be read.")


def _gone(reason: str) -> MailFault:
    return MailFault(reason, "If the mail is still in its mailbox, replay it.")


def passed_over(row: Row, now: datetime) -> Row:
    """The row of a mail that came before mail is to be filed; moved in later, it begins anew."""
    reason = "It was there before mail was to be filed."
    return replace(gone_on(row, "skipped", ended=now), rule=PASSED_OVER, reason=reason)


def staged(row: Row, manifest: Manifest, now: datetime) -> Row:
    """The row of a mail that is staged as its manifest says."""
    return gone_on(
        row,
        "staged",
        staged=now,
        sizes=tuple(file.size for file in manifest.files),
        digests=tuple(bytes.fromhex(file.sha256) for file in manifest.files),
    )
