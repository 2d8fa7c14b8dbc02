"""Lifecycle events, and notifications that are lost, doubled, late, mixed, or of another form."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.tenant.graph.push import Push
from sandbox.tenant.graph.subscriptions import Subscription

from .conftest import MAILBOX, TENANT_ID, Receiver, Service
from .published import PublishedTypes
from .samples import plain

pytestmark = pytest.mark.anyio


async def subscribed(graph: Service, receiver: Receiver, **changes: Any) -> Subscription:
    """A subscription whose lifecycle address is that of its notifications."""
    answer = await graph.subscribe(receiver.url, lifecycleNotificationUrl=receiver.url, **changes)
    assert answer.status_code == 201, answer.text
    return next(one for one in graph.tenant.subscriptions.live() if one.id == answer.json()["id"])


def deliver(graph: Service, number: int = 1) -> list[str]:
    return [graph.tenant.deliver(MAILBOX, plain().as_bytes()).id for _ in range(number)]


def ids_of(items: list[dict[str, Any]]) -> list[str]:
    return [item["resourceData"]["id"] for item in items]


async def test_an_event_names_the_subscription_and_no_resource(
    graph: Service, receiver: Receiver, published: PublishedTypes
) -> None:
    one = await subscribed(graph, receiver, expirationDateTime="2026-11-30T11:00:00.5Z")

    graph.tenant.subscriptions.miss(one)

    (item,) = await receiver.wait_for(1)
    assert item == {
        "subscriptionId": one.id,
        "subscriptionExpirationDateTime": "2026-11-30T11:00:00.5000000+00:00",
        "tenantId": TENANT_ID,
        "clientState": "invoices.secret",
        "lifecycleEvent": "missed",
    }
    assert published.faults(item, "changeNotification") == []


async def test_events_go_to_the_lifecycle_address_and_nowhere_without_one(
    graph: Service, receiver: Receiver
) -> None:
    await subscribed(graph, receiver)
    bare = (await graph.subscribe(receiver.url, changeType="updated")).json()["id"]
    with_one, without = graph.tenant.subscriptions.live()
    with_one.lifecycle_url = f"{receiver.origin}/lifecycle"
    assert without.id == bare

    for one in (without, with_one):
        graph.tenant.subscriptions.miss(one)

    (item,) = await receiver.wait_for(1)
    await asyncio.sleep(0.05)
    assert [one["subscriptionId"] for one in receiver.items] == [item["subscriptionId"]] == [with_one.id]
    assert receiver.requests[-1].path == "/lifecycle"


async def test_a_subscription_that_is_withdrawn_is_gone_when_it_is_said(
    graph: Service, receiver: Receiver
) -> None:
    one = await subscribed(graph, receiver)

    graph.tenant.subscriptions.withdraw(one)
    deliver(graph)

    (item,) = await receiver.wait_for(1)
    assert item["lifecycleEvent"] == "subscriptionRemoved"
    assert graph.tenant.subscriptions.live() == []


@pytest.mark.parametrize("how", ["renewed", "reauthorised"])
async def test_what_is_not_reauthorised_in_time_falls_silent_and_loses_what_happens(
    graph: Service, receiver: Receiver, how: str
) -> None:
    one = await subscribed(graph, receiver)
    graph.tenant.subscriptions.require_reauthorization(one)
    (event,) = await receiver.wait_for(1)
    assert event["lifecycleEvent"] == "reauthorizationRequired"
    heard = deliver(graph)
    await receiver.wait_for(2)
    graph.clock.advance(hours=1)
    deliver(graph)
    address = f"{graph.root}/subscriptions/{one.id}"

    if how == "renewed":
        await graph.client.patch(address, json={"expirationDateTime": graph.until(days=3)})
    else:
        await graph.client.post(f"{address}/reauthorize")
    heard += deliver(graph)

    items = await receiver.wait_for(3)
    assert ids_of(items[1:]) == heard


async def test_what_is_lost_is_lost_and_what_is_doubled_comes_twice(
    graph: Service, receiver: Receiver
) -> None:
    await subscribed(graph, receiver)
    push = graph.tenant.subscriptions.push
    push.lost = 1.0
    deliver(graph, 3)
    await asyncio.sleep(0.05)
    assert receiver.items == []

    push.lost, push.doubled = 0.0, 1.0
    expected = deliver(graph, 2)

    assert sorted(ids_of(await receiver.wait_for(4))) == sorted(expected * 2)


async def test_some_are_lost_the_same_ones_each_time_and_events_are_not(
    graph: Service, receiver: Receiver
) -> None:
    one = await subscribed(graph, receiver)
    push = graph.tenant.subscriptions.push
    push.lost = 0.3
    deliver(graph, 100)
    for _ in range(20):
        graph.tenant.subscriptions.miss(one)

    twin = Push(lost=0.3)
    expected = sum(len(twin.arrivals(may_be_lost=True)) for _ in range(100))
    await receiver.wait_for(expected + 20)
    await asyncio.sleep(0.05)

    assert 50 < expected < 90
    assert len(receiver.items) == expected + 20


async def test_late_ones_overtake_each_other(graph: Service, receiver: Receiver) -> None:
    await subscribed(graph, receiver)
    graph.tenant.subscriptions.push.late = 0.2

    expected = deliver(graph, 20)

    items = await receiver.wait_for(20)
    assert sorted(ids_of(items)) == sorted(expected)
    assert ids_of(items) != expected
    assert len(receiver.batches) > 1


async def test_items_of_several_subscriptions_and_events_are_mixed_in_one_post(
    graph: Service, receiver: Receiver
) -> None:
    first = await subscribed(graph, receiver)
    second = await subscribed(graph, receiver, resource=f"users/{MAILBOX}/messages", clientState="other")
    push = graph.tenant.subscriptions.push
    push.gathered, push.shuffled = 0.1, True

    expected = deliver(graph, 10)
    graph.tenant.subscriptions.miss(first)
    graph.tenant.subscriptions.withdraw(second)

    items = await receiver.wait_for(22)
    assert [len(batch) for batch in receiver.batches] == [22]
    assert {item["clientState"] for item in items} == {"invoices.secret", "other"}
    assert len([item for item in items if "lifecycleEvent" in item]) == 2
    announced = ids_of([item for item in items if "resourceData" in item])
    assert sorted(announced) == sorted(expected * 2)
    assert announced != [one for one in expected for _ in range(2)]


async def test_the_documented_forms_of_a_notification_come_by_turns(
    graph: Service, receiver: Receiver, published: PublishedTypes
) -> None:
    """They differ in `resource`, in `@odata.id`, in the zone of the expiration, and in having an id."""
    one = await subscribed(graph, receiver)
    graph.tenant.subscriptions.push.varied = True
    deliver(graph, 3)

    items = await receiver.wait_for(3)

    shapes = (
        r"Users/[^/@]+/Messages/[^/]+",
        r"users/[^/@]+@[^/@]+/messages/[^/]+",
        r"Users\('[^/]+'\)/messages\('[^/]+'\)",
    )
    for item, shape in zip(items, shapes, strict=True):
        assert re.fullmatch(shape, item["resource"])
        assert datetime.fromisoformat(item["subscriptionExpirationDateTime"]) == one.expires
        assert published.faults({**item, "resourceData": {}}, "changeNotification") == []
    zones = [datetime.fromisoformat(item["subscriptionExpirationDateTime"]).utcoffset() for item in items]
    assert zones == [timedelta(0), timedelta(0), timedelta(hours=5, minutes=30)]
    assert ["id" in item for item in items] == [False, True, True]
