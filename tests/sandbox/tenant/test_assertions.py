"""Signing in with an assertion, by a certificate or another identity, and the refusal of each wrong one."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from azure.identity.aio import CertificateCredential, ClientAssertionCredential
from cryptography.hazmat.primitives import hashes

from sandbox.tenant.assertions import ASSERTION_TYPE
from sandbox.tenant.certificates import AppCertificate
from sandbox.tenant.directory import FederatedCredential
from sandbox.tenant.managed_identity import TOKEN_EXCHANGE

from .conftest import GRAPH, TENANT, SignInService

pytestmark = pytest.mark.anyio

MADE, OTHER = AppCertificate.create(), AppCertificate.create()
HOUR = timedelta(hours=1)
SUBJECT = str(uuid.UUID(int=7))


@pytest.fixture(autouse=True)
def registered(sign_in: SignInService) -> Iterator[None]:
    """The application has a certificate and a federated credential, and none after the test."""
    directory, app = sign_in.directory, sign_in.app.client_id
    federated = FederatedCredential(sign_in.issuer.exchange_issuer, SUBJECT, TOKEN_EXCHANGE)
    directory.add_certificate(app, MADE.certificate)
    directory.add_federated_credential(app, federated)
    yield
    directory.remove_certificate(app, MADE.certificate)
    for one in directory.federated_credentials(app):
        directory.remove_federated_credential(app, one)


def thumbprint(made: AppCertificate, *, old: bool = False) -> dict[str, str]:
    algorithm: Any = hashes.SHA1() if old else hashes.SHA256()
    text = base64.urlsafe_b64encode(made.certificate.fingerprint(algorithm)).rstrip(b"=").decode()
    return {"x5t" if old else "x5t#S256": text}


def signed(
    service: SignInService,
    made: AppCertificate = MADE,
    *,
    header: dict[str, str] | None = None,
    algorithm: str = "PS256",
    **claims: Any,
) -> str:
    """A good assertion by a certificate, with some of its claims replaced, or left out (None)."""
    now = int(service.issuer.now().timestamp())
    whole = {
        "aud": service.token_url,
        "iss": service.app.client_id,
        "sub": service.app.client_id,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "exp": now + 600,
        **claims,
    }
    named = thumbprint(made) if header is None else header
    kept = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(kept, made.key, algorithm=algorithm, headers=named)


async def post(service: SignInService, assertion: str, **fields: str | None) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": service.app.client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "scope": f"{GRAPH}/.default",
        **fields,
    }
    async with httpx.AsyncClient() as client:
        return await client.post(
            service.token_url, data={name: text for name, text in form.items() if text is not None}
        )


async def refusal(service: SignInService, assertion: str, **fields: str | None) -> tuple[int, str, int]:
    answer = await post(service, assertion, **fields)
    body = answer.json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    return answer.status_code, body["error"], body["error_codes"][0]


@pytest.mark.parametrize("data", [MADE.pem.encode(), base64.b64decode(MADE.pkcs12)], ids=["pem", "pkcs12"])
async def test_azure_identity_signs_in_with_a_certificate(sign_in: SignInService, data: bytes) -> None:
    async with CertificateCredential(
        TENANT,
        sign_in.app.client_id,
        certificate_data=data,
        authority=sign_in.served.origin,
        disable_instance_discovery=True,
    ) as credential:
        token = await credential.get_token(f"{GRAPH}/.default")

    assert sign_in.issuer.verify(f"Bearer {token.token}", GRAPH).app_id == sign_in.app.client_id


async def test_azure_identity_signs_in_with_the_token_of_an_identity(sign_in: SignInService) -> None:
    assertion = sign_in.issuer.issue_exchange("its client id", SUBJECT, TOKEN_EXCHANGE, HOUR)
    async with ClientAssertionCredential(
        TENANT,
        sign_in.app.client_id,
        lambda: assertion,
        authority=sign_in.served.origin,
        disable_instance_discovery=True,
    ) as credential:
        token = await credential.get_token(f"{GRAPH}/.default")

    claims = jwt.decode(token.token, options={"verify_signature": False})
    assert (claims["appid"], claims["oid"]) == (sign_in.app.client_id, sign_in.app.object_id)


@pytest.mark.parametrize("old", [True, False], ids=["x5t", "x5t#S256"])
@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
async def test_both_algorithms_and_both_thumbprints_are_taken(
    sign_in: SignInService, algorithm: str, old: bool
) -> None:
    assertion = signed(sign_in, algorithm=algorithm, header=thumbprint(MADE, old=old))

    assert (await post(sign_in, assertion)).status_code == 200


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "https://login.example/token"}, 700023),
        ({"aud": None}, 700023),
        ({"sub": SUBJECT}, 700021),
        ({"sub": None}, 700021),
        ({"iss": SUBJECT}, 700021),
        ({"jti": None}, 50027),
        ({"exp": None}, 50027),
        ({"nbf": None}, 50027),
        ({"exp": 1}, 700024),
        ({"nbf": 2**33, "exp": 2**34}, 700024),
    ],
)
async def test_a_wrong_claim_is_refused(sign_in: SignInService, claims: dict[str, Any], code: int) -> None:
    assert await refusal(sign_in, signed(sign_in, **claims)) == (401, "invalid_client", code)


async def test_a_certificate_that_is_not_registered_is_refused_with_its_thumbprint(
    sign_in: SignInService,
) -> None:
    answer = await post(sign_in, signed(sign_in, OTHER))

    assert answer.json()["error_codes"] == [700027]
    fingerprint = OTHER.certificate.fingerprint(hashes.SHA256()).hex().upper()
    assert f"The key was not found., Thumbprint of key used by client: '{fingerprint}'" in answer.text


@pytest.mark.parametrize("header", [{}, {"x5t": "?"}, {"x5t#S256": ""}], ids=str)
async def test_an_assertion_that_names_no_certificate_is_refused(
    sign_in: SignInService, header: dict[str, str]
) -> None:
    assert (await refusal(sign_in, signed(sign_in, header=header)))[2] == 700027


async def test_a_key_of_another_certificate_is_refused(sign_in: SignInService) -> None:
    assertion = signed(sign_in, OTHER, header=thumbprint(MADE))

    answer = await post(sign_in, assertion)
    assert "use of the key to verify the signature failed" in answer.text


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_an_assertion_that_chooses_its_own_algorithm_is_refused(
    sign_in: SignInService, algorithm: str
) -> None:
    claims = jwt.decode(signed(sign_in), options={"verify_signature": False})
    key = "k" * 32 if algorithm == "HS256" else ""
    assertion = jwt.encode(claims, key, algorithm=algorithm, headers=thumbprint(MADE))

    assert (await refusal(sign_in, assertion))[2] == 700027


async def test_a_certificate_counts_only_within_its_time(sign_in: SignInService) -> None:
    app, now = sign_in.app.client_id, sign_in.issuer.now()
    past = AppCertificate.create(begins=now - 2 * HOUR, lifetime=HOUR)
    coming = AppCertificate.create(begins=now + HOUR)
    for made in (past, coming):
        sign_in.directory.add_certificate(app, made.certificate)

    over = await post(sign_in, signed(sign_in, past))
    early = await refusal(sign_in, signed(sign_in, coming))
    for made in (past, coming):
        sign_in.directory.remove_certificate(app, made.certificate)

    assert over.json()["error_codes"] == [700027]
    assert "The key used is expired." in over.text
    assert early[2] == 1000502


@pytest.mark.parametrize("assertion", ["x", "a.b.c", "..", "é"])
async def test_what_is_no_token_is_refused(sign_in: SignInService, assertion: str) -> None:
    assert await refusal(sign_in, assertion) == (401, "invalid_client", 50027)


@pytest.mark.parametrize(
    "fields",
    [{"client_assertion_type": None}, {"client_assertion_type": "other"}, {"client_secret": "also"}],
    ids=str,
)
async def test_an_assertion_comes_alone_and_with_its_type(
    sign_in: SignInService, fields: dict[str, str | None]
) -> None:
    status, error, _ = await refusal(sign_in, signed(sign_in), **fields)

    assert (status, error) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"issuer": "https://other.example/v2.0"}, 700211),
        ({"subject": "its client id"}, 700213),
        ({"audience": "api://other"}, 700212),
        (None, 70025),
    ],
    ids=["issuer", "subject", "audience", "none"],
)
async def test_a_federated_credential_that_does_not_match_is_refused(
    sign_in: SignInService, changes: dict[str, str] | None, code: int
) -> None:
    directory, app = sign_in.directory, sign_in.app.client_id
    (right,) = directory.federated_credentials(app)
    directory.remove_federated_credential(app, right)
    if changes is not None:
        values = {"issuer": right.issuer, "subject": right.subject, "audience": right.audience, **changes}
        directory.add_federated_credential(app, FederatedCredential(**values))

    assertion = sign_in.issuer.issue_exchange("its client id", SUBJECT, TOKEN_EXCHANGE, HOUR)

    assert await refusal(sign_in, assertion) == (401, "invalid_client", code)


async def test_a_federated_token_that_has_expired_is_refused(sign_in: SignInService) -> None:
    assertion = sign_in.issuer.issue_exchange("its client id", SUBJECT, TOKEN_EXCHANGE, -HOUR)

    assert (await refusal(sign_in, assertion))[2] == 700024


async def test_a_federated_token_of_another_key_is_refused(sign_in: SignInService) -> None:
    assertion = sign_in.issuer.issue_exchange("its client id", SUBJECT, TOKEN_EXCHANGE, HOUR)
    claims = jwt.decode(assertion, options={"verify_signature": False})
    forged = jwt.encode(claims, OTHER.key, algorithm="RS256")

    assert (await refusal(sign_in, forged))[2] == 50027


async def test_a_secret_that_has_expired_is_refused_with_its_own_code(sign_in: SignInService) -> None:
    over = sign_in.directory.add_secret(sign_in.app.client_id, ends=sign_in.issuer.now())
    fields = {"client_assertion": None, "client_assertion_type": None, "client_secret": over}

    assert await refusal(sign_in, "", **fields) == (401, "invalid_client", 7000222)
