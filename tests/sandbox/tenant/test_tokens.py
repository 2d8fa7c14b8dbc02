"""Tokens of the tenant: what is issued is accepted, and nothing else is."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from sandbox.tenant.tokens import TokenIssuer, TokenRefused

TENANT = "11111111-2222-3333-4444-555555555555"
GRAPH = "https://graph.example"
APP = "99999999-8888-7777-6666-555555555555"
HOUR = timedelta(hours=1)


class Clock:
    """A clock that stands still until moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(clock: Clock) -> TokenIssuer:
    return TokenIssuer(TENANT, clock)


def refusal(issuer: TokenIssuer, header: str | None, audience: str = GRAPH) -> str:
    with pytest.raises(TokenRefused) as caught:
        issuer.verify(header, audience)
    return caught.value.reason


def test_a_token_says_who_may_do_what_where_and_until_when(issuer: TokenIssuer, clock: Clock) -> None:
    token = issuer.issue(APP, GRAPH, ["Mail.ReadWrite", "Mail.Read"], HOUR)

    claims = issuer.verify(f"Bearer {token}", GRAPH)

    assert claims.app_id == APP
    assert claims.roles == {"Mail.Read", "Mail.ReadWrite"}
    assert claims.audience == GRAPH
    assert claims.expires == clock.time + HOUR


def test_the_claims_are_those_of_a_token_of_version_1(issuer: TokenIssuer) -> None:
    token = issuer.issue(APP, GRAPH, [], HOUR)

    claims = jwt.decode(token, options={"verify_signature": False})

    assert claims["iss"] == f"https://sts.windows.net/{TENANT}/"
    assert (claims["appid"], claims["tid"], claims["aud"], claims["ver"]) == (APP, TENANT, GRAPH, "1.0")
    assert claims["exp"] - claims["iat"] == 3600
    assert "roles" not in claims
    assert jwt.get_unverified_header(token)["alg"] == "RS256"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "no Authorization header"),
        ("", "no Authorization header"),
        ("Basic YTpi", "not a Bearer token"),
        ("Bearer", "malformed token"),
        ("Bearer ", "malformed token"),
        ("Bearer abc", "malformed token"),
        ("Bearer a.b.c", "malformed token"),
        ("Bearer töken", "malformed token"),
        ("Bearer \udcff", "malformed token"),
    ],
)
def test_a_header_without_a_readable_token_is_refused(
    issuer: TokenIssuer, header: str | None, reason: str
) -> None:
    assert refusal(issuer, header) == reason


def test_the_scheme_is_read_without_regard_to_case(issuer: TokenIssuer) -> None:
    """RFC 9110, 11.1: the name of a scheme is case-insensitive."""
    assert issuer.verify(f"bearer {issuer.issue(APP, GRAPH, [], HOUR)}", GRAPH).app_id == APP


def test_a_token_for_another_service_is_refused(issuer: TokenIssuer) -> None:
    token = issuer.issue(APP, "https://vault.azure.net", [], HOUR)

    assert refusal(issuer, f"Bearer {token}") == "wrong audience"


def test_a_token_of_another_key_is_refused(issuer: TokenIssuer, clock: Clock) -> None:
    token = TokenIssuer(TENANT, clock).issue(APP, GRAPH, [], HOUR)

    assert refusal(issuer, f"Bearer {token}") == "wrong signature"


def test_a_token_with_the_same_key_and_another_issuer_is_refused(issuer: TokenIssuer) -> None:
    token = issuer.issue(APP, GRAPH, [], HOUR)
    issuer.issuer = "https://sts.windows.net/another-tenant/"

    assert refusal(issuer, f"Bearer {token}") == "wrong issuer"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_chooses_its_own_algorithm_is_refused(issuer: TokenIssuer, algorithm: str) -> None:
    signed = issuer.issue(APP, GRAPH, [], HOUR)
    claims = jwt.decode(signed, options={"verify_signature": False})
    token = jwt.encode(claims, "k" * 32 if algorithm == "HS256" else "", algorithm=algorithm)

    assert refusal(issuer, f"Bearer {token}") == "wrong signature"


def test_a_token_with_changed_claims_is_refused(issuer: TokenIssuer) -> None:
    head, body, signature = issuer.issue(APP, GRAPH, ["Mail.Read"], HOUR).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["roles"].append("Mail.ReadWrite")
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    assert refusal(issuer, f"Bearer {head}.{forged}.{signature}") == "wrong signature"


def test_a_token_lives_to_the_second_by_the_clock_of_the_tenant(issuer: TokenIssuer, clock: Clock) -> None:
    header = f"Bearer {issuer.issue(APP, GRAPH, [], HOUR)}"

    clock.time += HOUR - timedelta(seconds=1)
    assert issuer.verify(header, GRAPH).app_id == APP
    clock.time += timedelta(seconds=1)
    assert refusal(issuer, header) == "token has expired"


def test_a_token_is_not_valid_before_it_was_issued(issuer: TokenIssuer, clock: Clock) -> None:
    header = f"Bearer {issuer.issue(APP, GRAPH, [], HOUR)}"

    clock.time -= timedelta(seconds=1)
    assert refusal(issuer, header) == "token is not valid yet"


def test_tokens_that_were_taken_back_are_refused_and_new_ones_are_not(issuer: TokenIssuer) -> None:
    old, other = issuer.issue(APP, GRAPH, [], HOUR), issuer.issue(APP, "https://other.example", [], HOUR)

    issuer.expire(GRAPH)

    assert refusal(issuer, f"Bearer {old}") == "token has expired"
    assert issuer.verify(f"Bearer {issuer.issue(APP, GRAPH, [], HOUR)}", GRAPH).app_id == APP
    assert issuer.verify(f"Bearer {other}", "https://other.example").app_id == APP
