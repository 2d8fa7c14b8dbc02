"""The endpoint of managed identities, as azure-identity and as a plain client meet it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential

from sandbox.serving import serve
from sandbox.tenant import managed_identity
from sandbox.tenant.directory import Directory, ManagedIdentity
from sandbox.tenant.managed_identity import TOKEN_EXCHANGE, HostIdentities
from sandbox.tenant.tokens import TokenIssuer

from .conftest import GRAPH, TENANT

pytestmark = pytest.mark.anyio

KEY_VAULT = "https://vault.azure.net"


@dataclass(frozen=True)
class Host:
    """A host with one identity of each kind, and the endpoint that serves them."""

    environment: dict[str, str]
    issuer: TokenIssuer
    user_assigned: ManagedIdentity
    system_assigned: ManagedIdentity


@pytest.fixture(scope="module")
async def host() -> AsyncIterator[Host]:
    directory, issuer = Directory(TENANT), TokenIssuer(TENANT)
    directory.add_resource(KEY_VAULT)
    directory.add_resource(GRAPH)
    directory.add_resource(TOKEN_EXCHANGE)
    user, system = directory.create_identity("user"), directory.create_identity("system")
    directory.create_identity("of another host")
    directory.grant(user.client_id, GRAPH, "Mail.Read")
    identities = HostIdentities((user,), system)
    served = await serve(managed_identity.application(identities, directory, issuer), context=None)
    yield Host(identities.environment(served.origin), issuer, user, system)
    await served.close()


@pytest.fixture(autouse=True)
def environment(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity finds the endpoint in the environment."""
    for name, value in host.environment.items():
        monkeypatch.setenv(name, value)


async def get(host: Host, header: str | None = None, **query: str | None) -> httpx.Response:
    """A good request for the user-assigned identity, with some options replaced, or left out (None)."""
    options = {
        "api-version": "2019-08-01",
        "resource": KEY_VAULT,
        "client_id": host.user_assigned.client_id,
        **query,
    }
    given = host.environment["IDENTITY_HEADER"] if header is None else header
    async with httpx.AsyncClient() as client:
        return await client.get(
            host.environment["IDENTITY_ENDPOINT"],
            params={name: text for name, text in options.items() if text is not None},
            headers={"X-IDENTITY-HEADER": given},
        )


async def test_the_asynchronous_credential_gets_a_token_of_the_identity_it_names(host: Host) -> None:
    async with AsyncManagedIdentityCredential(client_id=host.user_assigned.client_id) as credential:
        token = await credential.get_token(f"{GRAPH}/.default")

    claims = host.issuer.verify(f"Bearer {token.token}", GRAPH)
    assert (claims.app_id, claims.roles) == (host.user_assigned.client_id, frozenset({"Mail.Read"}))
    assert token.expires_on == claims.expires.timestamp()


async def test_the_synchronous_credential_gets_one_too(host: Host) -> None:
    def token() -> str:
        with ManagedIdentityCredential(client_id=host.user_assigned.client_id) as credential:
            return str(credential.get_token(f"{GRAPH}/.default").token)

    claims = host.issuer.verify(f"Bearer {await asyncio.to_thread(token)}", GRAPH)
    assert claims.app_id == host.user_assigned.client_id


async def test_without_a_client_id_the_token_is_that_of_the_system_assigned_identity(host: Host) -> None:
    async with AsyncManagedIdentityCredential() as credential:
        token = await credential.get_token(f"{KEY_VAULT}/.default")

    assert host.issuer.verify(f"Bearer {token.token}", KEY_VAULT).app_id == host.system_assigned.client_id


async def test_a_credential_for_an_identity_of_nobody_fails(host: Host) -> None:
    async with AsyncManagedIdentityCredential(client_id="00000000-0000-0000-0000-000000000001") as credential:
        with pytest.raises(ClientAuthenticationError):
            await credential.get_token(f"{KEY_VAULT}/.default")


async def test_an_answer_carries_what_the_real_one_does(host: Host) -> None:
    answer = await get(host)

    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == {"access_token", "expires_on", "resource", "token_type", "client_id"}
    assert isinstance(body["expires_on"], str)
    assert (body["resource"], body["token_type"]) == (KEY_VAULT, "Bearer")
    assert body["client_id"] == host.user_assigned.client_id


async def test_a_token_names_the_principal_and_its_roles(host: Host) -> None:
    answer = await get(host, resource=GRAPH)

    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["oid"] == claims["sub"] == host.user_assigned.object_id
    assert (claims["appid"], claims["roles"]) == (host.user_assigned.client_id, ["Mail.Read"])


async def test_a_token_to_sign_in_with_for_an_application_is_of_version_2(host: Host) -> None:
    answer = await get(host, resource=TOKEN_EXCHANGE)

    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["iss"] == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert (claims["sub"], claims["aud"]) == (host.user_assigned.object_id, TOKEN_EXCHANGE)
    assert "roles" not in claims


@pytest.mark.parametrize("header", ["", "wrong"])
async def test_a_request_without_the_secret_header_is_refused(host: Host, header: str) -> None:
    answer = await get(host, header)

    assert answer.status_code == 401
    assert answer.json().keys() == {"statusCode", "message", "correlationId"}


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({"client_id": "nobody"}, 400, "No User Assigned or Delegated Managed Identity found"),
        ({"resource": None}, 400, "resource"),
        ({"resource": "https://elsewhere.example"}, 500, "An unexpected error occured"),
        ({"resource": f"{KEY_VAULT}/"}, 500, "An unexpected error occured"),
        ({"api-version": None}, 400, "api-version"),
        ({"api-version": "2017-09-01"}, 400, "api-version"),
        ({"principal_id": "1"}, 400, "principal_id"),
    ],
)
async def test_a_wrong_request_is_refused(
    host: Host, query: dict[str, str | None], status: int, message: str
) -> None:
    answer = await get(host, **query)

    assert (answer.status_code, answer.json()["statusCode"]) == (status, status)
    assert message in answer.json()["message"]


async def test_a_host_without_a_system_assigned_identity_refuses_a_request_without_an_id() -> None:
    """An app with a user-assigned identity alone must name it: AZURE_CLIENT_ID is not optional there."""
    directory = Directory(TENANT)
    directory.add_resource(KEY_VAULT)
    identities = HostIdentities((directory.create_identity("user"),))
    served = await serve(
        managed_identity.application(identities, directory, TokenIssuer(TENANT)), context=None
    )
    try:
        async with httpx.AsyncClient() as client:
            answer = await client.get(
                identities.environment(served.origin)["IDENTITY_ENDPOINT"],
                params={"api-version": "2019-08-01", "resource": KEY_VAULT},
                headers={"X-IDENTITY-HEADER": identities.header},
            )
    finally:
        await served.close()

    assert answer.status_code == 400
