"""The properties of a document: what configuration and mail say, as values that the vault takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from shared.configuration import Fixed
from shared.configuration import PropertyValue as Configured
from shared.errors import ConfigurationFault, MailFault, Permanent
from shared.mail_properties import mail_properties
from shared.template_environment import TIME_ZONE
from shared.templates import (
    EXAMPLE_OF_ATTACHMENT,
    EXAMPLE_VOCABULARY,
    TemplateFault,
    compiled,
    compiled_of_attachment,
)
from shared.vault.protocol import (
    ADDITIONAL_CLASSES,
    ANY_WAY,
    CLASS,
    SINGLE_FILE,
    STATE,
    WORKFLOW,
    Choice,
    ClassDef,
    DataType,
    PropertyDef,
    PropertyValue,
    Structure,
)
from shared.vault.typed_values import NoFit, cut, one_line, typed

NO_SUBJECT = "(no subject)"
LAST_BUILT_IN = 1000
"""Properties up to this id are M-Files' own: the vault fills them, or we do."""
_INSTEAD = {
    SINGLE_FILE: "",
    ADDITIONAL_CLASSES: "additional-classes",
    WORKFLOW: "workflow",
    STATE: "state",
    CLASS: "class",
}
"""The keys that say what these properties say; the app itself fills the first."""
_LOOKUPS = (DataType.LOOKUP, DataType.MULTI_SELECT_LOOKUP)
_ALIKE_IN_ALL = frozenset(
    {
        "attachment_count",
        "date",
        "has_attachments",
        "mailbox",
        "received",
        "sent",
        "size",
        "source",
        TIME_ZONE,
    }
)
"""Names whose values are of one form in all mail: what is wrong with one is wrong with every one."""


@dataclass
class PropertyMaker:
    """Works out the templates of one document for one mail, and notes what it had to change.

    `place` is where they stand in mail-sources.toml, `values` what they are about.
    """

    source: str
    place: str
    structure: Structure
    values: Mapping[str, Any]
    zone: tzinfo = UTC
    number: int = 0
    """Of the attachment that the document is of; 0 for the document of the mail."""
    warnings: list[str] = field(default_factory=list)

    def text(self, key: str, template: str) -> str:
        """The text that a template gives. Raises MailFault where it cannot be worked out for this mail."""
        return self._text(key, template, self.values)

    def _text(self, key: str, template: str, values: Mapping[str, Any]) -> str:
        try:
            known = compiled_of_attachment if self.number else compiled
            return known(template).render(values)
        except TemplateFault as fault:
            raise MailFault(
                f'source "{self.source}", {self.place}.{key}: {fault}',
                "Correct the template, then replay the mail.",
            ) from None

    def title(self, template: str) -> str:
        """The title of the document, as a Text property holds it. Raises MailFault."""
        text = self.text("title", template)
        title = cut(text)
        if title != one_line(text):
            self._warn("the title was cut to what a Text property holds")
        return title or NO_SUBJECT

    async def properties(
        self, configured: Mapping[str, Fixed | Configured], classes: Sequence[ClassDef], filled: set[int]
    ) -> list[PropertyValue]:
        """The configured properties of an object of these classes; those in `filled` have a value already.

        Raises MailFault, ConfigurationFault, Unavailable.
        """
        made = []
        taken = set(filled)
        for reference, setting in configured.items():
            definition = self._definition(reference, taken)
            taken.add(definition.id)
            value = await self._property(reference, setting, definition)
            if value is not None:
                made.append(value)
            elif asking := [kind for kind in classes if definition.id in kind.required]:
                raise MailFault(
                    f'This mail has no value for "{reference}", which class "{asking[0].name}" requires.',
                    f'Give "{reference}" a default in mail-sources.toml, then replay the mail.',
                )
        for kind in classes:
            self._require(kind, taken)
        return made

    def _require(self, kind: ClassDef, taken: set[int]) -> None:
        """Raises ConfigurationFault where nothing fills what a class requires."""
        missing = {number for number in kind.required - taken if self._is_for_us(number)}
        if missing:
            names = ", ".join(f'"{self.structure.name_of(number)}"' for number in sorted(missing))
            raise ConfigurationFault(
                f'source "{self.source}": class "{kind.name}" requires {names}, without a value here.',
                f"Add them to {self.place}.properties in mail-sources.toml.",
            )

    async def of_mail(self, classes: Sequence[ClassDef], taken: set[int]) -> list[PropertyValue]:
        """M-Files' own properties of e-mail, where a class has them and nothing else fills them.

        None for the document of an attachment: an id is to name one document. Raises ConfigurationFault,
        Unavailable.
        """
        if self.number:
            return []
        theirs = frozenset().union(*(one.properties for one in classes)) - taken
        return await mail_properties(self.structure, self.values, theirs, self._warn)

    def _is_for_us(self, number: int) -> bool:
        """Whether a required property is to be filled here: M-Files fills its own, and automatic ones."""
        return number > LAST_BUILT_IN and not self._is_automatic(number)

    def _is_automatic(self, number: int) -> bool:
        try:
            return self.structure.property(number).is_automatic
        except ConfigurationFault:
            return False  # the class names a property that the account may not see: the vault will say so

    def _warn(self, text: str) -> None:
        self.warnings.append(f"attachment {self.number}: {text}" if self.number else text)

    def _definition(self, reference: str, taken: set[int]) -> PropertyDef:
        definition = self.structure.property(reference)
        if definition.id in _INSTEAD:
            raise ConfigurationFault(
                f'source "{self.source}", property "{reference}": cannot stand under '
                f"{self.place}.properties.",
                self._instead(_INSTEAD[definition.id]),
            )
        if definition.id in taken:
            raise ConfigurationFault(
                f'source "{self.source}", property "{reference}": has a value already '
                f"(the title, the filing key, or another line of {self.place}.properties).",
                "Take one of them out of mail-sources.toml.",
            )
        if definition.is_automatic:
            raise ConfigurationFault(
                f'source "{self.source}", property "{reference}": the vault makes its values itself.',
                "Take it out of mail-sources.toml.",
            )
        if definition.data_type not in set(DataType):
            raise ConfigurationFault(
                f'source "{self.source}", property "{reference}": properties of data type '
                f"{definition.data_type} cannot be filled in this version.",
                "Take it out of mail-sources.toml.",
            )
        return definition

    def _instead(self, key: str) -> str:
        """What to do about a property that the configuration has a key for, or the app fills itself."""
        if not key:
            return "Take it out of mail-sources.toml: the app fills it."
        if self.number and key != "class":
            return "Take it out of mail-sources.toml: documents of attachments have what their class says."
        return f"Write {self.place}.{key} in its place."

    async def _property(
        self, reference: str, setting: Fixed | Configured, definition: PropertyDef
    ) -> PropertyValue | None:
        value = setting.value if isinstance(setting, Configured) else setting
        optional = isinstance(setting, Configured) and setting.optional
        if isinstance(value, str):
            value = self.text(f'properties."{reference}"', value)
            separators = ";" if definition.data_type == DataType.MULTI_SELECT_LOOKUP else ""
            if not one_line(value).strip(f" {separators}"):
                return None
        try:
            choice = await self._choice(reference, setting, definition)
            return await self._fitted(reference, value, definition, choice)
        except NoFit as error:
            if not optional:
                raise self._misfit(reference, setting, definition, error) from None
            self._warn(f'property "{reference}" is left out: {error}')
            return None

    async def _choice(self, reference: str, setting: Fixed | Configured, definition: PropertyDef) -> Choice:
        """How an item is found for a lookup."""
        if not isinstance(setting, Configured):
            return ANY_WAY
        owner = None
        if setting.owner is not None:
            text = self.text(f'properties."{reference}".owner', setting.owner)
            owner = await self.structure.owner(definition, one_line(text))
        return Choice(setting.by, match=setting.match, owner=owner, add_missing=setting.add_missing)

    def _misfit(
        self, reference: str, setting: Fixed | Configured, definition: PropertyDef, error: NoFit
    ) -> Permanent:
        """A value that no mail has a part in, or that is of another type, fits no mail: not only this one."""
        texts = (setting.value, setting.owner) if isinstance(setting, Configured) else (setting,)
        of_mail = any(isinstance(text, str) and "{" in text for text in texts)
        if of_mail and definition.data_type not in _LOOKUPS and isinstance(texts[0], str):
            known = compiled_of_attachment(texts[0]).names
            # Over what a sender may write freely, one odd mail must not hold all the others.
            of_mail = not known <= _ALIKE_IN_ALL or self._fits_the_example(
                reference, texts[0], definition.data_type
            )
        reason = f'source "{self.source}", property "{reference}": {error}.'
        mend = "Correct the value in mail-sources.toml, or make it optional"
        return (
            MailFault(reason, f"{mend}, then replay the mail.")
            if of_mail
            else ConfigurationFault(reason, f"{mend}.")
        )

    def _fits_the_example(self, reference: str, template: str, data_type: int) -> bool:
        """Whether a mail that has everything has a value of that data type, or none."""
        example = EXAMPLE_OF_ATTACHMENT if self.number else EXAMPLE_VOCABULARY
        text = self._text(f'properties."{reference}"', template, example)
        try:
            return not one_line(text) or bool(str(typed(text, data_type, self.zone)))
        except NoFit:
            return False

    async def _fitted(
        self, reference: str, value: Fixed, definition: PropertyDef, choice: Choice
    ) -> PropertyValue:
        fitting = typed(value, definition.data_type, self.zone)
        data_type = DataType(definition.data_type)
        if data_type is DataType.LOOKUP:
            item = await self.structure.choose(definition, str(fitting), choice)
            return PropertyValue(definition.id, data_type, item)
        if data_type is DataType.MULTI_SELECT_LOOKUP:
            names = [name.strip() for name in str(fitting).split(";") if name.strip()]
            items = [await self.structure.choose(definition, name, choice) for name in names]
            return PropertyValue(definition.id, data_type, tuple(dict.fromkeys(items)))
        if data_type is DataType.TEXT and fitting != one_line(str(value)) and isinstance(value, str):
            self._warn(f'property "{reference}" was cut to what a Text property holds')
        return PropertyValue(definition.id, data_type, fitting)
