"""The sign-in service: azure-identity gets tokens from it, and each wrong request its own refusal."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential

from sandbox.pki import Authority
from sandbox.serving import serve
from sandbox.tenant import entra

from .conftest import GRAPH, TENANT, SignInService

pytestmark = pytest.mark.anyio


async def post(service: SignInService, **fields: str | None) -> httpx.Response:
    """A good request, with some of its fields replaced, or left out (None)."""
    form = {
        "grant_type": "client_credentials",
        "client_id": service.app.client_id,
        "client_secret": service.secret,
        "scope": f"{GRAPH}/.default",
        **fields,
    }
    async with httpx.AsyncClient() as client:
        return await client.post(
            service.token_url, data={name: text for name, text in form.items() if text is not None}
        )


async def test_the_asynchronous_credential_gets_a_token_with_its_roles(sign_in: SignInService) -> None:
    credential = AsyncClientSecretCredential(
        TENANT,
        sign_in.app.client_id,
        sign_in.secret,
        authority=sign_in.served.origin,
        disable_instance_discovery=True,
    )
    async with credential:
        token = await credential.get_token(f"{GRAPH}/.default")

    claims = sign_in.issuer.verify(f"Bearer {token.token}", GRAPH)
    assert (claims.app_id, claims.roles) == (sign_in.app.client_id, frozenset({"Mail.Read"}))


async def test_the_synchronous_credential_gets_one_too(sign_in: SignInService) -> None:
    def token() -> str:
        with ClientSecretCredential(
            TENANT,
            sign_in.app.client_id,
            sign_in.secret,
            authority=sign_in.served.origin,
            disable_instance_discovery=True,
        ) as credential:
            return credential.get_token(f"{GRAPH}/.default").token

    claims = sign_in.issuer.verify(f"Bearer {await asyncio.to_thread(token)}", GRAPH)
    assert claims.app_id == sign_in.app.client_id


async def test_a_credential_with_a_wrong_secret_reports_the_code(sign_in: SignInService) -> None:
    credential = AsyncClientSecretCredential(
        TENANT,
        sign_in.app.client_id,
        "wrong",
        authority=sign_in.served.origin,
        disable_instance_discovery=True,
    )
    async with credential:
        with pytest.raises(ClientAuthenticationError, match="AADSTS7000215: Invalid client secret"):
            await credential.get_token(f"{GRAPH}/.default")


async def test_an_answer_carries_what_the_real_one_does(sign_in: SignInService) -> None:
    answer = await post(sign_in)

    assert answer.status_code == 200
    assert answer.json().keys() == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert answer.json()["expires_in"] == 3599
    assert answer.headers["Cache-Control"] == "no-store, no-cache"


async def test_the_lifetime_of_a_token_is_a_setting(sign_in: SignInService, authority: Authority) -> None:
    application = entra.application(sign_in.directory, sign_in.issuer, lambda: timedelta(minutes=1))
    served = await serve(application, context=authority.server_context())
    try:
        answer = await post(
            SignInService(served, sign_in.directory, sign_in.issuer, sign_in.app, sign_in.secret)
        )
    finally:
        await served.close()

    assert answer.json()["expires_in"] == 60
    claims = sign_in.issuer.verify(f"Bearer {answer.json()['access_token']}", GRAPH)
    assert claims.expires - sign_in.issuer.now() <= timedelta(minutes=1)


@pytest.mark.parametrize(
    ("fields", "status", "error", "code"),
    [
        ({"grant_type": None}, 400, "invalid_request", 900144),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"client_id": None}, 400, "invalid_request", 900144),
        ({"client_id": str(uuid.UUID(int=1))}, 400, "unauthorized_client", 700016),
        ({"client_secret": None}, 401, "invalid_client", 7000216),
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"scope": None}, 400, "invalid_request", 900144),
        ({"scope": "/.default"}, 400, "invalid_scope", 70011),
        ({"scope": f"{GRAPH}/.default {GRAPH}/Mail.Read"}, 400, "invalid_scope", 70011),
        ({"scope": f"{GRAPH}/Mail.Read"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://elsewhere.example/.default"}, 400, "invalid_resource", 500011),
        ({"scope": f"{GRAPH}//.default"}, 400, "invalid_resource", 500011),
    ],
)
async def test_a_wrong_field_is_refused_with_its_own_code(
    sign_in: SignInService, fields: dict[str, str | None], status: int, error: str, code: int
) -> None:
    answer = await post(sign_in, **fields)

    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert body["trace_id"] in body["error_description"]
    assert body.keys() == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
    }


async def test_a_refusal_repeats_the_id_that_the_client_gave(sign_in: SignInService) -> None:
    mine = str(uuid.uuid4())
    async with httpx.AsyncClient() as client:
        answer = await client.post(sign_in.token_url, data={}, headers={"client-request-id": mine})

    assert answer.json()["correlation_id"] == mine


async def test_a_body_that_is_no_form_has_no_fields(sign_in: SignInService) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(sign_in.token_url, json={"grant_type": "client_credentials"})

    assert answer.json()["error_codes"] == [900144]


async def test_a_get_for_a_token_is_refused(sign_in: SignInService) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(sign_in.token_url)

    assert (answer.status_code, answer.json()["error_codes"]) == (400, [900561])


@pytest.mark.parametrize(
    ("verb", "path", "error"),
    [
        ("GET", "v2.0/.well-known/openid-configuration", "invalid_tenant"),
        ("POST", "oauth2/v2.0/token", "invalid_request"),
    ],
)
async def test_an_unknown_tenant_is_refused(sign_in: SignInService, verb: str, path: str, error: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.request(verb, f"{sign_in.served.origin}/another.example/{path}")

    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json()["error_codes"]) == (error, [90002])
