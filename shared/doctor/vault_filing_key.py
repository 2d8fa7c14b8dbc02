"""Whether the filing key does its work: it is there, of the right type, on each class, and found at once."""

from __future__ import annotations

from collections.abc import Sequence

from shared.configuration import Configuration
from shared.doctor.finding import Finding, failed, ok
from shared.doctor.trial_document import ASK, FILING_KEY, Trial
from shared.doctor.vault_parts import VaultParts
from shared.errors import ConfigurationFault, Transient, VaultpostError
from shared.name_check import documents
from shared.vault.protocol import DOCUMENT, ClassDef, DataType, PropertyDef, Structure

_OF_NO_MAIL = "0" * 32
"""A key that finds nothing."""


async def check_filing_key(parts: VaultParts, *, write: bool) -> Sequence[Finding]:
    """Look at the property, the classes, and a search: after a write, if that is asked or needed."""
    configuration = parts.configuration()
    try:
        structure = await parts.vault().structure(fresh=True)
        key = structure.property(configuration.vault.filing_key)
        wrong = _wrong(key)
        if wrong is not None:
            return [wrong]
        classes = await _classes(configuration, structure)
        lacking = [_lacking(key, one) for one in classes if key.id not in one.properties]
        why_not = None if write else await _why_not_to_write(parts, configuration)
        if why_not is None:
            trial = Trial(parts.vault(), structure, key, parts.clock)
            return [*lacking, *await trial.findings(classes)]
        await parts.vault().find(key.id, _OF_NO_MAIL)
    except ConfigurationFault as fault:
        return [failed(FILING_KEY, fault.reason, fault.remedy)]
    except Transient as fault:
        return [failed(FILING_KEY, f"the vault cannot be asked: {fault}", "Run the doctor again.")]
    on = "" if lacking else f", on each class used ({len(classes)})"
    said = f'property "{key.name}" is of data type Text{on}, and can be searched by'
    why = f"no document was written to see whether it is found at once, as {why_not}"
    return [*lacking, ok(FILING_KEY, f"{said}; {why}. To do that: {ASK}")]


def _wrong(key: PropertyDef) -> Finding | None:
    if key.data_type != DataType.TEXT:
        return failed(
            FILING_KEY,
            f'property "{key.name}" (vault.filing-key) is not of data type Text, but of type {key.data_type} '
            "(MFDataType): no key is found by it",
            "Make a property of data type Text in M-Files Admin > Metadata Structure > Property Definitions, "
            "and name it in vault.filing-key: the data type of one that is there cannot be changed.",
        )
    if key.is_automatic:
        return failed(
            FILING_KEY,
            f'the vault makes the values of property "{key.name}" (vault.filing-key) itself',
            "Set Automatic Values of that property to none in M-Files Admin > Metadata Structure > Property "
            "Definitions, or name another one in vault.filing-key.",
        )
    return None


async def _classes(configuration: Configuration, structure: Structure) -> list[ClassDef]:
    """The classes of all documents, the first source's first; what the vault has not, `names` tells."""
    found: dict[int, ClassDef] = {}
    for source in configuration.source:
        for _, document in documents(source):
            named = [(document.class_, document.object_type)]
            if document.content == "linked-attachments" and document.attachment.class_ is not None:
                named.append((document.attachment.class_, DOCUMENT))
            for reference, object_type in named:
                try:
                    kind = structure.object_type(object_type)
                    one = await structure.class_(reference, kind.id)
                except ConfigurationFault:
                    continue
                found.setdefault(one.id, one)
    return list(found.values())


def _lacking(key: PropertyDef, kind: ClassDef) -> Finding:
    """A failure, though M-Files lets an object have properties that its class has not: it does not last."""
    return failed(
        FILING_KEY,
        f'class "{kind.name}" does not have property "{key.name}": documents get it all the same, but users '
        "may take it off, and then a mail can be filed twice",
        f"Add it in M-Files Admin > Metadata Structure > Classes > {kind.name} > Properties, not required.",
        subject=kind.name,
    )


async def _why_not_to_write(parts: VaultParts, configuration: Configuration) -> str | None:
    """Why no document is written unasked; None as long as mail is to be filed, and none ever was.

    Filed documents prove the same.
    """
    if all(source.mode == "observe" for source in configuration.source):
        return "every source only observes"
    try:
        return "the app has filed mail before" if await parts.has_filed() else None
    except VaultpostError:
        return "the journal cannot be read"  # the check of storage tells
