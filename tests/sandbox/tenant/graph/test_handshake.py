"""The validation of an address, while a subscription is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web

from sandbox.pki import Authority
from sandbox.serving import serve
from sandbox.tenant.graph import handshake

from .conftest import Receiver, Service, refusal

pytestmark = pytest.mark.anyio


async def test_the_token_is_posted_as_plain_text_and_must_be_decoded(
    graph: Service, receiver: Receiver
) -> None:
    assert (await graph.subscribe(f"{receiver.url}?code=a%2Bb")).status_code == 201
    (request,) = receiver.requests
    assert request.method == "POST"
    assert request.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert request.query["code"] == "a+b"
    assert request.raw_path.startswith("/notifications?code=a%2Bb&validationToken=Validation%3A+Testing+")
    assert " " in receiver.tokens[0]


async def test_both_addresses_are_asked_even_when_they_are_one(graph: Service, receiver: Receiver) -> None:
    await graph.subscribe(receiver.url, lifecycleNotificationUrl=f"{receiver.origin}/lifecycle")
    assert [request.path for request in receiver.requests] == ["/notifications", "/lifecycle"]
    await graph.subscribe(receiver.url, changeType="updated", lifecycleNotificationUrl=receiver.url)
    assert len(receiver.tokens) == len(set(receiver.tokens)) == 4


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda token: web.Response(text=token, status=202), "must respond with 200 OK"),
        (lambda token: web.Response(status=302, headers={"Location": "/"}), "must respond with 200 OK"),
        (lambda token: web.Response(text=token, content_type="text/html"), "text/plain"),
        (lambda token: web.Response(body=token.encode()), "text/plain"),
        (lambda token: web.json_response(token), "text/plain"),
        (lambda token: web.Response(text=token.replace(" ", "+")), "exactly match"),
        (lambda token: web.Response(text=f"{token}\n"), "exactly match"),
        (lambda token: web.Response(text=""), "exactly match"),
    ],
)
async def test_any_other_answer_is_refused(
    graph: Service, receiver: Receiver, answer: Callable[[str], web.Response], words: str
) -> None:
    receiver.validate = answer
    message = refusal(await graph.subscribe(receiver.url), 400, "ValidationError")
    assert message.startswith("Subscription validation request failed. ")
    assert words in message
    assert graph.tenant.subscriptions.live() == []


async def test_an_address_that_nobody_serves_is_refused(graph: Service, receiver: Receiver) -> None:
    nobody = "http://127.0.0.1:1/notifications"
    refusal(await graph.subscribe(nobody), 400, "ValidationError")
    answer = await graph.subscribe(receiver.url, lifecycleNotificationUrl=nobody)
    refusal(answer, 400, "ValidationError")
    assert graph.tenant.subscriptions.live() == []


async def test_a_late_answer_is_none(
    graph: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert handshake.ANSWER_SECONDS == 10
    monkeypatch.setattr(handshake, "ANSWER_SECONDS", 0.05)
    receiver.seconds = 0.3
    message = refusal(await graph.subscribe(receiver.url), 400, "ValidationError")
    assert "timed out" in message


async def test_an_https_address_is_asked_over_tls(
    graph: Service, receiver: Receiver, authority: Authority
) -> None:
    app = web.Application()
    app.router.add_post("/notifications", receiver.handle)
    served = await serve(app, context=authority.server_context())
    assert (await graph.subscribe(f"{served.origin}/notifications")).status_code == 201
    assert receiver.requests[0].secure
    await served.close()


async def test_of_two_twins_at_once_one_is_a_conflict(graph: Service, receiver: Receiver) -> None:
    """The second is refused although the first was not yet there when it came."""
    answers = await asyncio.gather(*(graph.subscribe(receiver.url) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
