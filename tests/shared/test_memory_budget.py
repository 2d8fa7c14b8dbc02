"""What streams may hold of memory at once: never more than there is, and everybody's turn comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.blob_container import held_by_reading, held_by_writing
from shared.body.reader import MOST_HELD
from shared.memory_budget import LARGEST_SMALL, LEAST, MIB, Lane, MemoryBudget
from shared.storage_clients import PIECE
from shared.testing.staging_area import InMemoryStagingArea

pytestmark = pytest.mark.anyio
TURNS = 5
"""Rounds of the event loop in which all that can go on goes on."""


async def turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


class Holder:
    """Somebody who reserves, holds until told to end, and may be cancelled; `before` came earlier."""

    def __init__(
        self, lane: Lane, size: int, order: list[int], number: int, before: Sequence[Holder] = ()
    ) -> None:
        self.size = size
        self.is_holding = self.was_served = self.has_overtaken = False
        self._lane = lane
        self._before = before
        self._ends = asyncio.Event()
        self.task = asyncio.create_task(self._hold(order, number))

    async def _hold(self, order: list[int], number: int) -> None:
        async with self._lane.reserve(self.size):
            order.append(number)
            self.is_holding = self.was_served = True
            self.has_overtaken = self._is_too_early()
            try:
                await self._ends.wait()
            finally:
                self.is_holding = False

    def _is_too_early(self) -> bool:
        """Whether an earlier one still waits. One that has its memory, and only has to wake up, does not."""
        at_most = self._lane.most
        ours = {
            one for one in self._before if one.is_holding or not (one.was_served or one.task.cancelling())
        }
        return sum(min(one.size, at_most) for one in ours | {self}) > self._lane.held

    def end(self) -> None:
        self._ends.set()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(1, 15)),
        st.tuples(st.sampled_from(["end", "cancel", "end and cancel"]), st.integers(0, 30)),
        st.tuples(st.just("go on"), st.just(0)),
    ),
    max_size=60,
)


@given(st.integers(1, 12), STEPS)
@example(2, [("reserve", 2), ("go on", 0), ("reserve", 1), ("end", 0), ("reserve", 1)])
def test_a_lane_never_holds_more_than_it_has_and_serves_in_turn(
    most: int, steps: list[tuple[str, int]]
) -> None:
    """Whoever comes, ends or is cancelled, at any moment; in the end nothing is held, and nobody waits."""

    async def play() -> None:
        lane, order, holders = Lane(most), list[int](), list[Holder]()
        for what, number in steps:
            if what == "reserve":
                holders.append(Holder(lane, number, order, len(holders), tuple(holders)))
            elif what == "go on":
                await turns()
            elif holders:
                holder = holders[number % len(holders)]
                if "end" in what:
                    holder.end()
                if "cancel" in what:
                    holder.task.cancel()
            assert 0 <= lane.held <= most
            assert sum(min(one.size, most) for one in holders if one.is_holding) <= lane.held
        for holder in holders:
            holder.end()
        async with asyncio.timeout(5):
            await asyncio.gather(*(holder.task for holder in holders), return_exceptions=True)
        assert not [one for one in holders if one.has_overtaken], "who came first was served first"
        assert lane.held == 0

    asyncio.run(play())


async def test_one_that_wants_more_than_there_is_gets_all() -> None:
    lane = Lane(10)
    async with lane.reserve(11):
        waiting = asyncio.create_task(lane.reserve(1).__aenter__())
        await turns()
        assert not waiting.done()
    await waiting

    assert lane.held == 1


async def test_small_ones_do_not_overtake_within_a_lane() -> None:
    """Else one that wants much would wait for ever."""
    lane, order = Lane(10), list[int]()
    first = Holder(lane, 6, order, 0)
    await turns()
    others = [Holder(lane, 8, order, 1), Holder(lane, 1, order, 2)]
    await turns()
    assert order == [0]

    first.end()
    await turns()

    assert order == [0, 1, 2]
    for holder in others:
        holder.end()
    await asyncio.gather(first.task, *(holder.task for holder in others))


async def test_who_waits_behind_one_that_is_cancelled_goes_on() -> None:
    lane, order = Lane(10), list[int]()
    holders = [Holder(lane, size, order, number) for number, size in enumerate((6, 8, 4))]
    await turns()

    holders[1].task.cancel()
    await turns()

    assert order == [0, 2]
    assert lane.held == 10
    for holder in holders:
        holder.end()
    await asyncio.gather(*(holder.task for holder in holders), return_exceptions=True)


async def test_one_that_is_cancelled_in_the_moment_that_its_turn_comes_gives_back() -> None:
    lane, order = Lane(10), list[int]()
    holders = [Holder(lane, size, order, number) for number, size in enumerate((6, 8, 4))]
    await turns()

    holders[0].end()
    await asyncio.sleep(0)
    assert lane.held == 8
    assert not holders[1].is_holding
    holders[1].task.cancel()
    await turns()

    assert order == [0, 2]
    assert lane.held == 4
    holders[2].end()
    await holders[2].task


@pytest.fixture
def budget() -> MemoryBudget:
    """The least that a setting can give."""
    return MemoryBudget(LEAST)


async def test_a_small_file_does_not_wait_behind_large_ones(budget: MemoryBudget) -> None:
    async with budget.large.reserve(budget.large.most):
        large = asyncio.create_task(budget.streaming(LARGEST_SMALL + 1).__aenter__())
        await turns()
        async with asyncio.timeout(5), budget.streaming(LARGEST_SMALL):
            assert not large.done()
    await large


async def test_a_stream_does_not_wait_behind_renderings(budget: MemoryBudget) -> None:
    async with budget.rendering(LEAST), asyncio.timeout(5), budget.streaming(LARGEST_SMALL + 1):
        assert budget.held == budget.rendered.most + LARGEST_SMALL + 1

    assert budget.held == 0


@pytest.mark.parametrize("is_rendering", [False, True])
async def test_what_could_wait_for_itself_is_refused(budget: MemoryBudget, is_rendering: bool) -> None:
    async with budget.streaming(1):
        with pytest.raises(RuntimeError):
            async with budget.rendering(1) if is_rendering else budget.streaming(1):
                pass
        assert budget.held == 1
    async with budget.streaming(1):
        pass


async def test_other_tasks_have_streams_of_their_own(budget: MemoryBudget) -> None:
    async def one() -> None:
        async with budget.streaming(1):
            pass

    async with budget.streaming(1):
        await asyncio.create_task(one())


def test_the_lanes_together_are_the_budget() -> None:
    for most in (LEAST, LEAST + 1, 192 * MIB, 4096 * MIB):
        budget = MemoryBudget(most)

        assert budget.small.most + budget.large.most + budget.rendered.most == most


def test_each_lane_of_the_least_budget_has_room_for_the_largest_that_goes_through_it() -> None:
    budget = MemoryBudget(LEAST)

    assert budget.small.most >= LARGEST_SMALL
    assert budget.large.most >= held_by_reading(1 << 40) + held_by_writing(None)
    assert budget.rendered.most >= MOST_HELD


def test_a_known_small_file_asks_for_little_and_a_small_mail_for_less() -> None:
    assert held_by_writing(200_000) <= LARGEST_SMALL
    assert held_by_reading(200_000) <= LARGEST_SMALL < held_by_writing(None)
    assert held_by_reading(1 << 40) == held_by_reading(PIECE)
    assert held_by_reading(10_000) < held_by_reading(200_000)


class Watched(MemoryBudget):
    """Notes the most that was held, at each look."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.peak = 0
        self.looks = 0

    def look(self) -> None:
        self.looks += 1
        self.peak = max(self.peak, self.held)
        assert self.large.held <= self.large.most
        assert self.small.held <= self.small.most


async def mail_of(size: int, budget: Watched) -> AsyncGenerator[bytes, None]:
    for _ in range(0, size, 64 * 1024):
        budget.look()
        await asyncio.sleep(0)
        yield b"x" * (64 * 1024)


def names() -> Iterator[tuple[str, int, int | None]]:
    for number in range(12):
        yield f"a/large-{number}", 2 * MIB, None
        yield f"a/small-{number}", 128 * 1024, 128 * 1024


async def test_two_dozen_streams_at_once_hold_no_more_than_the_budget() -> None:
    """Writing, reading, copying: each holds its reservation from before its first byte to after its last."""
    budget = Watched(48 * MIB)  # the lane of large ones has room for a few of them
    area = InMemoryStagingArea(budget)

    async def passes(name: str, size: int, expected: int | None) -> None:
        await area.write(name, mail_of(size, budget), expected)
        async with aclosing(area.read(name, size)) as content:
            async for _ in content:
                budget.look()
                await asyncio.sleep(0)
        assert await area._keep_file(name, size)

    await asyncio.gather(*(passes(*one) for one in names()))

    assert budget.looks > 400
    assert budget.peak > budget.large.most - held_by_reading(PIECE), "they were not one after the other"
    assert budget.held == 0
    assert len(area.kept.names()) == 24


async def test_a_reader_that_is_closed_early_gives_back(budget: MemoryBudget) -> None:
    area = InMemoryStagingArea(budget)
    await area.write("a/b", (piece async for piece in mail_of(2 * MIB, Watched(LEAST))))
    async with aclosing(area.read("a/b", 2 * MIB)) as content:
        await anext(content)
        assert budget.held == held_by_reading(2 * MIB)

    assert budget.held == 0


async def test_a_source_that_waits_for_memory_in_vain_is_closed_unread(budget: MemoryBudget) -> None:
    """Nobody asks Graph for bytes before there is room for them."""
    is_read = False

    async def source() -> AsyncGenerator[bytes, None]:
        nonlocal is_read
        is_read = True
        yield b"x"

    async with budget.large.reserve(budget.large.most):
        writing = asyncio.create_task(InMemoryStagingArea(budget).write("a/b", source()))
        await turns()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    assert not is_read
    assert budget.held == 0
