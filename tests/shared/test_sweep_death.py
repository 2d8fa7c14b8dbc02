"""A sweep dies at each of its side effects, and what is left comes to its end: all is filed, and once.

The list of points is taken from a run of the code itself: a new step cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.box import Sandbox
from shared.services import Services
from tests.protocol.hooks import Hook, Mode

from .clock import FakeClock
from .sweep_ground import Ground

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
New = Callable[[], Ground]
_READS = ("delta.page", "journal.read", "register.read", "state.get_with_etag", "breakers.read_all")
_MODES = (Mode.DEATH, Mode.TIMEOUT, Mode.NO_ANSWER)
_SHORT = {Mode.DEATH: slice(None), Mode.TIMEOUT: slice(0, None, 3), Mode.NO_ANSWER: slice(1, None, 3)}
"""The points of the suite: a worker dies at each of them. With `--long`, everything happens at each."""


@pytest.fixture
def new_ground(ground: Ground, box: Sandbox, services: Services, clock: FakeClock) -> New:
    """As many grounds as a test wants, with one Graph client."""
    return lambda: Ground(box, services, clock, page_size=2)


class First:
    """A first round: of two pages, some is passed over, some is filed."""

    async def begin(self, ground: Ground) -> None:
        self.old = [ground.deliver(ago=DAY)]
        self.new = [ground.deliver() for _ in range(2)]

    async def check(self, ground: Ground) -> None:
        assert await ground.states_of(self.old) == ["passed-over"]
        assert await ground.states_of(self.new) == ["filed"] * 2
        assert [ground.documents(mail) for mail in self.old + self.new] == [0, 1, 1]


class Next:
    """A later round: mail that came, and mail that was passed over and is moved in."""

    async def begin(self, ground: Ground) -> None:
        self.moved = ground.deliver(ago=DAY)
        await ground.sweep()
        ground.clock.advance(minutes=30)
        for folder in ("archive", "inbox"):
            ground.box.tenant.move(ground.mailbox, self.moved, folder)
        self.new = [ground.deliver() for _ in range(2)]

    async def check(self, ground: Ground) -> None:
        mails = [self.moved, *self.new]
        assert await ground.states_of(mails) == ["filed"] * 3
        assert [ground.documents(mail) for mail in mails] == [1] * 3


class Again:
    """A round after the token was lost, in a mailbox whose ids are all new, and some mail came meanwhile."""

    async def begin(self, ground: Ground) -> None:
        for _ in range(2):
            ground.deliver()
        await ground.sweep()
        ground.clock.advance(hours=2)
        await ground.sweep()
        ground.box.tenant.migrate_mailbox(ground.mailbox)
        self.new = ground.deliver()

    async def check(self, ground: Ground) -> None:
        assert await ground.states_of([self.new]) == ["filed"]
        assert ground.documents(self.new) == 1
        assert len(ground.vault.objects) == 3
        rows = [row async for row in ground.journal.rows(columns=("rule",))]
        assert sorted(row.rule or row.state for row in rows) == ["filed"] * 3 + ["restored"] * 2


Round = type[First] | type[Next] | type[Again]


async def swept(ground: Ground, hook: Hook) -> list[str]:
    """A sweep by a worker with this hook; answers the points of the sweep alone."""
    worker = ground.worker(hook)
    await worker.order()
    points = len(hook.points)
    for message in await ground.queues.receive("folder-sweep", 1, 600):
        await worker.take(message)
        points = len(hook.points)
    await ground.settle(worker)
    # What has died took its order along, until the lease runs out; the timer comes before that.
    await ground.sweep()
    await ground.settle()
    return hook.points[:points]


@pytest.mark.parametrize("round_", [First, Next, Again])
async def test_a_round_has_these_effects(new_ground: New, round_: Round) -> None:
    """What the other tests stop at: were it empty or short, they would prove nothing."""
    ground, what = new_ground(), round_()
    await what.begin(ground)

    points = await swept(ground, Hook())

    await what.check(ground)
    assert points.count("delta.page") >= 2
    assert points.count("state.put_if") >= 2
    assert {"queues.send", "journal.update", "unfinished.add", "register.note"} <= set(points)
    assert ("journal.add_absent" in points) or round_ is Next


@pytest.mark.parametrize("mode", _MODES, ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("round_", [First, Next, Again])
async def test_a_round_survives_this_at_every_point(
    new_ground: New, round_: Round, mode: Mode, pytestconfig: pytest.Config
) -> None:
    ground, what = new_ground(), round_()
    await what.begin(ground)
    points = await swept(ground, Hook())
    chosen = slice(None) if pytestconfig.getoption("--long") else _SHORT[mode]
    for number, point in list(enumerate(points))[chosen]:
        if mode is Mode.NO_ANSWER and point in _READS:
            continue  # the same as a timeout
        ground, what, hook = new_ground(), round_(), Hook(at=number, mode=mode)
        await what.begin(ground)
        await swept(ground, hook)
        assert hook.has_struck, f"{number} {point}"
        try:
            await what.check(ground)
            assert (await ground.state()).round == "next"
            assert (await ground.state()).began is None
        except AssertionError as error:
            raise AssertionError(f"{mode.value} at {number} of {len(points)}, {point}: {error}") from error
