"""The answers to Graph: to its handshake, and to what it sends, at either address."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

import azure.functions as func
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.notifications import answer
from shared.endpoint import Answer, Refusal
from shared.notification import LARGEST_BODY
from shared.services import Services

pytestmark = pytest.mark.anyio

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
TOKEN = "Validation: Testing client application reachability for subscription Request-Id: 522a8e7e"


@dataclass
class NotingWebhook:
    """Notes what it is given, and answers as it is told."""

    status: Answer = Answer.QUEUED
    taken: list[tuple[bytes, str | None]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def take(self, body: bytes, trace: str | None = None) -> Answer:
        self.taken.append((body, trace))
        return self.status

    def refuse(self, refusal: Refusal) -> Answer:
        self.refused.append(refusal.why)
        return refusal.status


def with_webhook(webhook: NotingWebhook) -> Services:
    """The app, of which only the webhook is asked."""
    return cast(Services, SimpleNamespace(webhook=webhook))


def request(body: bytes = b"", params: dict[str, str] | None = None, **headers: str) -> func.HttpRequest:
    """A POST of Graph, as the host hands it on; `headers` with underscores for hyphens."""
    query = urlencode(params or {}, errors="surrogatepass")
    url = f"https://vaultpost.example.com/api/notifications?{query}"
    sent = {"Content-Type": f"{'text/plain' if params else 'application/json'}; charset=utf-8"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return func.HttpRequest("POST", url, params=params or {}, headers=sent, body=body)


@pytest.mark.parametrize("token", [TOKEN, "a", "x" * 4096, "ünïcode ✓", "a&b\"c'd"])
async def test_the_handshake_is_answered_with_the_token_as_plain_text(token: str) -> None:
    webhook = NotingWebhook()
    response = await answer(with_webhook(webhook), request(params={"validationToken": token}))
    assert response.status_code == 200
    assert response.get_body() == token.encode()
    assert response.mimetype == "text/plain"
    assert response.charset == "utf-8"
    assert dict(response.headers) == HEADERS
    assert webhook.taken == []


@pytest.mark.parametrize("token", ["", "<", "a>b", "<script>alert(1)</script>", "x" * 4097, "a\nb", "\ud800"])
async def test_a_token_that_graph_would_not_send_is_not_sent_back(token: str) -> None:
    """The address is public: nobody can make it serve a page."""
    webhook = NotingWebhook()
    response = await answer(with_webhook(webhook), request(params={"validationToken": token}))
    assert response.status_code == 400
    assert response.get_body() == b""
    assert webhook.taken == []


@settings(deadline=None, database=None)
@given(st.text(st.characters(), max_size=50))
async def test_a_token_comes_back_to_the_byte_or_not_at_all(token: str) -> None:
    response = await answer(with_webhook(NotingWebhook()), request(params={"validationToken": token}))
    assert response.get_body() in (b"", token.encode(errors="surrogatepass"))
    assert response.status_code == (200 if response.get_body() else 400)


@pytest.mark.parametrize("status", list(Answer))
async def test_what_the_webhook_says_is_the_status_and_nothing_else_is_told(status: Answer) -> None:
    response = await answer(with_webhook(NotingWebhook(status)), request(b"{}"))
    assert response.status_code == int(status)
    assert response.get_body() == b""
    assert dict(response.headers) == HEADERS


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ({"traceparent": "00-aa-bb-01"}, "00-aa-bb-01"),
        ({"Traceparent": "00-aa-bb-01"}, "00-aa-bb-01"),
        ({}, None),
    ],
)
async def test_body_and_trace_are_handed_on_as_they_came(headers: dict[str, Any], trace: str | None) -> None:
    webhook = NotingWebhook()
    await answer(with_webhook(webhook), request(b"\xff not JSON", **headers))
    assert webhook.taken == [(b"\xff not JSON", trace)]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (request(b"{}", Content_Type="text/plain"), 415),
        (request(b"{}", Content_Encoding="gzip"), 415),
        (request(b"{}", Content_Length=str(LARGEST_BODY + 1)), 413),
        (request(bytes(LARGEST_BODY + 1)), 413),
        (request(params={"validationToken": TOKEN}, Content_Type="application/json"), 415),
        (request(bytes(2000), params={"validationToken": TOKEN}), 413),
    ],
    ids=range(6),
)
async def test_what_graph_does_not_send_does_not_come_to_the_webhook(
    asked: func.HttpRequest, status: int
) -> None:
    webhook = NotingWebhook()
    response = await answer(with_webhook(webhook), asked)
    assert response.status_code == status
    assert response.get_body() == b""
    assert dict(response.headers) == HEADERS
    assert webhook.taken == []
    assert len(webhook.refused) == 1


async def test_a_body_at_the_limit_comes_to_the_webhook() -> None:
    webhook = NotingWebhook()
    await answer(with_webhook(webhook), request(bytes(LARGEST_BODY), Content_Length=str(LARGEST_BODY)))
    assert [len(body) for body, _ in webhook.taken] == [LARGEST_BODY]
