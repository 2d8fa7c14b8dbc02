"""Death at every step: whatever happens between any two side effects, the mail is filed once and whole.

The list of points is taken from a run of the code itself: a new step cannot be forgotten.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.protocol.hooks import Hook, Mode
from tests.protocol.world import SOURCE, World

pytestmark = pytest.mark.anyio
ATTACHMENTS = (0, 1, 3)
A_CRASH = timedelta(minutes=3)
"""The claim of 90 seconds, and a minute until the watch sees that it has run out."""
A_LOST_MESSAGE = timedelta(minutes=6)
"""Between hand-over and claim a dead worker looks like a long queue: five minutes, and that minute."""
_MODES = tuple(mode for mode in Mode if mode is not Mode.SLEEP)


async def one_mail(world: World, hook: Hook, attachments: int) -> None:
    """A mail comes, is announced, and a worker with this hook takes it on its way, as far as it gets."""
    await world.announce(world.mail(attachments))
    await world.settle(worker=world.worker(hook))


async def points_of(attachments: int) -> list[str]:
    """All side effects of one mail's way, in their order."""
    world, hook = World(), Hook()
    await one_mail(world, hook, attachments)
    await world.assert_well()
    return hook.points


async def test_the_way_of_a_mail_has_the_steps_of_the_design() -> None:
    """What the other tests stop at: were it empty or short, they would prove nothing."""
    points = await points_of(3)

    order = [
        "unfinished.add",
        "journal.insert",
        "mailboxes.expanded",
        "area.write",
        "area.put_manifest",
        "queues.send",
        "vault.find",
        "vault.create:sent",
        "vault.create:answer",
        "unfinished.remove",
    ]
    assert [point for point in order if point in points] == order
    assert sorted(order, key=points.index) == order
    assert points.count("area.write") == 4
    assert points.count("queues.send") == 1


@pytest.mark.parametrize("mode", _MODES, ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("attachments", ATTACHMENTS)
async def test_a_mail_survives_this_at_every_point(attachments: int, mode: Mode) -> None:
    points = await points_of(attachments)
    for number, point in enumerate(points):
        world, hook = World(), Hook(at=number, mode=mode)
        await one_mail(world, hook, attachments)
        assert hook.has_struck, f"{number} {point}"
        try:
            await world.assert_well()
        except AssertionError as error:
            raise AssertionError(f"{mode.value} at {number} of {len(points)}, {point}: {error}") from error


@pytest.mark.parametrize("attachments", ATTACHMENTS)
async def test_a_crash_costs_minutes_once_the_mail_is_on_record(attachments: int) -> None:
    """The watch is faster than the queue's lease of ten minutes, which cannot be shortened (design, 4.4)."""
    points = await points_of(attachments)
    for number in range(points.index("journal.insert"), len(points)):
        world = World()
        began, message = world.clock.now(), world.mail(attachments)
        await world.announce(message)
        worker = await world.turn(world.worker(Hook(at=number)))
        begun = await world.journal.read(SOURCE, world.key(message))
        is_seen = begun is None or bool(begun.owner) or begun.handed is None
        await world.settle(worker=worker)
        row = await world.row(message)
        assert row.ended is not None
        assert row.settled is not None
        cost = max(row.ended, row.settled) - began
        assert cost <= (A_CRASH if is_seen else A_LOST_MESSAGE), f"{points[number]}: {cost}"
