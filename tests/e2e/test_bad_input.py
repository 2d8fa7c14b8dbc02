"""What is not a true notification gets the right status, queues nothing, and costs its neighbours nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.tenant.graph.forms import far_away, seven_decimals
from tests.e2e.conftest import SOURCE, Installation
from tests.e2e.test_filing import mail

pytestmark = pytest.mark.anyio
JSON = {"Content-Type": "application/json; charset=utf-8"}
BOTH = pytest.mark.parametrize("path", ["/api/notifications", "/api/lifecycle"])


def item(installation: Installation, message: str, **changes: Any) -> dict[str, Any]:
    """A true notification of a message, with changes."""
    return {
        "subscriptionId": "0fc0d6db-0073-42e5-a186-853da75fb308",
        "subscriptionExpirationDateTime": far_away(datetime.now(UTC) + timedelta(days=5)),
        "tenantId": installation.box.tenant_id,
        "clientState": installation.client_state,
        "changeType": "created",
        "resource": f"Users/x/Messages/{message}",
        "resourceData": {"@odata.type": "#Microsoft.Graph.Message", "id": message},
        **changes,
    }


@BOTH
async def test_the_handshake_answers_the_decoded_token(installation: Installation, path: str) -> None:
    answer = await installation.http.post(f"{path}?validationToken=Validation%3a+T%C3%A9sting%2Ba%26b")

    assert answer.status_code == 200
    assert answer.text == "Validation: Tésting+a&b"
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("token", ["%3Cscript%3E", "a%3Eb", "x" * 4097, ""])
async def test_a_token_that_graph_would_not_send_is_refused(installation: Installation, token: str) -> None:
    answer = await installation.http.post(f"/api/notifications?validationToken={token}")

    assert answer.status_code == 400
    assert answer.content == b""


@BOTH
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"value": 1}', 400),
        (b'{"values": []}', 400),
        (b'{"value": [\xff\xfe]}', 400),
        (b"[" * 100_000, 400),
        (b'{"value": [], "validationTokens": ["eyJ"]}', 202),
        (b'{"value": [{}, 1, null, "x", []]}', 202),
        (b'{"value": ["' + b"x" * 2_000_000 + b'"]}', 413),
    ],
)
async def test_what_is_not_a_collection_is_refused(
    installation: Installation, path: str, body: bytes, status: int
) -> None:
    before = await installation.queued("mail-arrived")

    answer = await installation.http.post(path, content=body, headers=JSON)

    assert answer.status_code == status
    assert answer.content == b""
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert await installation.queued("mail-arrived") <= before


async def test_one_bad_item_costs_the_others_nothing(installation: Installation) -> None:
    """Of a batch of broken, forged and foreign items around two true ones, just these are filed."""
    first, second = (installation.deliver(mail(f"Batch-{number}")) for number in (1, 2))
    batch = [
        item(installation, first.immutable_id, clientState=None),
        item(installation, first.immutable_id, clientState=f"{SOURCE}.forged"),
        item(installation, first.immutable_id, resourceData=None),
        item(installation, "x" * 10_000),
        item(installation, "no such id, with spaces"),
        item(installation, first.immutable_id, changeType="deleted"),
        {"clientState": 7},
        item(installation, first.immutable_id),
        item(installation, second.immutable_id),
    ]

    answer = await installation.http.post("/api/notifications", json={"value": batch})

    assert answer.status_code == 202
    for delivered in (first, second):
        await installation.until_ended(delivered.immutable_id)
        assert len(installation.documents(delivered)) == 1


async def test_a_source_that_is_gone_is_dropped(installation: Installation) -> None:
    from shared.identities import client_state

    key = installation.box.secrets.get("notification-key")
    assert key is not None
    state = client_state("vanished", key.value)
    answer = await installation.http.post(
        "/api/notifications", json={"value": [item(installation, "AAA=", clientState=state)]}
    )

    assert answer.status_code == 202
    assert "notifications-dropped why=unknown-source" in installation.log()


async def test_no_request_leaves_a_traceback(installation: Installation) -> None:
    hostile = [b'{"value": [{"clientState": "\\ud800"}]}', b"\x00" * 100, b'{"value": [' + b"[" * 5000]
    for body in hostile:
        answer = await installation.http.post("/api/notifications", content=body, headers=JSON)
        assert answer.status_code in (202, 400)

    assert "Traceback" not in installation.log()


async def test_other_verbs_are_no_function(installation: Installation) -> None:
    answers = await asyncio.gather(
        *(
            installation.http.request(verb, f"/api/{name}?validationToken=a")
            for verb in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE")
            for name in ("notifications", "lifecycle")
        )
    )

    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b"")}


async def test_a_lifecycle_item_is_one_at_either_address(installation: Installation) -> None:
    """The subscription that Graph has removed is made anew, whichever address hears of it."""
    for path in ("/api/notifications", "/api/lifecycle"):
        (mine,) = [one for one in _live(installation) if one.client_state == installation.client_state]
        installation.box.tenant.subscriptions.remove(mine)
        body = {
            "value": [
                {
                    "subscriptionId": mine.id,
                    "subscriptionExpirationDateTime": seven_decimals(mine.expires),
                    "tenantId": installation.box.tenant_id,
                    "clientState": installation.client_state,
                    "lifecycleEvent": "subscriptionRemoved",
                }
            ]
        }
        assert (await installation.http.post(path, json=body)).status_code == 202
        await _until_subscribed_again(installation)


async def test_reauthorization_renews(installation: Installation) -> None:
    (mine,) = [one for one in _live(installation) if one.client_state == installation.client_state]
    before = mine.expires
    body = {
        "value": [
            {
                "subscriptionId": mine.id,
                "clientState": installation.client_state,
                "lifecycleEvent": "reauthorizationRequired",
            }
        ]
    }
    assert (await installation.http.post("/api/lifecycle", json=body)).status_code == 202

    for _ in range(200):
        (now,) = [one for one in _live(installation) if one.id == mine.id]
        if now.expires > before:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the subscription was not renewed")


def _live(installation: Installation) -> list[Any]:
    return list(installation.box.tenant.subscriptions.live())


async def _until_subscribed_again(installation: Installation) -> None:
    for _ in range(400):
        if any(one.client_state == installation.client_state for one in _live(installation)):
            return
        await asyncio.sleep(0.05)
    pytest.fail("no new subscription")


async def test_a_true_notification_after_all_that_is_filed(installation: Installation) -> None:
    delivered = installation.deliver(mail("After-1"))

    row = await installation.until_ended(delivered.immutable_id)

    assert row.state == "filed"
    with pytest.raises(httpx.HTTPStatusError):
        (await installation.http.get("/api/unknown")).raise_for_status()
