"""Staging: from the mailbox to the staging area, streamed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec

from shared.afterwards import settled_at_once
from shared.attachments import AttachmentFetcher, Patience, Place, await_content, noting
from shared.breaker import Step
from shared.claim import Claim
from shared.clock import Clock
from shared.configuration import Source
from shared.early_skips import skipped_by_rule, skipped_for_its_time
from shared.errors import ConfigurationFault, MailFault, NotYet, Stale, Transient, Unavailable, VaultpostError
from shared.fingerprints import fingerprint
from shared.graph.answers import Attachment, Message
from shared.graph.faults import NotFound, Refused
from shared.graph.mailbox import MailboxReader
from shared.identities import filing_key
from shared.journal_row import MOST_FILES, Row, gone_on, is_untried, skipped
from shared.log import Events
from shared.mail import Mail, vocabulary
from shared.mail_facts import MailFacts
from shared.mail_kinds import DRAFT
from shared.manifest import MESSAGE_NAME, LeftOut, Manifest, StagedFile
from shared.mime_head import HEAD_SIZE
from shared.outcome import Outcome
from shared.queue_messages import MAIL_ARRIVED, MailArrived
from shared.queues import QueuesPort
from shared.skip import Skip
from shared.staging_area import StagingArea, file_name
from shared.sweep_plan import PASSED_OVER
from shared.template_environment import TIME_ZONE
from shared.tracing import traceparent

UNREADABLE_FOR = timedelta(minutes=10)
"""How long a mail may not be found, from the first time on: notifications can be early."""
RENAMED_AFTER = 5
"""Seconds until a mail is fetched under the id of Graph's answer: ids may change at each answer."""
TOO_MANY_FILES = (
    f"The mail has more attachments than can be journalled ({MOST_FILES - 1}).",
    "File them by hand, or let a rule skip the mail and replay it.",
)
LOOK_AGAIN_AFTER = 15.0
"""Seconds between two looks for it."""
_OF_LETTER = 64 * 1024
"""Bytes that a mail without attachments may well have. It is a guess that costs nothing if it is wrong."""
_MISSING_ITEM, _MALFORMED_ID = {"erroritemnotfound", "itemnotfound"}, "errorinvalididmalformed"


class Staged(Outcome):
    """How staging ended."""

    STAGED = "staged"
    RENAMED = "renamed"
    SKIPPED = "skipped"

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
    time_zone: str = "UTC"
    name: ClassVar[Step] = "staging"
    queue: ClassVar[str] = MAIL_ARRIVED

    def is_one_write(self, row: Row) -> bool:
        """Never."""
        return False

    async def unknown(self, message: MailArrived) -> Row:
        """The row of a mail that was announced just now."""
        key, now = filing_key(message.source, message.message), self.clock.now()
        return Row(message.source, key, "arrived", message.message, arrived=now, opened=now)

    def reopens(self, message: MailArrived, row: Row) -> bool:
        """A mail that was passed over, or a draft, and is announced now, has been moved in, or sent."""
        return row.rule in (PASSED_OVER, DRAFT) and message.cause in ("notification", "backfill")

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
        manifest = None if is_untried(row) else await self._known(row)
        is_fetched = manifest is None
        try:
            if manifest is None:
                message, attachments = await self.mailboxes.expanded(source.mailbox, row.message)
                if message.id != row.message:
                    return await self._rename(arrived, claim, message.id)
                if row.missing_since is not None:  # a mail that is not found later is not found anew
                    row = await claim.update(lambda row: replace(row, missing_since=None))
                skip = skipped_for_its_time(source, message, self.clock.now(), row.open_since)
                fetched = skip or await self._fetched(source, row, message, attachments)
                if isinstance(fetched, Skip):
                    return await self._skip(claim, fetched)
                manifest = fetched
        except NotFound as fault:
            # Where the journal was lost, a mail that is gone from its mailbox may be staged all the same.
            manifest = await self._known(row) if is_untried(row) else None
            if manifest is None:
                raise await self._not_found(source, claim, fault) from None
            is_fetched = False
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

    async def _known(self, row: Row) -> Manifest | None:
        """What is staged of a mail already."""
        return await self.area.manifest(row.source, row.key, also_kept=row.kept is not None)

    async def _skip(self, claim: Claim, skip: Skip) -> Staged:
        now = self.clock.now()
        source = self.sources.get(claim.row.source)
        await claim.end(lambda row: settled_at_once(source, skipped(row, skip, now), now))
        return Staged.SKIPPED

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

    async def _fetched(
        self, source: Source, row: Row, message: Message, attachments: Sequence[Attachment] | None
    ) -> Manifest | Skip:
        """The mail could be read: what is refused of its content now says nothing of its mailbox.

        Raises Transient instead, so that it is given up in the end, as a fault of this mail.
        """
        try:
            if attachments is None:
                attachments = await self._listed(source, message)
            return await self._fetch(source, row, message, attachments)
        except (NotFound, Refused) as fault:
            raise Transient(f'source "{source.name}": content of a mail: {fault}') from None

    async def _listed(self, source: Source, message: Message) -> list[Attachment]:
        try:
            return await self.mailboxes.attachments(source.mailbox, message.id)
        except ConfigurationFault as fault:
            # Who may read the message may read what is attached to it.
            raise Transient(f'source "{source.name}": content of a mail: {fault.reason}') from None

    async def _fetch(
        self, source: Source, row: Row, message: Message, attachments: Sequence[Attachment]
    ) -> Manifest | Skip:
        """Stream the mail into a run of its own; the first manifest wins, a loser takes its run away."""
        run = secrets.token_hex(8)
        mail = await self._facts.of(source, message, attachments)
        # Before rules are asked: they are to see the names of what is attached, not of what stands for it.
        await_content(attachments, self._patience(row))
        skip = skipped_by_rule(source, self._values(source, mail, attachments))
        if skip is not None:
            return skip
        if 1 + len(attachments) > MOST_FILES:
            raise MailFault(*TOO_MANY_FILES)
        try:
            files, left_out = await self._fetch_attachments(source, row, message, run, attachments)
        except NotYet:
            # It will be looked at again and again: what has come of it so far must not pile up.
            await self.area.delete_run(row.source, row.key, run)
            raise
        expected = size_of_mime(attachments)
        file, head = await self._fetch_message(source, row, message.id, run, expected)
        mail = self._facts.with_head(mail, message, attachments, head)
        manifest = Manifest(
            source=row.source,
            key=row.key,
            message=message.id,
            run=run,
            mail=mail,
            files=(file, *_of(mail, files)),
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

    async def _fetch_message(
        self, source: Source, row: Row, message: str, run: str, expected: int | None
    ) -> tuple[StagedFile, bytes]:
        """The message, and the beginning of its MIME."""
        head = bytearray()
        content = noting(self.mailboxes.mime(source.mailbox, message), head, HEAD_SIZE)
        name = file_name(row.source, row.key, run, MESSAGE_NAME)
        written = await self.area.write(name, content, expected)
        if not written.size:
            raise Unavailable(f'source "{row.source}": Graph answered a mail with no bytes', origin="graph")
        file = StagedFile(MESSAGE_NAME, "message", written.size, written.sha256, type="message/rfc822")
        return file, bytes(head)

    def _values(self, source: Source, mail: Mail, attachments: Sequence[Attachment]) -> dict[str, object]:
        """What conditions see of the mail before it is fetched."""
        names = [attachment.name or "" for attachment in attachments]
        return vocabulary(mail, names, source.name, source.mailbox) | {TIME_ZONE: self.time_zone}

    @property
    def _facts(self) -> MailFacts:
        own = frozenset(source.mailbox.casefold() for source in self.sources.values())
        return MailFacts(self.mailboxes, own)

    async def _fetch_attachments(
        self, source: Source, row: Row, message: Message, run: str, attachments: Sequence[Attachment]
    ) -> tuple[list[StagedFile], list[LeftOut]]:
        return await AttachmentFetcher(self.mailboxes, self.area).fetch(
            Place(source.mailbox, message, row.source, row.key, run),
            attachments,
            self._patience(row),
        )

    def _patience(self, row: Row) -> Patience:
        return Patience(self.clock.now() - row.open_since, row.attempt)

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


def size_of_mime(attachments: Sequence[Attachment]) -> int | None:
    """About how many bytes the MIME of a mail with these attachments has; None where Graph does not say.

    Base64 makes three bytes four, in lines of 76 with their ends (RFC 2045, 6.8).
    """
    sizes = [attachment.size for attachment in attachments]
    known = [size for size in sizes if size is not None]
    return _OF_LETTER + sum(known) * 7 // 5 if len(known) == len(sizes) else None


def _gone(reason: str) -> MailFault:
    return MailFault(reason, "If the mail is still in its mailbox, replay it.")


def _of(mail: Mail, files: Sequence[StagedFile]) -> list[StagedFile]:
    """The attached files of a mail. Of a signed one Graph shows what it makes of the signed content."""
    return [msgspec.structs.replace(file, derived=True) for file in files] if mail.signed else list(files)


def staged(row: Row, manifest: Manifest, now: datetime) -> Row:
    """The row of a mail that is staged as its manifest says."""
    return gone_on(
        row,
        "staged",
        staged=now,
        sizes=tuple(file.size for file in manifest.files),
        digests=tuple(bytes.fromhex(file.sha256) for file in manifest.files),
    )
