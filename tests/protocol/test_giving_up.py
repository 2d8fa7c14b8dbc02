"""A mail that kills every worker, or that none can take, ends failed at last: not early, and kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.configuration import duration
from shared.dead_letters import REVIVED_AFTER
from shared.journal_row import Row
from shared.operations.replay import Replay, select_one
from shared.queue_messages import MAIL_ARRIVED, VAULT_IMPORT
from shared.retrying import LEAST_ATTEMPTS, MOST_REVIVALS
from shared.staging_area import manifest_name
from tests.protocol.hooks import Hook
from tests.protocol.world import SOURCE, World, configured

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


async def killing(point: str, give_up_after: str) -> tuple[World, str]:
    """A mail on whose way each worker dies at this point."""
    composition = configured(give_up_after=give_up_after, invoices="CL.Invoice")
    world = World(composition=composition, fate=lambda: Hook(at=point))
    message = world.mail(1)
    await world.announce(message)
    return world, message


async def ended(world: World, message: str, within: timedelta) -> tuple[Row, int]:
    """The row when the mail has ended, or after so long; and how often it was tried at most."""
    end, tried = world.clock.now() + within, 0
    worker = world.worker()
    while world.clock.now() < end:
        worker = await world.turn(worker)
        row = await world.journal.read(SOURCE, world.key(message))
        if row is not None:
            tried = max(tried, row.attempt)
            if row.has_ended:
                return row, tried
        world.advance(end)
    return await world.row(message), tried


@pytest.mark.parametrize("point", ["area.put_manifest", "vault.create:begin"])
async def test_a_mail_that_kills_every_worker_fails_after_three_days_with_its_bytes_kept(
    point: str, give_up_after: str
) -> None:
    world, message = await killing(point, give_up_after)
    began = world.clock.now()

    row, tried = await ended(world, message, duration(give_up_after) + 12 * HOUR)

    assert row.state == "failed"
    assert world.clock.now() - began >= duration(give_up_after)
    assert tried >= LEAST_ATTEMPTS - 1
    assert "workers in a row have not come back" in row.reason
    assert row.remedy
    assert world.vault.objects == []
    was_staged = point.startswith("vault")
    assert (manifest_name(SOURCE, row.key) in world.area.kept.names()) == was_staged


async def test_what_was_kept_of_it_is_enough_to_file_it_when_it_is_replayed(give_up_after: str) -> None:
    """Its staged bytes and its mailbox are gone by then."""
    world, message = await killing("vault.find", give_up_after)
    row, _ = await ended(world, message, duration(give_up_after) + 12 * HOUR)
    world.area.staged.lose()
    world.outages.begin("graph")
    world.fate = lambda: None

    await replayed(world, row.key)
    await world.settle()

    await world.assert_well()


async def test_a_mail_whose_workers_die_in_the_middle_of_its_create_never_fails(give_up_after: str) -> None:
    """As long as the row says `creating`, nobody knows whether the vault has it."""
    world, message = await killing("vault.create:sent", give_up_after)

    row, tried = await ended(world, message, 2 * duration(give_up_after))

    assert row.state == "staged"
    assert row.creating is not None
    assert tried > LEAST_ATTEMPTS
    world.fate = lambda: None
    await world.settle()
    await world.assert_well()


async def test_a_mail_whose_workers_die_when_it_is_created_is_filed_by_the_next_that_finds_it(
    give_up_after: str,
) -> None:
    world, message = await killing("vault.create:answer", give_up_after)

    row, _ = await ended(world, message, HOUR)

    assert row.state == "filed"
    assert world.vault.calls["sent"] == 1


class Bug:
    """A call that raises what nobody foresaw, as long as it is on."""

    def __init__(self, port: object, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_on = True
        whole = getattr(port, call)

        async def failing(*args: object) -> object:
            if self.is_on:
                raise RuntimeError("a bug")
            return await whole(*args)

        monkeypatch.setattr(port, call, failing)


def poisonous(world: World, queue: str, monkeypatch: pytest.MonkeyPatch) -> Bug:
    """One that each function of the queue meets."""
    if queue == MAIL_ARRIVED:
        return Bug(world.mailboxes, "expanded", monkeypatch)
    return Bug(world.vault, "find", monkeypatch)


@pytest.mark.parametrize("queue", [MAIL_ARRIVED, VAULT_IMPORT])
async def test_ten_revivals_make_it_failed_with_its_bytes_kept(
    queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    poisonous(world, queue, monkeypatch)
    message = world.mail(1)
    await world.announce(message)
    began = world.clock.now()

    row, _ = await ended(world, message, timedelta(days=1))

    assert row.state == "failed"
    assert world.poisoned == MOST_REVIVALS + 1
    assert world.clock.now() - began >= MOST_REVIVALS * REVIVED_AFTER
    assert "RuntimeError" in row.reason
    assert row.remedy
    assert (manifest_name(SOURCE, row.key) in world.area.kept.names()) == (queue == VAULT_IMPORT)
    await world.settle()
    assert await world.is_quiet()
    assert (await world.row(message)).is_closed


@pytest.mark.parametrize("queue", [MAIL_ARRIVED, VAULT_IMPORT])
async def test_a_mail_that_was_poisoned_nine_times_is_filed_when_the_bug_is_gone(
    queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    bug = poisonous(world, queue, monkeypatch)
    message = world.mail(1)
    await world.announce(message)
    worker, end = world.worker(), world.clock.now() + timedelta(days=1)
    while world.poisoned < MOST_REVIVALS - 1:
        worker = await world.turn(worker)
        world.advance(end)
    bug.is_on = False

    await world.settle()

    await world.assert_well()


async def test_ten_revivals_never_make_a_mail_failed_whose_create_is_unclear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody knows whether the vault has it."""
    world = World()
    message = world.mail(1)
    await world.announce(message)
    world.vault.commits_after = timedelta(seconds=30)
    await world.turn(world.worker())
    assert (await world.row(message)).creating is not None
    bug = poisonous(world, VAULT_IMPORT, monkeypatch)

    row, _ = await ended(world, message, timedelta(days=1))

    assert world.poisoned > MOST_REVIVALS
    assert row.state == "staged"
    assert len(world.queues.messages()) == 1, "the watch knows that it waits"
    bug.is_on = False
    await world.settle()
    await world.assert_well()


async def test_a_poisoned_message_is_not_lost_though_its_mail_has_no_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing but the message knows of the mail."""
    world = World()
    bug = Bug(world.unfinished, "add", monkeypatch)
    message = world.mail()
    await world.announce(message)
    worker, end = world.worker(), world.clock.now() + timedelta(days=1)
    while not world.poisoned:
        worker = await world.turn(worker)
        world.advance(end)
    assert await world.states() == {}
    bug.is_on = False

    await world.settle()

    await world.assert_well()


async def replayed(world: World, key: str) -> None:
    """By the operator."""
    services = world.worker().services
    chosen = await select_one(world.journal, SOURCE, key, again=False)
    assert not isinstance(chosen, str)
    replay = Replay(services.journal, services.unfinished, services.hand_over, services.clock)
    (done,) = await replay.replay([chosen], again=False)
    assert done.outcome == "replayed"
