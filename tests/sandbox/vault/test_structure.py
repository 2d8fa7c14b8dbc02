"""The structure of the example vault, and aliases."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from sandbox.pki import Authority
from sandbox.vault import ExampleVault
from tests.sandbox.vault.conftest import serving

pytestmark = pytest.mark.anyio


async def get(client: httpx.AsyncClient, address: str) -> list[dict[str, object]]:
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    body: list[dict[str, object]] = answer.json()
    return body


async def test_object_types_have_their_documented_fields(client: httpx.AsyncClient) -> None:
    documents, *others = await get(client, "structure/objecttypes")
    assert documents == {
        "AllowAdding": True,
        "CanHaveFiles": True,
        "DefaultPropertyDef": 0,
        "External": False,
        "HasOwner": False,
        "ID": 0,
        "NamePlural": "Documents",
        "Name": "Document",
        "Owner": 0,
        "OwnerPropertyDef": 0,
        "ReadOnlyPropertiesDuringInsert": [],
        "ReadOnlyPropertiesDuringUpdate": [],
        "RealObjectType": True,
    }
    assert [(item["ID"], item["CanHaveFiles"]) for item in others] == [(136, False), (138, False)]


async def test_classes_can_be_listed_for_one_object_type(client: httpx.AsyncClient) -> None:
    everything = await get(client, "structure/classes")
    documents = await get(client, "structure/classes?objtype=0")
    customers = await get(client, "structure/classes?objtype=136")
    assert [item["Name"] for item in customers] == ["Customer"]
    assert {str(item) for item in everything} > {str(item) for item in [*documents, *customers]}
    assert {"ID": 207, "Name": "Mail", "NamePropertyDef": 0, "Workflow": 0} in documents
    assert (await client.get("structure/classes?objtype=7")).status_code == 400


async def test_a_class_says_which_properties_it_requires(client: httpx.AsyncClient) -> None:
    mail = (await client.get("structure/classes/207")).json()
    order = (await client.get("structure/classes/211")).json()
    required = {item["PropertyDef"] for item in mail["AssociatedPropertyDefs"] if item["Required"]}
    assert required == {0}
    assert {"PropertyDef": 1302, "Required": True} in order["AssociatedPropertyDefs"]
    assert "Templates" not in mail
    with_templates = (await client.get("structure/classes/207.aspx?include=templates")).json()
    assert with_templates == mail | {"Templates": []}


async def test_properties_say_their_data_type_and_value_list(client: httpx.AsyncClient) -> None:
    definitions = {item["ID"]: item for item in await get(client, "structure/properties")}
    assert {0, 20, 21, 22, 25, 27, 38, 39, 100} < definitions.keys()
    importance = (await client.get("structure/properties/1313")).json()
    assert importance == definitions[1313]
    assert importance == {
        "AllObjectTypes": True,
        "AutomaticValue": "",
        "AutomaticValueType": 0,
        "BasedOnValueList": True,
        "DataType": 9,
        "ID": 1313,
        "Name": "Importance",
        "ObjectType": 0,
        "ValueList": 101,
    }


async def test_a_lookup_over_objects_is_based_on_their_type(client: httpx.AsyncClient) -> None:
    """The list of documents has the id 0: what makes it one is `BasedOnValueList`."""
    for number, kind, value_list in ((1322, 9, 136), (1323, 10, 138), (76, 10, 0)):
        definition = (await client.get(f"structure/properties/{number}")).json()
        assert (definition["DataType"], definition["ValueList"]) == (kind, value_list)
        assert definition["BasedOnValueList"] is True


async def test_an_automatic_property_says_what_its_value_is_made_of(client: httpx.AsyncClient) -> None:
    ticket = (await client.get("structure/classes/218")).json()
    assert ticket["NamePropertyDef"] == 1326
    definition = (await client.get("structure/properties/1326")).json()
    assert definition["AutomaticValueType"] == 1
    assert definition["AutomaticValue"] == "Ticket %PROPERTY_1321% from %PROPERTY_1302%"


async def test_value_lists_say_who_may_add_to_them(client: httpx.AsyncClient) -> None:
    lists = await get(client, "valuelists")
    adding = {item["ID"]: item["AllowAdding"] for item in lists}
    assert adding == {101: False, 104: True, 107: True, 111: True, 114: True}
    assert not any(item["RealObjectType"] for item in lists)


async def test_an_owned_value_list_says_what_owns_it(client: httpx.AsyncClient) -> None:
    lists = {item["ID"]: item for item in await get(client, "valuelists")}
    owners = {number: (item["HasOwner"], item["Owner"]) for number, item in lists.items()}
    assert owners[114] == (True, 111)
    assert owners[111] == (False, 0)


async def test_workflows_and_their_states_are_listed(client: httpx.AsyncClient) -> None:
    assert await get(client, "structure/workflows") == [
        {"ID": 110, "Name": "Mail processing", "ObjectClass": 0},
        {"ID": 113, "Name": "Approval", "ObjectClass": 0},
    ]
    assert await get(client, "structure/workflows/110/states") == [
        {"Name": "New", "ID": 150, "Selectable": True},
        {"Name": "Processed", "ID": 152, "Selectable": True},
    ]


async def test_aliases_of_all_kinds_are_resolved_at_once(client: httpx.AsyncClient) -> None:
    asked = {
        "properties": ["PD.FilingKey", "PD.Reference", "pd.filingkey", ""],
        "objecttypes": ["OT.Customer"],
        "classes": ["CL.Mail", "CL.Unknown"],
        "workflows": [],
        "workflowstates": ["WFS.Mail.New"],
        "statetransitions": ["WFT.Mail"],
        "valuelists": ["VL.Importance"],
    }
    answer = await client.post("structure/metadatastructure/itemidbyalias", json=asked)
    assert answer.json() == {
        "properties": {"PD.FilingKey": 1301, "PD.Reference": -1, "pd.filingkey": -1, "": -1},
        "objecttypes": {"OT.Customer": 136},
        "classes": {"CL.Mail": 207, "CL.Unknown": -1},
        "workflowstates": {"WFS.Mail.New": 150},
        "statetransitions": {"WFT.Mail": -1},
        "valuelists": {"VL.Importance": 101},
    }


@pytest.mark.parametrize("content", [b"", b"[]", b'{"properties": "PD.To"}', b'{"Properties": ["PD.To"]}'])
async def test_a_broken_request_for_aliases_is_an_error_of_the_server(
    client: httpx.AsyncClient, content: bytes
) -> None:
    answer = await client.post("structure/metadatastructure/itemidbyalias", content=content)
    assert answer.status_code == 500
    assert answer.json()["Message"] == "The JSON part of hte API call contains one or more errors"


async def test_aliases_of_one_kind_are_resolved_together_or_alone(client: httpx.AsyncClient) -> None:
    answer = await client.post("structure/classes/itemidbyalias", json=["CL.Invoice", "CL.None"])
    assert answer.json() == {"CL.Invoice": 208, "CL.None": -1}
    assert (await client.get("structure/properties/itemidbyalias/PD.Ticket")).json() == 1321
    assert (await client.get("structure/properties/itemidbyalias/PD.Reference")).json() == -1
    assert (await client.post("structure/views/itemidbyalias", json=["A"])).status_code == 404


@pytest.mark.parametrize(
    "address",
    ["structure/classes/999", "structure/properties/x", "valuelists/1/items", "structure/workflows/1/states"],
)
async def test_what_the_vault_does_not_have_is_not_found(client: httpx.AsyncClient, address: str) -> None:
    assert (await client.get(address)).status_code == 404


@pytest.mark.parametrize("there", [True, False])
async def test_properties_and_types_of_mail_are_there_only_in_some_vaults(
    tmp_path: Path, authority: Authority, there: bool
) -> None:
    vault = ExampleVault(tmp_path, mail_properties=there, email_types=there)
    async with serving(vault, authority) as site, site.browser() as client:
        await site.log_in(client)
        properties = {item["ID"] for item in await get(client, "structure/properties")}
        types = {item["ID"] for item in await get(client, "structure/objecttypes")}
        classes = {item["ID"] for item in await get(client, "structure/classes")}
    assert (properties >= {83, 84, 85, 112}) is there
    assert properties.isdisjoint({83, 84, 85, 112}) is not there
    assert (types >= {20, 21}, classes >= {-109, -110}) == (there, there)
    assert properties >= {33, 35, 36, 76}
