"""A vault's metadata structure in memory, by the protocol of `shared.vault.protocol`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.errors import ConfigurationFault
from shared.vault.protocol import ClassDef, DataType, PropertyDef, Structure

TITLE, KEY, FROM, BODY, RECEIVED, DAY, PAID, AMOUNT, COUNT, CUSTOMER, LABELS, LARGE = 0, *range(1040, 1051)
CUSTOMERS = 101
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
}


@dataclass(frozen=True)
class MemoryStructure:
    """Knows what it is given; refuses the rest as the real one does."""

    properties: Mapping[str, PropertyDef] = field(default_factory=lambda: PROPERTIES)
    classes: Mapping[str | int, ClassDef] = field(default_factory=lambda: {"CL.Invoice": INVOICE})
    items: Mapping[int, Sequence[str]] = field(
        default_factory=lambda: {CUSTOMERS: ("Contoso", "Fabrikam", "Twin", "Twin")}
    )

    def property(self, reference: str | int) -> PropertyDef:
        if reference not in self.properties:
            raise ConfigurationFault(f'property "{reference}": the vault has none.', "Correct it.")
        return self.properties[str(reference)]

    async def class_(self, reference: str | int) -> ClassDef:
        if reference not in self.classes:
            raise ConfigurationFault(f'class "{reference}": the vault has none.', "Correct it.")
        return self.classes[reference]

    async def item(self, value_list: int, text: str) -> int | None:
        names = [name.casefold() for name in self.items[value_list]]
        if names.count(text.casefold()) == 1:
            return names.index(text.casefold()) + 1
        return int(text) if text.isdigit() and text.casefold() not in names else None


def conforms(structure: MemoryStructure) -> Structure:
    """For the type checker: it is what the protocol asks for."""
    return structure
