"""Items of value lists: found by name and owner, added."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.vault.bodies import Json, create, document, lookup, refused
from tests.sandbox.vault.conftest import Site

pytestmark = pytest.mark.anyio

DEPARTMENT, SUBJECT_AREA = 1324, 1325
SALES, SUPPORT = 31, 34


async def named(client: httpx.AsyncClient, query: str, value_list: int = 107) -> tuple[list[str], bool]:
    body = (await client.get(f"valuelists/{value_list}/items{query}")).json()
    return [item["Name"] for item in body["Items"]], body["MoreResults"]


async def add(client: httpx.AsyncClient, value_list: int, **item: object) -> httpx.Response:
    return await client.post(f"valuelists/{value_list}/items", json=item)


async def test_items_are_filtered_by_their_whole_name(client: httpx.AsyncClient) -> None:
    everything = ["example.com", "contoso.com", "fabrikam.com"]
    assert await named(client, "") == (everything, False)
    for option in ("filter", "name"):
        assert await named(client, f"?{option}=example.com") == (["example.com"], False)
        assert await named(client, f"?{option}=example") == ([], False)
        assert await named(client, f"?{option}=*.com&limit=2") == (everything[:2], True)
    assert await named(client, "?limit=0") == (everything, False)
    assert await named(client, "?filter=[e]xample.com") == ([], False)


async def test_items_come_in_pages_when_asked_for(client: httpx.AsyncClient) -> None:
    assert await named(client, "?pagesize=2") == (["example.com", "contoso.com"], True)
    assert await named(client, "?pagesize=2&page=2") == (["fabrikam.com"], False)
    assert await named(client, "?page=2") == ([], False)


async def test_items_have_their_documented_fields(client: httpx.AsyncClient) -> None:
    (high,) = (await client.get("valuelists/101/items?filter=High")).json()["Items"]
    assert high == {
        "DisplayID": "5",
        "HasOwner": False,
        "HasParent": False,
        "ID": 5,
        "Name": "High",
        "OwnerID": 0,
        "ParentID": 0,
        "ValueListID": 101,
    }
    assert (await client.get("valuelists/101/items/5")).json() == high


async def test_an_item_with_an_external_id_shows_it(client: httpx.AsyncClient) -> None:
    sales = (await client.get(f"valuelists/111/items/{SALES}")).json()
    assert (sales["DisplayID"], sales["ID"]) == ("D-SALES", SALES)


async def test_items_of_an_owned_list_have_owners_and_are_found_by_them(client: httpx.AsyncClient) -> None:
    assert await named(client, f"?owner={SALES}", 114) == (["Offers", "Orders", "General"], False)
    body = (await client.get(f"valuelists/114/items?name=General&owner={SUPPORT}")).json()
    (general,) = body["Items"]
    assert (general["ID"], general["HasOwner"], general["OwnerID"]) == (49, True, SUPPORT)
    assert await named(client, "?owner=999", 114) == ([], False)


async def test_what_is_not_understood_is_refused(client: httpx.AsyncClient) -> None:
    queries = ("owner=x", "name=a&filter=a", "page=0", "pagesize=0", "page=1&limit=5", "limit=x", "owners=31")
    for query in queries:
        assert (await client.get(f"valuelists/114/items?{query}")).status_code == 400, query


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    """The objects of a real object type are not served as items."""
    for address in ("valuelists/136/items", "valuelists/101/items/4", "valuelists/101/items/x"):
        assert (await client.get(address)).status_code == 404, address


async def test_an_item_is_added_and_can_be_chosen(site: Site, client: httpx.AsyncClient) -> None:
    """The body is that of the official client."""
    assert "no item 671" in await refused(client, document(lookup(1320, 671)))
    answer = await add(client, 107, Name="northwind.example", ValueListID=107)
    assert (answer.status_code, answer.json()["ID"], answer.json()["Name"]) == (200, 671, "northwind.example")
    assert (await client.get("valuelists/107/items?name=northwind.example")).json()["Items"] == [
        answer.json()
    ]
    await create(client, document(lookup(1320, 671)))
    assert site.vault.objects()[0].values["Customer"] == "northwind.example"


async def test_a_second_item_of_the_same_name_is_made(client: httpx.AsyncClient) -> None:
    """Who adds what is missing has to look first."""
    for _ in range(2):
        assert (await add(client, 107, Name="contoso.com")).status_code == 200
    assert await named(client, "?name=contoso.com") == (["contoso.com"] * 3, False)


async def test_a_name_is_cut_at_100_characters_without_a_word(client: httpx.AsyncClient) -> None:
    assert (await add(client, 104, Name="x" * 101)).json()["Name"] == "x" * 100


async def test_an_item_of_an_owned_list_is_added_with_its_owner(client: httpx.AsyncClient) -> None:
    answer = await add(client, 114, Name="Returns", ValueListID=114, HasOwner=True, OwnerID=SUPPORT)
    added = answer.json()
    assert (added["HasOwner"], added["OwnerID"]) == (True, SUPPORT)
    await create(client, document(lookup(DEPARTMENT, SUPPORT), lookup(SUBJECT_AREA, added["ID"])))


WRONG: list[tuple[int, Json, int]] = [
    (101, {"Name": "Highest"}, 403),
    (107, {"Name": ""}, 400),
    (107, {"Name": "   "}, 400),
    (107, {"Name": "two\nlines"}, 400),
    (107, {"ValueListID": 107}, 400),
    (107, {"Name": "a", "ValueListID": 104}, 400),
    (107, {"Name": "a", "HasOwner": True}, 400),
    (107, {"Name": "a", "OwnerID": SALES}, 400),
    (114, {"Name": "a"}, 400),
    (114, {"Name": "a", "OwnerID": SALES}, 400),
    (114, {"Name": "a", "HasOwner": True, "OwnerID": 99}, 400),
    (107, {"Name": "a", "Alias": "b"}, 400),
    (136, {"Name": "Contoso"}, 404),
]


async def test_an_item_that_is_not_right_is_refused(site: Site, client: httpx.AsyncClient) -> None:
    before = site.vault.structure
    for value_list, item, status in WRONG:
        assert (await add(client, value_list, **item)).status_code == status, item
    assert site.vault.structure is before


async def test_an_owned_item_goes_with_its_owner(client: httpx.AsyncClient) -> None:
    await create(client, document(lookup(SUBJECT_AREA, 46)))
    await create(client, document(lookup(SUBJECT_AREA, 46), lookup(DEPARTMENT, SUPPORT)))
    reason = await refused(client, document(lookup(SUBJECT_AREA, 46), lookup(DEPARTMENT, SALES)))
    assert "belongs to another owner" in reason
