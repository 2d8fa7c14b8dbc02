"""What the app sends to the vault, held to what M-Files' own client library sends: verb and address."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import msgspec
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.pki import Authority
from sandbox.serving import serve
from sandbox.vault import ExampleVault, add_example_customers, application
from sandbox.vault.dispatch import segments
from shared.clock import SystemClock
from shared.secret_store import SecretStore
from shared.vault.mfiles import MFilesVault
from shared.vault.protocol import Choice, VaultObject
from shared.vault.structure import MFilesStructure
from tests.sandbox.vault.test_addresses import CLIENT_REQUESTS
from tests.shared.vault.site import Source, at_once, configuration_of, new

pytestmark = pytest.mark.anyio

Request = tuple[str, str]
LIMIT = 3_000_000
"""Bytes: larger than a chunk, smaller than a file."""

ELSEWHERE = {
    ("GET", "structure/properties"): "resources/structure/properties",
    ("GET", "structure/workflows"): "resources/structure/workflows",
    ("GET", "valuelists/#/items/#"): "resources/valuelists/id/items/objectid",
    ("GET", "session"): "resources/session",
    ("POST", "files/upload"): "MFWSVaultObjectFileOperations.cs, without a test of its own",
    ("POST", "files/upload/#"): "MFWSVaultObjectFileOperations.cs, without a test of its own",
}
"""Requests that are not among those of the client library's tests, and the page that documents each
(developer.m-files.com/APIs/REST-API/Reference)."""


class Secrets:
    """The account of a vault, as Key Vault would have it."""

    def __init__(self, vault: ExampleVault) -> None:
        self._secrets = {"mfiles-username": vault.username, "mfiles-password": vault.password}

    async def together(self, *names: str, anew: bool = False) -> tuple[str, ...]:
        return tuple(self._secrets[name] for name in names)


def general(method: str, address: str) -> Request:
    """A request without its ids, external ones too, its ending and its query: `GET objects/#/#/latest`."""
    path = address.partition("?")[0].removeprefix("/REST")
    parts = ["#" if re.fullmatch(r"-?\d+|e[A-Z0-9-]+", part) else part for part in segments(path)]
    return method, "/".join(parts)


def expected() -> set[Request]:
    """What the official client sends."""
    requests = json.loads(CLIENT_REQUESTS.read_text(encoding="utf-8"))["requests"]
    return {general(item["method"], item["address"]) for item in requests}


@asynccontextmanager
async def recorded(
    vault: ExampleVault, authority: Authority, sent: list[Request]
) -> AsyncIterator[MFilesVault]:
    """The app's client for this vault; `sent` gets what it sends."""

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        sent.append(general(request.query.get("_method", request.method), request.rel_url.raw_path))
        return await handler(request)

    site = application(vault)
    site.middlewares.append(record)
    served = await serve(site, context=authority.server_context())
    plain = configuration_of(served.origin, vault.guid, "PD.From", "PD.CustomerRecord")
    section = msgspec.structs.replace(plain.vault, chunked_upload=True)
    configuration = msgspec.structs.replace(plain, vault=section)
    client = MFilesVault(configuration, cast("SecretStore", Secrets(vault)), SystemClock())
    try:
        yield client
    finally:
        await client.close()
        await served.close()


async def choose(structure: MFilesStructure) -> None:
    """Every way of choosing what a lookup names."""
    department, record = structure.property("Department"), structure.property("Customer record")
    owner = await structure.owner(structure.property("Subject area"), "Sales")
    added = Choice(owner=owner, add_missing=True)
    assert await structure.choose(structure.property("Subject area"), "Returns", added) > 0
    assert await structure.choose(department, str(owner), Choice(by="id")) == owner
    assert await structure.choose(department, "D-SALES", Choice(by="external-id")) == owner
    assert await structure.choose(record, "contoso.com", Choice(match="E-mail domain")) == 12
    assert await structure.choose(record, "C-4711", Choice(by="external-id")) == 12
    workflow = await structure.workflow("Approval")
    assert (await structure.state(workflow.id, "Open")).id == 160


async def everything(client: MFilesVault) -> VaultObject:
    """All that filing does with the vault."""
    await client.ping()
    structure = await client.structure()
    kind = await structure.class_("CL.Mail")
    await choose(structure)
    files = [Source("message", b"a mail").file(), Source("scan", bytes(LIMIT + 1)).file()]
    made = await client.create(new(class_id=kind.id), files, at_once)
    assert await client.is_own(made)
    await client.find(1301, "0" * 32)
    await client.mark_deleted(made)
    return made


async def test_the_apps_requests_are_those_of_the_official_client(
    tmp_path: Path, authority: Authority
) -> None:
    if not CLIENT_REQUESTS.is_file():
        pytest.skip(f"{CLIENT_REQUESTS} is not there: the app's requests are not checked")
    vault = ExampleVault(tmp_path / "vault", max_upload_bytes=LIMIT)
    add_example_customers(vault)
    sent: list[Request] = []
    async with recorded(vault, authority, sent) as client:
        made = await everything(client)
    assert made.id == vault.objects()[0].id
    known = expected()
    assert {request for request in sent if request not in known} == ELSEWHERE.keys()
    assert {
        ("POST", "server/authenticationtokens"),
        ("POST", "structure/metadatastructure/itemidbyalias"),
        ("GET", "structure/classes"),
        ("GET", "structure/classes/#"),
        ("GET", "structure/objecttypes"),
        ("GET", "structure/workflows/#/states"),
        ("GET", "valuelists"),
        ("GET", "valuelists/#/items"),
        ("POST", "valuelists/#/items"),
        ("GET", "objects/#/#/latest"),
        ("GET", "objects"),
        ("POST", "files"),
        ("POST", "objects/#"),
        ("GET", "objects/#/#/latest/properties"),
        ("PUT", "objects/#/#/deleted"),
    } <= set(sent)
    assert known.isdisjoint(ELSEWHERE)
