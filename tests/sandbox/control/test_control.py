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
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the control address of an empty tenant and vault."""
    tenant = Tenant(tmp_path / "tenant", "84bd8158-6d4d-4958-8b9f-9d6445542f95")
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
