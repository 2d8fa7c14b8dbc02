"""Filing: from the staging area into the vault. Graph is never asked here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

from shared.afterwards import settled_at_once
from shared.breaker import Step
from shared.claim import Claim
from shared.clock import Clock
from shared.configuration import Source
from shared.duplicates import Duplicates
from shared.errors import ConfigurationFault, MailFault, NotYet
from shared.filing_attempt import Attempt, Parts, look_again
from shared.journal_row import Row, gone_on, is_untried, skipped
from shared.kept_plan import KeptPlan
from shared.log import Events
from shared.mail_content import Content, StagedContent
from shared.manifest import Manifest
from shared.outcome import Outcome
from shared.plan import Plan, observed
from shared.planning import Planner
from shared.queue_messages import VAULT_IMPORT, VaultImport
from shared.rendering import one_piece, rendered_bytes
from shared.rules import way_named
from shared.skip import Skip
from shared.staging import staged
from shared.staging_area import Missing, StagingArea, file_name, manifest_name, plan_name
from shared.vault.protocol import Vault

NOWHERE_FOR = 900.0
"""Seconds until a message is looked at again whose mail is nowhere."""
AGAIN_AFTER = timedelta(seconds=15)
"""Until a mail is fetched again whose staged bytes are not whole."""


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
    planner: Planner
    vault: Vault
    area: StagingArea
    duplicates: Duplicates
    clock: Clock
    name: ClassVar[Step] = "filing"
    queue: ClassVar[str] = VAULT_IMPORT

    def is_one_write(self, row: Row) -> bool:
        """Never."""
        return False

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
        await look_again(self._parts, claim, await self.key_property())
        return Filed.LOOKED_AGAIN

    @property
    def _parts(self) -> Parts:
        return Parts(self.vault, self.area, self.duplicates, self.clock, self.sources)

    async def key_property(self) -> int:
        """The id of the property of filing keys. Raises ConfigurationFault, Unavailable."""
        return (await self.vault.structure()).property(self.planner.filing_key).id

    async def _file(self, source: Source, claim: Claim) -> Filed:
        is_kept = claim.row.kept is not None
        manifest = await self.area.manifest(claim.row.source, claim.row.key, also_kept=is_kept)
        attempt = Attempt(self._parts, claim)
        if manifest is None:
            return await self._without_manifest(attempt)
        content = StagedContent(self.area, manifest)
        try:
            return await self._file_staged(source, manifest, content, attempt)
        finally:
            await content.let_go()

    async def _file_staged(
        self, source: Source, manifest: Manifest, content: StagedContent, attempt: Attempt
    ) -> Filed:
        claim = attempt.claim
        looks = source.mode == "observe" and not attempt.was_unclear
        kept = KeptPlan(self.planner, self.vault, self.area, manifest, source, content, only_looks=looks)
        plan: Plan | Skip | None = None
        try:
            plan = await kept.get(is_kept=claim.row.kept is not None, is_untried=is_untried(claim.row))
            if isinstance(plan, Plan):
                return await self._follow(plan, source, manifest, content, attempt)
            return await self._skip(attempt, plan)
        except Missing:
            return await self._back(claim, manifest, plan if isinstance(plan, Plan) else None)
        except MailFault as fault:
            if isinstance(plan, Plan) and attempt.was_refused:
                await kept.stand_by(plan)
            rule = plan.rule if isinstance(plan, Plan) else fault.rule
            if rule:  # what follows a failure may depend on it
                await claim.update(lambda row: replace(row, rule=rule))
            raise

    async def _follow(
        self, plan: Plan, source: Source, manifest: Manifest, content: StagedContent, attempt: Attempt
    ) -> Filed:
        skips_duplicates = way_named(source, plan.rule).document.duplicates == "skip"
        skip = await attempt.filed_before(manifest, skips_duplicates=skips_duplicates)
        if skip is None and source.mode == "observe":
            skip = observed(plan)
        if skip is not None and not attempt.was_unclear:
            return await self._skip(attempt, skip)
        if not await self._render(manifest, plan, content):
            return await self._replan(manifest, plan, attempt)
        await content.let_go()  # before the mail is sent: what is held for a text is far more than a stream
        await attempt.run(manifest, plan)
        return Filed.FILED

    async def _replan(self, manifest: Manifest, plan: Plan, attempt: Attempt) -> Filed:
        """The text of a mail is made otherwise than by the version that planned: the plan is made anew.

        Unless the vault has the mail already, of a create whose answer was lost. Raises NotYet.
        """
        if attempt.was_unclear and await attempt.found_without_plan(plan.key_property):
            return Filed.FILED
        await self.area.delete_document(plan_name(manifest.source, manifest.key), plan)
        raise NotYet(f'source "{manifest.source}": the text of a mail is made anew')

    async def _render(self, manifest: Manifest, plan: Plan, content: Content) -> bool:
        """Stage what the plan says is made of the message, unless it is there. Whether that is as planned."""
        for file in plan.rendered:
            name = file_name(manifest.source, manifest.key, manifest.run, file.path)
            if await self.area.has(name, file.size):
                continue
            made = await rendered_bytes(content, file.path)
            if len(made) != file.size:
                return False
            await self.area.write(name, one_piece(made), len(made))
        return True

    async def _skip(self, attempt: Attempt, skip: Skip) -> Filed:
        """The mail is not filed, unless it was before it came to that."""
        if attempt.was_unclear and await attempt.found_without_plan(await self.key_property()):
            return Filed.FILED
        now = self.clock.now()
        source = self.sources.get(attempt.claim.row.source)
        await attempt.claim.end(lambda row: settled_at_once(source, skipped(row, skip, now), now))
        return Filed.SKIPPED

    async def _without_manifest(self, attempt: Attempt) -> Filed:
        """What was staged is gone; a create that was sent before may have committed all the same."""
        if attempt.was_unclear and await attempt.found_without_plan(await self.key_property()):
            return Filed.FILED
        return await self._back(attempt.claim, None, None)

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
