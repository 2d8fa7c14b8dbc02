"""What a queue does, the same in memory and in Azure Storage."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from sandbox.host.queues import LeaseLost, Queue, QueueMissing, QueueUnavailable
from sandbox.host.storage_queue import StorageQueue, queue_service
from sandbox.storage.azurite import Storage
from tests.sandbox.host.fakes import FakeQueue

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "azurite"])
async def queue(request: pytest.FixtureRequest, storage: Storage) -> AsyncIterator[Queue]:
    """A queue that does not exist yet."""
    name = f"queue-{secrets.token_hex(4)}"
    if request.param == "memory":
        yield FakeQueue(name, exists=False)
        return
    async with queue_service("MailStorage", {"MailStorage": storage.connection_string}) as service:
        yield StorageQueue(service.get_queue_client(name))


async def test_a_missing_queue_is_told_and_made_by_the_first_message(queue: Queue) -> None:
    with pytest.raises(QueueMissing):
        await queue.receive(1, 30)
    await queue.put('{"v": 1, "text": "ü <&>"}')
    (message,) = await queue.receive(1, 30)
    assert message.content == '{"v": 1, "text": "ü <&>"}'
    assert message.dequeue_count == 1
    assert message.inserted < message.next_visible < message.expires


async def test_messages_are_given_in_batches_and_hidden_from_others(queue: Queue) -> None:
    for number in range(5):
        await queue.put(str(number))
    first, second = await queue.receive(3, 30), await queue.receive(3, 30)
    assert sorted(message.content for message in (*first, *second)) == list("01234")
    assert (len(first), len(second)) == (3, 2)
    assert list(await queue.receive(3, 30)) == []


async def test_a_renewed_lease_has_a_new_receipt_and_the_old_one_is_lost(queue: Queue) -> None:
    await queue.put("text")
    (old,) = await queue.receive(1, 30)
    renewed = await queue.hide(old, 30)
    assert renewed.receipt != old.receipt
    for attempt in (queue.delete(old), queue.hide(old, 30)):
        with pytest.raises(LeaseLost):
            await attempt
    await queue.delete(renewed)
    with pytest.raises(LeaseLost):
        await queue.delete(renewed)


async def test_a_message_that_another_took_after_the_lease_is_lost_to_the_first(queue: Queue) -> None:
    await queue.put("text")
    (first,) = await queue.receive(1, 1)
    await asyncio.sleep(1.1)
    (second,) = await queue.receive(1, 30)
    assert second.dequeue_count == 2
    with pytest.raises(LeaseLost):
        await queue.delete(first)
    await queue.delete(second)


async def test_a_message_given_back_is_visible_at_once(queue: Queue) -> None:
    await queue.put("text")
    (message,) = await queue.receive(1, 30)
    await queue.hide(message, 0)
    (again,) = await queue.receive(1, 30)
    assert (again.id, again.dequeue_count) == (message.id, 2)


async def test_storage_that_does_not_answer_is_unavailable(free_tcp_port: int) -> None:
    address = f"http://127.0.0.1:{free_tcp_port}/account"
    text = f"DefaultEndpointsProtocol=http;AccountName=account;AccountKey=a2V5;QueueEndpoint={address}"
    async with queue_service("MailStorage", {"MailStorage": text}) as service:
        with pytest.raises(QueueUnavailable, match="ServiceRequestError"):
            await StorageQueue(service.get_queue_client("some-queue")).receive(1, 30)
