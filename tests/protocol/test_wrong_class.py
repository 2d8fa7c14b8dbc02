"""A wrong class holds one source, alerts, and leaves the others alone; corrected, its mail is filed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from shared.breaker import BreakerKey
from shared.configuration import duration
from shared.vault.protocol import ClassDef
from tests.protocol.world import World, configured

pytestmark = pytest.mark.anyio
HELD = BreakerKey("source", "orders", "filing")


def in_the_configuration(world: World, give_up_after: str) -> None:
    """The operator deploys the app anew."""
    world.composition = configured(give_up_after=give_up_after, invoices="CL.Invoice", orders="CL.Invoice")


def in_the_vault(world: World, _: str) -> None:
    """The vault's administrator makes the class."""
    world.vault.current.classes["CL.Order"] = ClassDef(209, "Order", 0, frozenset())


async def run_for(world: World, lasts: timedelta) -> None:
    """Let time pass: mail that is held is never quiet."""
    end, worker = world.clock.now() + lasts, world.worker()
    while world.clock.now() < end:
        worker = await world.turn(worker)
        world.advance(end)


@pytest.mark.parametrize(
    ("correct", "times"),
    [(in_the_configuration, 4 / 3), (in_the_vault, 1 / 12)],
)
async def test_a_wrong_class_holds_its_source_alone_until_it_is_corrected(
    correct: Callable[[World, str], None], times: float, give_up_after: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes less time, or more, than a mail is tried for."""
    caplog.set_level(logging.ERROR)
    sources = {"invoices": "CL.Invoice", "orders": "CL.Order"}
    world = World(composition=configured(give_up_after=give_up_after, **sources))
    held, others = [[world.mail(source=name) for _ in range(4)] for name in ("orders", "invoices")]
    for message in (*held, *others):
        await world.announce(message)
    await run_for(world, timedelta(minutes=2))

    assert {(await world.row(message)).state for message in others} == {"filed"}
    assert {(await world.row(message)).state for message in held} == {"staged"}
    shut = {key: one for key, one in (await world.breakers.read_all()).items() if one.is_shut}
    assert list(shut) == [HELD]
    assert shut[HELD].state == "held"
    assert "CL.Order" in shut[HELD].reason
    assert shut[HELD].remedy

    await run_for(world, times * duration(give_up_after))
    late = world.mail(source="invoices")
    await world.announce(late)
    await run_for(world, timedelta(minutes=2))
    assert (await world.row(late)).state == "filed"
    assert {(await world.row(message)).state for message in held} == {"staged"}
    alerts = [
        one.__dict__["facts"]["source"] for one in caplog.records if one.msg and one.levelname == "ERROR"
    ]
    assert alerts == ["orders"], "once, not again and again"

    correct(world, give_up_after)
    began = world.clock.now()
    await world.settle()
    assert world.clock.now() - began <= timedelta(minutes=10)
    await world.assert_well()


async def test_a_held_source_is_tried_by_one_mail_a_minute_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(composition=configured(orders="CL.Order"))
    for _ in range(20):
        await world.announce(world.mail(source="orders"))
    await run_for(world, timedelta(minutes=1))
    tried = []
    structure = world.vault.structure

    async def noted(*, fresh: bool = False) -> object:
        if not fresh:
            tried.append(world.clock.now())
        return await structure(fresh=fresh)

    monkeypatch.setattr(world.vault, "structure", noted)
    await run_for(world, timedelta(hours=2))

    assert len(tried) > 20
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in pairwise(tried))
