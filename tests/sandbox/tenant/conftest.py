"""A tenant with its sign-in service running."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from sandbox.pki import Authority
from sandbox.serving import Served, serve
from sandbox.tenant import entra
from sandbox.tenant.directory import AppRegistration, Directory
from sandbox.tenant.managed_identity import TOKEN_EXCHANGE
from sandbox.tenant.tokens import TokenIssuer

TENANT = "11111111-2222-3333-4444-555555555555"
GRAPH = "https://graph.example"


@dataclass(frozen=True)
class SignInService:
    """A running sign-in service with one application that has one secret and one role at Graph."""

    served: Served
    directory: Directory
    issuer: TokenIssuer
    app: AppRegistration
    secret: str

    @property
    def token_url(self) -> str:
        return f"{self.served.origin}/{TENANT}/oauth2/v2.0/token"


@pytest.fixture(scope="module")
async def sign_in(authority: Authority) -> AsyncIterator[SignInService]:
    directory, issuer = Directory(TENANT), TokenIssuer(TENANT)
    directory.add_resource(GRAPH)
    directory.add_resource(TOKEN_EXCHANGE)
    app = directory.register("vaultpost")
    secret = directory.add_secret(app.client_id)
    directory.grant(app.client_id, GRAPH, "Mail.Read")
    served = await serve(entra.application(directory, issuer), context=authority.server_context())
    yield SignInService(served, directory, issuer, app, secret)
    await served.close()
