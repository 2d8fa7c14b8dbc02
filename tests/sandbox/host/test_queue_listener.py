"""Polling a queue: batches, leases, failures, poison, outages, and the end."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import azure.functions as func
import pytest

from sandbox.host.invocation import Invoker
from sandbox.host.options import QueueOptions
from sandbox.host.queue_listener import QueueListener, poison_name
from sandbox.host.queues import QueueUnavailable
from sandbox.host.stopping import Stopping
from tests.sandbox.host.fakes import FakeQueue, queue_function
from tests.sandbox.host.sample import until

pytestmark = pytest.mark.anyio

OPTIONS = QueueOptions(
    4, 1, max_polling_interval=0.1, visibility_timeout=60, max_dequeue_count=3, base64=False
)


@asynccontextmanager
async def listening(
    call: Callable[..., Any],
    queue: FakeQueue,
    poison: FakeQueue | None,
    options: QueueOptions = OPTIONS,
    lease: int = 30,
) -> AsyncIterator[Stopping]:
    """A listener at work; stopped and ended at the end."""
    stopping = Stopping()
    stopping.attach()
    listener = QueueListener(queue_function(call), queue, poison, options, lease, Invoker(None))
    work = asyncio.create_task(listener.run(stopping))
    try:
        yield stopping
    finally:
        stopping.request()
        await asyncio.wait_for(work, 5)


class Recorder:
    """A function that remembers the messages it got, and fails when told to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.bodies: list[str] = []
        self._fails = fails

    async def __call__(self, message: func.QueueMessage) -> None:
        self.bodies.append(message.get_body().decode())
        if self._fails:
            raise ValueError("this message never works")

    def function(self) -> Callable[..., Any]:
        async def call(message: func.QueueMessage) -> None:
            await self(message)

        return call


async def test_a_message_is_deleted_when_its_function_succeeds() -> None:
    queue, recorder = FakeQueue(), Recorder()
    queue.add("one")
    async with listening(recorder.function(), queue, FakeQueue("poison")):
        await until(lambda: not queue.stored)
    assert recorder.bodies == ["one"]


async def test_a_message_that_fails_comes_again_after_the_visibility_timeout() -> None:
    queue, poison, recorder = FakeQueue(), FakeQueue("poison"), Recorder(fails=True)
    queue.add("one")
    async with listening(recorder.function(), queue, poison):
        await until(lambda: queue.hidden_for == [60])
    assert (queue.contents, poison.contents, recorder.bodies) == (["one"], [], ["one"])


async def test_a_message_that_fails_for_the_last_time_moves_to_the_poison_queue() -> None:
    queue, poison, recorder = FakeQueue(), FakeQueue("poison", exists=False), Recorder(fails=True)
    queue.add("one", dequeue_count=2)
    async with listening(recorder.function(), queue, poison):
        await until(lambda: not queue.stored)
    assert (poison.contents, recorder.bodies) == (["one"], ["one"])


async def test_a_message_taken_too_often_moves_to_the_poison_queue_without_a_run() -> None:
    """Its last host died at it: the count was raised, but nobody was there to bury it."""
    queue, poison, recorder = FakeQueue(), FakeQueue("poison"), Recorder()
    queue.add("one", dequeue_count=3)
    async with listening(recorder.function(), queue, poison):
        await until(lambda: not queue.stored)
    assert (poison.contents, recorder.bodies) == (["one"], [])


async def test_a_message_stays_when_the_poison_queue_cannot_take_it() -> None:
    queue, poison = FakeQueue(), FakeQueue("poison", fault=QueueUnavailable("down"))
    queue.add("one", dequeue_count=3)
    async with listening(Recorder().function(), queue, poison):
        await until(lambda: bool(queue.received))
        await asyncio.sleep(0.05)
    assert queue.contents == ["one"]


async def test_a_message_of_a_poison_queue_is_never_given_up() -> None:
    """It has no poison queue of its own: it stays invisible until its lease ends."""
    queue, recorder = FakeQueue("mail-poison"), Recorder(fails=True)
    queue.add("one", dequeue_count=2)
    async with listening(recorder.function(), queue, None):
        await until(lambda: recorder.bodies == ["one"])
    assert (queue.contents, queue.hidden_for) == (["one"], [])


async def test_base64_is_decoded_and_what_is_none_moves_to_the_poison_queue() -> None:
    queue, poison, recorder = FakeQueue(), FakeQueue("poison"), Recorder()
    queue.add(base64.b64encode("grüße".encode()).decode())
    queue.add("not base64!")
    queue.add(base64.b64encode(b"\xff\xfe").decode())
    async with listening(recorder.function(), queue, poison, QueueOptions(max_polling_interval=0.1)):
        await until(lambda: not queue.stored)
    assert recorder.bodies == ["grüße"]
    assert poison.contents == ["not base64!", "//4="]


async def test_a_new_batch_is_fetched_when_few_enough_are_running() -> None:
    release: dict[str, asyncio.Event] = {str(number): asyncio.Event() for number in range(8)}
    running: set[str] = set()

    async def call(message: func.QueueMessage) -> None:
        body = message.get_body().decode()
        running.add(body)
        await release[body].wait()
        running.discard(body)

    queue = FakeQueue()
    for number in release:
        queue.add(number)
    async with listening(call, queue, FakeQueue("poison")):
        await until(lambda: len(running) == 4)
        for number in ("0", "1"):
            release[number].set()
        await until(lambda: running == {"2", "3"})
        await asyncio.sleep(0.05)
        assert queue.received == [4], "two are running, above the threshold of one"
        release["2"].set()
        await until(lambda: running == {"3", "4", "5", "6", "7"})
        for event in release.values():
            event.set()
        await until(lambda: not queue.stored)


async def test_the_lease_is_renewed_at_half_while_the_function_runs() -> None:
    queue = FakeQueue()
    queue.add("one")

    async def call(message: func.QueueMessage) -> None:
        await until(lambda: queue.hidden_for == [1, 1])

    async with listening(call, queue, FakeQueue("poison"), lease=1):
        await until(lambda: not queue.stored)
    assert queue.received[0] == 1
    assert sum(queue.received) == 1, "it was never visible to a second look"


async def test_a_lost_lease_is_logged_and_the_message_left_to_who_has_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = FakeQueue()
    number = queue.add("one")

    async def call(message: func.QueueMessage) -> None:
        await queue.hide(queue.stored[number].message, 30)

    async with listening(call, queue, FakeQueue("poison")):
        await until(lambda: "was not deleted" in caplog.text)
    assert queue.contents == ["one"]


async def test_an_outage_is_logged_once_and_outlived(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    queue, recorder = FakeQueue(fault=QueueUnavailable("down")), Recorder()
    queue.add("one")
    async with listening(recorder.function(), queue, FakeQueue("poison")):
        await asyncio.sleep(0.4)
        queue.fault = None
        await until(lambda: not queue.stored)
    assert recorder.bodies == ["one"]
    assert caplog.text.count("cannot be polled") == 1
    assert caplog.text.count("can be polled again") == 1


async def test_a_missing_queue_is_waited_for_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    queue, recorder = FakeQueue(exists=False), Recorder()
    async with listening(recorder.function(), queue, FakeQueue("poison")):
        await asyncio.sleep(0.2)
        await queue.put("one")
        await until(lambda: not queue.stored)
    assert recorder.bodies == ["one"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_at_the_end_running_functions_finish_and_their_messages_are_deleted() -> None:
    queue = FakeQueue()
    queue.add("one")
    began = asyncio.Event()

    async def call(message: func.QueueMessage) -> None:
        began.set()
        await asyncio.sleep(0.2)

    async with listening(call, queue, FakeQueue("poison")) as stopping:
        await began.wait()
        stopping.request()
        queue.add("two")
    assert queue.contents == ["two"]


async def test_a_batch_that_comes_after_the_request_to_stop_is_given_back() -> None:
    """Its poll could not be cancelled: the messages would stay invisible for the whole lease."""

    class SlowQueue(FakeQueue):
        async def receive(self, count: int, lease: int) -> Any:
            batch = await super().receive(count, lease)
            stopping.request()
            return batch

    queue, recorder = SlowQueue(), Recorder()
    queue.add("one")
    stopping = Stopping()
    stopping.attach()
    await QueueListener(queue_function(recorder.function()), queue, None, OPTIONS, 30, Invoker(None)).run(
        stopping
    )
    assert (recorder.bodies, queue.contents, queue.hidden_for) == ([], ["one"], [0])


def test_poison_queues_and_very_long_names_have_no_poison_queue() -> None:
    assert poison_name("mail-arrived") == "mail-arrived-poison"
    assert poison_name("mail-arrived-poison") is None
    assert poison_name("q" * 56) == "q" * 56 + "-poison"
    assert poison_name("q" * 57) is None
