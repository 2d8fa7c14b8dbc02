"""What is filed from a mail: decided once, and kept (design, section 3). `shared.planning` makes it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from shared.skip import Skip
from shared.vault.protocol import DOCUMENT, DataType, NewObject, PropertyValue

VERSION = 2
RENDERED = "rendered/"
"""Below it, in the run's folder, stand the files that are made of the message, not fetched."""


class PlannedFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A staged file by its path, with what the vault calls it.

    `sha256`, in hex, is empty where a former version has planned.
    """

    path: str
    title: str
    extension: str
    size: int
    sha256: str = ""

    @property
    def is_rendered(self) -> bool:
        """Whether it is made of the message."""
        return self.path.startswith(RENDERED)


class LinkedDocument(msgspec.Struct, frozen=True):
    """The document of an attachment, by its number: property `relation` names the mail's document."""

    number: int
    key: str
    relation: int
    relation_type: DataType
    document: NewObject
    files: tuple[PlannedFile, ...]

    def related_to(self, object_id: int) -> NewObject:
        """The document to be created, once that of the mail has its id."""
        value = (object_id,) if self.relation_type is DataType.MULTI_SELECT_LOOKUP else object_id
        relation = PropertyValue(self.relation, self.relation_type, value)
        properties = (*self.document.properties, relation)
        return msgspec.structs.replace(self.document, properties=properties)


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is filed from a mail, and by which rule of its source, if by one.

    An app that does not know of version 2 would leave out a part of it.
    """

    key_property: int
    document: NewObject
    files: tuple[PlannedFile, ...]
    warnings: tuple[str, ...] = ()
    v: int = 1
    linked: tuple[LinkedDocument, ...] = ()
    rule: str = ""

    @property
    def rendered(self) -> Iterator[PlannedFile]:
        """The files that are made of the message."""
        return (file for file in self.files if file.is_rendered)


OBSERVED = "observed"
"""The rule by which all mail of a source is skipped that only observes."""


def observed(plan: Plan) -> Skip:
    """What the journal says of a mail that would be filed so."""
    documents = 1 + len(plan.linked)
    files = len(plan.files) + sum(len(one.files) for one in plan.linked)
    by = f', by rule "{plan.rule}"' if plan.rule else ""
    return Skip(OBSERVED, f"It would be filed: documents: {documents}, files: {files}{by}.")


def versioned(plan: Plan) -> Plan:
    """The plan with the lowest version of the app that can file it all."""
    is_new = plan.linked or any(plan.rendered) or plan.document.object_type != DOCUMENT
    needs = VERSION if is_new else 1
    return msgspec.structs.replace(plan, v=needs)
