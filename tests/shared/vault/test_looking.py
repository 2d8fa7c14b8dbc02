"""Who only looks at a vault adds nothing to it."""

from __future__ import annotations

import pytest

from shared.vault.looking import LookingStructure, Named
from shared.vault.protocol import Choice
from shared.vault.typed_values import NoSuchItem
from tests.shared.memory_structure import AREA, AREAS, CUSTOMER, CUSTOMERS, ITEMS, PROPERTIES, MemoryStructure

pytestmark = pytest.mark.anyio
ADDING = Choice(add_missing=True)
OF_CUSTOMER, OF_AREA = PROPERTIES["PD.Customer"], PROPERTIES["PD.Area"]


async def test_what_is_there_is_found_and_named() -> None:
    looking = LookingStructure(MemoryStructure())

    assert await looking.choose(OF_CUSTOMER, " Contoso ", ADDING) == 1
    assert looking.chosen == {(CUSTOMER, 1): Named("Contoso")}


async def test_what_would_be_added_is_noted_once_and_not_added() -> None:
    vault = MemoryStructure()
    looking = LookingStructure(vault)

    numbers = [await looking.choose(OF_CUSTOMER, name, ADDING) for name in ("Acme", "ACME", "Other")]

    assert numbers == [-1, -1, -2]
    assert looking.chosen[CUSTOMER, -2] == Named("Other", is_new=True)
    assert vault.items[CUSTOMERS] == list(ITEMS[CUSTOMERS])


async def test_without_add_missing_it_is_no_item() -> None:
    looking = LookingStructure(MemoryStructure())

    with pytest.raises(NoSuchItem):
        await looking.choose(OF_CUSTOMER, "Acme")
    with pytest.raises(NoSuchItem):
        await looking.choose(OF_CUSTOMER, " ", ADDING)


async def test_an_item_of_an_owned_list_is_added_below_its_owner() -> None:
    vault = MemoryStructure()
    looking = LookingStructure(vault)

    numbers = [
        await looking.choose(OF_AREA, "New area", Choice(owner=one, add_missing=True)) for one in (31, 34)
    ]

    assert numbers == [-1, -2]
    assert looking.chosen[AREA, -1] == Named("New area", is_new=True)
    assert vault.items[AREAS] == list(ITEMS[AREAS])
