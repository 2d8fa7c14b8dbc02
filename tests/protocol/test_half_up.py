"""What is half up, or only seems to be: nothing is given up that the same trouble keeps from all others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.configuration import duration
from shared.errors import Unavailable, VaultpostError
from shared.queue_messages import MAIL_ARRIVED, VAULT_IMPORT
from shared.retrying import LEAST_ATTEMPTS
from shared.unfinished import OpenMail
from tests.protocol.hooks import Hook, Mode
from tests.protocol.world import SOURCE, World, configured

pytestmark = pytest.mark.anyio


class Tried:
    """How long a mail is tried, and the world in which it is."""

    def __init__(self, give_up_after: str) -> None:
        self.patience = duration(give_up_after)
        self.longer = self.patience * 4 / 3
        self._composition = configured(give_up_after=give_up_after, invoices="CL.Invoice")

    def world(self, hook: Callable[[], Hook | None] = lambda: None) -> World:
        """A new one; `hook` is that of each worker."""
        return World(composition=self._composition, fate=hook)


@pytest.fixture
def tried(give_up_after: str) -> Tried:
    return Tried(give_up_after)


async def announced(world: World, mails: int = 1) -> list[str]:
    messages = [world.mail(1) for _ in range(mails)]
    for message in messages:
        await world.announce(message)
    return messages


@pytest.mark.parametrize("point", ["area.write"])
async def test_storage_that_takes_no_bytes_for_days_fails_no_mail(point: str, tried: Tried) -> None:
    """Tables and queues go on: only what is written to blobs is refused."""
    world = tried.world(lambda: Hook(at=point, mode=Mode.TIMEOUT))
    await announced(world, 3)

    await world.settle(tried.longer)

    assert set(await world.states()) <= {"arrived", "staged"}
    world.fate = lambda: None
    await world.settle()
    await world.assert_well()


@pytest.mark.parametrize("mails", [1, 2])
async def test_a_vault_that_can_be_searched_and_takes_no_file_fails_no_mail(mails: int, tried: Tried) -> None:
    """Too few mails to open a breaker: a ping proves little."""
    world = tried.world(lambda: Hook(at="vault.create:begin", mode=Mode.TIMEOUT))
    await announced(world, mails)

    await world.settle(tried.longer)

    assert await world.states() == {"staged": mails}
    world.fate = lambda: None
    await world.settle()
    await world.assert_well()


async def test_a_mail_whose_create_always_fails_while_others_go_through_ends_at_last(
    monkeypatch: pytest.MonkeyPatch, tried: Tried
) -> None:
    """Each attempt ends in `creating`: the last one only looks whether the vault has it."""
    world = tried.world()
    (bad,) = await announced(world)
    create = world.vault.create

    async def failing(new, files, about_to_create, words):  # type: ignore[no-untyped-def]
        if any(value.value == world.key(bad) for value in new.properties):
            await about_to_create()
            raise Unavailable("M-Files answered 500", origin="vault")
        return await create(new, files, about_to_create, words)

    monkeypatch.setattr(world.vault, "create", failing)
    began, good, worker = world.clock.now(), list[str](), world.worker()
    while (await world.journal.read(SOURCE, world.key(bad))) is None or not (await world.row(bad)).has_ended:
        assert world.clock.now() - began < 3 * tried.patience
        if not good or (world.clock.now() - began) > len(good) * tried.patience / 6:
            good += await announced(world)
        worker = await world.turn(worker)
        world.advance(world.clock.now() + timedelta(hours=1))

    row = await world.row(bad)
    assert (row.state, row.creating) == ("failed", None)
    assert world.clock.now() - began >= tried.patience
    assert "M-Files answered 500" in row.reason
    assert row.attempt == 0
    assert {(await world.row(one)).state for one in good[:-1]} == {"filed"}


async def test_a_create_that_had_committed_is_found_by_the_last_look() -> None:
    world = World()
    (message,) = await announced(world)
    worker = world.worker(Hook(at="vault.create:answer", mode=Mode.TIMEOUT))
    await world.turn(worker)
    row = await world.row(message)
    assert row.creating is not None
    since = world.clock.now() - timedelta(days=4)
    await world.journal.update(replace(row, last_look=True, attempt=LEAST_ATTEMPTS, first_tried=since))

    await world.settle()

    await world.assert_well()
    assert world.vault.calls["sent"] == 1
    assert not (await world.row(message)).last_look


class _NotLoggedIn(VaultpostError):
    """A fault that says nothing about retrying."""


async def test_a_fault_that_says_nothing_of_retrying_is_an_outage_of_its_service(
    monkeypatch: pytest.MonkeyPatch, tried: Tried
) -> None:
    """It opens the breaker, is no answer to a ping, and fails nobody."""
    world = tried.world()
    is_shut = True

    def refused() -> Exception | None:
        return _NotLoggedIn("M-Files answered 403, not logged in") if is_shut else None

    find = world.vault.find

    async def finding(*args):  # type: ignore[no-untyped-def]
        if (fault := refused()) is not None:
            raise fault
        return await find(*args)

    async def ping(*args: object) -> None:
        if (fault := refused()) is not None:
            raise fault

    monkeypatch.setattr(world.vault, "find", finding)
    monkeypatch.setattr(world.outages, "ping", ping)
    await announced(world, 4)

    await world.settle(tried.longer)

    assert await world.states() == {"staged": 4}
    breakers = {one.key.name: one.state for one in (await world.breakers.read_all()).values() if one.is_shut}
    assert breakers == {"vault": "open"}
    is_shut = False
    await world.settle()
    await world.assert_well()


async def test_a_row_of_a_later_version_is_left_alone_and_its_message_waits() -> None:
    world = World()
    (message,) = await announced(world)
    await world.turn(world.worker(Hook(at="vault.find", mode=Mode.TIMEOUT)))
    row = await world.row(message)
    later = await world.journal.update(replace(row, state="archived", due=None))  # type: ignore[arg-type]

    await world.settle(timedelta(hours=3))

    assert replace(await world.row(message), etag="") == replace(later, etag="")
    assert world.poisoned == 0
    assert {one.queue for one in world.queues.messages()} <= {MAIL_ARRIVED, VAULT_IMPORT}
    await world.journal.update(replace(await world.row(message), state="staged"))
    await world.settle()
    await world.assert_well()


async def test_a_hand_over_that_cannot_be_noted_makes_no_more_messages() -> None:
    """Rows can be read and claimed, and queues work; `handed` alone is never written."""
    world = World()
    (message,) = await announced(world)
    noted = world.journal.update

    async def update(row):  # type: ignore[no-untyped-def]
        if row.state == "staged" and row.handed is not None and not row.owner:
            raise Unavailable("journal: storage answered 403", origin="storage")
        return await noted(row)

    world.journal.update = update  # type: ignore[method-assign]
    await world.turn(world.worker())

    assert (await world.row(message)).state == "filed"


async def test_a_worker_that_sends_its_create_after_all_was_closed_has_it_looked_for() -> None:
    """It slept for an hour between its mark and its create, while another one filed the mail."""
    world = World()
    (message,) = await announced(world)
    await world.turn(world.worker(Hook(at="vault.find", mode=Mode.TIMEOUT)))
    hook = Hook(at="vault.create:sent", mode=Mode.SLEEP)
    await _until_visible(world)
    (found,) = await world.visible()
    sleeper = asyncio.create_task(world.worker(hook).take(found))
    while not hook.has_struck:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await world.settle(timedelta(hours=1))
    row = await world.row(message)
    assert row.is_closed
    assert OpenMail.of(row) not in [one async for one in world.unfinished.all()]

    hook.wake.set()
    await sleeper
    assert len(world.vault.objects) == 2
    await world.settle()

    await world.assert_well()


async def _until_visible(world: World) -> None:
    end = world.clock.now() + timedelta(hours=1)
    while not [one for one in world.queues.messages() if one.visible_at <= world.clock.now()]:
        world.advance(end)
