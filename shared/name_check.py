"""Whether the vault has what the configuration names: told before a mail meets it (design, section 6)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from shared.breaker import BreakerKey
from shared.breaker_table import Breakers
from shared.clock import Clock
from shared.configuration import Document, Fixed, Source
from shared.configuration import PropertyValue as Configured
from shared.errors import ConfigurationFault, Transient
from shared.log import Events
from shared.seldom import Seldom
from shared.vault.protocol import DOCUMENT, Choice, DataType, PropertyDef, Structure, Vault
from shared.vault.typed_values import NoFit

EVERY = 3600.0
"""Seconds until the names are looked up again."""
_AFTER_A_FAULT = 900.0
_VAULT = BreakerKey("service", "vault")
_LOOKUPS = (DataType.LOOKUP, DataType.MULTI_SELECT_LOOKUP)


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
    return [fault async for fault in looked_up(source, structure) if fault is not None]


async def looked_up(source: Source, structure: Structure) -> AsyncIterator[ConfigurationFault | None]:
    """The fault, or none, of each name of a source. Raises Unavailable."""
    for place, document in documents(source):
        for look in _lookups(document, structure):
            try:
                await look()
            except ConfigurationFault as fault:
                yield ConfigurationFault(f"{place}: {fault.reason}", fault.remedy)
            else:
                yield None


def documents(source: Source) -> Iterator[tuple[str, Document]]:
    """How mail of a source is filed: its own document, and that of each rule, with the place it stands in."""
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

    async def relation() -> object:
        return structure.property(document.attachment.relation)

    async def class_of_attachments() -> object:
        named = document.attachment.class_
        return None if named is None else await structure.class_(named, DOCUMENT)

    for reference in (document.class_, *document.additional_classes):
        yield partial(of_its_type, reference)
    yield workflow
    settings = list(document.properties.items())
    if document.content == "linked-attachments":
        yield from (class_of_attachments, relation)
        settings += document.attachment.properties.items()
    for named, setting in settings:
        yield partial(_property, named, setting, structure)


async def _property(reference: str | int, setting: Fixed | Configured, structure: Structure) -> None:
    """Look up the property, and what is fixed of its value: whatever no mail has a part in."""
    definition = structure.property(reference)
    configured = setting if isinstance(setting, Configured) else Configured(setting)
    if configured.match is not None:
        structure.property(configured.match)
    if definition.data_type not in _LOOKUPS:
        return
    try:
        await _items(definition, configured, structure)
    except NoFit as error:
        if not configured.optional:
            raise ConfigurationFault(
                f'property "{reference}": {error}.',
                "Correct the value in mail-sources.toml, or add it to the vault.",
            ) from None


async def _items(definition: PropertyDef, configured: Configured, structure: Structure) -> None:
    """Raises NoFit."""
    owner = None
    if configured.owner is not None:
        if "{" in configured.owner:
            return
        owner = await structure.owner(definition, configured.owner)
    text = str(configured.value)
    if configured.add_missing or "{" in text:
        return
    choice = Choice(configured.by, match=configured.match, owner=owner)
    texts = text.split(";") if definition.data_type == DataType.MULTI_SELECT_LOOKUP else [text]
    for one in texts:
        if one.strip():
            await structure.choose(definition, one.strip(), choice)
