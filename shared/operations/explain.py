"""What would become of a mail, decided as filing decides it, and nothing touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import msgspec

from shared.configuration import After, OnFailure, Source
from shared.early_skips import skipped_for_its_time
from shared.errors import ConfigurationFault, MailFault, Permanent
from shared.graph.answers import mail_of
from shared.mail import Mail, Moment, vocabulary
from shared.mail_content import Content
from shared.mail_facts import clues_of
from shared.mail_kinds import nature_of
from shared.manifest import Manifest, StagedFile
from shared.operations.mail_file import MailFile
from shared.plan import Plan, PlannedFile, observed
from shared.planning import Planner
from shared.rules import names_used, way_named, way_of
from shared.skip import Skip
from shared.sweep_plan import files_from
from shared.template_environment import TIME_ZONE
from shared.templates import BODY
from shared.vault.looking import LookingStructure, Named
from shared.vault.protocol import DataType, NewObject, PropertyValue, Structure

Outcome = Literal["filed", "skipped", "failed", "held"]
"""held: the configuration does not fit the vault, or this mail; its source would wait."""
MAIN = 0
"""The number of the mail's own document, among those of its attachments."""
_NO_KEY = "0" * 32
_LOOKUPS = (DataType.LOOKUP, DataType.MULTI_SELECT_LOOKUP)
_OF_GRAPH = frozenset({"categories", "conversation_id", "folder", "link"})
"""Names of templates that no file has a value for."""
ATTACHMENTS_MAY_DIFFER = (
    "Attachments are told as the MIME has them. Exchange may show them otherwise: those of signed or "
    "encrypted mail, winmail.dat, contacts, events and reports."
)
GRAPH_KNOWS = (
    "Graph alone knows the categories, the conversation, the folder and the link: here they are empty."
)
MAY_MATCH_OTHERWISE = "The conditions of this source use what Graph alone knows: another rule may match."
NO_RECEIPT = "The file does not say when the mail was received: give it with --received."
NO_MESSAGE_ID = "The mail has no Message-ID: Exchange gives it one."
BEFORE_SINCE = "It was received before mail is filed from: it is passed over, unless it is moved in later."
OBSERVES = "The source only observes: nothing of this is filed."
NOT_ENABLED = "The source is not enabled: its mailbox is not watched."
MAY_BE_DUPLICATE = "Whether the same mail is filed already, only the journal knows; then it is skipped."
CUT = "The mail has more parts than are looked at."


@dataclass(frozen=True)
class ShownValue:
    """A property with its converted value, None where that is a filing key: Graph's id is in it.

    `items` are what a lookup's ids stand for, in their order.
    """

    id: int
    name: str
    data_type: DataType
    value: str | bool | int | float | tuple[int, ...] | None
    items: tuple[Named, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        """Of a lookup: the ids of its items."""
        if self.data_type not in _LOOKUPS or self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (int(self.value),)


@dataclass(frozen=True)
class ShownDocument:
    """A document that would be made. `number` is that of the attachment that it is of."""

    number: int
    object_type: int
    object_type_name: str
    class_id: int
    class_name: str
    properties: tuple[ShownValue, ...]
    files: tuple[PlannedFile, ...]
    relation: str = ""


@dataclass(frozen=True)
class Explanation:
    """What would become of a mail, and what is to be known of that.

    `reason` and `remedy` are what the journal would say; `then` is what would be done in the mailbox.
    """

    source: str
    mail: Mail
    size: int
    attachments: tuple[StagedFile, ...]
    rule: str
    outcome: Outcome
    reason: str = ""
    remedy: str = ""
    documents: tuple[ShownDocument, ...] = ()
    warnings: tuple[str, ...] = ()
    then: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explainer:
    """Explains mail. `own` are the configured mailboxes, casefolded."""

    planner: Planner
    structure: Structure
    own: frozenset[str]
    now: datetime

    async def explain(self, file: MailFile, source: Source, content: Content) -> Explanation:
        """What would become of the mail of `source` in that file.

        Raises Unavailable, and what `content` raises.
        """
        mail = self._mail(file)
        said = Explanation(
            source=source.name,
            mail=mail,
            size=file.files[0].size,
            attachments=file.files[1:],
            rule="",
            outcome="skipped",
            notes=tuple(_notes(file, mail, source, self.now)),
        )
        skip = skipped_for_its_time(source, file.message, self.now, self.now)
        if skip is not None:
            return _skipped(said, skip)
        manifest = Manifest(source.key_name, _NO_KEY, "", "", mail, file.files)
        looking = LookingStructure(self.structure)
        try:
            made = await self.planner.plan(manifest, source, looking, content)
        except (MailFault, ConfigurationFault) as fault:
            rule = await self._rule(manifest, source, content)
            return _refused(said, source, rule, fault)
        return _skipped(said, made) if isinstance(made, Skip) else _filed(said, source, made, looking)

    def _mail(self, file: MailFile) -> Mail:
        mail = mail_of(file.message)
        nature = nature_of(clues_of(mail, file.message, file.attachments, self.own), file.head)
        return msgspec.structs.replace(mail, **asdict(nature))

    async def _rule(self, manifest: Manifest, source: Source, content: Content) -> str:
        """The rule that has taken a mail which is not filed; empty, too, where a condition is at fault."""
        values = vocabulary(
            manifest.mail,
            manifest.attachment_names,
            source.name,
            source.mailbox,
            size=manifest.files[0].size,
        )
        values |= {TIME_ZONE: self.planner.time_zone, BODY: await content.text()}
        try:
            return way_of(source, values).rule
        except MailFault:
            return ""


def _skipped(said: Explanation, skip: Skip) -> Explanation:
    return replace(said, outcome="skipped", rule=skip.rule, reason=skip.reason)


def _refused(said: Explanation, source: Source, rule: str, fault: Permanent) -> Explanation:
    is_of_mail = isinstance(fault, MailFault)
    return replace(
        said,
        outcome="failed" if is_of_mail else "held",
        rule=rule,
        reason=fault.reason,
        remedy=fault.remedy,
        then=_settings(way_named(source, rule).on_failure) if is_of_mail else {},
    )


def _filed(said: Explanation, source: Source, plan: Plan, looking: LookingStructure) -> Explanation:
    is_observed = source.mode == "observe"
    way = way_named(source, plan.rule)
    is_duplicate_skipped = way.document.duplicates == "skip"
    return replace(
        said,
        outcome="skipped" if is_observed else "filed",
        rule=plan.rule,
        reason=observed(plan).reason,
        documents=tuple(_documents(plan, looking)),
        warnings=plan.warnings,
        then={} if is_observed else _settings(way.after),
        notes=(*said.notes, *((MAY_BE_DUPLICATE,) if is_duplicate_skipped else ())),
    )


def _documents(plan: Plan, looking: LookingStructure) -> Iterator[ShownDocument]:
    yield _document(MAIN, plan.document, plan.files, plan.key_property, looking)
    for one in plan.linked:
        relation = looking.name_of(one.relation)
        yield _document(one.number, one.document, one.files, plan.key_property, looking, relation)


def _document(
    number: int,
    new: NewObject,
    files: tuple[PlannedFile, ...],
    key_property: int,
    looking: LookingStructure,
    relation: str = "",
) -> ShownDocument:
    return ShownDocument(
        number=number,
        object_type=new.object_type,
        object_type_name=looking.object_type(new.object_type).name,
        class_id=new.class_id,
        class_name=looking.classes.get((new.object_type, new.class_id), str(new.class_id)),
        properties=tuple(_value(one, key_property, looking) for one in new.properties),
        files=files,
        relation=relation,
    )


def _value(one: PropertyValue, key_property: int, looking: LookingStructure) -> ShownValue:
    value = None if one.id == key_property else one.value
    shown = ShownValue(one.id, looking.name_of(one.id), one.data_type, value)
    items = [looking.chosen.get((one.id, number), Named(str(number))) for number in shown.ids]
    return replace(shown, items=tuple(items))


def _settings(then: After | OnFailure) -> Mapping[str, Any]:
    """What is set, by its key in mail-sources.toml."""
    return {key: value for key, value in msgspec.to_builtins(then).items() if value}


def _notes(file: MailFile, mail: Mail, source: Source, now: datetime) -> Iterator[str]:
    received = Moment.read(mail.received)
    is_before = source.since is not None and received is not None and received < files_from(source.since, now)
    told = {
        ATTACHMENTS_MAY_DIFFER: True,
        GRAPH_KNOWS: True,
        MAY_MATCH_OTHERWISE: bool(names_used(source) & _OF_GRAPH),
        NO_RECEIPT: received is None,
        BEFORE_SINCE: is_before,
        NO_MESSAGE_ID: not mail.message_id,
        OBSERVES: source.mode == "observe",
        NOT_ENABLED: not source.enabled,
        CUT: file.is_cut,
    }
    return (note for note, holds in told.items() if holds)
