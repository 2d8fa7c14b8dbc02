"""Objects that lookups choose: customers, contacts, other documents; external ids; relationships."""

from __future__ import annotations

import httpx
import pytest

from sandbox.vault import add_example_customers
from tests.sandbox.vault.bodies import Json, create, document, found, lookup, lookups, refused
from tests.sandbox.vault.conftest import Site

pytestmark = pytest.mark.anyio

RECORD, CONTACTS, REFERENCE, DOMAIN = 1322, 1323, 76, 1340
CONTOSO, FABRIKAM, ADA = 12, 17, 31


@pytest.fixture(autouse=True)
def customers(site: Site) -> None:
    """Every test has the example's customers."""
    add_example_customers(site.vault)


async def related(client: httpx.AsyncClient, address: str, query: str = "") -> list[tuple[int, int]]:
    answer = await client.get(f"objects/{address}/relationships{query}")
    assert answer.status_code == 200, answer.text
    return [(one["ObjVer"]["Type"], one["ObjVer"]["ID"]) for one in answer.json()]


async def test_a_customer_is_found_by_its_domain(client: httpx.AsyncClient) -> None:
    assert await found(client, f"o=136&p{DOMAIN}=contoso.com") == [CONTOSO]
    assert sorted(await found(client, f"o=136&p{DOMAIN}=shared.example")) == [23, 24]
    assert await found(client, f"o=136&p{DOMAIN}=example.org") == []
    assert await found(client, "o=138&p1341=ada%40contoso.com") == [ADA]


async def test_master_data_is_not_among_the_objects_that_were_filed(
    site: Site, client: httpx.AsyncClient
) -> None:
    await create(client, document())
    assert [stored.type for stored in site.vault.objects()] == [0]


async def test_objects_are_the_values_of_lookups(site: Site, client: httpx.AsyncClient) -> None:
    created = await create(client, document(lookup(RECORD, CONTOSO), lookups(CONTACTS, ADA)))
    (stored,) = site.vault.objects()
    assert stored.values["Customer record"] == "Contoso"
    assert stored.values["Contacts"] == ["Ada Lovelace"]
    number = created["ObjVer"]["ID"]
    shown = (await client.get(f"objects/0/{number}/latest/properties/{RECORD}")).json()["TypedValue"]
    assert (shown["DisplayValue"], shown["Lookup"]["Item"], shown["Lookup"]["ObjectType"]) == (
        "Contoso",
        CONTOSO,
        136,
    )
    assert await found(client, f"p{RECORD}={CONTOSO}") == [number]


@pytest.mark.parametrize(("change", "item"), [(lookup(RECORD, 999), 999), (lookup(RECORD, ADA), ADA)])
async def test_a_lookup_names_an_object_of_its_type(
    client: httpx.AsyncClient, change: Json, item: int
) -> None:
    assert f"no item {item}" in await refused(client, document(change))


async def test_a_deleted_object_cannot_be_chosen_but_is_still_shown(
    site: Site, client: httpx.AsyncClient
) -> None:
    await create(client, document(lookup(RECORD, CONTOSO)))
    site.vault.delete(CONTOSO, object_type=136)
    assert f"no item {CONTOSO}" in await refused(client, document(lookup(RECORD, CONTOSO)))
    assert site.vault.objects()[0].values["Customer record"] == "Contoso"


async def test_an_object_is_read_by_its_external_id(client: httpx.AsyncClient) -> None:
    for part in ("", "/properties", "/files", "/title"):
        by_id = await client.get(f"objects/136/{CONTOSO}/latest{part}")
        by_external_id = await client.get(f"objects/136/eC-4711/latest{part}")
        assert (by_external_id.status_code, by_external_id.json()) == (200, by_id.json())


async def test_an_external_id_is_the_one_shown(site: Site, client: httpx.AsyncClient) -> None:
    site.vault.add_object(136, 215, {0: "Odd"}, number=40, external_id="a/b c%")
    body = (await client.get("objects/136/ea%2Fb%20c%25/latest")).json()
    assert (body["DisplayID"], body["ObjVer"]["ID"]) == ("a/b c%", 40)
    assert body["EscapedTitleWithID"] == "Odd (ID 136-a_b c%)"
    for wrong in ("136/eC-9999", "0/eC-4711", "136/e", "136/ec-4711"):
        assert (await client.get(f"objects/{wrong}/latest")).status_code == 404


async def test_relationships_have_a_direction(client: httpx.AsyncClient) -> None:
    mail = await create(client, document(lookup(RECORD, CONTOSO)))
    number = mail["ObjVer"]["ID"]
    attachment = await create(client, document(lookups(REFERENCE, number)))
    other = attachment["ObjVer"]["ID"]
    here = f"0/{number}/latest"
    assert await related(client, here, "?direction=from") == [(136, CONTOSO)]
    assert await related(client, here, "?direction=to") == [(0, other)]
    assert await related(client, here, "?direction=both") == [(0, other), (136, CONTOSO)]
    assert await related(client, here) == [(0, other), (136, CONTOSO)]
    assert await related(client, here, "?objtype=136") == [(136, CONTOSO)]
    assert (await client.get(f"objects/{here}/relationships/count?direction=to")).json() == 1
    assert await related(client, "136/eC-4711/latest", "?direction=to") == [(0, number)]


async def test_an_object_says_whether_it_has_relationships(client: httpx.AsyncClient) -> None:
    mail = await create(client, document())
    number = mail["ObjVer"]["ID"]
    attachment = await create(client, document(lookups(REFERENCE, number)))
    read = (await client.get(f"objects/0/{number}/latest")).json()
    flags = [
        "HasRelationshipsFrom",
        "HasRelationshipsTo",
        "HasRelationshipsFromThis",
        "HasRelationshipsToThis",
    ]
    assert [mail[flag] for flag in flags] == [False] * 4
    assert [attachment[flag] for flag in flags] == [True, False, True, False]
    assert [read[flag] for flag in flags] == [False, True, False, True]


async def test_relationships_come_as_lookups_when_asked_for(client: httpx.AsyncClient) -> None:
    mail = await create(client, document(lookup(RECORD, CONTOSO)))
    address = f"objects/0/{mail['ObjVer']['ID']}/latest/relationships"
    (sent,) = (await client.get(f"{address}?type=lookup")).json()
    assert (sent["Item"], sent["DisplayValue"], sent["ObjectType"]) == (CONTOSO, "Contoso", 136)
    for query in ("direction=in", "type=object", "objtype=7", "limit=1"):
        assert (await client.get(f"{address}?{query}")).status_code == 400


async def test_a_deleted_object_is_not_related(site: Site, client: httpx.AsyncClient) -> None:
    mail = await create(client, document())
    attachment = await create(client, document(lookups(REFERENCE, mail["ObjVer"]["ID"])))
    site.vault.delete(mail["ObjVer"]["ID"])
    assert await related(client, f"0/{attachment['ObjVer']['ID']}/latest") == []
