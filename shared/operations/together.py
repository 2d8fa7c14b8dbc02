"""Work on many, some at once, without all of them in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")


async def batches(items: AsyncGenerator[_T, None], size: int) -> AsyncGenerator[list[_T], None]:
    """`items`, at most `size` at a time."""
    batch: list[_T] = []
    async with aclosing(items):
        async for item in items:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
    if batch:
        yield batch


async def generated(items: AsyncIterable[_T]) -> AsyncGenerator[_T, None]:
    """`items` as a generator, which can be closed."""
    async for item in items:
        yield item


async def each(items: Sequence[_T], work: Callable[[_T], Awaitable[_R]], at_once: int) -> list[_R]:
    """The results of `work` on each. Raises the first fault, after all have ended."""
    places = asyncio.Semaphore(at_once)

    async def one(item: _T) -> _R:
        async with places:
            return await work(item)

    outcomes = await asyncio.gather(*(one(item) for item in items), return_exceptions=True)
    results: list[_R] = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results
