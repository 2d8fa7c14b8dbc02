"""A mailbox whose ids are all new: what was filed is known by its fingerprint; much that is unknown asks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from sandbox.faults import Status
from shared.breaker import BreakerKey
from shared.breaker_table import Breakers
from shared.fingerprints import print_of
from shared.queue_messages import FOLDER_SWEEP, MAIL_ARRIVED, FolderSweep
from shared.sweep_plan import MOST_COMPARED
from shared.tracing import traceparent

from .sweep_ground import Ground

pytestmark = pytest.mark.anyio
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def filed_before(ground: Ground, number: int) -> list[str]:
    """So many mails were filed, and good sweeps went by."""
    ground.configure(since=date(2026, 11, 1))
    ground.page_size = 3
    mails = [ground.deliver(f"Filed {one}", ago=DAY) for one in range(number)]
    await ground.sweep()
    ground.clock.advance(hours=2)
    await ground.sweep()
    ground.clock.advance(minutes=10)
    return mails


def migrated(ground: Ground) -> list[str]:
    """The mailbox has all new ids; answers them."""
    ground.box.tenant.migrate_mailbox(ground.mailbox)
    return [one.immutable_id for one in ground.box.tenant.messages(ground.mailbox)]


def restored(ground: Ground, number: int, folder: str = "inbox") -> list[str]:
    """So much old mail comes that nobody knows, and the delta token is lost."""
    mails = [ground.deliver(f"Old {one}", folder, ago=DAY) for one in range(number)]
    ground.box.tenant.expire_delta_tokens(ground.mailbox)
    return mails


def operator(ground: Ground) -> Breakers:
    return Breakers(ground.breakers, ground.clock)


async def is_held(ground: Ground) -> bool:
    known = await ground.breakers.read_all()
    one = known.get(BreakerKey("source", ground.name))
    return one is not None and one.waits_for_operator


async def later(ground: Ground) -> None:
    """The timer, half an hour later. What waits for the operator goes on waiting."""
    ground.clock.advance(minutes=30)
    await ground.sweep()
    if not await is_held(ground):
        await ground.settle()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """A limit below which less is to be filed; answers it."""
    monkeypatch.setattr("shared.sweep_intake.MOST_COMPARED", 5)
    return 5


async def test_nothing_of_a_migrated_mailbox_is_filed_again(ground: Ground) -> None:
    """Each is skipped, and its row names the key that it was filed with."""
    before = await filed_before(ground, 8)
    after = migrated(ground)
    keys = {row.key for mail in before if (row := await ground.row(mail)) is not None}

    await ground.sweep()

    assert not set(before) & set(after)
    assert await ground.states_of(after) == ["restored"] * 8
    reasons = [row.reason for mail in after if (row := await ground.row(mail)) is not None]
    assert all(any(key in reason for key in keys) for reason in reasons)
    assert len(ground.vault.objects) == 8
    assert not await is_held(ground)


async def test_what_came_since_the_last_sweep_is_compared_too(ground: Ground) -> None:
    """It was announced, and filed under its former id, a moment before the mailbox was migrated."""
    await filed_before(ground, 1)
    announced = ground.deliver("Just now")
    await ground.sweep()
    folder = await ground.folder()
    await ground.register.note(folder, last_good=ground.clock.now() - HOUR)
    assert ground.documents(announced) == 1
    after = migrated(ground)
    missed = ground.deliver("Missed")

    await ground.sweep()

    assert sorted(await ground.states_of([*after, missed])) == ["filed", "restored", "restored"]
    assert len(ground.vault.objects) == 3


async def test_what_was_passed_over_is_passed_over_under_its_new_id(ground: Ground) -> None:
    """It costs no look at the mail."""
    ground.page_size = 100
    ground.fill(70, ago=DAY)
    await ground.sweep()
    ground.clock.advance(hours=2)
    await ground.sweep()
    after = migrated(ground)
    requests = ground.counted("/messages/AA")

    await ground.sweep()

    assert await ground.states_of(after) == ["passed-over"] * 70
    assert requests.number == 0


@pytest.mark.parametrize("state", ["failed", "skipped", "arrived", None])
async def test_one_whose_former_self_was_not_filed_is_filed(ground: Ground, state: str | None) -> None:
    """It came to nothing, or never will come to anything under an id that is gone."""
    (before,) = await filed_before(ground, 1)
    row = await ground.row(before)
    assert row is not None
    if state is None:
        await ground.journal.delete(row)
    else:
        await ground.journal.update(replace(row, state=state))  # type: ignore[arg-type]
    (after,) = migrated(ground)

    await ground.sweep()

    assert await ground.states_of([after]) == ["filed"]


@pytest.mark.parametrize(("here_too", "state"), [(True, "restored"), (False, "filed")])
async def test_one_that_another_source_was_first_with_is_known_if_it_was_filed_here_too(
    ground: Ground, here_too: bool, state: str
) -> None:
    await filed_before(ground, 1)
    owners = ground.fingerprints._owners
    (of_all,) = [print_ for print_ in owners if print_of(ground.name, print_) in owners]
    others = replace(owners[of_all], source="orders")
    await ground.fingerprints.replace(of_all, owners[of_all], others)
    if not here_too:
        del owners[print_of(ground.name, of_all)]
    (after,) = migrated(ground)

    await ground.sweep()

    assert await ground.states_of([after]) == [state]


@pytest.mark.parametrize("status", [404, 400])
async def test_one_that_cannot_be_read_is_for_staging_to_judge(ground: Ground, status: int) -> None:
    """It is not taken for known, and does not stop the round for ever."""
    await filed_before(ground, 1)
    unreadable, *_ = restored(ground, 3)
    ground.box.faults.graph.add(Status(status=status, route=rf"GET /messages/{unreadable}", times=1))

    await ground.sweep()

    assert (await ground.state()).round == "next"
    rows = await ground.states_of([unreadable])
    assert rows != [""]
    await ground.settle()
    assert await ground.states_of([unreadable]) == ["filed"]


async def test_up_to_fifty_unknown_old_mails_are_filed(ground: Ground) -> None:
    """They had come while nobody looked, over several pages."""
    await filed_before(ground, 1)
    ground.page_size = 30
    old = restored(ground, MOST_COMPARED)
    await ground.sweep()
    assert not await is_held(ground)
    assert await ground.states_of(old) == ["filed"] * MOST_COMPARED

    await later(ground)
    restored(ground, MOST_COMPARED + 1)
    await later(ground)

    assert await is_held(ground)


async def test_more_of_them_hold_the_source_until_its_operator_resumes_it(ground: Ground, few: int) -> None:
    """Known by what it says: why, and what to do. Of the page that was too much, nothing is queued."""
    await filed_before(ground, 3)
    old = restored(ground, few + 5)

    await ground.sweep()
    for _ in range(3):
        await later(ground)

    known = await ground.breakers.read_all()
    one = known[BreakerKey("source", ground.name)]
    assert one.waits_for_operator
    assert ground.name in one.reason
    assert "50 mails" in one.reason
    assert "resume" in one.remedy
    held_back = (await ground.states_of(old)).count("")
    assert held_back >= 5
    assert (await ground.state()).asked

    await operator(ground).resume("source", ground.name)
    await later(ground)

    assert await ground.states_of(old) == ["filed"] * len(old)
    assert [ground.documents(mail) for mail in old] == [1] * len(old)
    assert not await is_held(ground)
    assert (await ground.state()).round == "next"


async def test_while_it_is_held_new_mail_waits_and_is_filed_after_it(ground: Ground, few: int) -> None:
    await filed_before(ground, 1)
    restored(ground, few + 1)
    await ground.sweep()
    new = ground.deliver("New")

    await later(ground)
    assert await ground.states_of([new]) == [""]
    await operator(ground).resume("source", ground.name)
    await later(ground)

    assert await ground.states_of([new]) == ["filed"]


async def test_with_a_later_since_the_old_mail_is_passed_over(ground: Ground, few: int) -> None:
    """The other answer that an operator can give."""
    await filed_before(ground, 1)
    old = restored(ground, few + 1)
    await ground.sweep()
    assert await is_held(ground)

    ground.configure(since=ground.clock.now().date())
    await operator(ground).resume("source", ground.name)
    await later(ground)

    assert set(await ground.states_of(old)) <= {"passed-over", "filed"}
    assert (await ground.states_of(old)).count("passed-over") >= 1
    assert not await is_held(ground)


async def test_a_migration_is_confirmed_once_for_all_folders_of_the_source(ground: Ground, few: int) -> None:
    """And for a round that begins anew before it has come to its end."""
    ground.configure(folders=["inbox", "archive"], since=date(2026, 11, 1))
    for _ in range(2):
        await ground.sweep()
        ground.clock.advance(hours=2)
    old = restored(ground, few + 1) + restored(ground, few + 1, "archive")
    await ground.sweep()
    assert await is_held(ground)

    await operator(ground).resume("source", ground.name)
    ground.box.tenant.expire_delta_tokens(ground.mailbox)
    await later(ground)

    assert not await is_held(ground)
    states = await ground.states_of(old)
    assert states[: few + 1] == ["filed"] * (few + 1)
    assert set(states) <= {"filed", "restored"}, "the same mail in two folders is one"


async def test_another_migration_asks_again(ground: Ground, few: int) -> None:
    await filed_before(ground, 1)
    restored(ground, few + 1)
    await ground.sweep()
    await operator(ground).resume("source", ground.name)
    await later(ground)
    await later(ground)

    restored(ground, few + 1)
    await later(ground)

    assert await is_held(ground)


async def test_a_worker_that_does_not_know_of_the_hold_yet_does_not_take_it_for_an_answer(
    ground: Ground, few: int
) -> None:
    """It has read the breakers a moment before; two orders of one folder are common."""
    await filed_before(ground, 1)
    old = restored(ground, few + 5)
    unaware = ground.worker()
    await unaware.services.breakers.all()
    await ground.sweep()
    assert await is_held(ground)
    before = ground.queued(MAIL_ARRIVED)

    await unaware.services.sweeper.sweep(
        FolderSweep(source=ground.name, traceparent=traceparent(), folder="inbox")
    )

    assert (await ground.state()).asked
    assert "" in await ground.states_of(old)
    assert ground.queued(MAIL_ARRIVED) == before


async def test_two_folders_that_ask_at_once_do_not_answer_each_other(ground: Ground, few: int) -> None:
    ground.configure(folders=["inbox", "archive"], since=date(2026, 11, 1))
    ground.page_size = 10
    for _ in range(2):
        await ground.sweep()
        ground.clock.advance(hours=2)
    old = restored(ground, few + 1) + restored(ground, few + 1, "archive")
    worker = ground.worker()
    await worker.order()
    orders = await ground.queues.receive(FOLDER_SWEEP, 2, 600)

    await asyncio.gather(*(ground.worker().take(message) for message in orders))

    assert await is_held(ground)
    assert await ground.states_of(old) == [""] * len(old)


async def test_new_mail_that_nobody_announced_does_not_ask(ground: Ground, few: int) -> None:
    """However much of it came since the last good sweep, as after an outage that outlived the token."""
    await filed_before(ground, 1)
    ground.clock.advance(days=8)
    new = [ground.deliver(f"New {one}", ago=HOUR * one) for one in range(few + 5)]
    ground.box.tenant.expire_delta_tokens(ground.mailbox)

    await ground.sweep()

    assert not await is_held(ground)
    assert await ground.states_of(new) == ["filed"] * len(new)


async def test_a_sweep_with_nothing_new_does_not_read_all_breakers_again(ground: Ground) -> None:
    """They are as many as the sources: the table is asked only for one that seems to be held."""
    worker = await ground.sweep()
    before = ground.breakers.reads

    await ground.sweep(worker)

    assert ground.breakers.reads == before
