"""Work that many ask for: done once, by one of them, and again when it is time."""

from __future__ import annotations

import asyncio

import pytest

from shared.errors import ConfigurationFault, Unavailable, VaultpostError
from shared.seldom import Seldom

from .clock import FakeClock

pytestmark = pytest.mark.anyio
EVERY, AFTER_PERMANENT, AFTER_TRANSIENT = 300.0, 60.0, 10.0
PERMANENT = ConfigurationFault("There is no such folder.", "Create it.")
TRANSIENT = Unavailable("Graph answered 503")


class Work:
    """Counts how often it is done; waits until it is `let` go on."""

    def __init__(self, clock: FakeClock) -> None:
        self.seldom = Seldom(clock, EVERY, AFTER_PERMANENT, AFTER_TRANSIENT)
        self.done = 0
        self.fault: Exception | None = None
        self.let = asyncio.Event()
        self.let.set()

    async def __call__(self) -> None:
        self.done += 1
        await self.let.wait()
        if self.fault is not None:
            raise self.fault

    async def ask(self, name: str = "invoices") -> Exception | None:
        try:
            await self.seldom.do(name, self)
        except VaultpostError as fault:
            return fault
        return None


@pytest.fixture
def work(clock: FakeClock) -> Work:
    return Work(clock)


@pytest.mark.parametrize(
    ("fault", "lasts"), [(None, EVERY), (PERMANENT, AFTER_PERMANENT), (TRANSIENT, AFTER_TRANSIENT)]
)
async def test_how_it_went_decides_how_soon_it_is_done_again(
    work: Work, clock: FakeClock, fault: Exception | None, lasts: float
) -> None:
    work.fault = fault
    assert await work.ask() is fault
    clock.advance(seconds=lasts - 1)
    assert await work.ask() is fault
    assert work.done == 1

    work.fault = None
    clock.advance(seconds=1)
    assert await work.ask() is None

    assert work.done == 2


@pytest.mark.parametrize("fault", [None, PERMANENT, TRANSIENT])
async def test_those_who_ask_meanwhile_wait_for_the_one_that_runs(
    work: Work, fault: Exception | None
) -> None:
    work.fault = fault
    work.let.clear()
    asking = [asyncio.create_task(work.ask()) for _ in range(20)]
    await asyncio.sleep(0.01)
    assert not any(one.done() for one in asking)
    work.let.set()

    assert await asyncio.gather(*asking) == [fault] * 20
    assert work.done == 1


async def test_one_name_does_not_wait_for_another(work: Work) -> None:
    work.let.clear()
    asking = [asyncio.create_task(work.ask(name)) for name in ("invoices", "orders")]
    await asyncio.sleep(0.01)
    begun = work.done
    work.let.set()
    await asyncio.gather(*asking)

    assert begun == work.done == 2


async def test_what_was_given_up_half_way_is_done_by_the_next_one(work: Work) -> None:
    """Its caller was cancelled, or met a bug: that says nothing about the work."""
    work.let.clear()
    first = asyncio.create_task(work.ask())
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.wait([first])
    work.let.set()
    work.fault = ValueError("a bug")
    with pytest.raises(ValueError, match="bug"):
        await work.ask()

    work.fault = None
    assert await work.ask() is None
    assert work.done == 3


async def test_a_fault_that_is_raised_again_does_not_grow(work: Work) -> None:
    """Each raise would add to its traceback, and keep what stands there alive."""
    work.fault = PERMANENT
    depths = []
    for _ in range(3):
        fault = await work.ask()
        assert fault is not None
        depth, frame = 0, fault.__traceback__
        while frame is not None:
            depth, frame = depth + 1, frame.tb_next
        depths.append(depth)

    assert len(set(depths)) == 1
