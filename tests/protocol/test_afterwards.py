"""What is done in the mailbox after filing: once, whatever happens, and never in the way of filing."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.breaker import BreakerKey
from shared.configuration import After, Configuration, OnFailure
from shared.errors import ConfigurationFault, Unavailable
from shared.graph.changing import MessageState
from shared.settings import Settings
from tests.protocol.hooks import Hook, Mode
from tests.protocol.world import SOURCE, World, configured

pytestmark = pytest.mark.anyio
FILED = "Filed in M-Files"
MOVED = After(read=True, category=FILED, move_to="Filed")
DELETED = After(read=True, delete=True)
ENDS = {
    "moved": (MOVED, ["update", "move"], MessageState(["Red", FILED], True, "of filed")),
    "deleted": (DELETED, ["update", "delete"], MessageState(["Red"], True, "deleteditems")),
}
NOTHING = OnFailure()
HOUR = timedelta(hours=1)
STEP = BreakerKey("source", SOURCE, "mailbox")
DENIED = ConfigurationFault("Graph answered 403.", "Grant the app Mail.ReadWrite.")
_MODES = tuple(mode for mode in Mode if mode is not Mode.SLEEP)


def afterwards(
    after: After, on_failure: OnFailure = NOTHING, *, patience: str = "3d"
) -> tuple[Settings, Configuration]:
    """A composition whose one source wants this done."""
    settings, configuration = configured(invoices="CL.Invoice")
    source = msgspec.structs.replace(configuration.source[0], after=after, on_failure=on_failure)
    changed = msgspec.structs.replace(
        configuration, source=(source,), allow_delete=True, give_up_after=patience
    )
    return settings, changed


async def one_mail(world: World, hook: Hook | None = None) -> str:
    """A mail comes, is announced, and a worker with this hook takes it on its way, as far as it gets."""
    message = world.mail()
    await world.announce(message)
    await world.settle(worker=world.worker(hook))
    return message


@pytest.mark.parametrize("mode", _MODES, ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("end", ENDS)
async def test_a_mail_is_changed_once_whatever_happens_at_any_point(end: str, mode: Mode) -> None:
    """From the end of filing on; what is before that is the same for every mail."""
    after, changes, state = ENDS[end]
    whole = Hook()
    await one_mail(World(composition=afterwards(after)), whole)
    first = whole.points.index("vault.create:answer")
    assert "queues.send" in whole.points[first:]
    assert len(whole.points) - whole.points.index("writer.state") >= 6

    for number in range(first, len(whole.points)):
        world, hook = World(composition=afterwards(after)), Hook(at=number, mode=mode)
        message = await one_mail(world, hook)
        where = f"{mode.value} at {whole.points[number]}"
        assert hook.has_struck, where
        await world.assert_well()
        assert [call for call, _ in world.writer.written] == changes, where
        assert world.writer.states[message] == state, where


async def test_a_mail_that_has_failed_is_not_marked_as_filed() -> None:
    world = World(composition=afterwards(MOVED, OnFailure(category="Not filed", move_to="Faulty")))
    message = world.mail()
    await world.announce(message)
    del world.mailboxes.mails[message]  # nobody can read it, and yet it can be changed
    await world.settle()

    assert (await world.row(message)).state == "failed"
    assert world.writer.states[message] == MessageState(["Red", "Not filed"], False, "of faulty")


async def test_without_a_wish_nothing_is_asked() -> None:
    world = World()
    await one_mail(world)

    await world.assert_well()
    assert world.writer.calls == {}


@pytest.mark.parametrize(
    "fault", [DENIED, Unavailable("500", origin="graph"), Unavailable("429", origin="mailbox")]
)
async def test_a_mailbox_that_cannot_be_changed_keeps_no_mail_from_being_filed(fault: Exception) -> None:
    """Neither a hold nor a breaker of this step is in the way of others; all is made up for afterwards."""
    world = World(composition=afterwards(MOVED))
    world.writer.faults["update"] = fault
    messages = [world.mail() for _ in range(5)]
    for message in messages:
        await world.announce(message)
        await world.settle(within=timedelta(minutes=20))

    assert await world.states() == {"filed": 5}
    assert [(await world.row(message)).settled for message in messages] == [None] * 5
    shut = [key for key, breaker in (await world.breakers.read_all()).items() if breaker.is_shut]
    assert shut == [STEP]

    world.writer.faults.clear()
    await world.settle()
    await world.assert_well()
    assert len(world.writer.written) == 2 * 5
    assert not (await world.breakers.read_all())[STEP].is_shut


async def test_an_outage_of_graph_settles_no_mail_and_gives_none_up() -> None:
    world = World(composition=afterwards(MOVED, patience="2h"))
    message = world.mail()
    await world.announce(message)
    world.writer.faults["state"] = Unavailable("503", origin="graph")
    await world.settle(within=timedelta(minutes=1))
    world.outages.begin("graph")
    await world.settle(within=10 * HOUR)
    row = await world.row(message)
    assert (row.state, row.settled) == ("filed", None)

    world.writer.faults.clear()
    world.outages.end("graph")
    await world.settle()
    await world.assert_well()
    assert (await world.row(message)).warnings == ()


async def test_a_mail_that_alone_cannot_be_changed_is_left_at_last_and_stays_filed() -> None:
    """Others go through: its own retries end as those of every step, with a warning in the journal."""
    world = World(composition=afterwards(MOVED, patience="2h"))
    stubborn = world.mail()
    await world.announce(stubborn)
    world.writer.refused.add(stubborn)
    for _ in range(12):
        await world.settle(within=HOUR)
        await world.announce(world.mail())
    await world.settle()

    await world.assert_well()
    row = await world.row(stubborn)
    assert "Given up after" in row.warnings[0]
    assert world.writer.states[stubborn] == MessageState(["Red"], False, "inbox")
    assert len(world.writer.written) == 2 * 12
