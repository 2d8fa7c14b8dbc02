"""Work on many, some of them at once."""

from __future__ import annotations

import asyncio

import pytest

from shared.at_once import each
from shared.errors import Unavailable

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("number", [0, 1, 3, 10])
async def test_results_are_in_the_order_of_the_items_whenever_they_come(number: int) -> None:
    async def slow(item: int) -> str:
        for _ in range(number - item):
            await asyncio.sleep(0)
        return str(item)

    assert await each(range(number), slow, 4) == [str(item) for item in range(number)]


async def test_no_more_than_so_many_are_worked_on_nor_are_there_tasks_for_more() -> None:
    at_work, most, tasks = 0, 0, len(asyncio.all_tasks())

    async def work(_: int) -> int:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0)
        at_work -= 1
        return len(asyncio.all_tasks()) - tasks

    assert max(await each(range(1_000), work, 3)) == 3
    assert most == 3


async def test_where_one_fails_nothing_runs_on_behind_it() -> None:
    ended: list[int] = []

    async def work(item: int) -> None:
        await asyncio.sleep(0)
        if item == 2:
            raise Unavailable("down")
        await asyncio.sleep(0)
        ended.append(item)

    with pytest.raises(Unavailable):
        await each(range(100), work, 4)
    before = list(ended)
    for _ in range(10):
        await asyncio.sleep(0)

    assert ended == before
    assert len(ended) < 4
