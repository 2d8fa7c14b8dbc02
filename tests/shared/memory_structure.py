"""A vault's metadata structure in memory, by the protocol of `shared.vault.protocol`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from shared.errors import ConfigurationFault
from shared.vault.protocol import (
    ADDITIONAL_CLASSES,
    ANY_WAY,
    COMMENT,
    CONVERSATION_ID,
    DOCUMENT,
    IN_REPLY_TO,
    MESSAGE_ID,
    REFERENCE,
    Choice,
    ClassDef,
    DataType,
    ObjectTypeDef,
    PropertyDef,
    StateDef,
    Structure,
    WorkflowDef,
)
from shared.vault.typed_values import NoFit, NoSuchItem, one_line

_K = TypeVar("_K")
_T = TypeVar("_T")

TITLE, KEY, FROM, BODY, RECEIVED, DAY, PAID, AMOUNT, COUNT, CUSTOMER, LABELS, LARGE = 0, *range(1040, 1051)
TIME, NUMBER, DEPARTMENT, AREA, COMPANY, DOMAIN = range(1060, 1066)
CUSTOMERS, DEPARTMENTS, AREAS, COMPANIES, LETTERS = 101, 111, 114, 136, 137
INVOICE = ClassDef(1, "Invoice", TITLE, frozenset({TITLE, 100}))
PROPERTIES = {
    "PD.Title": PropertyDef(TITLE, "Name or title", DataType.TEXT),
    "PD.FilingKey": PropertyDef(KEY, "Filing key", DataType.TEXT),
    "PD.From": PropertyDef(FROM, "From", DataType.TEXT),
    "PD.Body": PropertyDef(BODY, "Body", DataType.MULTI_LINE_TEXT),
    "PD.Received": PropertyDef(RECEIVED, "Received", DataType.TIMESTAMP),
    "PD.Day": PropertyDef(DAY, "Day", DataType.DATE),
    "PD.Paid": PropertyDef(PAID, "Paid", DataType.BOOLEAN),
    "PD.Amount": PropertyDef(AMOUNT, "Amount", DataType.FLOATING),
    "PD.Count": PropertyDef(COUNT, "Count", DataType.INTEGER),
    "PD.Customer": PropertyDef(CUSTOMER, "Customer", DataType.LOOKUP, CUSTOMERS),
    "PD.Labels": PropertyDef(LABELS, "Labels", DataType.MULTI_SELECT_LOOKUP, CUSTOMERS),
    "PD.Large": PropertyDef(LARGE, "Large integer", 11),
    "From": PropertyDef(FROM, "From", DataType.TEXT),
    "PD.Time": PropertyDef(TIME, "Time of day", DataType.TIME),
    "PD.Number": PropertyDef(NUMBER, "Number", DataType.TEXT, is_automatic=True),
    "PD.Department": PropertyDef(DEPARTMENT, "Department", DataType.LOOKUP, DEPARTMENTS),
    "PD.Area": PropertyDef(AREA, "Subject area", DataType.LOOKUP, AREAS),
    "PD.Company": PropertyDef(COMPANY, "Company", DataType.LOOKUP, COMPANIES, object_type=COMPANIES),
    "PD.Domain": PropertyDef(DOMAIN, "E-mail domain", DataType.TEXT),
    "PD.Reference": PropertyDef(
        REFERENCE, "Reference", DataType.MULTI_SELECT_LOOKUP, DOCUMENT, object_type=DOCUMENT
    ),
}
BUILT_IN = {
    one.id: one
    for one in (
        PropertyDef(COMMENT, "Comment", DataType.MULTI_LINE_TEXT),
        PropertyDef(ADDITIONAL_CLASSES, "Additional classes", DataType.MULTI_SELECT_LOOKUP, 1),
        PROPERTIES["PD.Reference"],
        PropertyDef(MESSAGE_ID, "Message-ID", DataType.TEXT),
        PropertyDef(IN_REPLY_TO, "In-Reply-To", DataType.TEXT),
        PropertyDef(CONVERSATION_ID, "Email conversation ID", DataType.TEXT),
    )
}
TICKET = ClassDef(2, "Ticket", NUMBER, frozenset({NUMBER, 100}), has_automatic_name=True)
CONFIDENTIAL = ClassDef(3, "Confidential", TITLE, frozenset({TITLE, 100, DEPARTMENT}))
ATTACHMENT = ClassDef(4, "Attachment", TITLE, frozenset({TITLE, 100}))
COMPANY_CLASS = ClassDef(5, "Company", TITLE, frozenset({TITLE, 100}), object_type=COMPANIES)
CLASSES: Mapping[str | int, ClassDef] = {
    "CL.Invoice": INVOICE,
    "CL.Ticket": TICKET,
    "CL.Confidential": CONFIDENTIAL,
    "CL.Attachment": ATTACHMENT,
    "CL.Company": COMPANY_CLASS,
}
OBJECT_TYPES = {
    "OT.Document": ObjectTypeDef(DOCUMENT, "Document", can_have_files=True),
    "OT.Letter": ObjectTypeDef(LETTERS, "Letter", can_have_files=True),
    "OT.Company": ObjectTypeDef(COMPANIES, "Company", can_have_files=False),
}
WORKFLOWS: Mapping[str | int, WorkflowDef] = {
    "WF.Mail": WorkflowDef(110, "Mail processing"),
    "WF.Approval": WorkflowDef(113, "Approval"),
}
STATES: Mapping[int, Mapping[str, StateDef]] = {
    110: {"WFS.New": StateDef(150, "New")},
    113: {"WFS.Open": StateDef(160, "Open")},
}


@dataclass(frozen=True)
class Item:
    """An item of a value list."""

    id: int
    name: str
    owner: int | None = None
    external_id: str = ""


ITEMS: Mapping[int, Sequence[Item]] = {
    CUSTOMERS: (Item(1, "Contoso"), Item(2, "Fabrikam"), Item(3, "Twin"), Item(4, "Twin")),
    DEPARTMENTS: (Item(31, "Sales", external_id="D-SALES"), Item(34, "Support")),
    AREAS: (
        Item(41, "Offers", 31),
        Item(46, "Complaints", 34),
        Item(47, "General", 31),
        Item(49, "General", 34),
    ),
}
OBJECTS: Mapping[int, Mapping[int, Mapping[int, str]]] = {
    COMPANIES: {
        12: {TITLE: "Contoso", DOMAIN: "contoso.com"},
        17: {TITLE: "Fabrikam", DOMAIN: "shared.example"},
        18: {TITLE: "Northwind", DOMAIN: "shared.example"},
    }
}
"""Objects by type and id, with their Text properties."""


@dataclass(frozen=True)
class MemoryStructure:
    """Knows what it is given; refuses the rest as the real one does. `items` grow when one is added."""

    properties: Mapping[str, PropertyDef] = field(default_factory=lambda: PROPERTIES)
    classes: Mapping[str | int, ClassDef] = field(default_factory=lambda: CLASSES)
    items: Mapping[int, list[Item]] = field(
        default_factory=lambda: {number: list(items) for number, items in ITEMS.items()}
    )
    owners: Mapping[int, int] = field(default_factory=lambda: {AREAS: DEPARTMENTS})
    objects: Mapping[int, Mapping[int, Mapping[int, str]]] = field(default_factory=lambda: OBJECTS)
    built_ins: Mapping[int, PropertyDef] = field(default_factory=lambda: BUILT_IN)

    def property(self, reference: str | int) -> PropertyDef:
        by_id = self._by_id()
        if isinstance(reference, int) and reference in by_id:
            return by_id[reference]
        return _known("property", reference, self.properties)

    def _by_id(self) -> dict[int, PropertyDef]:
        return {one.id: one for one in (*self.properties.values(), *self.built_ins.values())}

    def built_in(self, property_id: int) -> PropertyDef | None:
        return self.built_ins.get(property_id)

    def name_of(self, property_id: int) -> str:
        found = self._by_id().get(property_id)
        return found.name if found else str(property_id)

    def object_type(self, reference: str | int) -> ObjectTypeDef:
        by_id = {one.id: one for one in OBJECT_TYPES.values()}
        if isinstance(reference, int) and reference in by_id:
            return by_id[reference]
        return _known("object type", reference, OBJECT_TYPES)

    async def class_(self, reference: str | int, object_type: int = DOCUMENT) -> ClassDef:
        of_type = {key: one for key, one in self.classes.items() if one.object_type == object_type}
        return _known("class", reference, of_type)

    async def workflow(self, reference: str | int) -> WorkflowDef:
        return _known("workflow", reference, WORKFLOWS)

    async def state(self, workflow_id: int, reference: str | int) -> StateDef:
        return _known(f"state of workflow {workflow_id}", reference, STATES[workflow_id])

    async def item(self, value_list: int, text: str) -> int | None:
        found = self._find(value_list, text, ANY_WAY)
        return found[0].id if len(found) == 1 else None

    async def owner(self, definition: PropertyDef, text: str) -> int:
        if definition.value_list is None or definition.value_list not in self.owners:
            raise ConfigurationFault(f'property "{definition.name}": no owner.', "Take owner out.")
        return _one(self._find(self.owners[definition.value_list], one_line(text), ANY_WAY), ANY_WAY)

    async def choose(self, definition: PropertyDef, text: str, choice: Choice = ANY_WAY) -> int:
        text = one_line(text)
        if definition.object_type is not None:
            return self._object(definition.object_type, text, choice)
        if definition.value_list is None or choice.match is not None:
            raise ConfigurationFault(f'property "{definition.name}": no such choice.', "Correct it.")
        if not text:
            raise NoSuchItem("the value is empty")
        found = self._find(definition.value_list, text, choice)
        if found or not choice.add_missing:
            return _one(found, choice)
        if definition.value_list in self.owners and choice.owner is None:
            raise ConfigurationFault(f'property "{definition.name}": needs an owner.', "Say which: owner.")
        items = self.items[definition.value_list]
        items.append(Item(900 + len(items), text, choice.owner))
        return items[-1].id

    def _find(self, value_list: int, text: str, choice: Choice) -> list[Item]:
        items = [one for one in self.items[value_list] if choice.owner in (None, one.owner)]
        named = [one for one in items if one.name.casefold() == text.casefold()]
        of_id = [one for one in items if str(one.id) == text]
        match choice.by:
            case "name":
                return named
            case "id":
                return of_id
            case "external-id":
                return [one for one in items if one.external_id == text]
            case _:
                return named or of_id

    def _object(self, object_type: int, text: str, choice: Choice) -> int:
        if choice.add_missing or choice.owner is not None:
            raise ConfigurationFault("owner and add-missing are for value lists.", "Take them out.")
        matched = TITLE if choice.match is None else self.property(choice.match).id
        texts = self.objects[object_type].items()
        found = [number for number, values in texts if values[matched].casefold() == text.casefold()]
        if not found and choice.match is None:
            found = [number for number, _ in texts if str(number) == text]
        if not found:
            raise NoSuchItem("its object type has no such object")
        if len(found) > 1:
            raise NoFit("its object type has several such objects")
        return found[0]


def _one(found: list[Item], choice: Choice) -> int:
    if not found:
        raise NoSuchItem("its value list has no item of that name")
    if len(found) > 1 and not choice.add_missing:
        raise NoFit("its value list has several items of that name")
    return min(one.id for one in found)


def _known(kind: str, reference: str | int, known: Mapping[_K, _T]) -> _T:
    found = {str(key): one for key, one in known.items()}
    if str(reference) not in found:
        raise ConfigurationFault(f'{kind} "{reference}": the vault has none.', "Correct it.")
    return found[str(reference)]


def conforms(structure: MemoryStructure) -> Structure:
    """For the type checker: it is what the protocol asks for."""
    return structure
