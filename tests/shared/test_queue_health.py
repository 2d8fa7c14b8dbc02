"""Whether something could be queued: known from what was sent, or asked, seldom and by one."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from shared.errors import Unavailable
from shared.queue_health import ASKED_EVERY, QueueHealth
from shared.testing.queues import InMemoryQueues

from .clock import FakeClock

pytestmark = pytest.mark.anyio


class Queue(InMemoryQueues):
    """Counts how often it is asked; is down, if it was told so; answers when it is `let`."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.asked = 0
        self.down = False
        self.let = asyncio.Event()
        self.let.set()

    async def oldest_visible(self, queue: str) -> datetime | None:
        self.asked += 1
        await self.let.wait()
        if self.down:
            raise Unavailable("queue mail-arrived: storage answered 503")
        return await super().oldest_visible(queue)


async def test_it_is_asked_seldom_however_many_want_to_know() -> None:
    clock = FakeClock()
    queue = Queue(clock)
    health = QueueHealth(queue, clock.monotonic)
    for _ in range(5):
        assert [await health.is_well() for _ in range(100)] == [True] * 100
        clock.advance(seconds=ASKED_EVERY)

    assert queue.asked == 5


async def test_a_queue_that_is_down_is_told_until_it_is_up_again() -> None:
    clock = FakeClock()
    queue = Queue(clock)
    health = QueueHealth(queue, clock.monotonic)
    queue.down = True
    assert not await health.is_well()
    queue.down = False
    assert not await health.is_well()
    clock.advance(seconds=ASKED_EVERY)
    assert await health.is_well()


@pytest.mark.parametrize("is_well", [True, False])
async def test_what_was_sent_just_now_tells_without_a_question(is_well: bool) -> None:
    clock = FakeClock()
    queue = Queue(clock)
    health = QueueHealth(queue, clock.monotonic)
    health.note(is_well=is_well)

    assert await health.is_well() is is_well
    assert queue.asked == 0


async def test_nobody_else_waits_for_the_one_who_asks() -> None:
    clock = FakeClock()
    queue = Queue(clock)
    health = QueueHealth(queue, clock.monotonic)
    queue.let.clear()
    asking = asyncio.create_task(health.is_well())
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        assert await health.is_well()
    queue.down = True
    queue.let.set()

    assert not await asking
    assert not await health.is_well()
    assert queue.asked == 1


async def test_who_gives_up_leaves_the_question_to_the_next() -> None:
    clock = FakeClock()
    queue = Queue(clock)
    health = QueueHealth(queue, clock.monotonic)
    queue.let.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await health.is_well()
    queue.let.set()

    assert await health.is_well()
    assert queue.asked == 2
