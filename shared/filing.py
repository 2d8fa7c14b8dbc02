"""Filing: from the staging area into the vault. Graph is never asked here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

from shared.breaker import Step
from shared.claim import Claim
from shared.clock import Clock
from shared.configuration import Source
from shared.duplicates import RESTORED, Duplicates
from shared.duplicates import RULE as DUPLICATE
from shared.errors import ConfigurationFault, MailFault, NotYet, Stale, Transient
from shared.journal_row import Row, gone_on
from shared.log import Events
from shared.mail import Moment
from shared.manifest import Manifest
from shared.outcome import Outcome
from shared.plan import VERSION as PLAN_VERSION
from shared.plan import Plan, make_plan
from shared.queue_messages import VAULT_IMPORT, VaultImport
from shared.retrying import MOST_REVIVALS
from shared.staging import staged
from shared.staging_area import Missing, StagingArea, file_name, manifest_name, of_this_version, plan_name
from shared.twins import chosen, part_with
from shared.vault.protocol import NewFile, Vault, VaultObject

FRESH_FOR = timedelta(seconds=10)
"""How old the claim may be when the create is sent: with its own limit, the create ends before the claim."""
NOWHERE_FOR = 900.0
"""Seconds until a message is looked at again whose mail is nowhere."""
AGAIN_AFTER = timedelta(seconds=15)
"""Until a mail is fetched again whose staged bytes are not whole."""
LOOK_AGAIN_AFTER = timedelta(minutes=15)
"""After filing, where a create had no answer: its document may come late."""
DELETED = "the document is deleted in the vault"
"""A warning in the journal: of a mail that counts as filed nevertheless."""


class Filed(Outcome):
    """How filing ended."""

    FILED = "filed"
    BACK = "back"
    LOOKED_AGAIN = "looked-again"
    SKIPPED = "skipped"

    @property
    def used_service(self) -> bool:
        """Whether the vault has answered for the source."""
        return self not in (Filed.BACK, Filed.SKIPPED)


@dataclass(frozen=True)
class Filing:
    """Files staged mail."""

    sources: Mapping[str, Source]
    filing_key: str | int
    vault: Vault
    area: StagingArea
    duplicates: Duplicates
    clock: Clock
    name: ClassVar[Step] = "filing"
    queue: ClassVar[str] = VAULT_IMPORT
    is_one_write: ClassVar[bool] = False

    async def unknown(self, message: VaultImport) -> Row:
        """The row of a mail that the journal has lost, from what is staged of it.

        Raises NotYet when nothing is, and Unavailable.
        """
        manifest = await self.area.manifest(message.source, message.key)
        if manifest is None:
            raise NotYet(
                f'source "{message.source}": a mail in queue {VAULT_IMPORT} is neither journalled nor staged',
                after=NOWHERE_FOR,
            )
        now = self.clock.now()
        row = Row(message.source, message.key, "arrived", manifest.message, arrived=now, opened=now)
        return staged(row, manifest, now)

    def reopens(self, message: VaultImport, row: Row) -> bool:
        """Never."""
        return False

    async def run(self, message: VaultImport, claim: Claim) -> Filed:
        """File the mail that `message` names; safe to run again, and beside a twin of itself.

        A mail that is filed is looked for once more. Raises Transient, MailFault, and ConfigurationFault when
        the vault does not fit the configuration.
        """
        source = self.sources.get(message.source)
        if claim.row.has_ended:
            outcome = await self._look_again(claim)
        elif source is None:
            raise ConfigurationFault(
                f'source "{message.source}" has mail in queue {VAULT_IMPORT}, but is not configured.',
                "Put it back into mail-sources.toml, or delete its messages.",
            )
        else:
            outcome = await self._file(source, claim)
        log = Events("filing", source=message.source, key=message.key, trace=message.traceparent)
        log.info("filing-ended", outcome=outcome.value)
        return outcome

    async def _look_again(self, claim: Claim) -> Filed:
        """A create that had no answer may have come to its end since: of the mail's objects one stays."""
        row = claim.row
        found = await self.vault.find(await self.key_property(), row.key)
        warnings: tuple[str, ...] = ()
        if found:
            stays = chosen(found, row.object_id, row.sizes)
            await claim.update(lambda row: row)
            warnings = await part_with(self.vault, row, [one for one in found if one != stays])
        await claim.end(
            lambda row: replace(row, look_again=None, due=None, warnings=(*row.warnings, *warnings))
        )
        return Filed.LOOKED_AGAIN

    async def key_property(self) -> int:
        """The id of the property of filing keys. Raises ConfigurationFault, Unavailable."""
        return (await self.vault.structure()).property(self.filing_key).id

    async def _file(self, source: Source, claim: Claim) -> Filed:
        attempt = _Attempt(self, claim, skips_duplicates=source.document.duplicates == "skip")
        is_kept = claim.row.kept is not None
        manifest = await self.area.manifest(claim.row.source, claim.row.key, also_kept=is_kept)
        if manifest is None:
            return await self._without_manifest(attempt)
        plan = None
        try:
            plan = await self._plan(manifest, source, is_kept)
            first, rule = await attempt.filed_before(manifest)
            if first is not None:
                await self._skip(claim, first, rule)
                return Filed.SKIPPED
            await attempt.run(manifest, plan)
        except Missing:
            return await self._back(claim, manifest, plan)
        except MailFault:
            if plan is not None and attempt.was_refused:
                await self._stand_by(plan, manifest, source)
            raise
        return Filed.FILED

    async def _skip(self, claim: Claim, first: Row, rule: str) -> None:
        now = self.clock.now()
        reason = f'The same mail is object {first.object_id} already, of source "{first.source}".'
        await claim.end(lambda row: replace(gone_on(row, "skipped", ended=now), rule=rule, reason=reason))

    async def _without_manifest(self, attempt: _Attempt) -> Filed:
        """What was staged is gone; a create that was sent before may have committed all the same."""
        if attempt.was_unclear:
            found = await attempt.find(await self.key_property())
            if found:
                await attempt.journal_filed(found, attempt.claim.row.sizes, ())
                return Filed.FILED
        return await self._back(attempt.claim, None, None)

    async def _stand_by(self, plan: Plan, manifest: Manifest, source: Source) -> None:
        """A refusal is the mail's fault only if the vault would have the same plan today.

        Raises ConfigurationFault when it has changed so that none can be made, NotYet when there is another.
        """
        fresh = await self.vault.structure(fresh=True)
        if await make_plan(manifest, source, self.filing_key, fresh) != plan:
            raise NotYet(f'source "{source.name}": the vault has changed; its mail is planned anew') from None

    async def _plan(self, manifest: Manifest, source: Source, is_kept: bool) -> Plan:
        name = plan_name(manifest.source, manifest.key)
        kept = await self.area.document(name, Plan, also_kept=is_kept)
        if kept is not None:
            of_this_version(kept.v, PLAN_VERSION, name)
            return kept
        plan = await self._new_plan(manifest, source)
        if await self.area.put_first(name, plan):
            return plan
        kept = await self.area.document(name, Plan, also_kept=False)
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

    async def _back(self, claim: Claim, manifest: Manifest | None, plan: Plan | None) -> Filed:
        """What was staged is not whole: it is fetched from the mailbox again."""
        source, key = claim.row.source, claim.row.key
        await claim.update(lambda row: row)  # what follows is for the holder of the claim alone
        if plan is not None:
            await self.area.delete_document(plan_name(source, key), plan)
        if manifest is not None:
            await self.area.delete_document(manifest_name(source, key), manifest)
        if claim.row.kept is not None:
            await self.area.forget_kept(source, key)
        due = self.clock.now() + AGAIN_AFTER
        await claim.end(
            lambda row: gone_on(row, "arrived", staged=None, sizes=(), digests=(), due=due, kept=None)
        )
        return Filed.BACK


class _Attempt:
    """One attempt to file one mail, under its claim."""

    def __init__(self, filing: Filing, claim: Claim, *, skips_duplicates: bool) -> None:
        self.claim = claim
        self._skips_duplicates = skips_duplicates
        self._fingerprint = ""
        self.was_refused = False
        self.was_unclear = claim.row.creating is not None
        self._parts = filing

    async def filed_before(self, manifest: Manifest) -> tuple[Row | None, str]:
        """The row of the mail that this one is the same as, and the rule by which it is skipped.

        Not asked while a create of this mail may have committed. Raises NotYet, Stale, Unavailable.
        """
        self._fingerprint = manifest.fingerprint
        if self.was_unclear:
            return None, ""
        duplicates, row = self._parts.duplicates, self.claim.row
        received = Moment.read(manifest.mail.received)
        former = await duplicates.restored_as(manifest.fingerprint, row, received)
        if former is not None and not row.again:
            return former, RESTORED
        if not self._skips_duplicates:
            return None, ""
        return await duplicates.filed_before(manifest.fingerprint, row), DUPLICATE

    async def run(self, manifest: Manifest, plan: Plan) -> None:
        found = await self.find(plan.key_property)
        if not found and self.claim.row.last_look:
            await self._not_there()
        if not found:
            made = await self._create(manifest, plan)
            # A create that had no answer may have come to its end while this one ran.
            found = (await self.find(plan.key_property) if self.was_unclear else ()) or [made]
        await self.journal_filed(found, [file.size for file in manifest.files], plan.warnings)

    async def _not_there(self) -> None:
        """The vault does not have it, whatever had no answer: the mail ends with what it had met before.

        Raises MailFault, Transient.
        """
        row = await self.claim.update(lambda row: replace(row, creating=None, last_look=False))
        why = f"The vault has no document of this mail, and the attempts to create one failed: {row.reason}"
        if row.revived >= MOST_REVIVALS:
            raise MailFault(why, "Look at the app's log for what stopped it, then replay the mail.")
        raise Transient(why, origin="vault")

    async def find(self, key_property: int) -> Sequence[VaultObject]:
        """What the vault has of this mail. A deleted document counts, unless the mail was replayed for it."""
        row = self.claim.row
        found = await self._parts.vault.find(key_property, row.key)
        return [one for one in found if not (one.deleted and row.again)]

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
        clock, duplicates = self._parts.clock, self._parts.duplicates
        may_wait = self._skips_duplicates and not self.was_unclear
        if may_wait and not await duplicates.still_first(self._fingerprint, self.claim.row):
            raise NotYet(f'source "{self.claim.row.source}": another mail like this one is filed first')
        marked_at = clock.now()
        await self.claim.update(lambda row: replace(row, creating=marked_at))
        if clock.now() - marked_at > FRESH_FOR:
            raise NotYet(f'source "{self.claim.row.source}": the mark of a create was written too slowly')

    async def _refused(self, plan: Plan) -> None:
        """After a definite refusal and an empty search, nothing is under way, and the plan may change."""
        row = self.claim.row
        if await self.find(plan.key_property):
            raise Transient(f'source "{row.source}": a document that was refused is there') from None
        self.was_refused = True
        # The claim first: a worker that has lost it must not take away another's plan.
        await self.claim.update(lambda row: replace(row, creating=None))
        await self._parts.area.delete(plan_name(row.source, row.key))

    async def journal_filed(
        self, found: Sequence[VaultObject], sizes: Sequence[int], warnings: tuple[str, ...]
    ) -> None:
        """The mail is in the vault: of several objects one stays.

        Raises MailFault when its files have other sizes than those that were staged, and ConfigurationFault,
        with the mail filed, when the account does not see what it has created.
        """
        vault, row = self._parts.vault, self.claim.row
        filed = chosen(found, row.object_id, sizes)
        # Of an object that the account does not see the vault tells no files.
        if filed.visible and not filed.deleted and sorted(filed.sizes) != sorted(sizes):
            raise MailFault(
                f"Object {filed.id} of the vault has this mail's filing key, but its files have other sizes.",
                "Look at that object; destroy it if it is not whole, then replay the mail.",
            )
        others = [one for one in found if one != filed]
        if others:  # only under a claim that holds now
            await self.claim.update(lambda row: row)
        of_twins = await part_with(vault, row, others)
        await self._parts.duplicates.note(self._fingerprint, row)
        now = self._parts.clock.now()
        said = (*warnings, *of_twins, *([DELETED] if filed.deleted else []))
        await self.claim.end(lambda row: self._filed(row, filed, now, said))
        if not filed.visible:
            raise ConfigurationFault(
                f'source "{row.source}": the account of mfiles-username cannot see what it has '
                f"created (object {filed.id}), so that a mail could be filed twice.",
                "Let it see the documents of this class, deleted ones too.",
            )

    def _filed(self, row: Row, filed: VaultObject, now: datetime, warnings: tuple[str, ...]) -> Row:
        return gone_on(
            row,
            "filed",
            ended=now,
            creating=None,
            look_again=now + LOOK_AGAIN_AFTER if self.was_unclear else None,
            object_type=filed.type,
            object_id=filed.id,
            object_version=filed.version,
            again=False,
            warnings=(*row.warnings, *warnings),
        )
