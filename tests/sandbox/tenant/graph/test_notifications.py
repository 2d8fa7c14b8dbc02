"""Change notifications: to whom, with what, how often."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.tenant.graph import Notifier

from .conftest import IMMUTABLE, MAILBOX, TENANT_ID, Receiver, Service
from .published import PublishedTypes
from .samples import plain

pytestmark = pytest.mark.anyio


async def test_a_mail_is_announced_to_who_subscribed(
    graph: Service, receiver: Receiver, published: PublishedTypes
) -> None:
    created = (await graph.subscribe(receiver.url, expirationDateTime="2026-11-30T11:00:00.5Z")).json()
    mail = graph.tenant.deliver(MAILBOX, plain().as_bytes())
    (item,) = await receiver.wait_for(1)
    resource = f"Users/{graph.tenant.mailbox(MAILBOX).id}/Messages/{mail.id}"
    etag = item["resourceData"].pop("@odata.etag")
    assert item == {
        "subscriptionId": created["id"],
        "subscriptionExpirationDateTime": "2026-11-30T11:00:00.5000000+00:00",
        "clientState": "invoices.secret",
        "changeType": "created",
        "resource": resource,
        "tenantId": TENANT_ID,
        "resourceData": {"@odata.type": "#Microsoft.Graph.Message", "@odata.id": resource, "id": mail.id},
    }
    assert etag == (await graph.json(f"/messages/{mail.id}"))["@odata.etag"]
    assert published.faults({**item, "resourceData": {}}, "changeNotification") == []
    assert receiver.requests[-1].content_type == "application/json"


async def test_ids_are_immutable_only_where_the_subscription_was_made_with_the_header(
    graph: Service, receiver: Receiver
) -> None:
    await graph.subscribe(receiver.url, IMMUTABLE)
    mail = graph.tenant.deliver(MAILBOX, plain().as_bytes())
    (item,) = await receiver.wait_for(1)
    assert item["resourceData"]["id"] == mail.immutable_id
    assert item["resource"].endswith(mail.immutable_id)


async def test_only_the_folder_subscribed_to_is_announced(graph: Service, receiver: Receiver) -> None:
    graph.tenant.add_folder(MAILBOX, "inbox/Scans")
    await graph.subscribe(receiver.url)
    for folder in ("archive", "inbox/Scans"):
        graph.tenant.deliver(MAILBOX, plain().as_bytes(), folder)
    expected = graph.tenant.deliver(MAILBOX, plain().as_bytes())
    await receiver.wait_for(1)
    assert [item["resourceData"]["id"] for item in receiver.items] == [expected.id]


async def test_a_whole_mailbox_can_be_subscribed_to(graph: Service, receiver: Receiver) -> None:
    await graph.subscribe(receiver.url, resource=f"users/{MAILBOX}/messages")
    graph.tenant.deliver(MAILBOX, plain().as_bytes(), "archive")
    await receiver.wait_for(1)


async def test_a_move_is_a_creation_where_it_ends_and_a_deletion_where_it_began(
    graph: Service, receiver: Receiver
) -> None:
    mail = graph.tenant.deliver(MAILBOX, plain().as_bytes(), "archive")
    await graph.subscribe(receiver.url)
    archive = f"users/{MAILBOX}/mailFolders/archive/messages"
    await graph.subscribe(receiver.url, resource=archive, changeType="deleted")
    moved = graph.tenant.move(MAILBOX, mail.id, "inbox")
    items = await receiver.wait_for(2)
    assert [(item["changeType"], item["resourceData"]["id"]) for item in items] == [
        ("deleted", mail.id),
        ("created", moved.id),
    ]


async def test_mails_that_wait_at_one_moment_go_in_one_post(graph: Service, receiver: Receiver) -> None:
    await graph.subscribe(receiver.url)
    mails = [graph.tenant.deliver(MAILBOX, plain().as_bytes()) for _ in range(5)]
    await receiver.wait_for(5)
    assert [len(batch) for batch in receiver.batches] == [5]
    assert [item["resourceData"]["id"] for item in receiver.items] == [mail.id for mail in mails]


async def test_a_mail_may_be_delivered_from_another_thread(graph: Service, receiver: Receiver) -> None:
    await graph.subscribe(receiver.url)
    await asyncio.to_thread(graph.tenant.deliver, MAILBOX, plain().as_bytes())
    await receiver.wait_for(1)


async def test_what_is_not_accepted_is_sent_again(graph: Service, receiver: Receiver) -> None:
    receiver.statuses = [503, 500]
    await graph.subscribe(receiver.url)
    mail = graph.tenant.deliver(MAILBOX, plain().as_bytes())
    items = await receiver.wait_for(3)
    assert {item["resourceData"]["id"] for item in items} == {mail.id}
    await asyncio.sleep(0.3)
    assert len(receiver.items) == 3


async def test_in_the_end_it_is_given_up(
    graph: Service, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.statuses = [503] * 100
    await graph.subscribe(receiver.url)
    graph.tenant.deliver(MAILBOX, plain().as_bytes())
    await receiver.wait_for(4)
    await asyncio.sleep(0.6)
    # At once, then after 0.05, 0.1 and 0.2 s; the next would lie behind the end at 0.5 s.
    assert len(receiver.batches) == 4
    assert "gave up 1 notifications" in caplog.text


async def test_an_expired_or_deleted_subscription_is_told_nothing(graph: Service, receiver: Receiver) -> None:
    created = (await graph.subscribe(receiver.url)).json()
    soon = graph.until(minutes=50)
    await graph.subscribe(
        receiver.url, resource=f"users/{MAILBOX}/messages", expirationDateTime=soon, clientState="soon"
    )
    await graph.client.delete(f"{graph.root}/subscriptions/{created['id']}")
    graph.tenant.deliver(MAILBOX, plain().as_bytes())
    await receiver.wait_for(1)
    graph.clock.advance(minutes=51)
    graph.tenant.deliver(MAILBOX, plain().as_bytes())
    await asyncio.sleep(0.1)
    assert [item["clientState"] for item in receiver.items] == ["soon"]


async def test_closing_ends_what_is_under_way(receiver: Receiver) -> None:
    notifier = Notifier(first_retry=60)
    await notifier.start()
    receiver.statuses = [503]
    notifier.send(receiver.url, {"id": "x"})
    await receiver.wait_for(1)
    async with asyncio.timeout(1):
        await notifier.close()
    with pytest.raises(RuntimeError, match="not running"):
        notifier.send(receiver.url, {"id": "y"})
