"""Whether the vault has what the configuration names: told before a mail meets it (design, section 6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field

from shared.breaker import BreakerKey
from shared.breaker_table import Breakers
from shared.clock import Clock
from shared.configuration import Document, Source
from shared.errors import ConfigurationFault, Transient
from shared.log import Events
from shared.seldom import Seldom
from shared.vault.protocol import DOCUMENT, Structure, Vault

EVERY = 3600.0
"""Seconds until the names are looked up again."""
_AFTER_A_FAULT = 900.0
_VAULT = BreakerKey("service", "vault")


@dataclass
class NameCheck:
    """Looks the names up, of every rule, and tells what is missing. It holds nothing: no mail may need it."""

    sources: Mapping[str, Source]
    filing_key: str | int
    vault: Vault
    breakers: Breakers
    clock: Clock
    _seldom: Seldom = field(init=False)

    def __post_init__(self) -> None:
        self._seldom = Seldom(self.clock, EVERY, _AFTER_A_FAULT, _AFTER_A_FAULT)

    async def run(self) -> None:
        """Do it, but seldom. A vault that does not answer is left alone: the next time is soon enough."""
        try:
            await self._seldom.do("names", self._check)
        except Transient as fault:
            Events("names").info("names-not-looked-up", why=str(fault))
        except ConfigurationFault as fault:
            Events("names").failure("configuration-does-not-fit", why=str(fault))

    async def _check(self) -> None:
        breaker = (await self.breakers.all()).get(_VAULT)
        if breaker is not None and breaker.state != "closed":
            return
        structure = await self.vault.structure()
        structure.property(self.filing_key)
        for source in self.sources.values():
            for fault in await missing_names(source, structure):
                Events("names", source=source.name).failure("configuration-does-not-fit", why=str(fault))


async def missing_names(source: Source, structure: Structure) -> list[ConfigurationFault]:
    """What a source names, in its document or in that of a rule, that the vault does not have.

    Raises Unavailable.
    """
    faults = []
    for place, document in _documents(source):
        for look in _lookups(document, structure):
            try:
                await look()
            except ConfigurationFault as fault:
                faults.append(ConfigurationFault(f"{place}: {fault.reason}", fault.remedy))
    return faults


def _documents(source: Source) -> Iterator[tuple[str, Document]]:
    yield f'source "{source.name}"', source.document
    for rule in source.rule:
        if rule.document is not None and not rule.skip:
            yield f'source "{source.name}", rule "{rule.name}"', rule.document


def _lookups(document: Document, structure: Structure) -> Iterator[Callable[[], Awaitable[object]]]:
    """One look-up for each name, so that each that is missing is told."""

    async def of_its_type(reference: str | int) -> object:
        kind = structure.object_type(document.object_type)
        return await structure.class_(reference, kind.id)

    async def workflow() -> object:
        if document.workflow is None:
            return None
        found = await structure.workflow(document.workflow)
        return None if document.state is None else await structure.state(found.id, document.state)

    async def property_(reference: str | int) -> object:
        return structure.property(reference)

    for reference in (document.class_, *document.additional_classes):
        yield lambda reference=reference: of_its_type(reference)  # type: ignore[misc]
    yield workflow
    attachment = document.attachment
    is_linked = document.content == "linked-attachments"
    if is_linked and attachment.class_ is not None:
        class_ = attachment.class_
        yield lambda: structure.class_(class_, DOCUMENT)
    linked = (attachment.relation, *attachment.properties) if is_linked else ()
    for named in (*document.properties, *linked):
        yield lambda named=named: property_(named)  # type: ignore[misc]
