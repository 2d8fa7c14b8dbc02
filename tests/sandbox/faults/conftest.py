"""A box of its own, since its tokens are taken back, and clients of its services."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from sandbox.box import GRAPH_ROLES, KEY_VAULT_AUDIENCE, Sandbox
from sandbox.faults import ServiceFaults
from sandbox.pki import Authority
from sandbox.vault import VaultObject

LIFETIME = timedelta(minutes=5)
SUBJECT = b"Offer 4711"


@dataclass(frozen=True)
class Clients:
    """One client for each service, with a token for it where one is needed."""

    box: Sandbox
    entra: httpx.AsyncClient
    graph: httpx.AsyncClient
    identity: httpx.AsyncClient
    keyvault: httpx.AsyncClient
    vault: httpx.AsyncClient

    async def log_in(self) -> None:
        """Take a new token of the vault."""
        vault = self.box.vault
        body = {"Username": vault.username, "Password": vault.password, "VaultGuid": vault.guid}
        answer = await self.vault.post("server/authenticationtokens", json=body)
        self.vault.headers["X-Authentication"] = answer.json()["Value"]

    async def sign_in(self, secret: str | None = None) -> httpx.Response:
        """Ask Entra ID for a token to Graph."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.box.registration.client_id,
            "client_secret": secret or self.box.directory.add_secret(self.box.registration.client_id),
            "scope": f"{self.graph_audience}/.default",
        }
        return await self.entra.post(f"/{self.box.tenant_id}/oauth2/v2.0/token", data=form)

    async def identity_token(self) -> httpx.Response:
        """Ask for a token of the managed identity to Key Vault."""
        query = {"api-version": "2019-08-01", "resource": KEY_VAULT_AUDIENCE}
        headers = {"X-IDENTITY-HEADER": self.box.identities.header}
        return await self.identity.get("/msi/token", params=query, headers=headers)

    async def secret(self) -> httpx.Response:
        """Read a secret."""
        return await self.keyvault.get("/secrets/mfiles-username", params={"api-version": "7.4"})

    async def create(self, title: str) -> httpx.Response:
        """Create a document without files in the vault."""
        return await self.vault.post("objects/0", json=document(title))

    def titled(self, title: str) -> list[VaultObject]:
        """The objects of that title."""
        return [one for one in self.box.vault.objects() if one.title == title]

    @property
    def graph_audience(self) -> str:
        return self.box.addresses.graph.removesuffix("/v1.0")

    def use_new_tokens(self) -> None:
        """Give Graph's and Key Vault's clients tokens of their own."""
        issuer, box = self.box.issuer, self.box
        graph = issuer.issue(box.registration.client_id, self.graph_audience, GRAPH_ROLES, LIFETIME)
        keyvault = issuer.issue(box.identity.client_id, KEY_VAULT_AUDIENCE, [], LIFETIME)
        self.graph.headers["Authorization"] = f"Bearer {graph}"
        self.keyvault.headers["Authorization"] = f"Bearer {keyvault}"


def document(title: str) -> dict[str, object]:
    """The body that creates a document."""
    lookup = {"DataType": 9, "Lookup": {"Item": 207, "Version": -1}}
    values = [
        {"PropertyDef": 0, "TypedValue": {"DataType": 1, "Value": title}},
        {"PropertyDef": 22, "TypedValue": {"DataType": 8, "Value": False}},
        {"PropertyDef": 100, "TypedValue": lookup},
    ]
    return {"PropertyValues": values, "Files": []}


@pytest.fixture(scope="package")
async def box(
    azurite: tuple[Path, Path], authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sandbox]:
    async with Sandbox(tmp_path_factory.mktemp("faults"), authority, *azurite) as running:
        yield running


@pytest.fixture
def faults(box: Sandbox) -> Iterator[ServiceFaults]:
    """The faults of the box; none of them outlives a test."""
    yield box.faults
    box.faults.clear()


@pytest.fixture
async def clients(box: Sandbox, faults: ServiceFaults) -> AsyncIterator[Clients]:
    at = box.addresses
    async with (
        httpx.AsyncClient(base_url=at.entra) as entra,
        httpx.AsyncClient(base_url=at.graph) as graph,
        httpx.AsyncClient(base_url=at.identity) as identity,
        httpx.AsyncClient(base_url=at.keyvault) as keyvault,
        httpx.AsyncClient(base_url=f"{at.vault}/REST/") as vault,
    ):
        clients = Clients(box, entra, graph, identity, keyvault, vault)
        clients.use_new_tokens()
        await clients.log_in()
        yield clients
        faults.clear()


@pytest.fixture
def message(box: Sandbox) -> str:
    """The path of a message of 100 KB in a mailbox of its own."""
    address = f"{uuid.uuid4().hex}@example.com"
    box.tenant.add_mailbox(address)
    mime = b"From: a@contoso.com\r\nSubject: " + SUBJECT + b"\r\n\r\n" + b"0123456789" * 10_000
    return f"users/{address}/messages/{box.tenant.deliver(address, mime).id}"
