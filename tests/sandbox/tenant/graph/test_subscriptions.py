"""Creating, reading, renewing and ending subscriptions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from .conftest import APP_ID, MAILBOX, Receiver, Service, refusal
from .published import PublishedTypes

pytestmark = pytest.mark.anyio


async def test_a_subscription_is_answered_as_it_was_asked_for(
    graph: Service, receiver: Receiver, published: PublishedTypes
) -> None:
    answer = await graph.subscribe(
        f"{receiver.url}?code=key",
        lifecycleNotificationUrl=f"{receiver.origin}/lifecycle",
        expirationDateTime="2026-11-30T12:00:00.1234567+01:00",
    )
    assert answer.status_code == 201
    created = answer.json()
    assert created["resource"] == f"users/{MAILBOX}/mailFolders/inbox/messages"
    assert created["clientState"] == "invoices.secret"
    assert created["notificationUrl"] == f"{receiver.url}?code=key"
    assert created["lifecycleNotificationUrl"] == f"{receiver.origin}/lifecycle"
    assert created["expirationDateTime"] == "2026-11-30T11:00:00.123456Z"
    assert created["latestSupportedTlsVersion"] == "v1_2"
    assert created["applicationId"] == APP_ID
    assert created["@odata.context"].endswith("/$metadata#subscriptions/$entity")
    assert "notificationContentType" not in created
    assert published.faults(created, "subscription") == []


async def test_a_list_and_a_single_one_hide_the_client_state(
    graph: Service, receiver: Receiver, published: PublishedTypes
) -> None:
    created = (await graph.subscribe(receiver.url)).json()
    listed = (await graph.client.get(f"{graph.root}/subscriptions")).json()
    single = (await graph.client.get(f"{graph.root}/subscriptions/{created['id']}")).json()
    assert listed["@odata.context"].endswith("/$metadata#subscriptions")
    context = single.pop("@odata.context")
    assert listed["value"] == [single]
    assert single == {name: created[name] for name in single} | {"clientState": None}
    assert context == created["@odata.context"]
    assert published.faults(single, "subscription") == []
    refusal(await graph.client.get(f"{graph.root}/subscriptions?$top=1"), 400, "BadRequest")


@pytest.mark.parametrize(
    "resource",
    [
        "users/{user}/messages",
        "/users/{user}/messages",
        "Users/{user}/mailfolders('Inbox')/messages",
        "/users/{user}/mailFolders/{folder}/messages",
        "users/{user}/mailFolders('{folder}')/messages",
    ],
)
async def test_the_documented_forms_of_a_resource_are_taken(
    graph: Service, receiver: Receiver, resource: str
) -> None:
    folder = graph.tenant.add_folder(MAILBOX, "inbox/Scans").id
    for user in (MAILBOX, graph.tenant.mailbox(MAILBOX).id):
        text = resource.format(user=user, folder=folder)
        answer = await graph.subscribe(receiver.url, resource=text)
        assert answer.status_code == 201, answer.text
        assert answer.json()["resource"] == text
        await graph.client.delete(f"{graph.root}/subscriptions/{answer.json()['id']}")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"colour": "red"}, 400, "BadRequest"),
        ({"id": "x"}, 400, "BadRequest"),
        ({"notificationContentType": "application/json"}, 400, "BadRequest"),
        ({"encryptionCertificate": "x"}, 400, "BadRequest"),
        ({"@odata.type": "#microsoft.graph.message"}, 400, "BadRequest"),
        ({"includeResourceData": True}, 400, "InvalidRequest"),
        ({"changeType": None}, 400, "InvalidRequest"),
        ({"changeType": "created,read"}, 400, "InvalidRequest"),
        ({"changeType": "created,created"}, 400, "InvalidRequest"),
        ({"changeType": 1}, 400, "BadRequest"),
        ({"notificationUrl": None}, 400, "InvalidRequest"),
        ({"notificationUrl": "http://example.com/notifications"}, 400, "InvalidRequest"),
        ({"notificationUrl": "ftp://localhost/x"}, 400, "InvalidRequest"),
        ({"notificationUrl": "EventHub:https://x.vault.azure.net/secrets/y"}, 400, "InvalidRequest"),
        ({"lifecycleNotificationUrl": "http://example.com"}, 400, "InvalidRequest"),
        ({"clientState": "x" * 129}, 400, "InvalidRequest"),
        ({"latestSupportedTlsVersion": "v1_1"}, 400, "InvalidRequest"),
        ({"resource": None}, 400, "InvalidRequest"),
        ({"resource": "me/messages"}, 400, "BadRequest"),
        ({"resource": f"users/{MAILBOX}/events"}, 400, "InvalidRequest"),
        ({"resource": f"users/{MAILBOX}/messages?$filter=isRead eq false"}, 400, "InvalidRequest"),
        ({"resource": f"users/{MAILBOX}/mailFolders/Posteingang/messages"}, 400, "ErrorInvalidIdMalformed"),
        ({"resource": f"users/{MAILBOX}/mailFolders/clutter/messages"}, 404, "ErrorItemNotFound"),
        ({"resource": "users/nobody@example.com/messages"}, 404, "ErrorInvalidUser"),
        ({"expirationDateTime": None}, 400, "InvalidRequest"),
        ({"expirationDateTime": "2026-11-24T09:30:15Z"}, 400, "InvalidRequest"),
        ({"expirationDateTime": "2026-11-25T09:30:15"}, 400, "BadRequest"),
        ({"expirationDateTime": "tomorrow"}, 400, "BadRequest"),
        ({"expirationDateTime": "2026-13-25T09:30:15Z"}, 400, "BadRequest"),
    ],
)
async def test_a_wrong_body_is_refused_before_any_address_is_asked(
    graph: Service, receiver: Receiver, changes: dict[str, Any], status: int, code: str
) -> None:
    refusal(await graph.subscribe(receiver.url, **changes), status, code)
    assert receiver.requests == []


async def test_what_is_not_json_is_refused(graph: Service) -> None:
    address = f"{graph.root}/subscriptions"
    for content in (b"{", b"[]", b"\xff", b""):
        answer = await graph.client.post(
            address, content=content, headers={"Content-Type": "application/json"}
        )
        refusal(answer, 400, "BadRequest")
    answer = await graph.client.post(address, content=b"{}", headers={"Content-Type": "text/plain"})
    assert "Content-Type" in refusal(answer, 400, "BadRequest")


async def test_a_client_state_of_128_characters_is_taken(graph: Service, receiver: Receiver) -> None:
    assert (await graph.subscribe(receiver.url, clientState="x" * 128)).status_code == 201
    bare = await graph.subscribe(receiver.url, clientState=None, changeType="updated")
    assert bare.json()["clientState"] is None


async def test_a_life_of_10070_minutes_is_the_longest(graph: Service, receiver: Receiver) -> None:
    longest = graph.until(minutes=10_070)
    answer = await graph.subscribe(receiver.url, expirationDateTime=longest)
    assert answer.status_code == 201
    too_long = graph.until(minutes=10_070, seconds=1)
    answer = await graph.subscribe(receiver.url, changeType="updated", expirationDateTime=too_long)
    message = refusal(answer, 400, "ExtensionError")
    assert message == "Subscription expiration can only be 10070 minutes in the future."


async def test_a_life_below_45_minutes_is_silently_raised(graph: Service, receiver: Receiver) -> None:
    answer = await graph.subscribe(receiver.url, expirationDateTime=graph.until(minutes=1))
    expires = datetime.fromisoformat(answer.json()["expirationDateTime"])
    assert expires == graph.clock() + timedelta(minutes=45)


async def test_a_twin_is_a_conflict_that_names_the_first(graph: Service, receiver: Receiver) -> None:
    first = (await graph.subscribe(receiver.url)).json()["id"]
    folder = graph.tenant.folder(MAILBOX, "inbox").id
    for resource in (
        f"users/{MAILBOX}/mailFolders/inbox/messages",
        f"/users/{graph.tenant.mailbox(MAILBOX).id}/mailFolders('{folder}')/messages",
    ):
        answer = await graph.subscribe(f"{receiver.origin}/other", resource=resource)
        message = refusal(answer, 409, "ObjectIdentifierInUse")
        assert message == f"Subscription Id {first} already exists for the requested combination"
    assert len(receiver.tokens) == 1
    other = graph.authorization("Mail.Read", app_id="00000000-aaaa-4000-8000-000000000000")
    assert (await graph.subscribe(receiver.url, changeType="updated")).status_code == 201
    assert (await graph.subscribe(receiver.url, resource=f"users/{MAILBOX}/messages")).status_code == 201
    assert (await graph.subscribe(receiver.url, other)).status_code == 201


async def test_a_mailbox_takes_a_thousand_subscriptions_which_are_listed_in_pages(
    graph: Service, receiver: Receiver
) -> None:
    for number in range(1000):
        folder = graph.tenant.add_folder(MAILBOX, f"inbox/{number}")
        if number == 0:
            resource = f"users/{MAILBOX}/mailFolders/{folder.id}/messages"
            first = (await graph.subscribe(receiver.url, resource=resource)).json()["id"]
            made = graph.tenant.subscriptions.get(APP_ID, first)
        else:
            values = {**vars(made), "id": str(number), "folder": folder}
            graph.tenant.subscriptions.add(type(made)(**values))
    refusal(await graph.subscribe(receiver.url), 403, "ExtensionError")
    link: str | None = f"{graph.root}/subscriptions"
    found = []
    while link is not None:
        answer = (await graph.client.get(link)).json()
        found += [one["id"] for one in answer["value"]]
        link = answer.get("@odata.nextLink")
    assert len(set(found)) == len(found) == 1000


async def test_an_expired_subscription_is_gone(graph: Service, receiver: Receiver) -> None:
    created = (await graph.subscribe(receiver.url, expirationDateTime=graph.until(minutes=60))).json()
    address = f"{graph.root}/subscriptions/{created['id']}"
    graph.clock.advance(minutes=60)
    refusal(await graph.client.get(address), 404, "ResourceNotFound")
    body = {"expirationDateTime": graph.until(minutes=60)}
    refusal(await graph.client.patch(address, json=body), 404, "ResourceNotFound")
    refusal(await graph.client.post(f"{address}/reauthorize"), 404, "ResourceNotFound")
    assert (await graph.subscribe(receiver.url)).status_code == 201


async def test_a_renewal_moves_the_expiration(
    graph: Service, receiver: Receiver, published: PublishedTypes
) -> None:
    created = (await graph.subscribe(receiver.url)).json()
    address = f"{graph.root}/subscriptions/{created['id']}"
    graph.clock.advance(days=3)
    answer = await graph.client.patch(address, json={"expirationDateTime": graph.until(minutes=10_000)})
    assert answer.status_code == 200
    expected = graph.clock() + timedelta(minutes=10_000)
    assert datetime.fromisoformat(answer.json()["expirationDateTime"]) == expected
    assert published.faults(answer.json(), "subscription") == []
    too_long = {"expirationDateTime": graph.until(days=8)}
    refusal(await graph.client.patch(address, json=too_long), 400, "ExtensionError")
    assert len(receiver.tokens) == 1


async def test_a_new_address_is_asked_before_it_is_taken(graph: Service, receiver: Receiver) -> None:
    created = (await graph.subscribe(receiver.url)).json()
    address = f"{graph.root}/subscriptions/{created['id']}"
    other = f"{receiver.origin}/other"
    answer = await graph.client.patch(address, json={"notificationUrl": other})
    assert answer.json()["notificationUrl"] == other
    assert answer.json()["expirationDateTime"] == created["expirationDateTime"]
    assert [request.path for request in receiver.requests] == ["/notifications", "/other"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"lifecycleNotificationUrl": "https://example.com"},
        {"clientState": "new"},
        {"expirationDateTime": "2026-11-30T00:00:00Z", "resource": "users/x/messages"},
        {"notificationUrl": "http://example.com"},
    ],
)
async def test_nothing_else_can_be_changed(graph: Service, receiver: Receiver, body: dict[str, Any]) -> None:
    created = (await graph.subscribe(receiver.url)).json()
    answer = await graph.client.patch(f"{graph.root}/subscriptions/{created['id']}", json=body)
    assert answer.status_code == 400


async def test_reauthorization_does_not_prolong_a_life(graph: Service, receiver: Receiver) -> None:
    created = (await graph.subscribe(receiver.url)).json()
    address = f"{graph.root}/subscriptions/{created['id']}"
    assert (await graph.client.post(f"{address}/reauthorize")).status_code == 204
    single = (await graph.client.get(address)).json()
    assert single["expirationDateTime"] == created["expirationDateTime"]
    refusal(await graph.client.post(f"{address}/reauthorize", json={"a": 1}), 400, "BadRequest")


async def test_a_deleted_subscription_is_gone(graph: Service, receiver: Receiver) -> None:
    created = (await graph.subscribe(receiver.url)).json()
    address = f"{graph.root}/subscriptions/{created['id']}"
    answer = await graph.client.delete(address)
    assert (answer.status_code, answer.content) == (204, b"")
    refusal(await graph.client.delete(address), 404, "ResourceNotFound")
