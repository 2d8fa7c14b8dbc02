"""Checks that look at many of a kind: a few at once, and one line for those that are well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from shared.doctor.finding import Finding, ok

AT_ONCE = 8
LISTED = 10
"""So many that are well are told one by one; of more, their number is."""
_T = TypeVar("_T")


async def each(items: Iterable[_T], look: Callable[[_T], Awaitable[Finding]]) -> list[Finding]:
    """The finding of each, in their order, some of them looked at at the same time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(item: _T) -> Finding:
        async with places:
            return await look(item)

    return list(await asyncio.gather(*(one(item) for item in items)))


def summed_up(check: str, findings: Sequence[Finding], well: str) -> list[Finding]:
    """The same with one line for all that are well, where these are many: their number, then `well`."""
    good = [one for one in findings if one.status == "ok"]
    if len(good) <= LISTED:
        return list(findings)
    return [ok(check, f"{len(good)} {well}"), *(one for one in findings if one.status != "ok")]
