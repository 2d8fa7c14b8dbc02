"""Filing: from the staging area into the vault. Graph is never asked here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from shared.clock import Clock
from shared.configuration import Source
from shared.errors import ConfigurationFault, MailFault, NotYet, Stale, Transient
from shared.journal import Journal, Row, failed, gone_on, wait_until_due
from shared.log import Events
from shared.manifest import Manifest
from shared.outcome import Outcome
from shared.plan import VERSION as PLAN_VERSION
from shared.plan import Plan, make_plan
from shared.queue_messages import MAIL_ARRIVED, VAULT_IMPORT, MailArrived, VaultImport
from shared.queues import Queues
from shared.staging import staged
from shared.staging_area import Missing, StagingArea, file_name, manifest_name, of_this_version, plan_name
from shared.tracing import traceparent
from shared.vault.protocol import NewFile, Vault, VaultObject

UNCLEAR_FOR = timedelta(seconds=90)
"""How long a create that was sent may still be under way: until then nothing is created again."""
FRESH_FOR = timedelta(seconds=10)
"""How old the mark may be when the create is sent: with its own limit, the create ends before the mark."""
NOWHERE_FOR = 900.0
"""Seconds until a message is looked at again whose mail is nowhere."""
AGAIN_AFTER = 15
"""Seconds until a mail is fetched again whose staged bytes are not whole."""
DELETED = "the document is deleted in the vault"
"""A warning in the journal: of a mail that counts as filed nevertheless."""


class Filed(Outcome):
    """How filing ended."""

    FILED = "filed"
    ALREADY = "already"
    FAILED = "failed"
    BACK = "back"

    @property
    def used_service(self) -> bool:
        """Whether the vault has answered for the source: a mail can fail by what is kept of its structure."""
        return self is Filed.FILED


@dataclass(frozen=True)
class Filing:
    """Files staged mail."""

    sources: Mapping[str, Source]
    filing_key: str | int
    vault: Vault
    journal: Journal
    area: StagingArea
    queues: Queues
    clock: Clock

    async def file(self, order: VaultImport) -> Filed:
        """File the mail that `order` names; safe to run again, and beside a twin of itself.

        Raises Transient, and ConfigurationFault when the vault does not fit the configuration.
        """
        log = Events("filing", source=order.source, key=order.key, trace=order.traceparent)
        row = await self.journal.read(order.source, order.key)
        if row is None:
            row = await self._journalled_anew(order)
        source = self.sources.get(order.source)
        if row.has_ended:
            outcome = Filed.ALREADY
        elif source is None:
            raise ConfigurationFault(
                f'source "{order.source}" has mail in queue {VAULT_IMPORT}, but is not configured.',
                "Put it back into mail-sources.toml, or delete its messages.",
            )
        else:
            wait_until_due(row, self.clock.now())
            outcome = await self._file(order, source, row)
        log.info("filing-ended", outcome=outcome.value)
        return outcome

    async def _journalled_anew(self, order: VaultImport) -> Row:
        """The row of a mail that the journal has lost, from what is staged of it.

        Raises NotYet when nothing is.
        """
        manifest = await self.area.manifest(order.source, order.key)
        if manifest is None:
            raise NotYet(
                f'source "{order.source}": a mail in queue {VAULT_IMPORT} is neither journalled nor staged',
                after=NOWHERE_FOR,
            )
        now = self.clock.now()
        row = Row(order.source, order.key, "arrived", manifest.message, now)
        return await self.journal.insert(staged(row, manifest, now))

    async def _file(self, order: VaultImport, source: Source, row: Row) -> Filed:
        if row.state == "arrived":
            # It is being staged anew, and then ordered anew.
            return await self._fetch_again(order, row)
        attempt = _Attempt(self, row)
        attempt.wait_for_unclear_create()
        manifest = await self.area.manifest(row.source, row.key)
        if manifest is None:
            return await self._without_manifest(order, attempt)
        plan = None
        try:
            plan = await self._plan(manifest, source)
            await attempt.run(manifest, plan)
        except Missing:
            return await self._back(order, attempt.row, manifest, plan)
        except MailFault as fault:
            if plan is not None and attempt.was_refused:
                await self._stand_by(plan, manifest, source)
            await self.journal.update(failed(attempt.row, fault, self.clock.now()))
            return Filed.FAILED
        return Filed.FILED

    async def _without_manifest(self, order: VaultImport, attempt: _Attempt) -> Filed:
        """What was staged is gone; a create that was sent before may have committed all the same."""
        if attempt.row.creating is not None:
            key_property = (await self.vault.structure()).property(self.filing_key).id
            found = await attempt.find(key_property)
            if found:
                await attempt.journal_filed(found, attempt.row.sizes, ())
                return Filed.FILED
        return await self._back(order, attempt.row, None, None)

    async def _stand_by(self, plan: Plan, manifest: Manifest, source: Source) -> None:
        """A refusal is the mail's fault only if the vault would have the same plan today.

        Raises ConfigurationFault when it has changed so that none can be made, NotYet when there is another.
        """
        fresh = await self.vault.structure(fresh=True)
        if await make_plan(manifest, source, self.filing_key, fresh) != plan:
            raise NotYet(f'source "{source.name}": the vault has changed; its mail is planned anew') from None

    async def _plan(self, manifest: Manifest, source: Source) -> Plan:
        name = plan_name(manifest.source, manifest.key)
        kept = await self.area.document(name, Plan)
        if kept is not None:
            of_this_version(kept.v, PLAN_VERSION, name)
            return kept
        plan = await self._new_plan(manifest, source)
        if await self.area.put_first(name, plan):
            return plan
        kept = await self.area.document(name, Plan)
        if kept is None:
            raise Stale("staging area: another worker's plan has just been taken away")
        return kept

    async def _new_plan(self, manifest: Manifest, source: Source) -> Plan:
        try:
            return await make_plan(manifest, source, self.filing_key, await self.vault.structure())
        except ConfigurationFault:
            # The vault's administrator may have mended it a moment ago.
            fresh = await self.vault.structure(fresh=True)
            return await make_plan(manifest, source, self.filing_key, fresh)

    async def _back(
        self, order: VaultImport, row: Row, manifest: Manifest | None, plan: Plan | None
    ) -> Filed:
        """What was staged is not whole: it is fetched from the mailbox again."""
        if plan is not None:
            await self.area.delete_document(plan_name(row.source, row.key), plan)
        if manifest is not None:
            await self.area.delete_document(manifest_name(row.source, row.key), manifest)
        arrived = gone_on(row, "arrived", staged=None, creating=None, sizes=(), digests=())
        return await self._fetch_again(order, await self.journal.update(arrived))

    async def _fetch_again(self, order: VaultImport, row: Row) -> Filed:
        again = MailArrived(
            source=row.source,
            traceparent=traceparent(order.traceparent),
            message=row.message,
            cause="replay",
            noticed=self.clock.now().isoformat(),
        )
        await self.queues.send(MAIL_ARRIVED, again, delay=AGAIN_AFTER)
        return Filed.BACK


class _Attempt:
    """One attempt to file one mail; `row` is the journal's row as this attempt last wrote it."""

    def __init__(self, filing: Filing, row: Row) -> None:
        self._parts = filing
        self.row = row
        self.was_refused = False

    async def run(self, manifest: Manifest, plan: Plan) -> None:
        found = await self.find(plan.key_property)
        filed = found or [await self._create(manifest, plan)]
        await self.journal_filed(filed, [file.size for file in manifest.files], plan.warnings)

    async def find(self, key_property: int) -> Sequence[VaultObject]:
        """What the vault has of this mail. A deleted document counts, unless the mail was replayed for it."""
        found = await self._parts.vault.find(key_property, self.row.key)
        return [one for one in found if not (one.deleted and self.row.again)]

    def wait_for_unclear_create(self) -> None:
        """A create without an answer may still commit: search only when that can't happen any more."""
        if self.row.creating is None:
            return
        left = self.row.creating + UNCLEAR_FOR - self._parts.clock.now()
        if left > timedelta(0):
            raise NotYet(f'source "{self.row.source}": a create is under way', after=left.total_seconds())

    async def _create(self, manifest: Manifest, plan: Plan) -> VaultObject:
        files = [
            NewFile(file.title, file.extension, file.size, read=self._reader(manifest, file.path, file.size))
            for file in plan.files
        ]
        try:
            return await self._parts.vault.create(plan.document, files, self._about_to_create)
        except (MailFault, ConfigurationFault):
            await self._refused(plan)
            raise

    def _reader(self, manifest: Manifest, path: str, size: int) -> Callable[[], AsyncIterator[bytes]]:
        return partial(
            self._parts.area.read, file_name(manifest.source, manifest.key, manifest.run, path), size
        )

    async def _about_to_create(self) -> None:
        # Conditional on the row that was read: of two workers, one creates.
        marked_at = self._parts.clock.now()
        self.row = await self._parts.journal.update(replace(self.row, creating=marked_at))
        if self._parts.clock.now() - marked_at > FRESH_FOR:
            raise NotYet(f'source "{self.row.source}": the mark of a create was written too slowly')

    async def _refused(self, plan: Plan) -> None:
        """After a definite refusal and an empty search, nothing is under way, and the plan may change."""
        if await self.find(plan.key_property):
            raise Transient(f'source "{self.row.source}": a document that was refused is there') from None
        self.was_refused = True
        await self._parts.area.delete(plan_name(self.row.source, self.row.key))
        self.row = await self._parts.journal.update(replace(self.row, creating=None))

    async def journal_filed(
        self, found: Sequence[VaultObject], sizes: Sequence[int], warnings: tuple[str, ...]
    ) -> None:
        """The mail is in the vault: of several objects, the first that is not deleted.

        Raises MailFault when its files have other sizes than those that were staged.
        """
        filed = min(found, key=lambda one: (one.deleted, one.id))
        if not filed.deleted and sorted(filed.sizes) != sorted(sizes):
            raise MailFault(
                f"Object {filed.id} of the vault has this mail's filing key, but its files have other sizes.",
                "Look at that object; destroy it if it is not whole, then replay the mail.",
            )
        self.row = await self._parts.journal.update(
            gone_on(
                self.row,
                "filed",
                ended=self._parts.clock.now(),
                creating=None,
                object_type=filed.type,
                object_id=filed.id,
                object_version=filed.version,
                again=False,
                warnings=(
                    *self.row.warnings,
                    *warnings,
                    *([DELETED] if filed.deleted else []),
                ),
            )
        )
