"""Staging: from the mailbox to the staging area, streamed, and on to the queue `vault-import`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.configuration import Source
from shared.errors import ConfigurationFault, MailFault, NotYet, Stale, Transient, Unavailable
from shared.graph.answers import Attachment, Message, mail_of
from shared.graph.faults import NotFound, Refused
from shared.graph.mailbox import MailboxReader
from shared.identities import filing_key
from shared.journal import Journal, Row, failed, gone_on, wait_until_due
from shared.log import Events
from shared.manifest import MESSAGE_NAME, LeftOut, Manifest, StagedFile, attachment_path
from shared.outcome import Outcome
from shared.queue_messages import MAIL_ARRIVED, VAULT_IMPORT, MailArrived, VaultImport
from shared.queues import Queues
from shared.staging_area import StagingArea, file_name
from shared.tracing import traceparent

UNREADABLE_FOR = timedelta(minutes=10)
"""How long after its announcement a mail may still not be found: notifications can be early."""
RENAMED_AFTER = 5
"""Seconds until a mail is fetched under the id of Graph's answer: ids may change at each answer."""
LOOK_AGAIN_AFTER = 15.0
"""Seconds between two looks for it."""
_MISSING_ITEM, _MALFORMED_ID = {"erroritemnotfound", "itemnotfound"}, "errorinvalididmalformed"


class Staged(Outcome):
    """How staging ended."""

    STAGED = "staged"
    ALREADY = "already"
    RENAMED = "renamed"
    FAILED = "failed"

    @property
    def used_service(self) -> bool:
        """Whether Graph has answered for the source."""
        return self is not Staged.ALREADY


@dataclass(frozen=True)
class Staging:
    """Stages announced mail."""

    sources: Mapping[str, Source]
    mailboxes: MailboxReader
    journal: Journal
    area: StagingArea
    queues: Queues
    clock: Clock

    async def stage(self, arrived: MailArrived) -> Staged:
        """Stage the mail that `arrived` announces; safe to run again, and beside a twin of itself.

        Raises Transient, and ConfigurationFault when its source cannot be read as configured.
        """
        source = self.sources.get(arrived.source)
        if source is None:
            raise ConfigurationFault(
                f'source "{arrived.source}" has mail in queue {MAIL_ARRIVED}, but is not configured.',
                "Put it back into mail-sources.toml, or delete its messages.",
            )
        key = filing_key(source.name, arrived.message)
        log = Events("staging", source=source.name, key=key, trace=arrived.traceparent)
        row = await self._row(source, key, arrived.message)
        if row.state == "arrived":
            wait_until_due(row, self.clock.now())
            outcome = await self._stage(source, arrived, row)
        elif row.state == "staged":
            await self._hand_over(row, arrived)
            outcome = Staged.ALREADY
        else:
            outcome = Staged.ALREADY
        log.info("staging-ended", outcome=outcome.value)
        return outcome

    async def _row(self, source: Source, key: str, message: str) -> Row:
        row = await self.journal.read(source.name, key)
        if row is not None:
            return row
        return await self.journal.insert(Row(source.name, key, "arrived", message, self.clock.now()))

    async def _stage(self, source: Source, arrived: MailArrived, row: Row) -> Staged:
        manifest = await self.area.manifest(row.source, row.key)
        try:
            if manifest is None:
                message = await self.mailboxes.message(source.mailbox, arrived.message)
                if message.id != arrived.message:
                    return await self._rename(arrived, row, message.id)
                manifest = await self._fetched(source, row, message)
        except NotFound as fault:
            return await self._not_found(source, row, fault)
        except Refused as fault:
            if fault.code.casefold() == _MALFORMED_ID:
                return await self._fail(row, "Graph does not take the id that was announced for this mail.")
            raise ConfigurationFault(
                f'source "{source.name}", mailbox {source.mailbox}: {fault}.',
                "Look at mailbox and folders of this source in mail-sources.toml.",
            ) from None
        written = await self.journal.update(staged(row, manifest, self.clock.now()))
        await self._hand_over(written, arrived)
        return Staged.STAGED

    async def _rename(self, arrived: MailArrived, row: Row, message: str) -> Staged:
        """The answer's id is the one that counts: begin anew under it (design, section 3)."""
        if not message:
            raise Transient(f'source "{row.source}": Graph\'s answer has no id for a message', origin="graph")
        renamed = MailArrived(
            source=arrived.source,
            traceparent=traceparent(arrived.traceparent),
            message=message,
            cause=arrived.cause,
            noticed=arrived.noticed,
        )
        await self.queues.send(MAIL_ARRIVED, renamed, delay=RENAMED_AFTER)
        await self.journal.delete(row)
        return Staged.RENAMED

    async def _fetched(self, source: Source, row: Row, message: Message) -> Manifest:
        """The mail could be read: what is refused of its content now says nothing of its mailbox.

        Raises Transient instead, so that it is given up in the end, as a fault of this mail.
        """
        try:
            return await self._fetch(source, row, message)
        except Refused as fault:
            raise Transient(f'source "{source.name}": content of a mail: {fault}', origin="graph") from None
        except NotFound as fault:
            if fault.code.casefold() in _MISSING_ITEM:
                raise
            raise Transient(f'source "{source.name}": content of a mail: {fault}', origin="graph") from None

    async def _fetch(self, source: Source, row: Row, message: Message) -> Manifest:
        """Stream the mail into a run of its own; the first manifest wins, a loser takes its run away."""
        run = secrets.token_hex(8)
        attachments = await self.mailboxes.attachments(source.mailbox, message.id)
        files = [await self._fetch_message(source, row, message.id, run)]
        left_out = []
        for number, attachment in enumerate(attachments, 1):
            if attachment.kind == "file":
                files.append(await self._fetch_attachment(source, row, message.id, run, number, attachment))
            else:
                left_out.append(LeftOut(number, attachment.kind))
        manifest = Manifest(
            source=row.source,
            key=row.key,
            message=message.id,
            run=run,
            mail=mail_of(message),
            files=tuple(files),
            left_out=tuple(left_out),
        )
        if await self.area.put_manifest(manifest):
            return manifest
        winner = await self.area.manifest(row.source, row.key)
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

    async def _fetch_attachment(
        self, source: Source, row: Row, message: str, run: str, number: int, attachment: Attachment
    ) -> StagedFile:
        path = attachment_path(number)
        written = await self.area.write(
            file_name(row.source, row.key, run, path),
            self.mailboxes.attachment_bytes(source.mailbox, message, attachment.id),
        )
        return StagedFile(
            path,
            "file",
            written.size,
            written.sha256,
            name=attachment.name or "",
            type=attachment.content_type or "",
            inline=bool(attachment.is_inline),
        )

    async def _not_found(self, source: Source, row: Row, fault: NotFound) -> Staged:
        # Soon after arrival any 404 may be of a mail that cannot be read yet, whatever its code says.
        if self.clock.now() - row.arrived < UNREADABLE_FOR:
            raise NotYet(
                f'source "{source.name}", mailbox {source.mailbox}: a mail that was announced cannot be read '
                f"yet ({fault})",
                after=LOOK_AGAIN_AFTER,
            ) from None
        if fault.code.casefold() not in _MISSING_ITEM:
            raise ConfigurationFault(
                f'source "{source.name}", mailbox {source.mailbox}: {fault}.',
                "Look whether the mailbox exists in Exchange Online, under this address.",
            ) from None
        return await self._fail(row, "The mail was gone before it could be read.")

    async def _fail(self, row: Row, reason: str) -> Staged:
        fault = MailFault(reason, "If the mail is still in its mailbox, replay it.")
        await self.journal.update(failed(row, fault, self.clock.now()))
        return Staged.FAILED

    async def _hand_over(self, row: Row, arrived: MailArrived) -> None:
        message = VaultImport(source=row.source, key=row.key, traceparent=traceparent(arrived.traceparent))
        await self.queues.send(VAULT_IMPORT, message)


def staged(row: Row, manifest: Manifest, now: datetime) -> Row:
    """The row of a mail that is staged as its manifest says."""
    return gone_on(
        row,
        "staged",
        staged=now,
        sizes=tuple(file.size for file in manifest.files),
        digests=tuple(bytes.fromhex(file.sha256) for file in manifest.files),
    )
