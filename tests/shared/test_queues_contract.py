"""What holds for the queues of Azure Storage and for those in memory, as the app and as a host use them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from sandbox.host.queues import LeaseLost, QueueMessage, QueueMissing
from sandbox.host.storage_queue import StorageQueue
from shared.clock import Clock, SystemClock
from shared.errors import Unavailable
from shared.queue_messages import MAIL_ARRIVED, VAULT_IMPORT, MailArrived, decode
from shared.queues import QueuesPort
from shared.testing.queues import InMemoryQueues, QueuedMessage

from .accounts import Stores
from .clock import FakeClock
from .made import arrived

pytestmark = pytest.mark.anyio
Received = QueueMessage | QueuedMessage


class Side(ABC):
    """Queues of one kind, what a host does to them, and their time."""

    queues: QueuesPort
    clock: Clock

    @abstractmethod
    async def receive(self, queue: str, count: int = 32, lease: int = 30) -> Sequence[Received]:
        """Visible messages, under lease."""

    @abstractmethod
    async def delete(self, message: Received) -> bool:
        """Whether it is gone now by this."""

    @abstractmethod
    async def hide(self, message: Received, seconds: int) -> Received | None:
        """It, visible again later; None when the lease is lost."""

    @abstractmethod
    async def wait(self, seconds: float) -> None:
        """Let time pass."""

    async def texts(self, queue: str, count: int = 32) -> list[str]:
        """What the messages say that are visible; they are under lease then."""
        return [text_of(message) for message in await self.receive(queue, count)]


class InMemory(Side):
    """Those in memory, on a clock that stands still."""

    def __init__(self) -> None:
        self.clock = self._clock = FakeClock(datetime.now(UTC))
        self.queues = self._queues = InMemoryQueues(self._clock)

    async def receive(self, queue: str, count: int = 32, lease: int = 30) -> Sequence[Received]:
        return await self._queues.receive(queue, count, lease)

    async def delete(self, message: Received) -> bool:
        assert isinstance(message, QueuedMessage)
        return await self._queues.delete(message)

    async def hide(self, message: Received, seconds: int) -> Received | None:
        assert isinstance(message, QueuedMessage)
        return await self._queues.hide(message, seconds)

    async def wait(self, seconds: float) -> None:
        self._clock.advance(seconds=seconds)


class Azure(Side):
    """Those of a storage account, through the port of the local host."""

    def __init__(self, stores: Stores) -> None:
        self.clock = SystemClock()
        self.queues = stores.queues
        self._service = stores.queue_service
        self._origins: dict[str, StorageQueue] = {}

    async def receive(self, queue: str, count: int = 32, lease: int = 30) -> Sequence[Received]:
        origin = StorageQueue(self._service.get_queue_client(queue))
        try:
            received = await origin.receive(count, lease)
        except QueueMissing:
            return []
        self._origins.update((message.id, origin) for message in received)
        return received

    async def delete(self, message: Received) -> bool:
        assert isinstance(message, QueueMessage)
        try:
            await self._origins[message.id].delete(message)
        except LeaseLost:
            return False
        return True

    async def hide(self, message: Received, seconds: int) -> Received | None:
        assert isinstance(message, QueueMessage)
        try:
            return await self._origins[message.id].hide(message, seconds)
        except LeaseLost:
            return None

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds + 0.1)


@pytest.fixture(params=["azure", "fake"])
def side(request: pytest.FixtureRequest) -> Side:
    """Both kinds, without any queue."""
    return InMemory() if request.param == "fake" else Azure(request.getfixturevalue("stores"))


def text_of(message: Received) -> str:
    return message.content if isinstance(message, QueueMessage) else message.text


async def test_a_queue_that_is_not_there_has_nothing(side: Side) -> None:
    assert await side.queues.oldest_visible(MAIL_ARRIVED) is None
    assert await side.texts(MAIL_ARRIVED) == []


async def test_a_message_is_received_as_it_was_sent_in_its_own_queue(side: Side) -> None:
    message = arrived("invoices")

    await side.queues.send(MAIL_ARRIVED, message)
    await side.queues.send_text(VAULT_IMPORT, '{"v": 7, "new":  "<ä> & \U0001f4e7"}')

    (text,) = await side.texts(MAIL_ARRIVED)
    assert decode(text.encode(), MailArrived) == message
    assert await side.texts(VAULT_IMPORT) == ['{"v": 7, "new":  "<ä> & \U0001f4e7"}']


async def test_the_insertion_of_the_first_visible_message_is_known_to_the_second(side: Side) -> None:
    """Rounded down: a message never seems younger than it is."""
    before = side.clock.now()
    await side.queues.send_text(MAIL_ARRIVED, "x")
    after = side.clock.now()

    found = await side.queues.oldest_visible(MAIL_ARRIVED)

    assert found is not None
    assert found.utcoffset() == datetime.now(UTC).utcoffset()
    assert found.microsecond == 0
    assert before.replace(microsecond=0) <= found <= after
    assert await side.queues.oldest_visible(VAULT_IMPORT) is None


async def test_to_look_at_a_message_takes_nothing_from_it(side: Side) -> None:
    await side.queues.send_text(MAIL_ARRIVED, "x")
    for _ in range(3):
        assert await side.queues.oldest_visible(MAIL_ARRIVED) is not None

    (received,) = await side.receive(MAIL_ARRIVED)

    assert received.dequeue_count == 1


async def test_messages_come_in_the_order_of_their_insertion_and_at_most_as_many_as_wanted(
    side: Side,
) -> None:
    for number in range(5):
        await side.queues.send_text(MAIL_ARRIVED, str(number))

    assert await side.texts(MAIL_ARRIVED, 2) == ["0", "1"]
    assert await side.texts(MAIL_ARRIVED, 2) == ["2", "3"]
    assert await side.texts(MAIL_ARRIVED, 2) == ["4"]
    assert await side.texts(MAIL_ARRIVED, 2) == []


async def test_who_receives_at_once_receives_each_message_once(side: Side) -> None:
    for number in range(6):
        await side.queues.send_text(MAIL_ARRIVED, str(number))

    received = await asyncio.gather(*(side.texts(MAIL_ARRIVED, 2) for _ in range(4)))

    assert sorted(text for texts in received for text in texts) == ["0", "1", "2", "3", "4", "5"]


async def test_a_delay_hides_a_message_and_a_later_one_that_is_visible_first_is_before_it(side: Side) -> None:
    """What is looked at is the first in the order of becoming visible, which need not be the oldest."""
    await side.queues.send_text(MAIL_ARRIVED, "late", delay=2)
    assert await side.queues.oldest_visible(MAIL_ARRIVED) is None
    assert await side.texts(MAIL_ARRIVED) == []
    await side.wait(1)
    second_of_the_later = side.clock.now().replace(microsecond=0)
    await side.queues.send_text(MAIL_ARRIVED, "soon")
    await side.wait(1.2)

    first = await side.queues.oldest_visible(MAIL_ARRIVED)

    assert first is not None
    assert first >= second_of_the_later
    assert await side.texts(MAIL_ARRIVED) == ["soon", "late"]


async def test_a_message_under_lease_is_not_visible_until_it_ends(side: Side) -> None:
    """Its host has died: it comes again, with one more in its count and its insertion unchanged."""
    await side.queues.send_text(MAIL_ARRIVED, "x")
    inserted = await side.queues.oldest_visible(MAIL_ARRIVED)
    (first,) = await side.receive(MAIL_ARRIVED, lease=1)

    assert await side.queues.oldest_visible(MAIL_ARRIVED) is None
    assert await side.texts(MAIL_ARRIVED) == []
    await side.wait(1)

    assert await side.queues.oldest_visible(MAIL_ARRIVED) == inserted
    (second,) = await side.receive(MAIL_ARRIVED, lease=30)
    assert (first.dequeue_count, second.dequeue_count) == (1, 2)
    assert (second.id, second.inserted) == (first.id, first.inserted)
    assert second.receipt != first.receipt


async def test_a_message_is_deleted_on_its_present_receipt_alone(side: Side) -> None:
    """A worker that wakes up late must not delete what another one works on."""
    await side.queues.send_text(MAIL_ARRIVED, "x")
    (first,) = await side.receive(MAIL_ARRIVED, lease=1)
    await side.wait(1)
    (second,) = await side.receive(MAIL_ARRIVED, lease=1)

    assert await side.delete(first) is False
    assert await side.hide(first, 0) is None
    assert await side.delete(second) is True
    assert await side.delete(second) is False
    await side.wait(1)
    assert await side.texts(MAIL_ARRIVED) == []


async def test_a_receipt_holds_after_the_lease_until_another_one_receives(side: Side) -> None:
    await side.queues.send_text(MAIL_ARRIVED, "x")
    (received,) = await side.receive(MAIL_ARRIVED, lease=1)
    await side.wait(1)

    assert await side.delete(received) is True
    assert await side.texts(MAIL_ARRIVED) == []


async def test_a_hidden_message_has_a_new_receipt_and_comes_again_after_its_time(side: Side) -> None:
    """And stands behind what was visible before it."""
    await side.queues.send_text(MAIL_ARRIVED, "hidden")
    (received,) = await side.receive(MAIL_ARRIVED)

    hidden = await side.hide(received, 1)

    assert hidden is not None
    assert await side.delete(received) is False
    assert await side.texts(MAIL_ARRIVED) == []
    await side.queues.send_text(MAIL_ARRIVED, "other")
    await side.wait(1)
    again = await side.receive(MAIL_ARRIVED)
    assert [(text_of(message), message.dequeue_count) for message in again] == [("other", 1), ("hidden", 2)]
    assert await side.delete(hidden) is False


async def test_a_message_that_is_hidden_for_no_time_is_visible_at_once(side: Side) -> None:
    await side.queues.send_text(MAIL_ARRIVED, "x")
    (received,) = await side.receive(MAIL_ARRIVED)

    await side.hide(received, 0)

    assert await side.texts(MAIL_ARRIVED) == ["x"]


async def test_a_message_of_64_kib_is_queued_and_a_larger_one_refused_whole(side: Side) -> None:
    """Counted in bytes, not in characters."""
    largest = "x" * (64 * 1024)

    await side.queues.send_text(MAIL_ARRIVED, largest)
    for text in (f"{largest}x", "ä" * (32 * 1024 + 1)):
        with pytest.raises(Unavailable, match="queue mail-arrived"):
            await side.queues.send_text(MAIL_ARRIVED, text)

    assert await side.texts(MAIL_ARRIVED) == [largest]


@pytest.mark.parametrize("name", ["No_Queue_Name", "UPPER", "ab", "a" * 64, "two--hyphens", "-a-b", "a-b-"])
async def test_what_is_no_name_of_a_queue_is_unavailable(side: Side, name: str) -> None:
    with pytest.raises(Unavailable, match=f"queue {name}"):
        await side.queues.send_text(name, "x")


async def test_a_delay_is_seven_days_at_most(side: Side) -> None:
    """More than a queue takes is cut: a clock that was wrong once must not keep a message out for ever."""
    for delay in (7 * 24 * 3600, 7 * 24 * 3600 + 1, 10**9):
        await side.queues.send_text(MAIL_ARRIVED, "x", delay=delay)
    with pytest.raises(Unavailable):
        await side.queues.send_text(MAIL_ARRIVED, "y", delay=-1)


class TestInMemory:
    """What only those in memory can do."""

    async def test_the_next_time_at_which_a_message_becomes_visible_is_known(self, clock: FakeClock) -> None:
        queues = InMemoryQueues(clock)
        assert queues.next_visible_at() is None
        for queue, delay in ((MAIL_ARRIVED, 60), (VAULT_IMPORT, 30), (VAULT_IMPORT, 90)):
            await queues.send_text(queue, "x", delay=delay)

        times = []
        while (time := queues.next_visible_at()) is not None:
            times.append((time - clock.now()).total_seconds())
            clock.advance(seconds=times[-1])
            for queue in (MAIL_ARRIVED, VAULT_IMPORT):
                for message in await queues.receive(queue, 32, 600):
                    assert await queues.delete(message)

        assert times == [30, 30, 30]

    async def test_a_lease_or_a_hiding_counts_for_the_next_time_and_so_does_the_queue(
        self, clock: FakeClock
    ) -> None:
        queues = InMemoryQueues(clock)
        await queues.send_text(MAIL_ARRIVED, "x")
        await queues.send_text("mail-arrived-poison", "y", delay=5)
        noon = clock.now()
        clock.advance(seconds=10)

        assert queues.next_visible_at(MAIL_ARRIVED, VAULT_IMPORT) == noon
        (received,) = await queues.receive(MAIL_ARRIVED, 1, 600)
        assert (_seconds(queues, noon, MAIL_ARRIVED), _seconds(queues, noon)) == (610, 5)
        await queues.hide(received, 30)
        assert _seconds(queues, noon, MAIL_ARRIVED) == 40
        assert queues.next_visible_at(VAULT_IMPORT) is None

    async def test_a_poisoned_message_is_visible_at_once_in_its_poison_queue_alone(
        self, clock: FakeClock
    ) -> None:
        queues = InMemoryQueues(clock)
        await queues.send_text(MAIL_ARRIVED, "x")
        (received,) = await queues.receive(MAIL_ARRIVED, 1, 600)

        await queues.poison(received)

        (poisoned,) = queues.messages()
        assert (poisoned.queue, poisoned.text, poisoned.dequeue_count) == ("mail-arrived-poison", "x", 0)
        assert poisoned.visible_at == clock.now()

    async def test_messages_can_be_lost_visible_or_not_and_no_other(self, clock: FakeClock) -> None:
        queues = InMemoryQueues(clock)
        for text, delay in (("a", 0), ("b", 60), ("c", 0), ("d", 30)):
            await queues.send_text(MAIL_ARRIVED, text, delay=delay)
        await queues.send_text(VAULT_IMPORT, "a")
        (leased,) = await queues.receive(MAIL_ARRIVED, 1, 600)
        assert leased.text == "a"

        number = queues.drop(lambda message: message.queue == MAIL_ARRIVED and message.text in "ab")

        assert number == 2
        assert [message.text for message in queues.messages(MAIL_ARRIVED)] == ["c", "d"]
        assert [message.text for message in queues.messages()] == ["c", "a", "d"]
        assert await queues.delete(leased) is False
        assert [message.text for message in await queues.receive(MAIL_ARRIVED, 9, 1)] == ["c"]

    async def test_each_access_is_counted(self, clock: FakeClock) -> None:
        queues = InMemoryQueues(clock)
        await queues.send_text(MAIL_ARRIVED, "a")
        await queues.oldest_visible(MAIL_ARRIVED)
        (received,) = await queues.receive(MAIL_ARRIVED, 1, 600)
        await queues.delete(received)

        assert (queues.reads, queues.writes) == (2, 2)


def _seconds(queues: InMemoryQueues, since: datetime, *names: str) -> float:
    time = queues.next_visible_at(*names)
    assert time is not None
    return (time - since).total_seconds()
