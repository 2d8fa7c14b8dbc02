"""Addresses, verbs and parameters; what the official C# client sends."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from sandbox.vault.dispatch import segments
from sandbox.vault.service import ROUTES
from tests.sandbox.vault.conftest import Site

pytestmark = pytest.mark.anyio

CHECKOUT = Path(__file__).resolve().parents[3]
CLIENT_REQUESTS = CHECKOUT / ".." / "shared" / "reference" / "mfws-requests.json"
BUILT = {
    "LogOut",
    "AuthenticateUsingCredentials",
    "GetOnlineVaults",
    "GetMetadataStructureIDsByAliases",
    "GetObjectClassIDByAlias",
    "GetAllObjectClasses",
    "GetObjectClasses",
    "GetObjectClass",
    "UploadFiles",
    "DownloadFile",
    "GetLatestObjectVersionAndProperties",
    "CreateNewObject",
    "UndeleteObject",
    "GetProperties_ObjVer",
    "GetProperties_ObjID",
    "GetWorkflowStates",
    "GetObjectTypeIDByAlias",
    "GetObjectTypes",
    "GetPropertyDefIDByAlias",
    "GetValueListItems",
    "GetValueListIDByAlias",
    "GetValueLists",
    "GetWorkflowIDByAlias",
    "GetWorkflowStateIDByAlias",
    "GetWorkflowStateTransitionIDByAlias",
    "AddValueListItemByName",
    "AddValueListItemValueListIDPopulated",
    "GetHistory",
    "RenameObject",
}


async def test_addresses_of_the_official_client_reach_a_handler(
    site: Site, client: httpx.AsyncClient
) -> None:
    """A handler may refuse the example (there is no object 1), but not its address, verb or options."""
    if not CLIENT_REQUESTS.is_file():
        pytest.skip(f"{CLIENT_REQUESTS} is not there: the requests of the official client are not checked")
    requests = json.loads(CLIENT_REQUESTS.read_text(encoding="utf-8"))["requests"]
    checked = set()
    for item in requests:
        in_another_repository = "/objects/0/u" in item["address"]
        if item["operation"] not in BUILT or in_another_repository:
            continue
        checked.add(item["operation"])
        path = item["address"].removeprefix("/REST").partition("?")[0]
        found = [route for route in ROUTES if route.match(segments(path)) is not None]
        assert item["method"] in {route.method for route in found}, item
        await site.log_in(client, SessionID="routing")
        answer = await client.request(item["method"], f"{site.origin}{item['address']}")
        assert "Unknown parameter" not in answer.text, item
    assert checked == BUILT


async def test_addresses_also_end_with_aspx_or_ashx(client: httpx.AsyncClient) -> None:
    plain = (await client.get("structure/classes/207")).json()
    for ending in ("aspx", "ashx"):
        assert (await client.get(f"structure/classes/207.{ending}")).json() == plain
    assert (await client.get("structure/classes/207.html")).status_code == 404


async def test_verbs_can_be_sent_as_they_are_or_over_post(site: Site, client: httpx.AsyncClient) -> None:
    for verb, address in (("DELETE", "session"), ("POST", "session.aspx?_method=DELETE")):
        await site.log_in(client, SessionID="one")
        assert (await client.request(verb, address)).status_code == 204


@pytest.mark.parametrize(
    ("verb", "address"),
    [
        ("GET", "structure/classes?_method=DELETE"),
        ("POST", "session?_method=delete"),
        ("POST", "session?_method=GET"),
        ("POST", "session?_method=DELETE&_method=DELETE"),
    ],
)
async def test_only_put_and_delete_can_be_sent_over_post(
    client: httpx.AsyncClient, verb: str, address: str
) -> None:
    assert (await client.request(verb, address)).status_code == 400


async def test_another_verb_is_not_allowed(client: httpx.AsyncClient) -> None:
    for verb, address in (
        ("POST", "structure/properties"),
        ("GET", "files"),
        ("DELETE", "objects/0/1/latest"),
    ):
        answer = await client.request(verb, address)
        assert answer.status_code == 405
        assert answer.json()["Method"] == verb


@pytest.mark.parametrize(
    "address",
    [
        "structure/classes?objtypes=0",
        "structure/classes?objtype=0&bygroup=true",
        "structure/classes?objtype=0&objtype=0",
        "structure/objecttypes?x",
        "valuelists/101/items?top=1",
        "server/vaults?online=false",
        "structure/classes/207?include=everything",
    ],
)
async def test_an_unknown_parameter_is_refused(client: httpx.AsyncClient, address: str) -> None:
    assert (await client.get(address)).status_code == 400


@pytest.mark.parametrize(
    "address", ["nothing", "structure", "objects/", "structure//classes", "Structure/classes"]
)
async def test_an_unknown_address_of_the_web_service_is_not_found_in_json(
    client: httpx.AsyncClient, address: str
) -> None:
    """As recorded: `/objects/251/properties` was answered with a NotFoundException."""
    answer = await client.get(address)
    assert answer.status_code == 404
    assert answer.json()["URL"] == f"/{address}"


@pytest.mark.parametrize("address", ["/", "/rest/server/status", "/REST", "/server/status"])
async def test_outside_the_web_service_iis_answers_in_html(
    site: Site, client: httpx.AsyncClient, address: str
) -> None:
    answer = await client.get(f"{site.origin}{address}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_an_error_that_nobody_caught_is_a_page_of_iis(site: Site, client: httpx.AsyncClient) -> None:
    site.vault.broken = True
    for verb, address in (("POST", "server/authenticationtokens"), ("POST", "objects/0"), ("GET", "objects")):
        answer = await client.request(verb, address)
        assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
    site.vault.broken = False
    assert (await client.get("objects")).status_code == 200


async def test_a_server_that_is_down_says_503_to_everything(site: Site, client: httpx.AsyncClient) -> None:
    site.vault.available = False
    for verb, address in (
        ("GET", "server/status"),
        ("POST", "server/authenticationtokens"),
        ("GET", "objects"),
    ):
        answer = await client.request(verb, address)
        assert answer.status_code == 503
        assert answer.headers["Content-Type"].startswith("text/html")
    site.vault.available = True
    assert (await client.get("objects")).status_code == 200
