"""Reading objects and their files, and the deleted mark."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.vault.example import example_structure
from sandbox.vault.typed_values import typed_value
from tests.sandbox.vault.bodies import (
    FROM,
    KEY,
    Json,
    create,
    document,
    file,
    lookups,
    text,
    upload,
    value,
)
from tests.sandbox.vault.conftest import Site

pytestmark = pytest.mark.anyio


@pytest.fixture
async def mail(client: httpx.AsyncClient) -> Json:
    """A document with one file."""
    info = await upload(client, b"Subject: x\r\n\r\n")
    body = document(
        text(KEY, "k"),
        text(FROM, ""),
        value(1310, 5, "2025-07-30"),
        lookups(1315, 11, 14),
        files=[file(info, "Größe: 1/2", "eml")],
    )
    return await create(client, body)


def by_number(properties: list[Json]) -> dict[int, Json]:
    assert all(item["Value"] == item["TypedValue"] for item in properties)
    return {item["PropertyDef"]: item["TypedValue"] for item in properties}


@pytest.mark.parametrize("version", ["latest", "1", "latest.aspx"])
async def test_an_object_is_read_as_it_was_created(
    client: httpx.AsyncClient, mail: Json, version: str
) -> None:
    assert (await client.get(f"objects/0/1102/{version}")).json() == mail


async def test_an_object_is_read_with_its_properties(client: httpx.AsyncClient, mail: Json) -> None:
    body = (await client.get("objects/0/1102/latest?include=properties")).json()
    properties = (await client.get("objects/0/1102/latest/properties")).json()
    assert body == mail | {"Properties": properties}
    assert list(body)[-2:] == ["Properties", "BaseProperties"]
    assert [item["PropertyDef"] for item in properties] == [0, 21, 22, 100, KEY, FROM, 1310, 1315, 20, 25]


async def test_typed_values_come_back_in_the_recorded_shape(client: httpx.AsyncClient, mail: Json) -> None:
    values = by_number((await client.get("objects/0/1102/latest/properties")).json())
    rest = {"SortingKey": "", "IsNumberSorting": False, "HasAutomaticPermission": False}
    assert values[0] == {
        "Value": "Offer 4711",
        "HasValue": True,
        "DisplayValue": "Offer 4711",
        "SerializedValue": "Offer%204711",
        "DataType": 1,
        **rest,
    }
    assert values[FROM] == {"HasValue": False, "DisplayValue": "", "DataType": 1, **rest}
    lookup = {
        "Version": -1,
        "Deleted": False,
        "Hidden": False,
        "VersionType": 1,
        "ObjectType": 104,
        "ObjectFlags": 64,
    }
    assert values[1315]["Lookups"] == [
        lookup | {"Item": 11, "DisplayValue": "Blue category"},
        lookup | {"Item": 14, "DisplayValue": "Projects"},
    ]
    assert values[1315]["SerializedValue"] == "11,14"
    assert values[25]["Lookup"]["DisplayValue"] == "svc-mail"
    assert values[22]["SerializedValue"] == "False"


async def test_dates_come_back_as_a_server_of_2025_sent_them(client: httpx.AsyncClient, mail: Json) -> None:
    values = by_number((await client.get("objects/0/1102/latest/properties")).json())
    assert values[1310] == {
        "Value": "2025-07-30T00:00:00Z",
        "HasValue": True,
        "DisplayValue": "30.07.2025",
        "SerializedValue": "2025-07-30T00%3A00%3A00",
        "DataType": 5,
        "SortingKey": "638894304000000000",
        "IsNumberSorting": False,
        "HasAutomaticPermission": False,
    }


def test_timestamps_come_back_as_a_server_of_2025_sent_them() -> None:
    structure = example_structure("svc-mail")
    moment = datetime(2025, 8, 1, 13, 29, 39, tzinfo=UTC)
    assert typed_value(structure.properties[21], moment, structure) == {
        "Value": "2025-08-01T13:29:39Z",
        "HasValue": True,
        "DisplayValue": "01.08.2025 13:29",
        "SerializedValue": "2025-08-01T13%3A29%3A39",
        "DataType": 7,
        "SortingKey": "638896517790000000",
        "IsNumberSorting": False,
        "HasAutomaticPermission": False,
    }


def test_numbers_sort_as_numbers() -> None:
    structure = example_structure("svc-mail")
    sent = typed_value(structure.properties[1316], 646466, structure)
    assert (sent["SortingKey"], sent["IsNumberSorting"]) == ("646466", True)


async def test_the_bytes_of_a_file_come_back_under_its_name(client: httpx.AsyncClient, mail: Json) -> None:
    files = (await client.get("objects/0/1102/1/files")).json()
    assert files == mail["Files"]
    answer = await client.get(f"objects/0/1102/1/files/{files[0]['ID']}/content")
    assert answer.content == b"Subject: x\r\n\r\n"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    name = "Gr%C3%B6%C3%9Fe_%201_2.eml"
    assert answer.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"


@pytest.mark.parametrize(
    "address",
    [
        "objects/0/1/latest",
        "objects/0/x/latest",
        "objects/136/1102/latest",
        "objects/0/1102/2",
        "objects/0/1102/LATEST",
        "objects/0/1102/latest/files/1/content",
        "objects/0/1102/latest/files/x/content",
        "objects/0/1102/latest/nothing",
    ],
)
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, mail: Json, address: str) -> None:
    """Status, name and flags as recorded from a server of 2025."""
    answer = await client.get(address)
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["Status"], body["ExceptionName"]) == (404, 404, "NotFoundException")
    assert body["IsLoggedToVault"] is body["IsLoggedToApplication"] is True


async def test_an_object_is_marked_deleted_and_back(
    site: Site, client: httpx.AsyncClient, mail: Json
) -> None:
    deleted = await client.put("objects/0/1102/deleted", json={"Value": True})
    assert deleted.json() == mail | {"Deleted": True}
    assert site.vault.objects()[0].deleted
    values = by_number((await client.get("objects/0/1102/latest/properties")).json())
    assert values[27]["HasValue"] is True
    back = await client.post("objects/0/1102/deleted?_method=PUT", json={"Value": False})
    assert back.json() == mail
    assert not site.vault.objects()[0].deleted


@pytest.mark.parametrize("content", [b"", b"{}", b'{"Value": "true"}', b"true"])
async def test_a_deleted_mark_needs_its_value(client: httpx.AsyncClient, mail: Json, content: bytes) -> None:
    assert (await client.put("objects/0/1102/deleted", content=content)).status_code == 400


async def test_the_vault_itself_can_delete(site: Site, mail: Json) -> None:
    site.vault.delete(1102)
    assert site.vault.objects()[0].deleted
    with pytest.raises(KeyError):
        site.vault.delete(1)
