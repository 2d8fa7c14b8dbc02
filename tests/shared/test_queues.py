"""The queues of Azure Storage: a message is sent durably, or not silently."""

from __future__ import annotations

import asyncio
import time

import pytest

from shared.errors import Unavailable
from shared.progress import Progress
from shared.queue_messages import MAIL_ARRIVED, VAULT_IMPORT, MailArrived, VaultImport, decode, encode

from .accounts import Stores

pytestmark = pytest.mark.anyio
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def arrived(message: str) -> MailArrived:
    return MailArrived(
        source="invoices",
        traceparent=TRACE,
        message=message,
        cause="notification",
        noticed="2026-11-24T12:00:00+00:00",
    )


async def test_the_first_message_makes_the_queue(stores: Stores) -> None:
    await stores.queues.send(MAIL_ARRIVED, arrived("AAA="))

    assert await stores.visible(MAIL_ARRIVED) == [
        {
            "v": 1,
            "source": "invoices",
            "revived": 0,
            "traceparent": TRACE,
            "message": "AAA=",
            "cause": "notification",
            "noticed": "2026-11-24T12:00:00+00:00",
        }
    ]


async def test_a_message_is_text_json_that_never_expires(stores: Stores) -> None:
    """`host.json` says `messageEncoding: none`: no Base64."""
    message = arrived("AAA=")
    await stores.queues.send(MAIL_ARRIVED, message)

    (found,) = await stores.queue_service.get_queue_client(MAIL_ARRIVED).peek_messages(1)

    assert found.content == encode(message)
    assert decode(found.content.encode(), MailArrived) == message
    assert found.expires_on is not None
    assert found.expires_on.year == 9999


async def test_a_message_with_a_delay_is_there_but_not_visible(stores: Stores) -> None:
    await stores.queues.send(MAIL_ARRIVED, arrived("AAA="), delay=600)

    assert await stores.visible(MAIL_ARRIVED) == []
    assert await stores.number(MAIL_ARRIVED) == 1


async def test_text_is_put_back_unchanged(stores: Stores) -> None:
    text = '{"v": 7, "new":  "<ä> & \U0001f4e7"}'

    await stores.queues.send_text(VAULT_IMPORT, text)

    (found,) = await stores.queue_service.get_queue_client(VAULT_IMPORT).peek_messages(1)
    assert found.content == text


async def test_the_insertion_that_is_told_is_that_of_the_message_which_the_service_shows_first(
    stores: Stores,
) -> None:
    """To the second, as the service itself gives it."""
    queue = stores.queue_service.get_queue_client(MAIL_ARRIVED)
    assert await stores.queues.oldest_visible(MAIL_ARRIVED) is None
    await queue.create_queue()
    assert await stores.queues.oldest_visible(MAIL_ARRIVED) is None
    await stores.queues.send(MAIL_ARRIVED, arrived("AAA="), delay=600)
    assert await stores.queues.oldest_visible(MAIL_ARRIVED) is None

    await stores.queues.send(MAIL_ARRIVED, arrived("AAB="))
    await stores.queues.send(MAIL_ARRIVED, arrived("AAC="))

    first, _ = await queue.peek_messages(max_messages=32)
    assert await stores.queues.oldest_visible(MAIL_ARRIVED) == first.inserted_on
    assert "AAB=" in first.content


async def test_many_messages_at_once_are_all_queued_in_their_queues(stores: Stores) -> None:
    """They race for making both queues, too."""
    mails = [arrived(f"AAA{number}") for number in range(30)]
    imports = [VaultImport(source="invoices", key=str(number), traceparent=TRACE) for number in range(3)]

    await Progress(time.monotonic).send(
        stores.queues, [*((MAIL_ARRIVED, mail) for mail in mails), *((VAULT_IMPORT, one) for one in imports)]
    )

    assert {one["message"] for one in await stores.visible(MAIL_ARRIVED)} == {one.message for one in mails}
    assert await stores.number(MAIL_ARRIVED) == 30
    assert {one["key"] for one in await stores.visible(VAULT_IMPORT)} == {"0", "1", "2"}


async def test_nothing_to_send_is_no_fault(stores: Stores) -> None:
    await Progress(time.monotonic).send(stores.queues, [])

    assert await stores.number(MAIL_ARRIVED) == 0


async def test_one_message_that_is_not_queued_is_a_fault_of_all(stores: Stores) -> None:
    """The others are sent all the same: a second notification of them does no harm."""
    sent = [
        (MAIL_ARRIVED, arrived("AAA1")),
        ("No_Queue_Name", arrived("AAA2")),
        (MAIL_ARRIVED, arrived("A3")),
    ]

    with pytest.raises(Unavailable, match="No_Queue_Name"):
        await Progress(time.monotonic).send(stores.queues, sent)

    assert {one["message"] for one in await stores.visible(MAIL_ARRIVED)} == {"AAA1", "A3"}


async def test_storage_that_does_not_answer_is_unavailable_at_once(down: Stores) -> None:
    began = time.monotonic()

    with pytest.raises(Unavailable, match="queue mail-arrived"):
        await down.queues.send(MAIL_ARRIVED, arrived("AAA="))
    with pytest.raises(Unavailable, match="queue mail-arrived"):
        await down.queues.oldest_visible(MAIL_ARRIVED)
    with pytest.raises(Unavailable):
        await Progress(time.monotonic).send(
            down.queues, [(MAIL_ARRIVED, arrived(f"AAA{number}")) for number in range(40)]
        )

    assert time.monotonic() - began < 5


async def test_a_message_over_64_kib_is_refused_not_cut(stores: Stores) -> None:
    """The largest a queue takes (learn.microsoft.com/azure/storage/queues, scalability targets)."""
    with pytest.raises(Unavailable):
        await stores.queues.send_text(MAIL_ARRIVED, "x" * 70_000)

    assert await stores.number(MAIL_ARRIVED) == 0


async def test_a_send_that_is_cancelled_frees_its_place(stores: Stores) -> None:
    """The webhook gives up after 2.5 s: what it leaves must not block later notifications."""
    many = [(MAIL_ARRIVED, arrived(f"AAA{number}")) for number in range(20)]
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await Progress(time.monotonic).send(stores.queues, many)

    async with asyncio.timeout(5):
        await stores.queues.send(VAULT_IMPORT, VaultImport(source="a", key="b", traceparent=TRACE))

    assert await stores.number(VAULT_IMPORT) == 1
