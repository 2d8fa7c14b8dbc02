"""Work on many, a bounded number of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

AT_ONCE = 16
_T = TypeVar("_T")
_R = TypeVar("_R")


async def each(items: Sequence[_T], work: Callable[[_T], Awaitable[_R]], at_once: int = AT_ONCE) -> list[_R]:
    """The results of `work` on each, in their order. Where one fails, nothing runs on behind it.

    However many there are, no more than `at_once` tasks are made.
    """
    results: dict[int, _R] = {}
    waiting = iter(enumerate(items))

    async def some() -> None:
        for place, item in waiting:  # each task takes the next one
            results[place] = await work(item)

    tasks = [asyncio.ensure_future(some()) for _ in range(min(at_once, len(items)))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [results[place] for place in range(len(items))]
