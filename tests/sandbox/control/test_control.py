"""The control address delivers mail and shows tenant and vault."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sandbox.control import application
from sandbox.faults import ServiceFaults
from sandbox.serving import serve
from sandbox.tenant.graph import Tenant
from sandbox.vault import ExampleVault

pytestmark = pytest.mark.anyio
MAIL = b"From: a@contoso.com\r\nSubject: Hello\r\n\r\nHello"
ADDRESS = "/mailboxes/a@example.com"


@pytest.fixture
def tenant(tmp_path: Path) -> Tenant:
    return Tenant(tmp_path / "tenant", "84bd8158-6d4d-4958-8b9f-9d6445542f95")


@pytest.fixture
async def client(tenant: Tenant, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the control address of an empty tenant and vault."""
    served = await serve(application(tenant, ExampleVault(tmp_path / "vault"), ServiceFaults()), context=None)
    async with httpx.AsyncClient(base_url=served.origin) as opened:
        yield opened
    await served.close()


async def test_a_mail_is_delivered_and_shown_with_its_digest(client: httpx.AsyncClient) -> None:
    assert (await client.put(ADDRESS)).status_code == 201

    answer = await client.post(f"{ADDRESS}/messages", content=MAIL)

    assert answer.status_code == 201
    (held,) = (await client.get(f"{ADDRESS}/messages")).json()["messages"]
    assert held["immutableId"] == answer.json()["immutableId"]
    assert held["mime"] == {"size": len(MAIL), "sha256": hashlib.sha256(MAIL).hexdigest()}


async def test_a_mail_comes_as_the_query_says(client: httpx.AsyncClient, tenant: Tenant) -> None:
    await client.put(ADDRESS)
    query = {
        "folder": "drafts",
        "draft": "true",
        "outlook-items": "true",
        "regenerated": "true",
        "scan": "placeholder",
        "link": ["Our plan.pdf https://contoso.example/plan", "Other https://contoso.example/other"],
    }

    answer = await client.post(f"{ADDRESS}/messages", content=MAIL, params=query)

    assert answer.status_code == 201
    (message,) = tenant.mailbox("a@example.com").messages()
    assert (message.folder.well_known, message.is_draft, message.regenerated) == ("drafts", True, True)
    assert [one.name for one in message.attachments] == ["ATP Scan In Progress"]
    path = f"{ADDRESS}/messages/{answer.json()['immutableId']}"
    assert (await client.post(f"{path}/end-scan")).status_code == 204
    assert [one.name for one in message.attachments] == ["Our plan.pdf", "Other"]
    assert (await client.put(f"{path}/regenerated", content="false")).status_code == 204
    assert message.regenerated is False


@pytest.mark.parametrize(
    "query", ["draft=yes", "scan=never", "link=https://contoso.example", "drafts=true", "outlook-items="]
)
async def test_a_query_that_says_nothing_is_refused(client: httpx.AsyncClient, query: str) -> None:
    await client.put(ADDRESS)

    assert (await client.post(f"{ADDRESS}/messages?{query}", content=MAIL)).status_code == 400
    assert (await client.get(f"{ADDRESS}/messages")).json() == {"messages": []}


async def test_a_message_that_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    await client.put(ADDRESS)

    assert (await client.post(f"{ADDRESS}/messages/x/end-scan")).status_code == 404
    assert (await client.put(f"{ADDRESS}/messages/x/regenerated", content="true")).status_code == 404


async def test_a_mail_without_a_length_is_delivered_in_pieces(client: httpx.AsyncClient) -> None:
    await client.put(ADDRESS)
    lines = b"0123456789abcdef\r\n" * 4096

    async def pieces() -> AsyncIterator[bytes]:
        yield MAIL
        for _ in range(20):
            yield lines

    answer = await client.post(f"{ADDRESS}/messages", content=pieces())

    assert answer.status_code == 201
    (held,) = (await client.get(f"{ADDRESS}/messages")).json()["messages"]
    whole = MAIL + lines * 20
    assert held["mime"] == {"size": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}


async def test_an_address_is_given_once(client: httpx.AsyncClient) -> None:
    await client.put(ADDRESS)

    assert (await client.put(ADDRESS)).status_code == 409


@pytest.mark.parametrize("path", [f"{ADDRESS}/messages", f"{ADDRESS}/messages?folder=nowhere"])
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    if "folder" in path:
        await client.put(ADDRESS)

    assert (await client.post(path, content=MAIL)).status_code == 404


async def test_an_empty_vault_has_no_objects_and_no_files(client: httpx.AsyncClient) -> None:
    assert (await client.get("/vault/objects")).json() == {"objects": []}
    assert (await client.get("/vault/objects/0/1/files/1")).status_code == 404
