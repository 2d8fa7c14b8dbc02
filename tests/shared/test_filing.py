"""From the staging area into the vault: filed once in effect, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.breaker import BreakerKey
from shared.claim import UNCLEAR_FOR
from shared.configuration import Source
from shared.errors import ConfigurationFault, MailFault, Unavailable
from shared.filing import AGAIN_AFTER, NOWHERE_FOR, Filing
from shared.filing_attempt import LOOK_AGAIN_AFTER
from shared.identities import filing_key
from shared.journal_row import DELETED, Row, State
from shared.manifest import LeftOut, Manifest
from shared.opening import open_row
from shared.plan import OBSERVED, Plan
from shared.planning import Planner
from shared.queue_messages import MAIL_ARRIVED, MAIL_FILED, VAULT_IMPORT, MailArrived, decode
from shared.staging_area import file_name, manifest_name, plan_name
from shared.testing.queues import InMemoryQueues
from shared.twins import FIRST_VERSION

from .accounts import Stores, duplicates_of
from .clock import NOON, FakeClock
from .made import MESSAGE, manifest, order, source, staged
from .pipeline import Pipeline
from .protocol import settling
from .vault.fake import FIRST_ID, KEY_PROPERTY, TICKET, FakeVault, example

pytestmark = pytest.mark.anyio
SOURCE = source("invoices")
KEY = filing_key("invoices", MESSAGE)
CONTENTS = {"message.eml": b"mime", "attachments/0001": b"%PDF-", "attachments/0002": b""}
SIZES = (4, 5, 0)
ORDER = order("invoices")
LOST = Unavailable("M-Files did not answer in full (ReadTimeout)")
MANIFEST = manifest(
    "invoices",
    staged("message.eml", CONTENTS["message.eml"], content_type="message/rfc822"),
    staged("attachments/0001", CONTENTS["attachments/0001"], "a.pdf", "application/pdf"),
    staged("attachments/0002", CONTENTS["attachments/0002"], "b.pdf", "application/pdf"),
)


@dataclass
class World:
    """Filing with one staged mail and a vault, on a storage account of its own."""

    stores: Stores
    clock: FakeClock
    queues: InMemoryQueues
    vault: FakeVault
    filing: Filing
    pipeline: Pipeline

    async def file(self) -> Row:
        """The order to file the mail comes out of its queue; what the journal says then."""
        await self.pipeline.take(self.filing, ORDER)
        return await self.row()

    async def file_after(self, **amount: float) -> Row:
        """The same for what is in the queues, after that time."""
        await self.pipeline.run_for(**amount)
        return await self.row()

    async def row(self) -> Row:
        return await self.pipeline.row("invoices", KEY)

    async def change_row(self, **changed: object) -> Row:
        return await self.stores.journal.update(replace(await self.row(), **changed))  # type: ignore[arg-type]

    async def plan(self) -> Plan | None:
        return await self.stores.area.document(plan_name("invoices", KEY), Plan)

    def configure(self, changed: Source) -> None:
        """The configuration changes."""
        self.filing = replace(self.filing, sources={"invoices": changed})
        self.pipeline.serve(self.filing)

    def ask(self, vault: FakeVault) -> None:
        """The vault is this one from now on."""
        self.vault, self.filing = vault, replace(self.filing, vault=vault)
        self.pipeline.serve(self.filing)

    async def lose_an_answer(self) -> None:
        """A create is sent, and its answer never comes; it has not committed so far."""
        self.vault.commits_late, self.vault.answer_lost = True, LOST
        await self.file()
        self.vault.commits_late, self.vault.answer_lost = False, None

    def deleted(self) -> list[int]:
        """The ids of the objects that are deleted."""
        return [kept.shown.id for kept in self.vault.objects if kept.shown.deleted]

    async def is_held(self) -> bool:
        """Whether filing of the source stands still."""
        known = await self.pipeline.receiver.gate.breakers.all(fresh=True)
        breaker = known.get(BreakerKey("source", "invoices", "filing"))
        return breaker is not None and breaker.state == "held"

    async def spoil(self, path: str, content: bytes | None) -> None:
        """Give a staged file other bytes, or take it away."""
        name = file_name("invoices", KEY, MANIFEST.run, path)
        if content is None:
            await self.stores.area.delete(name)
        else:
            await self.stores.put_blob(name, content)


async def content_of(path: str) -> AsyncGenerator[bytes, None]:
    yield CONTENTS[path]


async def stage(stores: Stores, staged_mail: Manifest) -> None:
    """What staging leaves: bytes, manifest, and the row, whose message was sent."""
    for file in staged_mail.files:
        name = file_name(staged_mail.source, staged_mail.key, staged_mail.run, file.path)
        await stores.area.write(name, content_of(file.path))
    await stores.area.put_manifest(staged_mail)
    row = Row(staged_mail.source, staged_mail.key, "staged", staged_mail.message, NOON, opened=NOON)
    row = replace(
        row,
        staged=NOON,
        handed=NOON,
        sizes=tuple(file.size for file in staged_mail.files),
        digests=tuple(bytes.fromhex(file.sha256) for file in staged_mail.files),
    )
    await open_row(stores.journal, stores.unfinished, row)


def of(stores: Stores, clock: FakeClock) -> World:
    vault, queues = FakeVault(clock=clock), InMemoryQueues(clock)
    filing = Filing(
        {"invoices": SOURCE}, Planner("PD.FilingKey"), vault, stores.area, duplicates_of(stores), clock
    )
    pipeline = Pipeline.of(stores, clock, queues)
    pipeline.serve(filing)
    return World(stores, clock, queues, vault, filing, pipeline)


@pytest.fixture
async def world(stores: Stores, clock: FakeClock) -> World:
    await stage(stores, MANIFEST)
    return of(stores, clock)


async def test_a_staged_mail_becomes_one_document_with_all_its_bytes(world: World) -> None:
    world.clock.advance(seconds=2)

    row = await world.file()

    (kept,) = world.vault.objects
    assert kept.contents == list(CONTENTS.values())
    assert kept.names == ["Invoice 4711.eml", "a.pdf", "b.pdf"]
    assert kept.key == KEY
    assert (row.state, row.object_type, row.object_id, row.object_version) == ("filed", 0, FIRST_ID, 1)
    assert (row.ended, row.creating, row.reason) == (NOON + timedelta(seconds=2), None, "")
    assert (row.sizes, len(row.digests)) == (SIZES, 3)
    assert (row.owner, row.claim_expires, row.look_again) == ("", None, None)


async def test_where_nothing_is_left_to_do_in_the_mailbox_the_mail_is_closed_at_once(world: World) -> None:
    row = await world.file()

    assert row.settled == row.ended == NOON
    assert await world.pipeline.open_mails() == []
    assert world.pipeline.waiting() == {}


async def test_what_is_left_to_do_in_the_mailbox_is_handed_over_with_the_trace(world: World) -> None:
    world.configure(source("invoices", after={"category": "Filed"}))

    row = await world.file()

    assert (row.settled, row.handed) == (None, NOON)
    assert [mail.key for mail in await world.pipeline.open_mails()] == [KEY]
    (message,) = world.queues.messages(MAIL_FILED)
    assert ORDER.traceparent.split("-")[1] in message.text


async def test_what_was_kept_is_left_to_the_step_of_the_mailbox_which_forgets_it(world: World) -> None:
    await world.change_row(kept=NOON)

    row = await world.file()

    assert row.settled is None
    assert world.pipeline.waiting() == {MAIL_FILED: 1}


async def test_warnings_of_the_plan_are_in_the_journal(stores: Stores, clock: FakeClock) -> None:
    await stage(stores, manifest("invoices", MANIFEST.files[0], left_out=(LeftOut(1, "item"),)))

    row = await of(stores, clock).file()

    assert row.warnings == ("attachment 1 (item) is within the message only",)


async def test_a_document_that_is_there_is_not_created_again(world: World) -> None:
    """It is found by its key: also when nothing here remembers that it was created."""
    world.vault.put("another key", 7, SIZES)
    world.vault.put(KEY, 42, SIZES)

    row = await world.file()

    assert world.vault.calls["create"] == 0
    assert (row.state, row.object_id) == ("filed", 42)


async def test_of_several_documents_the_one_with_the_lowest_id_stays(world: World) -> None:
    """The others are marked deleted, and the journal says so."""
    for number in (43, 42, 44):
        world.vault.put(KEY, number, SIZES)

    row = await world.file()

    assert (row.object_id, world.deleted()) == (42, [43, 44])
    assert row.warnings == (
        "object 43 was filed twice, and was marked deleted",
        "object 44 was filed twice, and was marked deleted",
    )


async def test_of_several_documents_one_that_is_whole_stays(world: World) -> None:
    """Files of other sizes are those of nobody's mail, whatever the id."""
    world.vault.put(KEY, 42, (4, 5))
    world.vault.put(KEY, 43, SIZES)

    row = await world.file()

    assert (row.state, row.object_id, world.deleted()) == ("filed", 43, [42])


async def test_files_in_another_order_are_the_same_document(world: World) -> None:
    """A vault may list them as it likes."""
    world.vault.put(KEY, 42, tuple(reversed(SIZES)))

    assert (await world.file()).state == "filed"


@pytest.mark.parametrize("state", ["filed", "skipped", "failed"])
async def test_a_mail_that_has_ended_is_left_alone(world: World, state: State) -> None:
    before = await world.change_row(state=state)

    assert await world.file() == before
    assert not world.vault.calls
    assert world.pipeline.waiting() == {}


async def test_a_second_order_of_a_filed_mail_does_nothing(world: World) -> None:
    before = await world.file()

    assert await world.file() == before
    assert len(world.vault.objects) == 1


async def test_a_deleted_document_counts_as_filed_and_the_journal_says_so(world: World) -> None:
    """Whoever deleted it had a reason; its files may be gone, so their sizes are not looked at."""
    world.vault.put(KEY, 42, (), deleted=True)

    row = await world.file()

    assert (row.state, row.object_id, row.warnings) == ("filed", 42, (DELETED,))
    assert world.vault.calls["create"] == 0


async def test_a_mail_that_was_replayed_for_its_deleted_document_is_filed_once_more(world: World) -> None:
    """Once: the mark is gone then. What the journal says of the replay stays."""
    world.vault.put(KEY, 42, (), deleted=True)
    await world.change_row(again=True, warnings=("replayed on a day",))

    row = await world.file()

    assert (row.state, row.object_id, row.again) == ("filed", FIRST_ID + 1, False)
    assert row.warnings == ("replayed on a day",)
    assert world.vault.calls["create"] == 1


async def test_a_mail_that_was_replayed_while_its_document_lives_is_not_filed_twice(world: World) -> None:
    world.vault.put(KEY, 41, (), deleted=True)
    world.vault.put(KEY, 42, SIZES)
    await world.change_row(again=True)

    assert (await world.file()).object_id == 42
    assert world.vault.calls["create"] == 0


async def test_filed_once_more_it_is_one_document_though_the_answer_was_lost(world: World) -> None:
    world.vault.put(KEY, 42, (), deleted=True)
    await world.change_row(again=True)
    world.vault.answer_lost = LOST
    await world.file()

    row = await world.file_after(seconds=90)

    assert (row.state, row.object_id) == ("filed", FIRST_ID + 1)
    assert world.vault.calls["create"] == 1
    row = await world.file_after(minutes=15)
    assert (row.look_again, row.warnings, world.deleted()) == (None, (), [42])


async def test_a_refusal_of_filing_once_more_is_a_refusal(world: World) -> None:
    """The deleted document is no sign that the create has committed."""
    world.vault.put(KEY, 42, (), deleted=True)
    await world.change_row(again=True)
    world.vault.refusal = MailFault("M-Files answered 400.", "Look.")

    assert (await world.file()).state == "failed"


async def test_the_row_says_creating_before_the_create_is_sent(world: World) -> None:
    seen: list[tuple[State, object, bool]] = []

    class Watching(FakeVault):
        async def create(self, new, files, about_to_create, words=()):  # type: ignore[no-untyped-def]
            async def look() -> None:
                row = await world.row()
                seen.append((row.state, row.creating, row.claim_expires == NOON + timedelta(seconds=90 + 9)))

            async def noted() -> None:
                world.clock.advance(seconds=9)
                await look()
                await about_to_create()
                await look()

            return await super().create(new, files, noted)

    world.ask(Watching(clock=world.clock))

    await world.file()

    assert seen == [("staged", None, False), ("staged", NOON + timedelta(seconds=9), True)]


async def test_a_mark_that_took_long_to_write_creates_nothing(world: World) -> None:
    """A create that is sent late could commit when others take the mark for expired."""

    class Slow(FakeVault):
        async def create(self, new, files, about_to_create, words=()):  # type: ignore[no-untyped-def]
            async def slowly() -> None:
                update = world.stores.journal.update

                async def delayed(row: Row) -> Row:
                    written = await update(row)
                    world.clock.advance(seconds=11)
                    return written

                object.__setattr__(world.stores.journal, "update", delayed)
                try:
                    await about_to_create()
                finally:
                    object.__setattr__(world.stores.journal, "update", update)

            return await super().create(new, files, slowly)

    world.ask(Slow(clock=world.clock))

    row = await world.file()

    assert world.vault.objects == []
    assert (row.state, row.creating, row.attempt) == ("staged", NOON, 0)


async def test_of_a_deleted_and_a_living_object_the_living_one_is_it(world: World) -> None:
    before = await world.file()
    living = world.vault.objects[0].shown
    world.vault.put(KEY, living.id - 1, (), deleted=True)
    await world.change_row(state="staged", object_id=None)

    row = await world.file()

    assert (row.state, row.object_id) == ("filed", living.id)
    assert before.object_id == living.id


async def test_while_a_create_may_be_under_way_nothing_is_asked_or_sent(world: World) -> None:
    """It may still commit until 90 s after it was sent; then a search tells."""
    await world.change_row(creating=NOON)
    world.clock.advance(seconds=30)

    await world.file()

    assert not world.vault.calls
    await world.file_after(seconds=59)
    assert not world.vault.calls
    row = await world.file_after(seconds=1)
    assert (row.state, world.vault.calls["create"]) == ("filed", 1)
    assert timedelta(seconds=90) == UNCLEAR_FOR


async def test_a_create_whose_answer_was_lost_is_found_and_not_sent_again(world: World) -> None:
    world.vault.answer_lost = LOST

    row = await world.file()

    assert (row.state, row.creating, row.attempt, row.reason) == ("staged", NOON, 1, str(LOST))
    row = await world.file_after(seconds=89)
    assert (row.state, world.vault.calls["find"]) == ("staged", 1)
    row = await world.file_after(seconds=1)
    assert (row.state, row.object_id, row.creating) == ("filed", FIRST_ID, None)
    assert world.vault.calls["create"] == 1


async def test_a_create_that_commits_late_is_found(world: World) -> None:
    """The vault is slow: the document appears after the answer was given up, within the 90 s."""
    await world.lose_an_answer()
    await world.file_after(seconds=60)
    world.vault.commit_late()

    row = await world.file_after(seconds=30)

    assert row.state == "filed"
    assert len(world.vault.objects) == 1


async def test_a_create_that_never_committed_is_sent_again_with_a_mark_of_its_own(world: World) -> None:
    world.vault.commits_late, world.vault.answer_lost = True, LOST
    await world.file()

    row = await world.file_after(seconds=90)

    assert (row.creating, row.attempt) == (NOON + timedelta(seconds=90), 2)
    assert world.vault.calls["sent"] == 2


async def test_after_an_unclear_answer_it_is_searched_before_and_after_the_next_create(
    world: World,
) -> None:
    await world.lose_an_answer()
    world.vault.calls.clear()

    row = await world.file_after(seconds=90)

    assert (row.state, row.look_again) == ("filed", world.clock.now() + LOOK_AGAIN_AFTER)
    assert (world.vault.calls["find"], world.vault.calls["sent"]) == (2, 1)


async def test_a_twin_that_commits_while_the_next_create_runs_is_found_at_once(world: World) -> None:
    """Of the two the lowest id stays, and the other one is marked deleted."""
    await world.lose_an_answer()

    async def commits() -> None:
        world.vault.commit_late()

    world.vault.before_create = commits

    row = await world.file_after(seconds=90)

    assert (row.state, row.object_id) == ("filed", FIRST_ID)
    assert world.deleted() == [FIRST_ID + 1]
    assert row.warnings == (f"object {FIRST_ID + 1} was filed twice, and was marked deleted",)


async def filed_after_a_lost_answer(world: World) -> Row:
    """The mail is filed and settled by the second create; the first one has not committed so far."""
    world.pipeline.serve(settling(world.stores.area, world.clock))
    await world.lose_an_answer()
    row = await world.file_after(seconds=90)
    assert (row.state, row.settled) == ("filed", world.clock.now())
    assert [mail.key for mail in await world.pipeline.open_mails()] == [KEY], "it is looked at once more"
    return row


async def test_a_late_twin_is_marked_deleted_fifteen_minutes_after_filing(world: World) -> None:
    """The object that the journal names stays, whatever its id: people have seen it."""
    before = await filed_after_a_lost_answer(world)
    late = world.vault.put(KEY, 5, SIZES)

    row = await world.file_after(minutes=14, seconds=59)
    assert (world.deleted(), row.look_again) == ([], before.look_again)
    row = await world.file_after(seconds=1)

    assert (row.state, row.object_id, row.look_again) == ("filed", before.object_id, None)
    assert world.deleted() == [late.id]
    assert row.warnings == ("object 5 was filed twice, and was marked deleted",)
    assert await world.pipeline.open_mails() == []
    assert world.pipeline.waiting() == {}


async def test_without_a_twin_the_second_look_says_nothing_and_closes_the_mail(world: World) -> None:
    await filed_after_a_lost_answer(world)
    world.vault.calls.clear()

    row = await world.file_after(minutes=15)

    assert (row.state, row.look_again, row.warnings, world.deleted()) == ("filed", None, (), [])
    assert +world.vault.calls == {"structure": 1, "find": 1}
    assert await world.pipeline.open_mails() == []


@pytest.mark.parametrize(
    ("facts"),
    [
        {"own": False},
        {"version": FIRST_VERSION + 1},
        {"created": NOON - timedelta(minutes=6)},
    ],
    ids=["not ours", "changed since", "older than the mail"],
)
async def test_a_twin_that_is_not_ours_to_delete_is_left_alone_and_said_so(
    world: World, facts: dict[str, object]
) -> None:
    before = await filed_after_a_lost_answer(world)
    world.vault.put(KEY, 5, SIZES, **facts)  # type: ignore[arg-type]

    row = await world.file_after(minutes=15)

    assert (row.object_id, row.look_again, world.deleted()) == (before.object_id, None, [])
    assert row.warnings == ("object 5 has the same filing key, and is not this app's to delete",)
    assert world.vault.calls["mark_deleted"] == 0


async def test_a_twin_that_the_account_may_not_delete_is_said_so_and_holds_nobody(world: World) -> None:
    await filed_after_a_lost_answer(world)
    world.vault.put(KEY, 5, SIZES)
    world.vault.delete_fault = ConfigurationFault("M-Files answered 403.", "Let the account delete.")

    row = await world.file_after(minutes=15)

    (warning,) = row.warnings
    assert warning == "object 5 was filed twice, and could not be marked deleted: M-Files answered 403."
    assert not await world.is_held()
    assert await world.pipeline.open_mails() == []


async def test_a_second_look_at_a_vault_that_is_down_is_tried_again_and_the_mail_stays_filed(
    world: World,
) -> None:
    before = await filed_after_a_lost_answer(world)
    world.vault.put(KEY, 5, SIZES)
    world.vault.find_fault = Unavailable("M-Files answered 503")
    row = await world.file_after(minutes=15)
    assert (row.state, row.reason, row.attempt) == ("filed", "", 1)
    assert row.look_again == before.look_again
    world.vault.find_fault = None

    row = await world.file_after(minutes=1)

    assert (row.look_again, world.deleted()) == (None, [5])
    assert await world.pipeline.open_mails() == []


async def test_of_a_mail_of_a_source_that_is_gone_twins_are_looked_for_all_the_same(world: World) -> None:
    await filed_after_a_lost_answer(world)
    world.vault.put(KEY, 5, SIZES)
    world.filing = replace(world.filing, sources={})
    world.pipeline.serve(world.filing)

    await world.file_after(minutes=15)

    assert world.deleted() == [5]
    assert await world.pipeline.open_mails() == []


async def test_what_an_account_cannot_see_is_filed_and_holds_its_source(world: World) -> None:
    """The next search would not find it: another mail must not be filed before that is mended."""
    world.vault.visible = False

    row = await world.file()

    assert (row.state, row.object_id) == ("filed", FIRST_ID)
    assert await world.is_held()
    assert world.pipeline.waiting() == {}


async def test_a_refusal_with_an_empty_search_fails_and_takes_mark_and_plan_away(world: World) -> None:
    """Nothing is under way, so after a mended configuration the plan may be another one."""
    world.vault.refusal = MailFault("M-Files answered 400.", "Look at the mail, then replay it.")

    row = await world.file()

    assert (row.state, row.creating, row.ended) == ("failed", None, NOON)
    assert (row.reason, row.remedy) == ("M-Files answered 400.", "Look at the mail, then replay it.")
    assert await world.plan() is None
    assert await world.stores.area.manifest("invoices", KEY) == MANIFEST
    assert world.vault.calls["find"] == 2
    assert world.pipeline.waiting() == {MAIL_FILED: 1}


async def test_what_is_staged_of_a_mail_that_fails_is_kept_for_its_replay(world: World) -> None:
    world.vault.refusal = MailFault("M-Files answered 400.", "Look.")

    row = await world.file()

    assert row.kept == NOON
    for name in await world.stores.blob_names():
        await world.stores.blobs.get_container_client("staging").delete_blob(name)
    assert await world.stores.area.manifest("invoices", KEY) == MANIFEST
    for file in MANIFEST.files:
        name = file_name("invoices", KEY, MANIFEST.run, file.path)
        found = b"".join([piece async for piece in world.stores.area.read(name, file.size)])
        assert found == CONTENTS[file.path]


async def test_a_refusal_of_the_configuration_holds_the_source_without_mark_and_plan(world: World) -> None:
    world.vault.refusal = ConfigurationFault("M-Files answered 403.", "Let the account create.")

    row = await world.file()

    assert (row.state, row.creating, row.attempt) == ("staged", None, 0)
    assert (row.reason, row.remedy) == ("M-Files answered 403.", "Let the account create.")
    assert await world.is_held()
    assert await world.plan() is None
    world.vault.refusal = None
    row = await world.file_after(minutes=5)
    assert row.state == "filed"
    assert not await world.is_held()


async def test_a_refusal_of_what_is_there_all_the_same_is_tried_again_not_failed(world: World) -> None:
    """A proxy can say 400 to the repetition of what was created."""

    async def twin_commits() -> None:
        world.vault.put(KEY, 42, SIZES)

    world.vault.before_create = twin_commits
    world.vault.refusal = MailFault("M-Files answered 400.", "Look.")

    row = await world.file()

    assert (row.state, row.creating) == ("staged", NOON)
    row = await world.file_after(seconds=90)
    assert (row.state, row.object_id) == ("filed", 42)


async def test_a_refusal_whose_search_fails_keeps_the_mark(world: World) -> None:
    async def goes_down() -> None:
        world.vault.find_fault = Unavailable("M-Files answered 503")

    world.vault.before_create = goes_down
    world.vault.refusal = MailFault("M-Files answered 400.", "Look.")

    row = await world.file()

    assert (row.state, row.creating, row.attempt) == ("staged", NOON, 1)


async def test_a_message_that_comes_before_its_mail_is_due_waits_until_then(world: World) -> None:
    await world.change_row(due=NOON + timedelta(seconds=90), attempt=3, first_tried=NOON)
    world.clock.advance(seconds=30)

    await world.file()

    assert not world.vault.calls
    row = await world.file_after(seconds=60)
    assert (row.state, row.attempt, row.first_tried, row.due) == ("filed", 0, None, None)


async def test_a_refusal_by_a_vault_that_has_changed_is_not_the_mails_fault(world: World) -> None:
    """The class has got another id since the structure was read: the mail is planned anew."""
    world.vault.refusal = MailFault("M-Files answered 400.", "Look.")
    world.vault.fresh = example()
    world.vault.fresh.classes["CL.Invoice"] = replace(world.vault.fresh.classes["CL.Invoice"], id=999)

    row = await world.file()

    assert (row.state, row.creating, row.attempt) == ("staged", None, 0)
    world.vault.refusal = None
    row = await world.file_after(seconds=15)
    assert row.state == "filed"
    assert world.vault.objects[0].new.class_id == 999


async def test_without_a_manifest_a_create_that_was_sent_is_still_looked_for(world: World) -> None:
    """Its document is there, whatever has become of the staged bytes."""
    await world.change_row(creating=NOON)
    await world.stores.area.delete(manifest_name("invoices", KEY))
    world.vault.put(KEY, 42, SIZES)
    await world.file()

    row = await world.file_after(seconds=90)

    assert (row.state, row.object_id) == ("filed", 42)
    assert row.look_again == world.clock.now() + LOOK_AGAIN_AFTER
    assert world.queues.messages(MAIL_ARRIVED) == []


async def test_a_vault_that_does_not_fit_holds_the_mail_and_fails_none(world: World) -> None:
    """The structure is read anew first: its administrator may have mended it a moment ago."""
    world.vault.current.classes.clear()

    row = await world.file()

    assert world.vault.calls["fresh structure"] == 1
    assert world.vault.calls["find"] == world.vault.calls["create"] == 0
    assert (row.state, row.creating) == ("staged", None)
    assert "CL.Invoice" in row.reason
    assert await world.is_held()
    assert await world.plan() is None


async def test_a_structure_that_was_mended_a_moment_ago_is_seen(world: World) -> None:
    world.vault.current.classes.clear()
    world.vault.fresh = example()

    assert (await world.file()).state == "filed"


async def test_a_vault_that_is_down_is_an_attempt_and_creates_nothing(world: World) -> None:
    world.vault.find_fault = Unavailable("M-Files answered 503")

    row = await world.file()

    assert (row.state, row.creating, row.attempt, row.first_tried) == ("staged", None, 1, NOON)
    assert row.reason == "M-Files answered 503"
    assert world.vault.calls["create"] == 0
    assert world.pipeline.waiting() == {VAULT_IMPORT: 1}


def fetched_again(world: World) -> MailArrived:
    """The one announcement that was sent; it is visible after 15 seconds."""
    (message,) = world.queues.messages(MAIL_ARRIVED)
    assert message.visible_at == world.clock.now() + AGAIN_AFTER == world.clock.now() + timedelta(seconds=15)
    return decode(message.text.encode(), MailArrived)


@pytest.mark.parametrize("content", [None, b"%PD", b"%PDF-x", b"%PDF+"])
async def test_a_staged_file_that_is_not_whole_is_fetched_again(world: World, content: bytes | None) -> None:
    await world.spoil("attachments/0001", content)

    row = await world.file()

    assert (row.state, row.staged, row.sizes, row.digests) == ("arrived", None, (), ())
    assert row.due == NOON + AGAIN_AFTER
    assert await world.stores.area.manifest("invoices", KEY) is None
    assert await world.plan() is None
    assert world.vault.calls["sent"] == 0
    again = fetched_again(world)
    assert (again.source, again.message, again.cause) == ("invoices", MESSAGE, "replay")
    assert again.traceparent.split("-")[1] == ORDER.traceparent.split("-")[1]
    assert world.vault.objects == []
    assert [mail.key for mail in await world.pipeline.open_mails()] == [KEY]


async def test_a_plan_of_a_former_version_knows_no_digests_and_is_followed(world: World) -> None:
    world.vault.refusal = LOST
    await world.file()
    plan, world.vault.refusal = await world.plan(), None
    assert plan is not None
    assert [file.sha256 for file in plan.files] == [file.sha256 for file in MANIFEST.files]
    files = tuple(msgspec.structs.replace(file, sha256="") for file in plan.files)
    await world.stores.area.delete(plan_name("invoices", KEY))
    await world.stores.area.put_first(plan_name("invoices", KEY), msgspec.structs.replace(plan, files=files))

    row = await world.file_after(hours=1)

    assert row.state == "filed"
    assert world.vault.objects[0].contents == list(CONTENTS.values())


async def test_a_manifest_that_is_gone_is_fetched_again(world: World) -> None:
    await world.stores.area.delete(manifest_name("invoices", KEY))

    row = await world.file()

    assert (row.state, row.due) == ("arrived", NOON + AGAIN_AFTER)
    assert fetched_again(world).message == MESSAGE


@pytest.mark.parametrize("lost", ["a file", "the manifest"])
async def test_what_is_fetched_again_after_an_unclear_answer_is_looked_for_as_before(
    world: World, lost: str
) -> None:
    """The first create may come late: its mark outlives the bytes, and a twin does not stay unseen."""
    await world.lose_an_answer()
    if lost == "a file":
        await world.spoil("attachments/0001", None)
    else:
        await world.stores.area.delete(manifest_name("invoices", KEY))

    row = await world.file_after(seconds=90)

    assert (row.state, row.creating) == ("arrived", NOON)


async def test_an_order_for_a_mail_that_is_being_staged_changes_nothing(world: World) -> None:
    """It waits; a message for the step that the mail is at was sent already."""
    before = await world.change_row(state="arrived")

    assert await world.file() == before
    assert world.vault.objects == []
    assert world.pipeline.waiting() == {VAULT_IMPORT: 1}


async def test_files_of_other_sizes_in_the_vault_are_a_failure_for_a_person(world: World) -> None:
    world.vault.put(KEY, 42, (4, 5, 1))

    row = await world.file()

    assert row.state == "failed"
    assert "Object 42" in row.reason
    assert "replay" in row.remedy
    assert (world.vault.calls["create"], world.deleted()) == (0, [])


async def test_filed_is_written_only_on_sizes_that_agree(world: World) -> None:
    """The answer to the create itself is looked at, too."""
    world.vault.added_bytes = 1

    row = await world.file()

    assert (row.state, row.object_id) == ("failed", None)


async def test_of_many_orders_at_once_one_creates_and_the_others_are_not_dropped(world: World) -> None:
    await asyncio.gather(*(world.file() for _ in range(4)))
    assert world.vault.calls["sent"] == 1

    row = await world.file_after(minutes=2)

    assert row.state == "filed"
    assert (world.vault.calls["sent"], len(world.vault.objects)) == (1, 1)
    assert world.pipeline.waiting() == {}


async def test_a_worker_that_was_taken_over_before_its_create_sends_none(world: World) -> None:
    """It was held up for longer than its claim lasts; another one has filed the mail meanwhile."""

    async def overtaken() -> None:
        world.vault.before_create = None
        world.clock.advance(seconds=90)
        await world.file()

    world.vault.before_create = overtaken

    row = await world.file()

    assert (row.state, row.object_id) == ("filed", FIRST_ID)
    assert (world.vault.calls["create"], world.vault.calls["sent"]) == (2, 1)


async def test_the_plan_is_made_once_and_kept_when_the_configuration_changes(world: World) -> None:
    """Two answers must not be mixed: the second attempt files what the first one decided."""
    await world.lose_an_answer()
    kept = await world.plan()
    assert kept is not None
    assert kept.key_property == KEY_PROPERTY
    world.configure(source("invoices", document={"class": "CL.Gone", "title": "another"}))

    row = await world.file_after(seconds=90)

    (filed,) = world.vault.objects
    assert row.state == "filed"
    assert filed.new == kept.document
    assert filed.names[0] == "Invoice 4711.eml"
    assert await world.plan() == kept


async def test_after_a_refusal_the_new_configuration_counts(world: World) -> None:
    world.vault.refusal = ConfigurationFault("M-Files answered 403.", "Let the account create.")
    await world.file()
    world.vault.refusal = None
    world.configure(source("invoices", document={"class": "CL.Invoice", "title": "another"}))

    await world.file_after(minutes=5)

    assert world.vault.objects[0].names[0] == "another.eml"


async def test_a_mail_that_fits_no_document_fails_without_a_create(world: World) -> None:
    """The class requires what this mail has not."""
    world.vault.current.classes["CL.Invoice"] = replace(
        world.vault.current.classes["CL.Invoice"], required=frozenset({TICKET})
    )
    document = {"class": "CL.Invoice", "properties": {"PD.Ticket": "{{ header('X-None') }}"}}
    world.configure(source("invoices", document=document))

    row = await world.file()

    assert row.state == "failed"
    assert "PD.Ticket" in row.reason
    assert row.remedy
    assert world.vault.calls["create"] == 0


async def test_an_optional_value_that_does_not_fit_is_left_out(world: World) -> None:
    properties = world.vault.current.properties
    properties["PD.Ticket"] = replace(properties["PD.Ticket"], data_type=2)
    document = {
        "class": "CL.Invoice",
        "properties": {"PD.Ticket": {"value": "{{ subject }}", "optional": True}},
    }
    world.configure(source("invoices", document=document))

    row = await world.file()

    (warning,) = row.warnings
    assert row.state == "filed"
    assert "PD.Ticket" in warning
    assert "Invoice 4711" not in warning


async def test_mail_of_a_source_that_is_not_configured_waits(world: World) -> None:
    world.filing = replace(world.filing, sources={})

    row = await world.file()

    assert row.state == "staged"
    assert '"invoices"' in row.reason
    assert "mail-sources.toml" in row.remedy


async def test_an_ended_mail_of_a_source_that_is_not_configured_is_finished(world: World) -> None:
    before = await world.change_row(state="filed")
    world.filing = replace(world.filing, sources={})

    assert await world.file() == before
    assert world.pipeline.waiting() == {}


async def test_an_order_whose_mail_is_nowhere_is_looked_at_again_but_seldom(world: World) -> None:
    await world.pipeline.take(world.filing, order("invoices", "AAAunknown="))

    (message,) = world.queues.messages(VAULT_IMPORT)
    assert (message.visible_at - NOON).total_seconds() == NOWHERE_FOR == 900
    assert await world.stores.journal.read("invoices", filing_key("invoices", "AAAunknown=")) is None


async def test_a_row_that_was_lost_is_made_anew_from_what_is_staged(world: World) -> None:
    before = await world.row()
    await world.stores.journal.delete(before)

    row = await world.file()

    assert (row.state, row.message) == ("filed", before.message)
    assert (row.sizes, row.digests) == (before.sizes, before.digests)
    assert len(world.vault.objects) == 1


async def test_what_a_later_version_has_staged_waits_for_it(world: World) -> None:
    """A roll-back must not file by half of what is said."""
    manifest = await world.stores.area.manifest("invoices", KEY)
    assert manifest is not None
    newer = msgspec.structs.replace(manifest, v=2)
    await world.stores.put_blob(manifest_name("invoices", KEY), msgspec.json.encode(newer))

    row = await world.file()

    assert (row.state, row.attempt, row.due) == ("staged", 0, NOON + timedelta(minutes=5))
    assert world.vault.objects == []
    assert world.pipeline.waiting() == {VAULT_IMPORT: 1}


async def test_storage_that_does_not_answer_reaches_no_vault_and_loses_no_order(
    world: World, down: Stores
) -> None:
    for stores, filing in (
        (replace(world.stores, journal=down.journal), world.filing),
        (world.stores, replace(world.filing, area=down.area)),
    ):
        pipeline = Pipeline.of(stores, world.clock, InMemoryQueues(world.clock))
        await pipeline.take(filing, ORDER)
        assert pipeline.waiting() == {VAULT_IMPORT: 1}

    assert world.vault.calls["create"] == world.vault.calls["find"] == 0


async def test_nothing_out_of_the_mail_is_in_log_or_row(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "vaultpost")

    row = await world.file()

    events = [getattr(one, "event", "") for one in caplog.records if one.name.startswith("vaultpost")]
    assert events == ["filing-ended"]
    for private in ("Invoice 4711", "ada@example.com", "a.pdf"):
        assert private not in caplog.text
        assert private not in repr(row)


async def test_a_mail_that_cannot_be_planned_is_journalled_with_the_rule_that_took_it(world: World) -> None:
    """What follows in its mailbox is that rule's to say."""
    title = "{{ 1 // (attachment_count - 2) }}"  # this mail has two
    rule = {"name": "orders", "when": "subject", "document": {"title": title}}
    world.configure(source("invoices", rule=[merged(rule)]))

    row = await world.file()

    assert (row.state, row.rule) == ("failed", "orders")


async def test_what_is_observed_is_not_filed_and_keeps_no_plan(world: World) -> None:
    world.configure(source("invoices", mode="observe"))

    row = await world.file()

    assert (row.state, row.rule, row.reason) == (
        "skipped",
        OBSERVED,
        "It would be filed: documents: 1, files: 3.",
    )
    assert world.vault.calls["create"] == 0
    assert await world.plan() is None


async def test_what_was_begun_is_ended_also_by_a_source_that_observes_now(world: World) -> None:
    """A create whose answer was lost may have committed: the journal must know the document."""
    await world.lose_an_answer()
    world.vault.commit_late()
    world.configure(source("invoices", mode="observe"))

    row = await world.file_after(minutes=5)

    assert (row.state, row.object_id) == ("filed", FIRST_ID)


def merged(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as it is read: its document over that of its source."""
    return {**rule, "document": {"class": "CL.Invoice", **rule["document"]}}


@pytest.mark.parametrize(
    "changed",
    [
        {"rule": [{"name": "advertising", "when": "subject", "skip": True}]},
        {"document": {"class": "CL.Invoice", "title": "{{ 1 // (attachment_count - 2) }}"}},
        {"document": {"class": "CL.Gone", "title": "another"}},
    ],
    ids=["a mail that is skipped now", "a mail that fails now", "a class that is gone"],
)
async def test_a_journal_that_was_lost_changes_nothing_for_a_mail_that_is_filed(
    world: World, changed: dict[str, Any]
) -> None:
    """The vault has its document, and its plan is kept: the fresh row must come to tell of them."""
    await world.lose_an_answer()
    world.vault.commit_late()
    await world.stores.journal.delete(await world.row())
    world.configure(source("invoices", **changed))

    row = await world.file()

    assert (row.state, row.object_id) == ("filed", FIRST_ID)
    assert len(world.vault.objects) == 1
