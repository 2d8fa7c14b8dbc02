"""A mail that one worker is at waits for no other (design, 4.1): until the claim has run out."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from shared.claim import LASTS
from shared.configuration import After
from shared.handing_over import letters
from shared.queue_messages import MAIL_ARRIVED
from shared.testing.queues import QueuedMessage
from tests.protocol.hooks import Hook, Mode
from tests.protocol.test_afterwards import afterwards
from tests.protocol.world import BATCH, LEASE, SOURCE, World

pytestmark = pytest.mark.anyio
POINTS = ["mailboxes.expanded", "area.put_manifest", "vault.find", "vault.create:begin", "area.read"]
POINTS_OF_FILING = ("vault.", "area.read")


async def asleep_at(world: World, point: str) -> tuple[str, asyncio.Task[None], Hook]:
    """A mail whose worker sleeps at this point, in the middle of its claim."""
    message = world.mail(1)
    await world.announce(message)
    hook = Hook(at=point, mode=Mode.SLEEP)
    if point.startswith(POINTS_OF_FILING):
        (arrived,) = await world.visible()
        await world.worker().take(arrived)
    (found,) = await world.visible()
    task = asyncio.create_task(world.worker(hook).take(found))
    while not hook.has_struck:  # noqa: ASYNC110
        await asyncio.sleep(0)
    return message, task, hook


async def copy_of(world: World, message: str) -> QueuedMessage:
    """A second message for the step that the mail is at, received."""
    (letter,) = letters(await world.row(message), world.clock.now())
    await world.queues.send(letter.queue, letter.message)
    (copy,) = await world.queues.receive(letter.queue, BATCH, LEASE)
    return copy


@pytest.mark.parametrize("point", POINTS)
async def test_a_message_that_meets_a_live_claim_is_put_back_until_it_expires(point: str) -> None:
    """It touches neither the row nor any service."""
    world = World()
    message, task, asleep = await asleep_at(world, point)
    before = await world.row(message)
    assert before.claim_expires is not None
    second = Hook()

    await world.worker(second).take(await copy_of(world, message))

    assert second.points == ["journal.read", "queues.send_text"]
    assert await world.row(message) == before
    visible_at = world.queues.next_visible_at()
    assert visible_at is not None
    assert timedelta() <= visible_at - before.claim_expires < timedelta(seconds=1)
    asleep.wake.set()
    await task
    await world.settle()
    await world.assert_well()
    assert world.vault.calls["sent"] == 1


@pytest.mark.parametrize("point", POINTS)
async def test_who_wakes_up_after_the_mail_was_taken_over_writes_nothing_any_more(point: str) -> None:
    world = World()
    message, task, asleep = await asleep_at(world, point)
    world.jump(LASTS.total_seconds() + 1)

    await world.worker().take(await copy_of(world, message))
    taken_over = await world.row(message)
    manifest = await world.area.manifest(SOURCE, taken_over.key)
    asleep.wake.set()
    await task

    assert await world.row(message) == taken_over
    assert await world.area.manifest(SOURCE, taken_over.key) == manifest
    assert "vault.create:sent" not in asleep.points
    await world.settle()
    await world.assert_well()
    assert world.vault.calls["sent"] == 1


async def test_a_message_that_comes_before_its_mail_is_due_is_put_back_until_then() -> None:
    """Copies do not multiply the work (design, 4.2)."""
    world = World()
    message = world.mail()
    world.outages.begin("graph")
    await world.announce(message)
    (found,) = await world.visible()
    await world.worker().take(found)
    before = await world.row(message)
    assert before.due is not None
    second = Hook()

    await world.worker(second).take(await copy_of(world, message))

    assert second.points == ["journal.read", "queues.send_text"]
    assert await world.row(message) == before
    assert len(world.outages.refused) == 1
    for put_back in world.queues.messages(MAIL_ARRIVED):
        if put_back.dequeue_count == 0:
            assert timedelta() <= put_back.visible_at - before.due < timedelta(seconds=1)


@pytest.mark.parametrize("state", ["staged", "filed"])
async def test_who_finds_a_state_that_was_not_handed_over_repeats_only_the_hand_over(state: str) -> None:
    """As the queue does when a worker has died between the state and its message (design, 4.3)."""
    world = World(composition=afterwards(After(category="Filed")))
    message = world.mail()
    await world.announce(message)
    if state == "filed":
        (found,) = await world.visible()
        await world.worker().take(found)
    (found,) = await world.visible()
    await world.worker(Hook(at="queues.send")).take(found)
    row = await world.row(message)
    assert (row.state, row.handed) == (state, None)
    second = Hook()

    await world.worker(second).take(found)

    assert second.points == ["journal.read", "queues.send", "journal.update"]
    assert (await world.row(message)).handed == world.clock.now()
    await world.settle()
    await world.assert_well()


async def test_who_finds_a_mail_that_was_closed_but_not_struck_off_only_does_that() -> None:
    """Where nothing is left to do in its mailbox, the end of filing is the end."""
    world = World()
    message = world.mail()
    await world.announce(message)
    (found,) = await world.visible()
    await world.worker().take(found)
    (found,) = await world.visible()
    await world.worker(Hook(at="unfinished.remove")).take(found)
    assert (await world.row(message)).is_closed
    second = Hook()

    await world.worker(second).take(found)

    assert second.points == ["journal.read", "unfinished.remove"]
    await world.settle()
    await world.assert_well()
