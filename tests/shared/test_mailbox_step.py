"""Queue `mail-filed`: a mail that has ended is settled, and is not open any more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from shared.afterwards import Afterwards
from shared.breaker import Breaker, BreakerKey, opened
from shared.graph.changing import MessageState
from shared.journal_row import Row, State
from shared.mailbox_step import MailboxStep
from shared.opening import open_row
from shared.queue_messages import MAIL_FILED, VAULT_IMPORT, MailFiled
from shared.staging_area import file_name
from shared.testing.queues import InMemoryQueues
from shared.tracing import traceparent

from .accounts import Stores
from .clock import NOON, FakeClock
from .made import MESSAGE, manifest, source
from .mailbox import FakeWriter
from .pipeline import Pipeline
from .protocol import settling

pytestmark = pytest.mark.anyio
MANIFEST = manifest("invoices")
KEY = MANIFEST.key
ENDED: list[State] = ["filed", "skipped", "failed"]


@dataclass
class World:
    """The step, on a storage account of its own."""

    stores: Stores
    clock: FakeClock
    step: MailboxStep
    pipeline: Pipeline

    async def put_row(self, state: State, **facts: object) -> Row:
        """A mail that has ended, and was handed over."""
        row = Row("invoices", KEY, state, MESSAGE, NOON, opened=NOON, ended=NOON, handed=NOON)
        row = replace(row, **facts)  # type: ignore[arg-type]
        return await open_row(self.stores.journal, self.stores.unfinished, row)

    async def settle(self) -> Row:
        """The mail's message comes out of its queue; what the journal says then."""
        message = MailFiled(source="invoices", key=KEY, traceparent=traceparent())
        await self.pipeline.take(self.step, message)
        return await self.pipeline.row("invoices", KEY)

    async def kept(self) -> list[str]:
        """The names of what is kept."""
        container = self.stores.blobs.get_container_client("kept")
        try:
            return [name async for name in container.list_blob_names()]
        except ResourceNotFoundError:
            return []

    async def keep(self) -> None:
        """What is staged of the mail is copied to where no age deletes it."""
        await self.stores.area.put_manifest(MANIFEST)
        await self.stores.put_blob(file_name("invoices", KEY, MANIFEST.run, "message.eml"), b"mim")
        await self.stores.area.keep("invoices", KEY)
        assert len(await self.kept()) == 2


@pytest.fixture
def world(stores: Stores, clock: FakeClock) -> World:
    step, pipeline = settling(stores.area, clock), Pipeline.of(stores, clock, InMemoryQueues(clock))
    pipeline.serve(step)
    return World(stores, clock, step, pipeline)


@pytest.fixture
def writer() -> FakeWriter:
    """What changes the mailbox, in which the mail is."""
    made = FakeWriter()
    made.put(MESSAGE)
    return made


def wishing(world: World, writer: FakeWriter, **wishes: Any) -> None:
    """The source wants this done from now on."""
    world.step = replace(
        world.step,
        sources={"invoices": source("invoices", **wishes)},
        afterwards=Afterwards(writer, may_delete=False),
    )


@pytest.mark.parametrize("state", ENDED)
async def test_a_mail_that_has_ended_is_settled_and_struck_off(world: World, state: State) -> None:
    before = await world.put_row(state, reason="Why.", remedy="What to do.", warnings=("one",))
    world.clock.advance(seconds=2)

    row = await world.settle()

    assert replace(row, etag="") == replace(before, settled=NOON + timedelta(seconds=2), etag="")
    assert await world.pipeline.open_mails() == []
    assert world.pipeline.waiting() == {}


async def test_a_mail_that_is_settled_is_left_alone(world: World) -> None:
    await world.put_row("filed")
    before = await world.settle()
    world.clock.advance(minutes=1)

    assert await world.settle() == before


async def test_a_mail_that_is_to_be_looked_at_once_more_stays_open(world: World) -> None:
    """Its document may have come twice: filing strikes it off after that look."""
    look_again = NOON + timedelta(minutes=15)
    await world.put_row("filed", look_again=look_again)

    row = await world.settle()

    assert (row.settled, row.look_again) == (NOON, look_again)
    assert [mail.key for mail in await world.pipeline.open_mails()] == [KEY]


async def test_of_a_filed_mail_nothing_is_kept_any_more(world: World) -> None:
    await world.keep()
    await world.put_row("filed", kept=NOON)

    row = await world.settle()

    assert (row.kept, await world.kept()) == (None, [])


@pytest.mark.parametrize("state", ["skipped", "failed"])
async def test_of_a_mail_that_is_not_in_the_vault_all_stays_kept(world: World, state: State) -> None:
    """It can be replayed."""
    await world.keep()
    await world.put_row(state, kept=NOON)

    row = await world.settle()

    assert (row.kept, len(await world.kept())) == (NOON, 2)


async def test_storage_that_cannot_forget_leaves_the_mail_open(world: World, down: Stores) -> None:
    await world.put_row("filed", kept=NOON)
    world.step = replace(world.step, area=down.area)

    row = await world.settle()

    assert (row.state, row.settled, row.reason) == ("filed", None, "")
    assert row.attempt == 1
    assert [mail.key for mail in await world.pipeline.open_mails()] == [KEY]
    assert world.pipeline.waiting() == {MAIL_FILED: 1}


@pytest.mark.parametrize("state", ["arrived", "staged"])
async def test_a_message_that_a_replay_has_overtaken_waits_for_its_mail(world: World, state: State) -> None:
    """Never dropped, and it settles nothing."""
    before = await world.put_row(state, ended=None)

    row = await world.settle()

    assert row == before
    assert world.pipeline.waiting() == {MAIL_FILED: 1}


async def test_an_early_message_hands_over_what_was_not(world: World) -> None:
    await world.put_row("staged", ended=None, handed=None)

    row = await world.settle()

    assert row.handed == NOON
    assert world.pipeline.waiting() == {MAIL_FILED: 1, VAULT_IMPORT: 1}


async def test_a_message_of_a_mail_whose_row_is_gone_is_done_with(world: World) -> None:
    message = MailFiled(source="invoices", key=KEY, traceparent=traceparent())

    await world.pipeline.take(world.step, message)

    assert await world.stores.journal.read("invoices", KEY) is None
    assert world.pipeline.waiting() == {}


async def test_a_mail_of_a_source_that_is_not_configured_any_more_is_settled(world: World) -> None:
    """Nothing of it is left to do, and nothing of it is forgotten either."""
    await world.put_row("filed")

    assert (await world.settle()).settled == NOON


READ = MessageState([], True, "inbox")
WISHES: dict[str, Any] = {
    "after": {"read": True},
    "on-failure": {"category": "Not filed", "move-to": "Faulty"},
}


@pytest.mark.parametrize(
    ("state", "there"),
    [
        ("filed", READ),
        ("failed", MessageState(["Not filed"], False, "of faulty")),
        ("skipped", MessageState([], False, "inbox")),
    ],
)
async def test_what_is_done_follows_from_how_the_mail_has_ended(
    world: World, writer: FakeWriter, state: State, there: MessageState
) -> None:
    wishing(world, writer, **WISHES)
    await world.put_row(state, reason="Why.")

    row = await world.settle()

    assert writer.states[MESSAGE] == there
    assert (row.state, row.reason, row.settled, row.owner) == (state, "Why.", NOON, "")
    assert await world.pipeline.open_mails() == []


async def test_the_rule_that_took_the_mail_decides_as_it_stands_now(world: World, writer: FakeWriter) -> None:
    document = {"class": "CL.Invoice"}
    rules = [
        {"name": "orders", "when": "true", "document": document, "after": {"category": "Order"}},
        {"name": "rest", "document": document},
    ]
    wishing(world, writer, after={"read": True}, rule=rules)
    await world.put_row("filed", rule="orders")

    await world.settle()

    assert writer.states[MESSAGE] == MessageState(["Order"], False, "inbox")


async def test_mail_that_was_settled_before_anything_was_wished_is_left_alone(
    world: World, writer: FakeWriter
) -> None:
    before = await world.put_row("filed", settled=NOON)
    wishing(world, writer, after={"read": True})

    assert await world.settle() == before
    assert writer.calls == {}


async def test_mail_whose_message_is_gone_is_settled(world: World, writer: FakeWriter) -> None:
    del writer.states[MESSAGE]
    wishing(world, writer, after={"category": "Filed", "move-to": "Filed"})
    await world.put_row("filed")

    assert (await world.settle()).settled == NOON
    assert writer.calls == {"state": 1}


async def test_mail_is_not_deleted_where_that_is_not_allowed(world: World, writer: FakeWriter) -> None:
    """The configuration is refused before: this is the second lock."""
    wishing(world, writer, after={"read": True, "delete": True})
    await world.put_row("filed")

    row = await world.settle()

    assert (row.settled, writer.written) == (None, [])
    assert world.pipeline.waiting() == {MAIL_FILED: 1}


async def test_a_shut_breaker_is_waited_for_only_with_something_to_do(
    world: World, writer: FakeWriter
) -> None:
    down = opened(Breaker(BreakerKey("service", "graph")), "down", NOON)
    await world.pipeline.receiver.gate.breakers.change(down.key, lambda one: replace(down, etag=one.etag))
    wishing(world, writer, after={"read": True})
    await world.put_row("filed")

    row = await world.settle()

    assert (row.settled, row.attempt, writer.calls) == (None, 0, {})
    wishing(world, writer)
    await world.pipeline.run_for(minutes=6)
    assert (await world.settle()).settled is not None
