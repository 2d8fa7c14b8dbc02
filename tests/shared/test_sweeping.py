"""The sweep of a folder: what it files, what it passes over, how it begins anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from sandbox.faults import Status
from sandbox.tenant.graph import Manner, TokenLoss
from shared import sweeping
from shared.at_once import AT_ONCE
from shared.breaker_table import CACHED_FOR, Breakers
from shared.errors import ConfigurationFault, Unavailable
from shared.folder_register import SweptFolder
from shared.graph.delta import DeltaPage
from shared.queue_messages import FOLDER_SWEEP, MAIL_ARRIVED, FolderSweep, MailArrived, decode
from shared.sweep_state import SweepState, state_name
from shared.testing.folder_register import InMemoryFolderRegister
from shared.tracing import traceparent
from tests.protocol.hooks import Hook

from . import made
from .clock import NOON
from .protocol import events
from .sweep_ground import Ground

pytestmark = pytest.mark.anyio
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def order(ground: Ground, folder: str = "inbox") -> FolderSweep:
    return FolderSweep(source=ground.name, traceparent=traceparent(), folder=folder)


async def swept_once(ground: Ground) -> None:
    """The first round is over, over an empty folder."""
    await ground.sweep()
    ground.clock.advance(minutes=30)


async def test_the_subscription_is_made_before_the_first_round_begins(ground: Ground) -> None:
    """What comes while the round runs is announced; once there is one, the sweep leaves it alone."""
    hook = Hook()

    await ground.sweep(ground.worker(hook))
    await ground.sweep()

    assert hook.points.index("subscriptions.ensure") < hook.points.index("delta.page")
    assert ground.subscribing.wanted == [ground.name]


@pytest.mark.parametrize("fault", [Unavailable("down"), ConfigurationFault("refused", "grant it")])
async def test_without_a_subscription_the_sweep_goes_on(ground: Ground, fault: Exception) -> None:
    """It is what mail is found by that nobody announces."""
    ground.subscribing.fault = fault
    ground.clock.advance(seconds=1)
    mail = ground.deliver()

    await ground.sweep()

    assert await ground.states_of([mail]) == ["filed"]


async def test_the_first_round_passes_over_what_was_there_before_the_first_start(ground: Ground) -> None:
    """What came from then on is filed: also in the same second, as Graph tells no smaller time."""
    ground.clock.advance(milliseconds=700)
    old = [ground.deliver(ago=ago) for ago in (400 * DAY, DAY, timedelta(seconds=2))]
    new = ground.deliver()

    await ground.sweep()

    assert await ground.states_of([*old, new]) == ["passed-over"] * 3 + ["filed"]
    rows = [await ground.row(mail) for mail in old]
    assert all(row is not None and row.is_closed and row.reason for row in rows)
    assert [ground.documents(mail) for mail in [*old, new]] == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("since", "filed"),
    [
        (date(2026, 11, 23), [False, True, True]),
        (datetime(2026, 11, 24, 2, tzinfo=UTC), [False, False, True]),
        (datetime(2026, 11, 24, 2), [False, False, True]),  # noqa: DTZ001 - TOML has such times
        (date(2026, 11, 25), [False, False, False]),
    ],
)
async def test_mail_is_filed_from_since_on(ground: Ground, since: date, filed: list[bool]) -> None:
    """A day begins as UTC counts it. It may be before the first start, or after it."""
    ground.configure(since=since)
    mails = [ground.deliver(ago=NOON - received) for received in _RECEIVED]

    await ground.sweep()

    assert await ground.states_of(mails) == ["filed" if one else "passed-over" for one in filed]


_RECEIVED = [
    datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 11, 23, tzinfo=UTC),
    datetime(2026, 11, 24, 2, tzinfo=UTC),
]


async def test_what_is_passed_over_is_written_in_batches_and_not_looked_at(ground: Ground) -> None:
    ground.page_size = 50
    ground.fill(120, ago=DAY)
    hook = Hook()

    await ground.sweep(ground.worker(hook))

    assert hook.points.count("journal.add_absent") <= 2 * 3
    assert "journal.insert" not in hook.points
    assert "journal.read" not in hook.points


async def test_what_was_announced_before_the_first_round_is_left_to_its_own_way(ground: Ground) -> None:
    """Also where it is old: somebody has moved it in."""
    old = ground.deliver(ago=DAY)
    await ground.queues.send(MAIL_ARRIVED, made.arrived(ground.name, old))
    await ground.worker().run()
    before = await ground.row(old)

    await ground.sweep()

    assert before is not None
    assert before.state == "filed"
    assert await ground.row(old) == before
    assert ground.documents(old) == 1


async def test_a_page_has_its_rows_then_its_messages_before_its_link_is_saved(ground: Ground) -> None:
    await swept_once(ground)
    for _ in range(5):
        ground.deliver()
    hook = Hook()
    worker = ground.worker(hook)
    await worker.order()
    del hook.points[:]

    (message,) = await ground.queues.receive(FOLDER_SWEEP, 1, 600)
    await worker.take(message)

    begin = hook.points.index("delta.page")
    effects = [point for point in hook.points[begin:] if point in _EFFECTS]
    first, second = 3, 2
    assert effects == [
        *_page_of(first),
        "state.put_if",
        *_page_of(second),
        "state.put_if",
        "register.note",
    ]


_EFFECTS = {"delta.page", "unfinished.add", "journal.insert", "queues.send", "state.put_if", "register.note"}


def _page_of(number: int) -> list[str]:
    return [
        "delta.page",
        *["unfinished.add"] * number,
        *["journal.insert"] * number,
        *["queues.send"] * number,
    ]


@pytest.mark.parametrize(
    "point", ["delta.page", "unfinished.add", "journal.insert", "queues.send", "state.put_if"]
)
async def test_of_two_sweeps_of_one_folder_at_once_one_goes_on(
    ground: Ground, caplog: pytest.LogCaptureFixture, point: str
) -> None:
    """Wherever the one falls asleep while the other one runs, each mail is queued once."""
    caplog.set_level(logging.INFO)
    await swept_once(ground)
    mails = [ground.deliver() for _ in range(7)]
    hook = AsleepAt(point=point)
    caplog.clear()

    sleeping = asyncio.create_task(ground.worker(hook).services.sweeper.sweep(order(ground)))
    await hook.reached.wait()
    await ground.worker().services.sweeper.sweep(order(ground))
    hook.wake.set()
    await sleeping

    assert events(caplog, "INFO").count("sweep-overtaken") == 1
    assert events(caplog, "INFO").count("sweep-ended") == 1
    assert ground.queued() == 7
    await ground.settle()
    assert [ground.documents(mail) for mail in mails] == [1] * 7


@dataclass
class AsleepAt(Hook):
    """Falls asleep at the first effect of this name."""

    point: str = ""
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, point: str, effect: Callable[[], Awaitable[Any]]) -> Any:
        if point == self.point and not self.reached.is_set():
            self.reached.set()
            await self.wake.wait()
        return await super().run(point, effect)


async def test_mail_that_is_moved_in_later_is_filed(ground: Ground) -> None:
    """However old it is: nobody has passed over it."""
    await swept_once(ground)
    old = ground.deliver(folder="archive", ago=400 * DAY)
    ground.box.tenant.move(ground.mailbox, old, "inbox")

    await ground.sweep()

    assert await ground.states_of([old]) == ["filed"]


async def test_mail_that_was_passed_over_is_filed_when_it_is_moved_in_again(ground: Ground) -> None:
    old, other = ground.deliver(ago=DAY), ground.deliver(ago=DAY)
    await ground.sweep()
    ground.clock.advance(hours=1)
    ground.box.tenant.move(ground.mailbox, old, "archive")
    ground.box.tenant.move(ground.mailbox, old, "inbox")
    ground.clock.advance(minutes=30)

    await ground.sweep()

    assert await ground.states_of([old, other]) == ["filed", "passed-over"]
    assert (ground.documents(old), ground.documents(other)) == (1, 0)


async def test_a_notification_of_the_move_does_it_too(ground: Ground) -> None:
    """Whether the move has changed the time of the mail, or Graph has told of it, or not."""
    old = ground.deliver(ago=DAY)
    await ground.sweep()

    await ground.queues.send(MAIL_ARRIVED, made.arrived(ground.name, old))
    await ground.settle()
    await ground.sweep()

    assert await ground.states_of([old]) == ["filed"]
    assert ground.documents(old) == 1


async def test_a_draft_is_filed_by_a_sweep_once_it_has_been_sent(ground: Ground) -> None:
    """It keeps its immutable id. Nobody has announced it."""
    ground.configure(folders=["inbox", "sentitems"])
    await swept_once(ground)
    tenant, mime = ground.box.tenant, b"Subject: An offer\r\n\r\nHello"
    draft, kept = [
        tenant.deliver(ground.mailbox, mime, manner=Manner(draft=True)).immutable_id for _ in range(2)
    ]
    await ground.sweep()
    assert await ground.states_of([draft, kept]) == ["draft", "draft"]
    ground.clock.advance(hours=1)
    sent = tenant.mailbox(ground.mailbox).message(draft)
    assert sent is not None
    sent.is_draft = False
    tenant.move(ground.mailbox, draft, "sentitems")

    await ground.sweep()

    assert await ground.states_of([draft, kept]) == ["filed", "draft"]
    assert (ground.documents(draft), ground.documents(kept)) == (1, 0)


async def test_mail_that_was_passed_over_stays_so_when_it_is_shown_again(ground: Ground) -> None:
    """An entry may come again in a later round: only what has changed after its row has been moved in."""
    ground.box.tenant.make_delta_unruly(ground.mailbox)
    mails = [ground.deliver(ago=DAY) for _ in range(4)]
    await ground.sweep()
    ground.clock.advance(minutes=30)
    shown = ground.counted("messages/delta")

    await ground.sweep()

    assert shown.number > 0
    assert await ground.states_of(mails) == ["passed-over"] * 4


@pytest.mark.parametrize("away", ["archive", "deleteditems"])
async def test_mail_that_is_moved_out_and_in_or_restored_is_not_filed_twice(
    ground: Ground, away: str
) -> None:
    """Its id is the same."""
    await swept_once(ground)
    mail = ground.deliver()
    await ground.sweep()
    ground.clock.advance(minutes=10)
    for folder in (away, "inbox"):
        ground.box.tenant.move(ground.mailbox, mail, folder)
        ground.clock.advance(minutes=30)
        await ground.sweep()

    assert await ground.states_of([mail]) == ["filed"]
    assert ground.documents(mail) == 1


async def test_mail_that_came_and_went_between_two_sweeps_is_no_matter(ground: Ground) -> None:
    await swept_once(ground)
    gone, here = ground.deliver(), ground.deliver()
    ground.box.tenant.make_delta_unruly(ground.mailbox)
    ground.box.tenant.delete(ground.mailbox, gone)

    await ground.sweep()

    assert await ground.states_of([gone, here]) == ["", "filed"]


async def test_an_unruly_delta_query_files_nothing_twice(ground: Ground) -> None:
    """Entries that come again, empty pages, removals that nobody asked for."""
    await swept_once(ground)
    ground.box.tenant.make_delta_unruly(ground.mailbox)
    mails = [ground.deliver() for _ in range(8)]
    hook = Hook()

    for _ in range(3):
        await ground.sweep(ground.worker(hook))
        ground.clock.advance(minutes=30)

    assert hook.points.count("delta.page") > 3 + 3
    assert [ground.documents(mail) for mail in mails] == [1] * 8


@pytest.mark.parametrize("loss", list(TokenLoss), ids=lambda loss: loss.name)
async def test_a_lost_token_begins_a_round_of_one_request_a_page_that_queues_only_what_is_unknown(
    ground: Ground, loss: TokenLoss
) -> None:
    await swept_once(ground)
    known = [ground.deliver() for _ in range(7)]
    await ground.sweep()
    ground.clock.advance(minutes=30)
    ground.box.tenant.expire_delta_tokens(ground.mailbox, loss)
    requests, worker = ground.counted(), ground.worker()

    await ground.sweep(worker)

    assert requests.number == 1 + 3, "the lost link, then pages of three, three and one"
    assert worker.taken[MAIL_ARRIVED] == 0
    assert (await ground.state()).round == "next"

    ground.box.tenant.expire_delta_tokens(ground.mailbox, loss)
    unknown = ground.deliver()
    await ground.sweep(worker)
    assert worker.taken[MAIL_ARRIVED] == 1
    assert [ground.documents(mail) for mail in [*known, unknown]] == [1] * 8


async def test_a_token_that_is_lost_in_the_first_round_begins_that_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "RUNS_FOR", 0.0)
    old = [ground.deliver(ago=DAY) for _ in range(4)]
    new = [ground.deliver() for _ in range(4)]
    worker = ground.worker()
    await worker.order()
    (message,) = await ground.queues.receive(FOLDER_SWEEP, 1, 600)
    await worker.take(message)
    assert (await ground.state()).link is not None
    ground.box.tenant.expire_delta_tokens(ground.mailbox)

    await worker.run()

    assert await ground.states_of(old + new) == ["passed-over"] * 4 + ["filed"] * 4
    assert [ground.documents(mail) for mail in new] == [1] * 4


async def test_a_service_that_loses_each_token_at_once_is_not_asked_on_and_on(ground: Ground) -> None:
    await swept_once(ground)
    lost = Status(status=410, code="SyncStateNotFound", route=f"GET /{ground.mailbox}/.*(skip|delta)token=")
    ground.box.faults.graph.add(lost)
    for _ in range(4):
        ground.deliver()
    requests, worker = ground.counted("messages/delta"), ground.worker()

    await ground.sweep(worker)

    assert requests.number <= 4
    assert ground.queued(FOLDER_SWEEP) == 1
    ground.box.faults.graph.clear()
    await ground.settle()
    assert len(ground.vault.objects) == 4


async def test_a_link_that_leads_to_another_host_is_not_followed(ground: Ground) -> None:
    """GRAPH_ENDPOINT was changed, or somebody has written it: the token goes to Graph alone."""
    await swept_once(ground)
    folder, state = await ground.folder(), await ground.state()
    _, etag = await ground.states.read(folder)
    elsewhere = "https://127.0.0.1:9/v1.0/users/x/mailfolders('y')/messages/delta?$deltatoken=z"
    await ground.states.write(folder, msgspec.structs.replace(state, link=elsewhere), etag)
    mail = ground.deliver()

    await ground.sweep()

    assert await ground.states_of([mail]) == ["filed"]
    link = (await ground.state()).link
    assert link is not None
    assert link.startswith(ground.box.addresses.graph)


async def test_a_round_is_made_in_slices_that_each_order_the_next(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "RUNS_FOR", 0.0)
    mails = [ground.deliver(ago=DAY) for _ in range(5)] + [ground.deliver() for _ in range(5)]
    worker = ground.worker()

    await ground.sweep(worker)

    assert worker.taken[FOLDER_SWEEP] == 4, "ten mails, three a page"
    assert sorted(await ground.states_of(mails)) == ["filed"] * 5 + ["passed-over"] * 5
    assert (await ground.folder()).last_good == NOON


async def test_a_good_sweep_is_known_by_when_its_round_began(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by when the former one ended, nor by when its last slice ran: it may lack what came meanwhile."""
    await swept_once(ground)
    assert (await ground.folder()).last_good == NOON
    monkeypatch.setattr(sweeping, "RUNS_FOR", 0.0)
    began = ground.clock.now()
    for _ in range(4):
        ground.deliver()
    worker = ground.worker()
    await worker.order()
    (message,) = await ground.queues.receive(FOLDER_SWEEP, 1, 600)
    await worker.take(message)
    ground.clock.advance(minutes=9)

    await worker.run()

    assert (await ground.folder()).last_good == began


async def test_mail_that_should_have_been_announced_is_counted(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How well the push works: over all slices and rounds, but not what the first round finds."""
    monkeypatch.setattr(sweeping, "RUNS_FOR", 0.0)
    ground.configure(since=date(2026, 11, 1))
    for _ in range(3):
        ground.deliver(ago=DAY)
    await ground.sweep()
    assert (await ground.folder()).unannounced == 0

    ground.clock.advance(minutes=30)
    for ago in (16 * MINUTE, 20 * MINUTE, 25 * MINUTE, 29 * MINUTE, 14 * MINUTE, 0 * MINUTE):
        ground.deliver(ago=ago)
    announced = ground.deliver(ago=28 * MINUTE)
    await ground.queues.send(MAIL_ARRIVED, made.arrived(ground.name, announced))
    await ground.worker().run()
    await ground.sweep()
    assert (await ground.folder()).unannounced == 4

    ground.clock.advance(minutes=30)
    ground.deliver(ago=20 * MINUTE)
    await ground.sweep()
    assert (await ground.folder()).unannounced == 5


@dataclass
class NoDelta:
    """Graph is down."""

    asked: int = 0

    async def page(self, mailbox: str, folder: str, link: str | None) -> DeltaPage:
        self.asked += 1
        raise Unavailable("Graph is down", origin="graph")


async def test_orders_do_not_pile_up_while_graph_is_down(ground: Ground) -> None:
    """72 hours of a timer: one message waits, and Graph is asked once in one to five minutes."""
    await swept_once(ground)
    mail, down, worker, most = ground.deliver(), NoDelta(), ground.worker(), 0
    worker.services.__dict__["delta"] = down
    for _ in range(144):
        await worker.order()
        end = ground.clock.now() + 30 * MINUTE
        while ground.clock.now() < end:
            await worker.run()
            most = max(most, ground.queued(FOLDER_SWEEP))
            following = ground.queues.next_visible_at() or end
            ground.clock.advance(seconds=(min(following, end) - ground.clock.now()).total_seconds())

    assert most == 1
    assert 72 * 60 / 5 <= down.asked <= 72 * 60 + 144
    await ground.settle()
    assert await ground.states_of([mail]) == ["filed"]


async def test_orders_that_meet_at_once_while_graph_is_down_become_one(ground: Ground) -> None:
    await swept_once(ground)
    ground.box.faults.graph.add(Status(status=503, route=f"* /{ground.mailbox}/"))
    workers = [ground.worker() for _ in range(4)]

    await asyncio.gather(*(worker.services.sweeper.sweep(order(ground)) for worker in workers))
    for _ in range(12):
        await workers[0].run()
        ground.clock.advance(minutes=5)

    assert ground.queued(FOLDER_SWEEP) == 1


async def test_a_sweep_waits_as_long_as_graph_asks(ground: Ground) -> None:
    await swept_once(ground)
    ground.box.faults.graph.add(Status(status=429, retry_after="1200", route=f"* /{ground.mailbox}/"))

    await ground.sweep()

    (message,) = ground.queues.messages(FOLDER_SWEEP)
    assert message.visible_at >= ground.clock.now() + 20 * MINUTE
    assert (await ground.folder()).due is not None


async def test_a_mailbox_that_may_not_be_read_is_told_and_tried_by_the_next_timer(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    ground.box.faults.graph.add(Status(status=403, route=f"* /{ground.mailbox}/"))

    await ground.sweep()

    assert "sweep-failed" in events(caplog, "ERROR")
    assert ground.queued(FOLDER_SWEEP) == 0
    ground.box.faults.graph.clear()
    mail = ground.deliver()
    await ground.sweep()
    assert await ground.states_of([mail]) == ["filed"]


async def test_one_source_that_fails_does_not_stop_the_others(ground: Ground) -> None:
    """A path is looked up at Graph when its sweep is ordered."""
    others = [made.source(f"{ground.name}-{number}", mailbox=ground.mailbox) for number in range(2)]
    broken = made.source(ground.name, folders=["inbox/Missing"], subfolders=True)
    worker = ground.worker()
    sources = {source.name: source for source in (others[0], broken, others[1])}
    worker.services.sources = worker.services.watched = sources

    with pytest.raises(ConfigurationFault, match="Missing"):
        await worker.services.sweeper.order_all()

    assert ground.queued(FOLDER_SWEEP) == 2


async def test_some_sources_are_ordered_at_once_and_each_of_them_once(ground: Ground) -> None:
    """One after the other, very many would take longer than the timer may run."""
    at_work, most = 0, 0

    class Slow(InMemoryFolderRegister):
        async def read(self, source: str, name: str) -> SweptFolder | None:
            nonlocal at_work, most
            at_work += 1
            most = max(most, at_work)
            found = await super().read(source, name)
            at_work -= 1
            return found

    sources = {name: made.source(name) for name in (f"source-{number}" for number in range(5 * AT_ONCE))}
    sweeper = replace(ground.worker().services.sweeper, sources=sources, register=Slow())

    await sweeper.note_starts()
    assert most == AT_ONCE
    most = 0
    await sweeper.order_all()

    assert most == AT_ONCE
    ordered = [decode(one.text.encode(), FolderSweep) for one in ground.queues.messages(FOLDER_SWEEP)]
    assert sorted(one.source for one in ordered) == sorted(sources)


@pytest.mark.parametrize("folder", ["archive", "AAMkAGI=", ""])
async def test_a_folder_that_is_not_watched_is_not_swept(ground: Ground, folder: str) -> None:
    """An order may outlive the configuration, or the folder."""
    ground.deliver(folder="archive")
    await swept_once(ground)
    requests, worker = ground.counted(), ground.worker()

    await worker.services.sweeper.sweep(order(ground, folder))
    await worker.services.sweeper.sweep(FolderSweep(source="gone", traceparent=traceparent(), folder="inbox"))

    assert requests.number == 0
    assert [one.name async for one in ground.register.rows()] == ["inbox"]


async def test_a_source_that_waits_for_its_operator_is_not_swept(ground: Ground) -> None:
    """A pause counts as soon as this worker has read of it; its end counts at once."""
    await swept_once(ground)
    worker = ground.worker()
    await worker.services.breakers.all()
    mail = ground.deliver()
    operator = Breakers(ground.breakers, ground.clock)
    await operator.pause("source", ground.name, "by hand")
    ground.clock.advance(seconds=CACHED_FOR.total_seconds())
    requests = ground.counted()

    await ground.sweep(worker)
    assert requests.number == 0
    await operator.resume("source", ground.name)
    await ground.sweep(worker)

    assert await ground.states_of([mail]) == ["filed"]


async def test_a_state_of_a_later_version_waits_and_is_not_overwritten(ground: Ground) -> None:
    await swept_once(ground)
    folder = await ground.folder()
    later = msgspec.json.encode(SweepState("next", v=9))
    await ground.states.container.put(state_name(folder), later, overwrite=True)

    await ground.sweep()

    assert ground.queued(FOLDER_SWEEP) == 1
    assert await ground.states.container.get(state_name(folder)) == later


async def test_a_state_that_was_lost_begins_anew_and_files_nothing_twice(ground: Ground) -> None:
    await swept_once(ground)
    mails = [ground.deliver() for _ in range(4)]
    await ground.sweep()
    await ground.states.forget(await ground.folder())
    worker = ground.worker()

    await ground.sweep(worker)

    assert worker.taken[MAIL_ARRIVED] == 0
    assert [ground.documents(mail) for mail in mails] == [1] * 4


async def test_the_message_of_a_sweep_says_what_has_found_the_mail(ground: Ground) -> None:
    await swept_once(ground)
    mail = ground.deliver()

    await ground.worker().services.sweeper.sweep(order(ground))

    (message,) = ground.queues.messages(MAIL_ARRIVED)
    arrived = msgspec.json.decode(message.text, type=MailArrived)
    assert (arrived.message, arrived.cause, arrived.source) == (mail, "sweep", ground.name)
    row = await ground.row(mail)
    assert row is not None
    assert row.handed == ground.clock.now()
