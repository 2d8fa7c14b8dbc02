"""Deciding what is filed from a mail, from its manifest, the configuration and the vault's structure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from shared.attachment_choice import is_picture, passed_over
from shared.configuration import Document, Source
from shared.configuration import PropertyValue as Configured
from shared.errors import ConfigurationFault, MailFault
from shared.file_plan import AttachmentFacts, NamedFile, named_files, warnings_of
from shared.identities import linked_key
from shared.mail import vocabulary
from shared.mail_content import Content, Format
from shared.manifest import Manifest
from shared.plan import LinkedDocument, Plan, PlannedFile, versioned
from shared.property_values import PropertyMaker
from shared.rendering import EXTENSIONS, rendered_bytes, rendered_path
from shared.rules import Way, names_used, way_of
from shared.skip import BY_RULE, Skip
from shared.template_environment import TIME_ZONE
from shared.templates import BODY, compiled_of_attachment
from shared.vault.protocol import (
    ADDITIONAL_CLASSES,
    COMMENT,
    DOCUMENT,
    STATE,
    WORKFLOW,
    ClassDef,
    DataType,
    NewObject,
    ObjectTypeDef,
    PropertyDef,
    PropertyValue,
    Structure,
)
from shared.vault.typed_values import typed

WITHOUT_ATTACHMENTS = "without-attachments"
"""The rule by which a mail is skipped whose source files attachments only."""
AS_IT_IS = "the message is signed, encrypted or TNEF: it is filed as it is"
NO_TEXT = "the message has no text of its own, or is encrypted: it is filed as it is"


@dataclass(frozen=True)
class Planner:
    """Plans mail for a vault whose filing keys stand in property `filing_key`."""

    filing_key: str | int
    time_zone: str = "UTC"

    async def plan(
        self, manifest: Manifest, source: Source, structure: Structure, content: Content
    ) -> Plan | Skip:
        """Decide what is filed from the mail of `manifest`.

        Raises ConfigurationFault, MailFault, Missing, Unavailable.
        """
        values: dict[str, Any] = vocabulary(
            manifest.mail,
            manifest.attachment_names,
            source.name,
            source.mailbox,
            size=manifest.files[0].size,
        )
        values[TIME_ZONE] = self.time_zone
        if BODY in names_used(source):
            values[BODY] = await content.text()
        way = way_of(source, values)
        if way.skip:
            return Skip(way.rule, BY_RULE)
        if BODY not in values and BODY in _names_in(way.document):
            values[BODY] = await content.text()
        key = _key_property(structure, self.filing_key)
        maker = partial(PropertyMaker, source.name, structure=structure, zone=ZoneInfo(self.time_zone))
        planning = _Planning(manifest, source.name, way, key, structure, content, values, maker)
        try:
            return await planning.plan()
        except MailFault as fault:
            fault.rule = way.rule
            raise


class _Planning:
    """Plans one mail."""

    def __init__(
        self,
        manifest: Manifest,
        source: str,
        way: Way,
        key: PropertyDef,
        structure: Structure,
        content: Content,
        values: Mapping[str, Any],
        maker: Callable[..., PropertyMaker],
    ) -> None:
        self._maker = maker
        self._manifest = manifest
        self._source = source
        self._rule = way.rule
        self._document = way.document
        self._attachments = way.attachments
        self._key = key
        self._structure = structure
        self._content = content
        self._values = values
        self._warnings = warnings_of(manifest)

    @property
    def _place(self) -> str:
        return f'rule "{self._rule}".document' if self._rule else "document"

    async def plan(self) -> Plan | Skip:
        document = self._document
        maker = self._maker(place=self._place, values=self._values)
        title = maker.title(document.title)
        form = await self._form()
        message, *attached = named_files(self._manifest, title, "eml" if form is None else EXTENSIONS[form])
        chosen = await self._chosen(attached)
        left_out = bool(self._manifest.left_out)  # what Graph could not give is within the message alone
        is_bare = document.content == "attachments" and not chosen and not left_out
        if is_bare and document.without_attachments == "skip":
            return Skip(WITHOUT_ATTACHMENTS, "It has no attachments that would be filed.")
        new = await self._main(maker, title)
        with_message = document.content != "attachments" or not chosen or left_out
        files = [await self._message(message, form)] if with_message else []
        if document.content in ("message-and-attachments", "attachments"):
            files += [one.planned for one in chosen]
        linked = chosen if document.content == "linked-attachments" else []
        return versioned(
            Plan(
                key_property=self._key.id,
                document=new,
                files=tuple(files),
                linked=tuple([await self._linked(one) for one in linked]),
                warnings=tuple(self._warnings + maker.warnings),
                rule=self._rule,
            )
        )

    async def _main(self, maker: PropertyMaker, title: str) -> NewObject:
        """The document of the mail itself."""
        document = self._document
        kind = self._object_type()
        class_ = await self._structure.class_(document.class_, kind.id)
        references = document.additional_classes
        others = [await self._structure.class_(one, kind.id) for one in references]
        added = {one.id: one for one in others if one.id != class_.id}
        more = await self._workflow()
        if added:
            more.insert(0, PropertyValue(ADDITIONAL_CLASSES, DataType.MULTI_SELECT_LOOKUP, tuple(added)))
        if comment := maker.text("version-comment", document.version_comment).strip():
            kept = typed(comment, DataType.MULTI_LINE_TEXT)
            more.append(PropertyValue(COMMENT, DataType.MULTI_LINE_TEXT, kept))
        key = self._manifest.key
        return await self._new(maker, (class_, *added.values()), title, document.properties, key, more)

    def _object_type(self) -> ObjectTypeDef:
        """What the document of the mail is. Raises ConfigurationFault where such objects have no files."""
        kind = self._structure.object_type(self._document.object_type)
        if not kind.can_have_files:
            raise ConfigurationFault(
                f'source "{self._source}", {self._place}.object-type: objects of type "{kind.name}" '
                "have no files, and what is filed from a mail is files.",
                "Name an object type whose objects can have files, such as 0 (Document).",
            )
        return kind

    async def _workflow(self) -> list[PropertyValue]:
        """The workflow, and the state that the document begins in."""
        document = self._document
        if document.workflow is None:
            return []
        workflow = (await self._structure.workflow(document.workflow)).id
        made = [PropertyValue(WORKFLOW, DataType.LOOKUP, workflow)]
        if document.state is not None:
            state = (await self._structure.state(workflow, document.state)).id
            made.append(PropertyValue(STATE, DataType.LOOKUP, state))
        return made

    async def _new(
        self,
        maker: PropertyMaker,
        classes: Sequence[ClassDef],
        title: str,
        properties: Mapping[str, Any],
        filing_key: str,
        more: Sequence[PropertyValue] = (),
        also_filled: int | None = None,
    ) -> NewObject:
        """An object with its title, its key, `more`, and what is configured for it.

        The first of its classes is the main one; the title is that of the others, too.
        """
        names = dict.fromkeys(one.name_property for one in classes if not one.has_automatic_name)
        filled = {classes[0].name_property, *names, self._key.id, *(one.id for one in more)}
        if also_filled is not None:
            filled.add(also_filled)
        made = [PropertyValue(number, DataType.TEXT, title) for number in names]
        made += [PropertyValue(self._key.id, DataType.TEXT, filing_key), *more]
        configured = await maker.properties(properties, classes, filled)
        made += configured
        made += await maker.of_mail(classes, filled | {one.id for one in configured})
        return NewObject(classes[0].id, tuple(made), classes[0].object_type)

    async def _form(self) -> Format | None:
        """As what the message is filed; None: as it is. What is signed or wrapped stays whole."""
        form, mail = self._document.message_format, self._manifest.mail
        if form == "eml":
            return None
        if mail.signed or mail.encrypted or mail.tnef:
            self._warnings.append(AS_IT_IS)
            return None
        if await self._content.rendered(form) is None:
            self._warnings.append(NO_TEXT)
            return None
        return form

    async def _chosen(self, attached: Sequence[NamedFile]) -> list[NamedFile]:
        """The attachments that are filed beside the message; the journal says of the others why not."""
        settings = self._attachments
        looks = settings.inline == "skip" and any(is_picture(one.file) for one in attached)
        shown = await self._content.shown_pictures() if looks else frozenset[str]()
        chosen = []
        for one in attached:
            why = passed_over(one.file, f"{one.title}.{one.extension}", settings, shown)
            if why:
                self._warnings.append(f"attachment {one.file.number} is not filed: {why}")
            else:
                chosen.append(one)
        return chosen

    async def _message(self, message: NamedFile, form: Format | None) -> PlannedFile:
        if form is None:
            return message.planned
        made = await self._content.rendered(form)
        self._warnings.extend(made.warnings if made is not None else ())
        path = rendered_path(form)
        body = await rendered_bytes(self._content, path)
        digest = hashlib.sha256(body).hexdigest()
        return PlannedFile(path, message.title, message.extension, size=len(body), sha256=digest)

    async def _linked(self, attached: NamedFile) -> LinkedDocument:
        """The document of one attachment, which names that of the mail."""
        settings, number = self._document.attachment, attached.file.number
        kind = self._object_type()
        relation = self._relation(kind)
        values = {**self._values, "attachment": AttachmentFacts.of(attached)}
        maker = self._maker(place=f"{self._place}.attachment", values=values, number=number)
        title = maker.title(settings.title)
        class_ = await self._structure.class_(self._class_of_attachments(kind))
        own_key = linked_key(self._manifest.key, number)
        properties = settings.properties
        new = await self._new(maker, (class_,), title, properties, own_key, also_filled=relation.id)
        self._warnings.extend(maker.warnings)
        return LinkedDocument(
            number, own_key, relation.id, DataType(relation.data_type), new, (attached.planned,)
        )

    def _class_of_attachments(self, kind: ObjectTypeDef) -> str | int:
        """The class of their documents, where the mail's is of type `kind`. Raises ConfigurationFault."""
        document = self._document
        if document.attachment.class_ is not None:
            return document.attachment.class_
        if kind.id != DOCUMENT:
            raise ConfigurationFault(
                f'source "{self._source}", {self._place}.attachment.class is missing: attachments are filed '
                f'as documents, and the class of the mail is one of object type "{kind.name}".',
                "Name a class of object type Document there.",
            )
        return document.class_

    def _relation(self, kind: ObjectTypeDef) -> PropertyDef:
        """The property of an attachment's document that names the mail's, which is of type `kind`.

        An id means another object in another list. Raises ConfigurationFault.
        """
        reference = self._document.attachment.relation
        relation = self._structure.property(reference)
        is_lookup = relation.data_type in (DataType.LOOKUP, DataType.MULTI_SELECT_LOOKUP)
        if not is_lookup or relation.object_type != kind.id:
            raise ConfigurationFault(
                f'source "{self._source}", {self._place}.attachment.relation: property "{reference}" '
                f'is no choice of objects of type "{kind.name}".',
                "Name a property that is, such as 76 (Reference) for documents.",
            )
        return relation


def _names_in(document: Document) -> frozenset[str]:
    """The names that the templates of a document use."""
    settings = [*document.properties.values(), *document.attachment.properties.values()]
    values = [one.value if isinstance(one, Configured) else one for one in settings]
    owners = [one.owner for one in settings if isinstance(one, Configured)]
    texts = [document.title, document.version_comment, document.attachment.title, *values, *owners]
    used = [compiled_of_attachment(text).names for text in texts if isinstance(text, str)]
    return frozenset().union(*used)


def _key_property(structure: Structure, reference: str | int) -> PropertyDef:
    key = structure.property(reference)
    if key.data_type != DataType.TEXT:
        raise ConfigurationFault(
            f'vault.filing-key: property "{reference}" is not of data type Text.',
            "Name a property of data type Text that every class used has.",
        )
    return key
