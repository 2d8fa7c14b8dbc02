"""Who is logged in, who has created an object, who sees it and who may delete it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.sandbox.vault.bodies import KEY, Json, create, document, file, found, text, upload
from tests.sandbox.vault.conftest import Site

pytestmark = pytest.mark.anyio
PASSWORD = "example-password-2"


@pytest.fixture
async def ada(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is logged in with a second account."""
    site.vault.add_account("ada", PASSWORD, name="Ada Example")
    async with site.browser() as browser:
        await site.log_in(browser, Username="ada", Password=PASSWORD)
        yield browser


async def creator(client: httpx.AsyncClient, created: Json) -> Json:
    properties = (await client.get(f"objects/0/{created['ObjVer']['ID']}/latest/properties")).json()
    (value,) = [item["TypedValue"] for item in properties if item["PropertyDef"] == 25]
    lookup: Json = value["Lookup"]
    assert (value["DisplayValue"], value["SerializedValue"]) == (lookup["DisplayValue"], str(lookup["Item"]))
    return lookup


async def test_the_session_has_its_documented_fields(client: httpx.AsyncClient) -> None:
    body = (await client.get("session")).json()
    assert list(body) == [
        *("AccountName", "ACLMode", "AuthenticationType", "CanForceUndoCheckout"),
        *("CanManageCommonUISettings", "CanManageCommonViews", "CanManageTraditionalFolders"),
        *("CanMaterializeViews", "CanSeeAllObjects", "CanSeeDeletedObjects", "InternalUser"),
        *("LicenseAllowsModifications", "UserID"),
    ]
    assert (body["AccountName"], body["UserID"]) == ("svc-mail", 25)


async def test_the_session_is_told_only_to_who_is_logged_in_to_the_vault(site: Site) -> None:
    async with site.browser() as browser:
        assert (await browser.get("session")).status_code == 403
        await site.log_in(browser, VaultGuid=None)
        answer = await browser.get("session")
    assert (answer.status_code, answer.json()["IsLoggedToApplication"]) == (403, True)


async def test_each_account_is_the_creator_of_what_it_creates(
    client: httpx.AsyncClient, ada: httpx.AsyncClient
) -> None:
    """Created by holds the id of the session's user, and the name that this user goes by."""
    for browser, name in ((client, "svc-mail"), (ada, "Ada Example")):
        lookup = await creator(client, await create(browser, document()))
        assert (lookup["ObjectType"], lookup["DisplayValue"]) == (6, name)
        assert lookup["Item"] == (await browser.get("session")).json()["UserID"]


async def test_each_account_has_its_own_password(site: Site, ada: httpx.AsyncClient) -> None:
    site.vault.set_password("changed")
    assert (await ada.get("session")).json()["AccountName"] == "ada"
    await site.log_in(ada, Username="ada", Password=site.vault.password)
    assert (await ada.get("session")).status_code == 403


async def test_what_an_account_creates_can_be_hidden_from_it_alone(
    site: Site, client: httpx.AsyncClient, ada: httpx.AsyncClient
) -> None:
    site.vault.hides_new_objects = True
    info = await upload(client)
    made = await create(client, document(text(KEY, "k"), files=[file(info, "a", "txt")]))
    assert made["VisibleAfterOperation"] is False
    query = f"p{KEY}=k&d=include"
    address, file_id = f"objects/0/{made['ObjVer']['ID']}", made["Files"][0]["ID"]
    contents = f"{address}/latest/files/{file_id}/content"
    assert await found(client, query) == []
    for part in (f"{address}/latest", f"{address}/latest/properties", f"{address}/latest/files", contents):
        answer = await client.get(part)
        assert (answer.status_code, answer.json()["ExceptionName"]) == (404, "NotFoundException")
        assert (await ada.get(part)).status_code == 200
    assert (await client.put(f"{address}/deleted", json={"Value": True})).status_code == 404
    assert await found(ada, query) == [made["ObjVer"]["ID"]]


async def test_hidden_objects_can_be_revealed(site: Site, client: httpx.AsyncClient) -> None:
    site.vault.hides_new_objects = True
    made = await create(client, document(text(KEY, "k")))
    site.vault.reveal()
    assert await found(client, f"p{KEY}=k") == [made["ObjVer"]["ID"]]
    assert (await create(client, document()))["VisibleAfterOperation"] is True


@pytest.mark.parametrize("deleted", [True, False])
async def test_an_account_without_the_right_can_set_no_deleted_mark(
    site: Site, client: httpx.AsyncClient, deleted: bool
) -> None:
    """It is logged in all the same: a new log-in would not help."""
    made = await create(client, document())
    site.vault.may_delete = False
    address = f"objects/0/{made['ObjVer']['ID']}"
    answer = await client.post(f"{address}/deleted?_method=PUT", json={"Value": deleted})
    body = answer.json()
    assert (answer.status_code, body["Status"], body["Method"]) == (403, 403, "PUT")
    assert body["Exception"] == {"Name": "UnauthorizedAccessException", "Message": "Access denied."}
    assert body["IsLoggedToVault"] is body["IsLoggedToApplication"] is True
    assert (await client.get(f"{address}/latest")).json() == made
    assert (await client.put("objects/0/1/deleted", json={"Value": True})).status_code == 404
