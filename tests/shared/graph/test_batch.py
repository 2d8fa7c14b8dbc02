"""Batches, at a stub that answers as it likes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from sandbox.pki import Authority
from shared.errors import ConfigurationFault, Unavailable, VaultpostError
from shared.graph.answers import Subscription
from shared.graph.client import IMMUTABLE_IDS
from shared.graph.faults import Conflict, NotFound, Refused
from shared.graph.subscriptions import HANDFUL, Creation, Named, SubscriptionClient

from .stub import answering, client_of

pytestmark = pytest.mark.anyio
UNTIL = datetime(2026, 11, 30, 11, tzinfo=UTC)
NAMED = [Named(f"{number}@example.com", f"id-{number}") for number in range(HANDFUL + 2)]


class Stub:
    """Says `answer` to every request, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Any = {"responses": []}
        self.status = 200
        self.asked: list[tuple[str, str, Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked.append((request.method, request.path, json.loads(body) if body else None))
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
async def client(authority: Authority, stub: Stub) -> AsyncIterator[SubscriptionClient]:
    async with answering(authority, stub.handle) as origin, client_of(origin) as graph:
        yield SubscriptionClient(graph)


async def test_a_batch_says_for_each_what_it_would_say_alone(stub: Stub, client: SubscriptionClient) -> None:
    """Addresses are relative, bodies are JSON, and each has headers of its own."""
    await client.renew_all(NAMED, UNTIL)
    await client.delete_all(NAMED)
    addresses = ("https://app.example.com/n", "https://app.example.com/l")
    await client.create_all([Creation(one.mailbox, "users/x", addresses, "state", UNTIL) for one in NAMED])

    renewals, deletions, creations = (body["requests"] for _, _, body in stub.asked)
    assert {(method, path) for method, path, _ in stub.asked} == {("POST", "/v1.0/$batch")}
    assert [one["id"] for one in renewals] == [str(number) for number in range(len(NAMED))]
    assert {key.lower(): value for key, value in renewals[0].pop("headers").items()} == {
        "accept": "application/json",
        "content-type": "application/json",
        "prefer": IMMUTABLE_IDS,
    }
    assert renewals[0] == {
        "id": "0",
        "method": "PATCH",
        "url": "/subscriptions/id-0",
        "body": {"expirationDateTime": "2026-11-30T11:00:00.000000Z"},
    }
    assert (deletions[1]["method"], deletions[1]["url"]) == ("DELETE", "/subscriptions/id-1")
    assert "body" not in deletions[1]
    assert (creations[2]["method"], creations[2]["url"]) == ("POST", "/subscriptions")
    assert creations[2]["body"]["notificationUrl"] == addresses[0]


async def test_a_handful_goes_without_a_batch(stub: Stub, client: SubscriptionClient) -> None:
    stub.answer = {"id": "made"}

    await client.renew_all(NAMED[:HANDFUL], UNTIL)

    assert [(method, path) for method, path, _ in stub.asked] == [
        ("PATCH", f"/v1.0/subscriptions/id-{number}") for number in range(HANDFUL)
    ]


def error(code: str, message: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


async def test_each_answer_finds_its_request_in_whatever_order_they_come(
    stub: Stub, client: SubscriptionClient
) -> None:
    stub.answer = {
        "responses": [
            {"id": "4", "status": 404, "body": error("ResourceNotFound")},
            {"id": "2", "status": 429, "headers": {"retry-after": "2.128"}, "body": error("TooManyRequests")},
            {"id": "0", "status": 200, "headers": {}, "body": {"id": "id-0", "expirationDateTime": "x"}},
            {"id": "3", "status": 400, "body": error("ExtensionError", "can only be 10 minutes")},
            {"id": "1", "status": 403, "headers": None, "body": None},
        ]
    }

    first, forbidden, throttled, refused, missing, unanswered = await client.renew_all(NAMED, UNTIL)

    assert isinstance(first, Subscription)
    assert first.id == "id-0"
    assert isinstance(forbidden, ConfigurationFault)
    assert "1@example.com" in str(forbidden)
    assert isinstance(throttled, Unavailable)
    assert (throttled.after, throttled.origin) == (2.128, "mailbox")
    assert isinstance(refused, Refused)
    assert refused.detail == "can only be 10 minutes"
    assert isinstance(missing, NotFound)
    assert isinstance(unanswered, Unavailable)


async def test_a_deletion_of_what_is_gone_is_as_good(stub: Stub, client: SubscriptionClient) -> None:
    stub.answer = {
        "responses": [
            {"id": str(number), "status": status, "body": None}
            for number, status in enumerate((204, 404, 503, 204, 204, 204))
        ]
    }

    outcomes = await client.delete_all(NAMED)

    assert outcomes[:2] == [None, None]
    assert isinstance(outcomes[2], Unavailable)
    assert outcomes[3:] == [None] * 3


@pytest.mark.parametrize("body", [{}, {"id": ""}, None, "text", {"id": ["x"]}])
async def test_a_creation_that_names_no_subscription_is_no_creation(
    stub: Stub, client: SubscriptionClient, body: Any
) -> None:
    stub.answer = {"responses": [{"id": "0", "status": 201, "body": body}]}
    wanted = [Creation(one.mailbox, "users/x", ("", ""), "state", UNTIL) for one in NAMED]

    assert all(isinstance(one, Unavailable) for one in await client.create_all(wanted))


@pytest.mark.parametrize("status", [400, 404, 409, 429, 503])
async def test_what_befalls_a_batch_is_never_taken_for_what_befalls_a_subscription(
    stub: Stub, client: SubscriptionClient, status: int
) -> None:
    """A batch that is not found does not make every subscription anew."""
    stub.status, stub.answer = status, error("SomeCode")

    outcomes: list[Subscription | VaultpostError] = await client.renew_all(NAMED, UNTIL)

    assert len(outcomes) == len(NAMED)
    assert all(isinstance(one, Unavailable) for one in outcomes)
    assert not any(isinstance(one, NotFound | Conflict) for one in outcomes)
