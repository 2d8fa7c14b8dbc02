"""A vault over TLS, with three applications: one may do everything, one only read, one nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from sandbox.keyvault.errors import AUDIENCE
from sandbox.keyvault.service import application
from sandbox.keyvault.store import SecretStore
from sandbox.pki import Authority
from sandbox.serving import Served, serve
from sandbox.tenant import managed_identity
from sandbox.tenant.directory import Directory, ManagedIdentity
from sandbox.tenant.managed_identity import HostIdentities
from sandbox.tenant.tokens import TokenIssuer

TENANT = "11111111-2222-3333-4444-555555555555"
AUTHORITY_URL = f"https://localhost:1/{TENANT}"


@dataclass(frozen=True)
class Vault:
    """A running vault, and how applications come to it."""

    served: Served
    store: SecretStore
    issuer: TokenIssuer
    owner: ManagedIdentity
    reader: ManagedIdentity
    stranger: ManagedIdentity
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return self.served.origin

    def token(self, identity: ManagedIdentity, audience: str = AUDIENCE) -> str:
        return self.issuer.issue(identity.client_id, audience, [], timedelta(minutes=5))

    async def request(
        self,
        verb: str,
        path: str,
        *,
        who: ManagedIdentity | None = None,
        version: str | None = "7.4",
        json: object = None,
        query: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """A request of the owner, or of `who`."""
        options = {**({"api-version": version} if version is not None else {}), **(query or {})}
        headers = {"Authorization": f"Bearer {self.token(who or self.owner)}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers) as client:
            return await client.request(verb, path, params=options, json=json)


@pytest.fixture(scope="module")
def issuer() -> TokenIssuer:
    return TokenIssuer(TENANT)


@pytest.fixture
async def vault(authority: Authority, issuer: TokenIssuer) -> AsyncIterator[Vault]:
    directory, store = Directory(TENANT), SecretStore()
    directory.add_resource(AUDIENCE)
    owner, reader, stranger = (directory.create_identity(name) for name in ("owner", "reader", "stranger"))
    store.allow(owner.client_id, "get", "set", "list")
    store.allow(reader.client_id, "get")
    identities = HostIdentities((owner, reader, stranger))
    endpoint = await serve(managed_identity.application(identities, directory, issuer), context=None)
    served = await serve(application(store, issuer, AUTHORITY_URL), context=authority.server_context())
    yield Vault(served, store, issuer, owner, reader, stranger, identities.environment(endpoint.origin))
    await served.close()
    await endpoint.close()
