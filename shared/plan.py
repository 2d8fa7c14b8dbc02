"""What is filed from a mail: decided once, from manifest and configuration, and kept (design, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.configuration import Document, Fixed, Source
from shared.configuration import PropertyValue as Configured
from shared.errors import ConfigurationFault, MailFault, Permanent
from shared.file_names import Called, vault_names
from shared.mail import vocabulary
from shared.manifest import EMPTY, ITEM, NO_ADDRESS, PLACEHOLDER, REFERENCE, Manifest, StagedFile
from shared.templates import TemplateFault, compiled
from shared.vault.protocol import ClassDef, DataType, NewObject, PropertyDef, PropertyValue, Structure
from shared.vault.typed_values import NoFit, cut, one_line, typed

VERSION = 1
NO_SUBJECT = "(no subject)"
_LAST_BUILT_IN = 1000
"""Properties up to this id are M-Files' own: the vault fills them, or we do."""
_ITEM_EXTENSIONS = {"text/calendar": "ics", "text/vcard": "vcf"}
_NOTES = {
    EMPTY: "is empty",
    PLACEHOLDER: "is a placeholder: its content did not come in time",
    NO_ADDRESS: "is a link, and Graph does not say where to: it leads to the mail",
}


class PlannedFile(msgspec.Struct, frozen=True):
    """A staged file by its path, with what the vault calls it."""

    path: str
    title: str
    extension: str
    size: int


class Plan(msgspec.Struct, frozen=True):
    """What is filed from a mail."""

    key_property: int
    document: NewObject
    files: tuple[PlannedFile, ...]
    warnings: tuple[str, ...] = ()
    v: int = VERSION


async def make_plan(manifest: Manifest, source: Source, filing_key: str | int, structure: Structure) -> Plan:
    """Decide what is filed from the mail of `manifest`.

    Raises ConfigurationFault, MailFault, Unavailable.
    """
    maker = _Maker(manifest, source, structure)
    key = _key_property(structure, filing_key)
    kind = await structure.class_(source.document.class_)
    title = maker.title(source.document.title)
    properties = [
        PropertyValue(kind.name_property, DataType.TEXT, title),
        PropertyValue(key.id, DataType.TEXT, manifest.key),
        *await maker.properties(source.document, kind, filled={kind.name_property, key.id}),
    ]
    return Plan(
        key_property=key.id,
        document=NewObject(kind.id, tuple(properties)),
        files=_files(manifest, title),
        warnings=tuple(maker.warnings),
    )


def _key_property(structure: Structure, reference: str | int) -> PropertyDef:
    key = structure.property(reference)
    if key.data_type != DataType.TEXT:
        raise ConfigurationFault(
            f'vault.filing-key: property "{reference}" is not of data type Text.',
            "Name a property of data type Text that every class used has.",
        )
    return key


def _files(manifest: Manifest, title: str) -> tuple[PlannedFile, ...]:
    names = vault_names([_called(file, title) for file in manifest.files])
    return tuple(
        PlannedFile(file.path, *name, size=file.size)
        for file, name in zip(manifest.files, names, strict=True)
    )


def _called(file: StagedFile, title: str) -> Called:
    if file.kind == "message":
        return Called(title, extension="eml")
    if file.attached_as == ITEM:
        # It is called by its subject.
        return Called(file.name, extension=_ITEM_EXTENSIONS.get(file.type, "eml"))
    if file.attached_as == REFERENCE:
        return Called(file.name, extension="url")
    return Called(file.name, file.type)


def _warnings(manifest: Manifest) -> list[str]:
    left_out = [
        f"attachment {left.number} ({left.kind}) is within the message only" for left in manifest.left_out
    ]
    # A note of a later version is none that this one knows.
    noted = [(file.number, _NOTES.get(file.note)) for file in manifest.files]
    return left_out + [f"attachment {number} {note}" for number, note in noted if note is not None]


class _Maker:
    """Works out the templates of one source for one mail, and notes what it had to change."""

    def __init__(self, manifest: Manifest, source: Source, structure: Structure) -> None:
        self._source = source
        self._structure = structure
        self._values: Mapping[str, Any] = vocabulary(
            manifest.mail, manifest.attachment_names, source.name, source.mailbox
        )
        self.warnings = _warnings(manifest)

    def text(self, place: str, template: str) -> str:
        try:
            return compiled(template).render(self._values)
        except TemplateFault as fault:
            raise MailFault(
                f'source "{self._source.name}", {place}: {fault}',
                "Correct the template, then replay the mail.",
            ) from None

    def title(self, template: str) -> str:
        text = self.text("document.title", template)
        title = cut(text)
        if title != one_line(text):
            self.warnings.append("the title was cut to what a Text property holds")
        return title or NO_SUBJECT

    async def properties(self, document: Document, kind: ClassDef, filled: set[int]) -> list[PropertyValue]:
        made = []
        configured = set(filled)
        for reference, setting in document.properties.items():
            definition = self._definition(reference, configured)
            configured.add(definition.id)
            value = await self._property(reference, setting, definition)
            if value is not None:
                made.append(value)
            elif definition.id in kind.required:
                raise MailFault(
                    f'This mail has no value for "{reference}", which class "{kind.name}" requires.',
                    f'Give "{reference}" a default in mail-sources.toml, then replay the mail.',
                )
        missing = {number for number in kind.required - configured if number > _LAST_BUILT_IN}
        if missing:
            raise ConfigurationFault(
                f'source "{self._source.name}": class "{kind.name}" requires properties {sorted(missing)}, '
                "which have no value.",
                "Add them to document.properties in mail-sources.toml.",
            )
        return made

    def _definition(self, reference: str, configured: set[int]) -> PropertyDef:
        definition = self._structure.property(reference)
        if definition.id in configured:
            raise ConfigurationFault(
                f'source "{self._source.name}", property "{reference}": has a value already '
                "(the title, the filing key, or another line of document.properties).",
                "Take one of them out of mail-sources.toml.",
            )
        if definition.data_type not in set(DataType):
            raise ConfigurationFault(
                f'source "{self._source.name}", property "{reference}": properties of data type '
                f"{definition.data_type} cannot be filled in this version.",
                "Take it out of mail-sources.toml.",
            )
        return definition

    async def _property(
        self, reference: str, setting: Fixed | Configured, definition: PropertyDef
    ) -> PropertyValue | None:
        value = setting.value if isinstance(setting, Configured) else setting
        optional = isinstance(setting, Configured) and setting.optional
        if isinstance(value, str):
            value = self.text(f'property "{reference}"', value)
            separators = ";" if definition.data_type == DataType.MULTI_SELECT_LOOKUP else ""
            if not one_line(value).strip(f" {separators}"):
                return None
        try:
            return await self._fitted(reference, value, definition)
        except NoFit as error:
            if not optional:
                raise self._misfit(reference, setting, error) from None
            self.warnings.append(f'property "{reference}" is left out: {error}')
            return None

    def _misfit(self, reference: str, setting: Fixed | Configured, error: NoFit) -> Permanent:
        """A value that no mail has a part in fits no mail: that is no fault of this one."""
        value = setting.value if isinstance(setting, Configured) else setting
        of_mail = isinstance(value, str) and "{" in value
        reason = f'source "{self._source.name}", property "{reference}": {error}.'
        mend = "Correct the value in mail-sources.toml, or make it optional"
        return (
            MailFault(reason, f"{mend}, then replay the mail.")
            if of_mail
            else ConfigurationFault(reason, f"{mend}.")
        )

    async def _fitted(self, reference: str, value: Fixed, definition: PropertyDef) -> PropertyValue:
        fitting = typed(value, definition.data_type)
        data_type = DataType(definition.data_type)
        if data_type is DataType.LOOKUP:
            return PropertyValue(definition.id, data_type, await self._item(definition, str(fitting)))
        if data_type is DataType.MULTI_SELECT_LOOKUP:
            names = [name.strip() for name in str(fitting).split(";") if name.strip()]
            items = [await self._item(definition, name) for name in names]
            return PropertyValue(definition.id, data_type, tuple(dict.fromkeys(items)))
        if data_type is DataType.TEXT and fitting != one_line(str(value)) and isinstance(value, str):
            self.warnings.append(f'property "{reference}" was cut to what a Text property holds')
        return PropertyValue(definition.id, data_type, fitting)

    async def _item(self, definition: PropertyDef, text: str) -> int:
        item = (
            await self._structure.item(definition.value_list, text)
            if definition.value_list is not None
            else None
        )
        if item is None:
            raise NoFit("its value list has no item, or several, of that name")
        return item
