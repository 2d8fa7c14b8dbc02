"""The plan of a mail: the one that is kept beside its manifest, or a new one (design, section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.configuration import Source
from shared.errors import ConfigurationFault, NotYet, Stale, VaultpostError
from shared.mail_content import Content
from shared.manifest import Manifest
from shared.plan import VERSION, Plan
from shared.planning import Planner
from shared.skip import Skip
from shared.staging_area import StagingArea, of_this_version, plan_name
from shared.vault.looking import LookingStructure
from shared.vault.protocol import Structure, Vault


@dataclass(frozen=True)
class KeptPlan:
    """Finds or makes the plan of one mail."""

    planner: Planner
    vault: Vault
    area: StagingArea
    manifest: Manifest
    source: Source
    content: Content
    only_looks: bool = False
    """Whether nothing is to be filed now, nor added to the vault."""

    async def get(self, *, is_kept: bool, is_untried: bool = False) -> Plan | Skip:
        """The plan that counts. Who only looks keeps none: the mail may be filed another day.

        For a mail whose filing was never tried none is looked for before a new one is made: keeping that one
        tells if there is. Where none can be made it is looked for after all: a journal that was lost knows
        nothing of a mail that is filed.

        Raises ConfigurationFault, MailFault, Missing, NotYet, Stale, Unavailable.
        """
        name = plan_name(self.manifest.source, self.manifest.key)
        kept = None if is_untried else await self._read(name, also_kept=is_kept)
        if kept is not None:
            return kept
        try:
            plan = await self._new()
        except VaultpostError:
            kept = await self._read(name, also_kept=is_kept) if is_untried else None
            if kept is None:
                raise
            return kept
        if isinstance(plan, Skip):
            return (await self._read(name, also_kept=is_kept) if is_untried else None) or plan
        if self.only_looks or await self.area.put_first(name, plan):
            return plan
        kept = await self._read(name, also_kept=False)
        if kept is None:
            raise Stale("staging area: another worker's plan has just been taken away")
        return kept

    async def _read(self, name: str, *, also_kept: bool) -> Plan | None:
        kept = await self.area.document(name, Plan, also_kept=also_kept)
        if kept is not None:
            of_this_version(kept.v, VERSION, name)
        return kept

    async def stand_by(self, plan: Plan) -> None:
        """A refusal is the mail's fault only if the vault would have the same plan today.

        Raises ConfigurationFault when it has changed so that none can be made, NotYet when there is another.
        """
        fresh = await self.vault.structure(fresh=True)
        if await self.planner.plan(self.manifest, self.source, fresh, self.content) != plan:
            raise NotYet(
                f'source "{self.source.name}": the vault has changed; its mail is planned anew'
            ) from None

    async def _new(self) -> Plan | Skip:
        try:
            return await self._planned(await self.vault.structure())
        except ConfigurationFault:
            # The vault's administrator may have mended it a moment ago.
            return await self._planned(await self.vault.structure(fresh=True))

    async def _planned(self, structure: Structure) -> Plan | Skip:
        seen = LookingStructure(structure) if self.only_looks else structure
        return await self.planner.plan(self.manifest, self.source, seen, self.content)
