"""Titles, comments and versions."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.vault.bodies import Json, create, document, file, lines, text, upload
from tests.sandbox.vault.conftest import Site

pytestmark = pytest.mark.anyio

TICKET_CLASS, COMMENT = 218, 33


def ticket(*more: Json) -> Json:
    """A document whose title is automatic: none is sent."""
    body = document(text(1321, "T-17"), text(1302, "ada@contoso.com"), *more, class_id=TICKET_CLASS)
    body["PropertyValues"] = [item for item in body["PropertyValues"] if item["PropertyDef"] != 0]
    return body


async def set_title(client: httpx.AsyncClient, number: int, title: str) -> httpx.Response:
    return await client.post(f"objects/0/{number}/latest/title?_method=PUT", json={"Value": title})


async def comment_of(client: httpx.AsyncClient, number: int, version: int) -> str | None:
    answer = await client.get(f"objects/0/{number}/{version}/properties/{COMMENT}")
    return answer.json()["TypedValue"].get("Value") if answer.status_code == 200 else None


async def test_a_new_title_makes_a_new_version(client: httpx.AsyncClient) -> None:
    info = await upload(client)
    first = await create(client, document(single=True, files=[file(info, None, "pdf")]))
    number = first["ObjVer"]["ID"]
    second = (await set_title(client, number, "x" * 101)).json()
    assert (second["ObjVer"]["Version"], second["Title"]) == (2, "x" * 100)
    assert second["Files"][0]["Name"] == "x" * 100
    assert (await client.get(f"objects/0/{number}/latest/title")).json() == "x" * 100
    former = (await client.get(f"objects/0/{number}/1")).json()
    assert former == first | {"ThisVersionLatestToThisUser": False, "LatestCheckedInVersion": 2}


async def test_the_history_has_all_versions(client: httpx.AsyncClient) -> None:
    number = (await create(client, document()))["ObjVer"]["ID"]
    for title in ("second", "third"):
        await set_title(client, number, title)
    versions = (await client.get(f"objects/0/{number}/history")).json()
    shown = [(one["ObjVer"]["Version"], one["Title"]) for one in versions]
    assert shown == [(3, "third"), (2, "second"), (1, "Offer 4711")]
    assert (await client.get(f"objects/0/{number}/4")).status_code == 404


async def test_an_automatic_title_is_made_of_other_properties_and_cannot_be_set(
    site: Site, client: httpx.AsyncClient
) -> None:
    created = await create(client, ticket())
    assert created["Title"] == "Ticket T-17 from ada@contoso.com"
    answer = await set_title(client, created["ObjVer"]["ID"], "another")
    body = answer.json()
    assert (answer.status_code, body["Status"], body["IsLoggedToVault"]) == (401, 401, True)
    assert site.vault.objects()[0].version == 1


async def test_an_automatic_title_is_cut_and_names_the_file(client: httpx.AsyncClient) -> None:
    info = await upload(client)
    body = ticket()
    for item in body["PropertyValues"]:
        if item["PropertyDef"] == 22:
            item["TypedValue"]["Value"] = True
        if item["PropertyDef"] == 1302:
            item["TypedValue"]["Value"] = "a" * 100
    body["Files"] = [file(info, None, "eml")]
    created = await create(client, body)
    assert created["Title"] == ("Ticket T-17 from " + "a" * 100)[:100]
    assert created["Files"][0]["Name"] == created["Title"]


async def test_a_value_for_an_automatic_property_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("objects/0", json=ticket(text(1326, "my own")))
    assert answer.status_code == 400
    assert "automatic" in answer.json()["Message"]


async def test_a_title_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    number = (await create(client, document()))["ObjVer"]["ID"]
    for content in (b"", b"{}", b'"x"', b'{"Value": ""}', b'{"Value": "a\\nb"}'):
        answer = await client.put(f"objects/0/{number}/latest/title", content=content)
        assert answer.status_code == 400, content


async def test_a_comment_belongs_to_one_version(client: httpx.AsyncClient) -> None:
    """One may come with the object; a later one makes a version of its own."""
    number = (await create(client, document(lines(COMMENT, "Imported\nby mail"))))["ObjVer"]["ID"]
    answer = await client.put(f"objects/0/{number}/latest/comments", json={"Value": "Checked"})
    assert answer.json()["ObjVer"]["Version"] == 2
    assert await comment_of(client, number, 1) == "Imported\r\nby mail"
    assert await comment_of(client, number, 2) == "Checked"
    await set_title(client, number, "third")
    assert await comment_of(client, number, 3) is None


async def test_only_the_latest_version_can_be_changed(client: httpx.AsyncClient) -> None:
    number = (await create(client, document()))["ObjVer"]["ID"]
    await set_title(client, number, "second")
    for part in ("title", "comments"):
        answer = await client.put(f"objects/0/{number}/1/{part}", json={"Value": "x"})
        assert answer.status_code == 400


async def test_a_deleted_mark_is_that_of_all_versions(site: Site, client: httpx.AsyncClient) -> None:
    number = (await create(client, document()))["ObjVer"]["ID"]
    await set_title(client, number, "second")
    site.vault.delete(number)
    assert (await client.get(f"objects/0/{number}/1")).json()["Deleted"] is True
