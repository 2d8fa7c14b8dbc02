"""`$batch`: many requests in one, each answered for itself."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .conftest import MAILBOX, Receiver, Service, refusal

pytestmark = pytest.mark.anyio
JSON = {"Content-Type": "application/json"}


async def batch(graph: Service, *requests: Any) -> httpx.Response:
    return await graph.client.post(f"{graph.root}/$batch", json={"requests": list(requests)})


async def answers(graph: Service, *requests: Any) -> dict[str, dict[str, Any]]:
    """The answers by their ids."""
    answer = await batch(graph, *requests)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"responses"}
    return {one["id"]: one for one in answer.json()["responses"]}


def creation(graph: Service, receiver: Receiver, name: str, **changes: Any) -> dict[str, Any]:
    body = graph.subscription(receiver.url, **changes)
    return {"id": name, "method": "POST", "url": "/subscriptions", "headers": JSON, "body": body}


async def test_each_request_is_answered_as_if_it_had_come_alone(graph: Service, receiver: Receiver) -> None:
    found = await answers(
        graph,
        creation(graph, receiver, "a"),
        creation(graph, receiver, "b", changeType="updated", clientState="x" * 129),
        {"id": "c", "method": "GET", "url": "/subscriptions/unknown"},
        {"id": "d", "method": "GET", "url": f"users/{MAILBOX}/mailFolders/inbox?$select=id"},
    )

    assert {name: one["status"] for name, one in found.items()} == {"a": 201, "b": 400, "c": 404, "d": 200}
    (made,) = graph.tenant.subscriptions.live()
    assert found["a"]["body"]["id"] == made.id
    assert made.immutable_ids is False
    assert found["b"]["body"]["error"]["code"] == "InvalidRequest"
    assert found["c"]["body"]["error"]["code"] == "ResourceNotFound"
    assert found["d"]["headers"]["Content-Type"].startswith("application/json")


async def test_preferences_are_those_of_each_request_not_of_the_batch(
    graph: Service, receiver: Receiver
) -> None:
    one = creation(graph, receiver, "1")
    one["headers"] = {**JSON, "Prefer": 'IdType="ImmutableId"'}

    found = await answers(graph, one)

    assert graph.tenant.subscriptions.get(made_by(graph), found["1"]["body"]["id"]).immutable_ids is True


def made_by(graph: Service) -> str:
    (one,) = graph.tenant.subscriptions.live()
    return one.app_id


async def test_an_answer_without_a_body_has_null_and_the_order_is_another(
    graph: Service, receiver: Receiver
) -> None:
    made = (await graph.subscribe(receiver.url)).json()["id"]
    delete = {"id": "2", "method": "DELETE", "url": f"/subscriptions/{made}"}

    answer = await batch(graph, {"id": "1", "method": "GET", "url": "/subscriptions"}, delete)

    second, first = answer.json()["responses"]
    assert (second["id"], second["status"], second["body"]) == ("2", 204, None)
    assert first["id"] == "1"


async def test_what_depends_on_a_failure_is_not_done(graph: Service, receiver: Receiver) -> None:
    missing = {"id": "1", "method": "GET", "url": "/subscriptions/unknown"}
    after = {**creation(graph, receiver, "2"), "dependsOn": ["1"]}
    good = {**creation(graph, receiver, "3"), "dependsOn": []}

    found = await answers(graph, missing, after, good)

    assert {name: one["status"] for name, one in found.items()} == {"1": 404, "2": 424, "3": 201}
    assert len(graph.tenant.subscriptions.live()) == 1


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{"id": str(number), "method": "GET", "url": "/subscriptions"} for number in range(21)],
        [{"id": "a", "method": "GET", "url": "/subscriptions"}] * 2,
        [{"method": "GET", "url": "/subscriptions"}],
        [{"id": 1, "method": "GET", "url": "/subscriptions"}],
        [{"id": "1", "url": "/subscriptions"}],
        [{"id": "1", "method": "FETCH", "url": "/subscriptions"}],
        [{"id": "1", "method": "GET"}],
        [{"id": "1", "method": "GET", "url": "https://elsewhere.example.com/"}],
        [{"id": "1", "method": "GET", "url": "/v1.0/subscriptions"}],
        [{"id": "1", "method": "POST", "url": "/$batch", "headers": JSON, "body": {"requests": []}}],
        [{"id": "1", "method": "POST", "url": "/subscriptions", "body": {}}],
        [{"id": "1", "method": "GET", "url": "/subscriptions", "colour": "red"}],
        [{"id": "1", "method": "GET", "url": "/subscriptions", "headers": {"Authorization": "Bearer x"}}],
        [{"id": "1", "method": "GET", "url": "/subscriptions", "dependsOn": ["2"]}],
        ["GET /subscriptions"],
    ],
)
async def test_a_batch_that_is_no_batch_is_refused_as_a_whole(graph: Service, requests: list[Any]) -> None:
    refusal(await batch(graph, *requests), 400, "BadRequest")


async def test_a_batch_needs_a_token_and_json(graph: Service) -> None:
    body = {"requests": [{"id": "1", "method": "GET", "url": "/subscriptions"}]}
    address = f"{graph.root}/$batch"

    answer = await graph.client.post(address, json=body, headers={"Authorization": ""})
    refusal(answer, 401, "InvalidAuthenticationToken")
    for content, kind in ((b"{", "application/json"), (b"{}", "text/plain")):
        answer = await graph.client.post(address, content=content, headers={"Content-Type": kind})
        refusal(answer, 400, "BadRequest")
