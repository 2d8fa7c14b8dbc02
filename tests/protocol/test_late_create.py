"""A create that had no answer may have committed, or commit yet (design, 4.5)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.filing_attempt import LOOK_AGAIN_AFTER
from shared.journal_row import Row
from tests.protocol.hooks import Hook
from tests.protocol.world import World

pytestmark = pytest.mark.anyio

DEATHS = [pytest.param(None, id="its worker lives"), pytest.param("breakers.write", id="its worker dies")]
"""The first thing that is written after a create without an answer is the suspicion."""


async def unanswered(commits_after: timedelta, dies_at: str | None) -> tuple[World, Row]:
    """A mail whose create has no answer and commits so much later, when all is done."""
    world = World()
    hook = Hook(at=dies_at)
    world.vault.commits_after = commits_after
    message = world.mail(1)
    await world.announce(message)
    await world.settle(worker=world.worker(hook))
    assert hook.has_struck == (dies_at is not None)
    await world.assert_well()
    return world, await world.row(message)


@pytest.mark.parametrize("dies_at", DEATHS)
@pytest.mark.parametrize("seconds", [1, 16, 60, 89])
async def test_what_commits_within_ninety_seconds_is_found_and_never_made_twice(
    seconds: int, dies_at: str | None
) -> None:
    world, row = await unanswered(timedelta(seconds=seconds), dies_at)

    assert len(world.vault.objects) == 1, "a twin was made while the first create was under way"
    assert world.vault.calls["sent"] == 1
    assert row.warnings == ()


@pytest.mark.parametrize("dies_at", DEATHS)
@pytest.mark.parametrize("minutes", [3, 5, 10])
async def test_what_commits_later_is_marked_deleted_by_the_look_after_filing(
    minutes: int, dies_at: str | None
) -> None:
    """The journal says so, and what it has named as the mail's document stays."""
    world, row = await unanswered(timedelta(minutes=minutes), dies_at)

    named, late = (kept.shown for kept in world.vault.objects)
    assert row.object_id == named.id
    assert not named.deleted
    assert late.deleted
    assert row.warnings == (f"object {late.id} was filed twice, and was marked deleted",)
    assert row.ended is not None
    looked = world.clock.now() - row.ended
    assert LOOK_AGAIN_AFTER <= looked < LOOK_AGAIN_AFTER + timedelta(minutes=1)


async def test_a_create_that_never_commits_is_made_once_more() -> None:
    world, row = await unanswered(timedelta(days=3650), None)

    assert [kept.shown.id for kept in world.vault.objects] == [row.object_id]
    assert world.vault.calls["sent"] == 2
    assert row.look_again is None


async def test_what_commits_while_the_next_create_runs_is_found_at_once() -> None:
    """The search after a create does not leave it to the look 15 minutes later."""
    world = World()
    world.vault.commits_after = timedelta(minutes=5)
    message = world.mail()
    await world.announce(message)
    await world.turn(world.worker())

    async def meanwhile() -> None:
        world.jump(300)

    world.vault.before_create = meanwhile
    while (row := await world.row(message)).state != "filed":
        world.advance(world.clock.now() + timedelta(minutes=1))
        await world.turn(world.worker())

    assert [kept.shown.deleted for kept in world.vault.objects].count(True) == 1
    assert len(row.warnings) == 1
    await world.settle()
    await world.assert_well()
