"""A document that the doctor writes, to see whether it is found by its key at once. It is marked deleted."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.clock import Clock
from shared.doctor.finding import Finding, failed, not_run, ok, warning
from shared.errors import ConfigurationFault, Permanent, Transient, VaultpostError
from shared.log import Events
from shared.property_values import LAST_BUILT_IN
from shared.vault.protocol import (
    DOCUMENT,
    ClassDef,
    DataType,
    NewObject,
    PropertyDef,
    PropertyValue,
    Structure,
    Vault,
    VaultObject,
)

FILING_KEY = "filing-key"
ASK = "python3 ops.py doctor --write"
PLAIN = (1, 0)
"""The built-in classes Other document and Unclassified document (developer.m-files.com,
MFBuiltInDocumentClass)."""
WAITS = (1.0, 1.0, 2.0)
"""Seconds between the searches, where the first one does not find it."""
_TEXT = "Written by Vaultpost's doctor, to be deleted"


@dataclass
class Trial:
    """Writes one document, searches for it, and marks it deleted, whatever comes between."""

    vault: Vault
    structure: Structure
    key: PropertyDef
    clock: Clock
    _value: str = field(default_factory=lambda: uuid.uuid4().hex)
    _made: VaultObject | None = None
    _object_type: int = DOCUMENT
    _is_unclear: bool = False
    """Whether a create was sent and not answered."""

    async def findings(self, classes: Sequence[ClassDef]) -> list[Finding]:
        """What comes of it, in the first of these classes that can be filled, else in a plain one.

        Raises Unavailable before anything is written.
        """
        chosen, why_not = await self._chosen(classes)
        if chosen is None:
            return [_not_written(why_not)]
        kind, values = chosen
        of = f'of class "{kind.name}"' + (f", as {why_not[0]}" if why_not else "")
        found: list[Finding] = []
        try:
            found.append(await self._tried(kind, values, of))
            if self._made is not None and found[0].status == "ok":
                found += await self._owned(self._made)
        finally:
            found += await self._cleaned()
        return found

    async def _chosen(
        self, classes: Sequence[ClassDef]
    ) -> tuple[tuple[ClassDef, list[PropertyValue]] | None, list[str]]:
        """The class with the values that it requires, and why no other one."""
        why_not: list[str] = []
        for kind in [*classes, *[one for number in PLAIN for one in await self._plain(number)]]:
            values, lacking = self._filled(kind)
            if not lacking:
                return (kind, values), why_not
            names = ", ".join(f'"{name}"' for name in lacking)
            why_not.append(f'class "{kind.name}" requires {names}')
        return None, why_not

    async def _plain(self, number: int) -> list[ClassDef]:
        try:
            return [await self.structure.class_(number, DOCUMENT)]
        except ConfigurationFault:
            return []

    def _filled(self, kind: ClassDef) -> tuple[list[PropertyValue], list[str]]:
        """Values for what the class requires, and the names of what it requires and cannot have here."""
        values, lacking = [], []
        if not kind.has_automatic_name:
            title = f"{_TEXT} ({self.clock.now():%Y-%m-%d %H:%M})"
            values.append(PropertyValue(kind.name_property, DataType.TEXT, title))
        for number in sorted(kind.required - {kind.name_property, self.key.id}):
            if number <= LAST_BUILT_IN:
                continue  # M-Files fills its own
            try:
                definition = self.structure.property(number)
            except ConfigurationFault:
                lacking.append(self.structure.name_of(number))
                continue
            value = self._value_for(definition)
            if value is not None:
                values.append(value)
            elif not definition.is_automatic:
                lacking.append(definition.name)
        return values, lacking

    def _value_for(self, definition: PropertyDef) -> PropertyValue | None:
        """A value that means nothing; None for a choice, which always means something."""
        now = self.clock.now()
        means_nothing: dict[int, str | bool | int | float] = {
            DataType.TEXT: _TEXT,
            DataType.MULTI_LINE_TEXT: _TEXT,
            DataType.INTEGER: 0,
            DataType.FLOATING: 0.0,
            DataType.BOOLEAN: False,
            DataType.DATE: f"{now:%Y-%m-%d}",
            DataType.TIME: f"{now:%H:%M:%S}",
            DataType.TIMESTAMP: f"{now:%Y-%m-%dT%H:%M:%SZ}",
        }
        if definition.is_automatic or definition.data_type not in means_nothing:
            return None
        data_type = DataType(definition.data_type)
        return PropertyValue(definition.id, data_type, means_nothing[data_type])

    async def _tried(self, kind: ClassDef, values: Sequence[PropertyValue], of: str) -> Finding:
        key = PropertyValue(self.key.id, DataType.TEXT, self._value)
        self._object_type, self._is_unclear = kind.object_type, True
        try:
            self._made = await self.vault.create(
                NewObject(kind.id, (*values, key), kind.object_type), [], _at_once
            )
            self._is_unclear = False
            if not self._made.visible:
                return failed(
                    FILING_KEY,
                    f"the account does not see the document {of} that it has just written",
                    "Let the account of mfiles-username see what it creates: look at the permissions of that "
                    "class and of new documents in M-Files Admin.",
                )
            waited = await self._found_after(self._made)
        except Permanent as fault:
            self._is_unclear = False
            return failed(FILING_KEY, f"no document {of} can be written: {fault.reason}", fault.remedy)
        except Transient as fault:
            return failed(FILING_KEY, f"writing a document {of} ended so: {fault}", "Run the doctor again.")
        if waited == 0:
            return ok(
                FILING_KEY,
                f'property "{self.key.name}" is of data type Text; a document {of} was found by it at once',
            )
        when = "not found" if waited is None else f"found only {waited:g} s later"
        return failed(
            FILING_KEY,
            f'a document {of} was written and then {when} by property "{self.key.name}"'
            + (f" within {sum(WAITS):.0f} s" if waited is None else "")
            + ": after an outage a mail could be filed twice",
            "Searches by property must see what was written before. Look in M-Files Admin whether the search "
            "of the vault is in order (Advanced Vault Settings > Search, rebuild the index), whether several "
            "servers serve the vault, and ask M-Files' support how to have searches by property answered by "
            f"the database. Then: {ASK}",
        )

    async def _owned(self, made: VaultObject) -> list[Finding]:
        """A finding where the vault does not tell that the document is the account's own."""
        try:
            if await self.vault.is_own(made):
                return []
            why = "the vault does not tell that the account has created it"
        except VaultpostError as fault:
            why = str(fault)
        return [
            warning(
                FILING_KEY,
                f"the app cannot see that this document is its own, so it would leave a twin of one: {why}",
                "Let the account of mfiles-username see the property Created by of what it creates.",
            )
        ]

    async def _found_after(self, made: VaultObject) -> float | None:
        """The seconds until a search finds it; None: it does not."""
        waited = 0.0
        for wait in (0.0, *WAITS):
            await asyncio.sleep(wait)
            waited += wait
            found = await self.vault.find(self.key.id, self._value, made.type)
            if any(one.id == made.id for one in found):
                return waited
        return None

    async def _cleaned(self) -> list[Finding]:
        """Mark deleted what was written, or may have been: a finding where that cannot be done."""
        try:
            made = [self._made] if self._made is not None else await self._searched()
            for one in made:
                await self.vault.mark_deleted(one)
        except VaultpostError as fault:
            return [self._left_behind(str(fault))]
        if self._is_unclear and not made:
            return [self._left_behind("its creation was not answered, and it is not found yet")]
        return []

    async def _searched(self) -> list[VaultObject]:
        """What is found of it; for a while, where its creation may end late."""
        for wait in (0.0, *WAITS) if self._is_unclear else (0.0,):
            await asyncio.sleep(wait)
            found = await self.vault.find(self.key.id, self._value, self._object_type)
            if made := [one for one in found if not one.deleted]:
                return made
        return []

    def _left_behind(self, why: str) -> Finding:
        """Also in the log: the doctor may have run out of time, and then nobody gets its findings."""
        Events("doctor").warning("trial-document-left-behind", key=self._value, why=why)
        which = f"document {self._made.id}" if self._made is not None else "a document, if there is one"
        return warning(
            FILING_KEY,
            f'{which} with "{self._value}" in property "{self.key.name}" was left behind: {why}',
            f'Delete it in M-Files: its name begins with "{_TEXT}". Let the account delete what it '
            "has created: the app deletes the twin of a document so.",
        )


def _not_written(why_not: Sequence[str]) -> Finding:
    return not_run(
        FILING_KEY,
        f"no document could be written to see whether it is found at once: {'; '.join(why_not)}, which the "
        "doctor cannot choose",
        "Let the account use M-Files' own class Other document, or file one mail, and run the doctor again.",
    )


async def _at_once() -> None:
    """Nothing is to be done before the create."""
