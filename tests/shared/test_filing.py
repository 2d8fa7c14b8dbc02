"""From the staging area into the vault: filed once in effect, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec
import pytest

from shared.configuration import Source
from shared.errors import ConfigurationFault, MailFault, NotYet, Stale, Transient, Unavailable
from shared.filing import AGAIN_AFTER, UNCLEAR_FOR, Filed, Filing
from shared.identities import filing_key
from shared.journal import Row, State
from shared.manifest import LeftOut, Manifest
from shared.plan import Plan
from shared.queue_messages import MAIL_ARRIVED
from shared.staging_area import file_name, manifest_name, plan_name

from .accounts import Stores
from .clock import NOON, FakeClock
from .made import MESSAGE, manifest, order, source, staged
from .vault.fake import FIRST_ID, KEY_PROPERTY, TICKET, FakeVault, example

pytestmark = pytest.mark.anyio
SOURCE = source("invoices")
KEY = filing_key("invoices", MESSAGE)
CONTENTS = {"message.eml": b"mime", "attachments/0001": b"%PDF-", "attachments/0002": b""}
SIZES = (4, 5, 0)
ORDER = order("invoices")
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
    vault: FakeVault
    filing: Filing

    async def file(self) -> Filed:
        return await self.filing.file(ORDER)

    async def row(self) -> Row:
        row = await self.stores.journal.read("invoices", KEY)
        assert row is not None
        return row

    async def change_row(self, **changed: object) -> Row:
        return await self.stores.journal.update(replace(await self.row(), **changed))  # type: ignore[arg-type]

    async def plan(self) -> Plan | None:
        return await self.stores.area.document(plan_name("invoices", KEY), Plan)

    def configured(self, changed: Source) -> Filing:
        """Filing after the configuration has changed."""
        return replace(self.filing, sources={"invoices": changed})

    async def spoil(self, path: str, content: bytes | None) -> None:
        """Give a staged file other bytes, or take it away."""
        name = file_name("invoices", KEY, MANIFEST.run, path)
        if content is None:
            await self.stores.area.delete(name)
        else:
            await self.stores.put_blob(name, content)


async def content_of(path: str) -> AsyncGenerator[bytes, None]:
    yield CONTENTS[path]


async def stage(stores: Stores, staged_mail: Manifest, now: FakeClock) -> None:
    for file in staged_mail.files:
        name = file_name(staged_mail.source, staged_mail.key, staged_mail.run, file.path)
        await stores.area.write(name, content_of(file.path))
    await stores.area.put_manifest(staged_mail)
    sizes = tuple(file.size for file in staged_mail.files)
    digests = tuple(bytes.fromhex(file.sha256) for file in staged_mail.files)
    row = Row(staged_mail.source, staged_mail.key, "staged", staged_mail.message, now.now(), now.now())
    await stores.journal.insert(replace(row, sizes=sizes, digests=digests))


@pytest.fixture
async def world(stores: Stores, clock: FakeClock) -> World:
    await stage(stores, MANIFEST, clock)
    vault = FakeVault()
    filing = Filing(
        {"invoices": SOURCE}, "PD.FilingKey", vault, stores.journal, stores.area, stores.queues, clock
    )
    return World(stores, clock, vault, filing)


async def test_a_staged_mail_becomes_one_document_with_all_its_bytes(world: World) -> None:
    world.clock.advance(seconds=2)

    assert await world.file() is Filed.FILED

    (kept,) = world.vault.objects
    assert kept.contents == list(CONTENTS.values())
    assert kept.names == ["Invoice 4711.eml", "a.pdf", "b.pdf"]
    assert kept.key == KEY
    row = await world.row()
    assert (row.state, row.object_type, row.object_id, row.object_version) == ("filed", 0, FIRST_ID, 1)
    assert (row.ended, row.creating, row.reason) == (NOON + timedelta(seconds=2), None, "")
    assert (row.sizes, len(row.digests)) == (SIZES, 3)


async def test_warnings_of_the_plan_are_in_the_journal(stores: Stores, clock: FakeClock) -> None:
    mail = manifest("invoices", MANIFEST.files[0], left_out=(LeftOut(1, "item"),))
    await stage(stores, mail, clock)
    filing = Filing(
        {"invoices": SOURCE}, "PD.FilingKey", FakeVault(), stores.journal, stores.area, stores.queues, clock
    )

    await filing.file(ORDER)

    row = await stores.journal.read("invoices", KEY)
    assert row is not None
    assert row.warnings == ("attachment 1 (item) is within the message only",)


async def test_a_document_that_is_there_is_not_created_again(world: World) -> None:
    """It is found by its key: also when nothing here remembers that it was created."""
    world.vault.put("another key", 7, SIZES)
    world.vault.put(KEY, 42, SIZES)

    assert await world.file() is Filed.FILED

    assert world.vault.calls["create"] == 0
    row = await world.row()
    assert (row.state, row.object_id) == ("filed", 42)


async def test_of_several_documents_the_one_with_the_lowest_id_counts(world: World) -> None:
    for number in (43, 42, 44):
        world.vault.put(KEY, number, SIZES)

    await world.file()

    assert (await world.row()).object_id == 42


async def test_files_in_another_order_are_the_same_document(world: World) -> None:
    """A vault may list them as it likes."""
    world.vault.put(KEY, 42, tuple(reversed(SIZES)))

    assert await world.file() is Filed.FILED


@pytest.mark.parametrize("state", ["filed", "skipped", "failed"])
async def test_a_mail_that_has_ended_is_left_alone(world: World, state: State) -> None:
    before = await world.change_row(state=state)

    assert await world.file() is Filed.ALREADY

    assert await world.row() == before
    assert not world.vault.calls


async def test_a_second_order_of_a_filed_mail_does_nothing(world: World) -> None:
    await world.file()
    before = await world.row()

    assert await world.file() is Filed.ALREADY

    assert await world.row() == before
    assert len(world.vault.objects) == 1


async def test_a_deleted_document_counts_as_filed_and_the_journal_says_so(world: World) -> None:
    """Whoever deleted it had a reason; its files may be gone, so their sizes are not looked at."""
    world.vault.put(KEY, 42, (), deleted=True)

    assert await world.file() is Filed.FILED

    row = await world.row()
    assert (row.state, row.object_id, row.warnings) == (
        "filed",
        42,
        ("the document is deleted in the vault",),
    )
    assert world.vault.calls["create"] == 0


async def test_a_mail_that_was_replayed_for_its_deleted_document_is_filed_once_more(world: World) -> None:
    """Once: the mark is gone then. What the journal says of the replay stays."""
    world.vault.put(KEY, 42, (), deleted=True)
    await world.change_row(again=True, warnings=("replayed on a day",))

    assert await world.file() is Filed.FILED

    row = await world.row()
    assert (row.state, row.object_id, row.again, row.warnings) == (
        "filed",
        FIRST_ID + 1,
        False,
        ("replayed on a day",),
    )
    assert world.vault.calls["create"] == 1


async def test_a_mail_that_was_replayed_while_its_document_lives_is_not_filed_twice(world: World) -> None:
    world.vault.put(KEY, 41, (), deleted=True)
    world.vault.put(KEY, 42, SIZES)
    await world.change_row(again=True)

    assert await world.file() is Filed.FILED

    assert (await world.row()).object_id == 42
    assert world.vault.calls["create"] == 0


async def test_filed_once_more_it_is_one_document_though_the_answer_was_lost(world: World) -> None:
    world.vault.put(KEY, 42, (), deleted=True)
    await world.change_row(again=True)
    world.vault.answer_lost = Unavailable("M-Files did not answer in full (ReadTimeout)")
    with pytest.raises(Unavailable):
        await world.file()
    world.clock.advance(seconds=90)

    assert await world.file() is Filed.FILED

    assert (await world.row()).object_id == FIRST_ID + 1
    assert world.vault.calls["create"] == 1


async def test_a_refusal_of_filing_once_more_is_a_refusal(world: World) -> None:
    """The deleted document is no sign that the create has committed."""
    world.vault.put(KEY, 42, (), deleted=True)
    await world.change_row(again=True)
    world.vault.refusal = MailFault("M-Files answered 400.", "Look.")

    assert await world.file() is Filed.FAILED


async def test_the_row_says_creating_before_the_create_is_sent(world: World) -> None:
    seen: list[tuple[State, object]] = []

    class Watching(FakeVault):
        async def create(self, new, files, about_to_create):  # type: ignore[no-untyped-def]
            async def noted() -> None:
                seen.append(((await world.row()).state, (await world.row()).creating))
                await about_to_create()
                seen.append(((await world.row()).state, (await world.row()).creating))

            return await super().create(new, files, noted)

    await replace(world.filing, vault=Watching()).file(ORDER)

    assert seen == [("staged", None), ("staged", NOON)]


async def test_a_mark_that_took_long_to_write_creates_nothing(world: World) -> None:
    """A create that is sent late could commit when others take the mark for expired."""

    class Slow(FakeVault):
        async def create(self, new, files, about_to_create):  # type: ignore[no-untyped-def]
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

    vault = Slow()
    with pytest.raises(NotYet):
        await replace(world.filing, vault=vault).file(ORDER)

    assert vault.objects == []


async def test_of_a_deleted_and_a_living_object_the_living_one_is_it(world: World) -> None:
    await world.file()
    row = await world.row()
    living = world.vault.objects[0].shown
    world.vault.put(KEY, living.id - 1, (), deleted=True)
    await world.change_row(state="staged")

    assert await world.file() is Filed.FILED

    assert (await world.row()).object_id == row.object_id == living.id


async def test_while_a_create_may_be_under_way_nothing_is_asked_or_sent(world: World) -> None:
    """It may still commit until 90 s after it was sent; then a search tells."""
    await world.change_row(creating=NOON)
    world.clock.advance(seconds=30)

    with pytest.raises(NotYet) as caught:
        await world.file()

    assert caught.value.after == 60
    assert not world.vault.calls.keys() & {"find", "create"}
    world.clock.advance(seconds=59)
    with pytest.raises(NotYet):
        await world.file()
    world.clock.advance(seconds=1)

    assert await world.file() is Filed.FILED

    assert world.vault.calls["create"] == 1
    assert timedelta(seconds=90) == UNCLEAR_FOR


async def test_a_create_whose_answer_was_lost_is_found_and_not_sent_again(world: World) -> None:
    world.vault.answer_lost = Unavailable("M-Files did not answer in full (ReadTimeout)")
    with pytest.raises(Unavailable):
        await world.file()
    row = await world.row()
    assert (row.state, row.creating) == ("staged", NOON)
    with pytest.raises(NotYet):
        await world.file()
    world.clock.advance(seconds=90)

    assert await world.file() is Filed.FILED

    assert world.vault.calls["create"] == 1
    row = await world.row()
    assert (row.object_id, row.creating) == (FIRST_ID, None)


async def test_a_create_that_commits_late_is_found(world: World) -> None:
    """The vault is slow: the document appears after the answer was given up, within the 90 s."""
    world.vault.commits_late, world.vault.answer_lost = True, Unavailable("ReadTimeout")
    with pytest.raises(Unavailable):
        await world.file()
    world.clock.advance(seconds=60)
    with pytest.raises(NotYet):
        await world.file()
    world.vault.commit_late()
    world.clock.advance(seconds=30)

    assert await world.file() is Filed.FILED

    assert len(world.vault.objects) == 1


async def test_a_create_that_never_committed_is_sent_again_with_a_mark_of_its_own(world: World) -> None:
    world.vault.commits_late, world.vault.answer_lost = True, Unavailable("ReadTimeout")
    with pytest.raises(Unavailable):
        await world.file()
    world.clock.advance(seconds=90)
    with pytest.raises(Unavailable):
        await world.file()

    assert (await world.row()).creating == NOON + timedelta(seconds=90)
    assert world.vault.calls["sent"] == 2


async def test_a_refusal_with_an_empty_search_fails_and_takes_mark_and_plan_away(world: World) -> None:
    """Nothing is under way, so after a mended configuration the plan may be another one."""
    world.vault.refusal = MailFault("M-Files answered 400.", "Look at the mail, then replay it.")

    assert await world.file() is Filed.FAILED

    row = await world.row()
    assert (row.state, row.creating, row.ended) == ("failed", None, NOON)
    assert (row.reason, row.remedy) == ("M-Files answered 400.", "Look at the mail, then replay it.")
    assert await world.plan() is None
    assert await world.stores.area.manifest("invoices", KEY) == MANIFEST
    assert world.vault.calls["find"] == 2


async def test_a_refusal_of_the_configuration_leaves_the_row_staged_without_mark_and_plan(
    world: World,
) -> None:
    world.vault.refusal = ConfigurationFault("M-Files answered 403.", "Let the account create.")

    with pytest.raises(ConfigurationFault):
        await world.file()

    row = await world.row()
    assert (row.state, row.creating, row.reason) == ("staged", None, "")
    assert await world.plan() is None
    world.vault.refusal = None
    assert await world.file() is Filed.FILED


async def test_a_refusal_of_what_is_there_all_the_same_is_tried_again_not_failed(world: World) -> None:
    """A proxy can say 400 to the repetition of what was created."""

    async def twin_commits() -> None:
        world.vault.put(KEY, 42, SIZES)

    world.vault.before_create = twin_commits
    world.vault.refusal = MailFault("M-Files answered 400.", "Look.")

    with pytest.raises(Transient):
        await world.file()

    assert (await world.row()).state == "staged"
    world.clock.advance(seconds=90)
    assert await world.file() is Filed.FILED
    assert (await world.row()).object_id == 42


async def test_a_refusal_whose_search_fails_keeps_the_mark(world: World) -> None:
    async def goes_down() -> None:
        world.vault.find_fault = Unavailable("M-Files answered 503")

    world.vault.before_create = goes_down
    world.vault.refusal = MailFault("M-Files answered 400.", "Look.")

    with pytest.raises(Unavailable):
        await world.file()

    row = await world.row()
    assert (row.state, row.creating) == ("staged", NOON)


async def test_a_message_that_comes_before_its_mail_is_due_waits_until_then(world: World) -> None:
    await world.change_row(due=NOON + timedelta(seconds=90), attempt=3, first_tried=NOON)
    world.clock.advance(seconds=30)

    with pytest.raises(NotYet) as caught:
        await world.file()

    assert caught.value.after == 60
    assert not world.vault.calls
    world.clock.advance(seconds=60)
    assert await world.file() is Filed.FILED
    row = await world.row()
    assert (row.attempt, row.first_tried, row.due) == (0, None, None)


async def test_a_refusal_by_a_vault_that_has_changed_is_not_the_mails_fault(world: World) -> None:
    """The class has got another id since the structure was read: the mail is planned anew."""
    world.vault.refusal = MailFault("M-Files answered 400.", "Look.")
    world.vault.fresh = example()
    world.vault.fresh.classes["CL.Invoice"] = replace(world.vault.fresh.classes["CL.Invoice"], id=999)

    with pytest.raises(NotYet):
        await world.file()

    row = await world.row()
    assert (row.state, row.creating) == ("staged", None)
    world.vault.refusal = None
    assert await world.file() is Filed.FILED
    assert world.vault.objects[0].new.class_id == 999


async def test_without_a_manifest_a_create_that_was_sent_is_still_looked_for(world: World) -> None:
    """Its document is there, whatever has become of the staged bytes."""
    await world.change_row(creating=NOON)
    await world.stores.area.delete(manifest_name("invoices", KEY))
    with pytest.raises(NotYet):
        await world.file()
    world.vault.put(KEY, 42, SIZES)
    world.clock.advance(seconds=90)

    assert await world.file() is Filed.FILED

    assert (await world.row()).object_id == 42
    assert await world.stores.number(MAIL_ARRIVED) == 0


async def test_a_vault_that_does_not_fit_holds_the_mail_and_fails_none(world: World) -> None:
    """The structure is read anew first: its administrator may have mended it a moment ago."""
    world.vault.current.classes.clear()

    with pytest.raises(ConfigurationFault, match=r"CL\.Invoice"):
        await world.file()

    assert world.vault.calls["fresh structure"] == 1
    assert world.vault.calls["find"] == world.vault.calls["create"] == 0
    row = await world.row()
    assert (row.state, row.creating, row.reason) == ("staged", None, "")
    assert await world.plan() is None


async def test_a_structure_that_was_mended_a_moment_ago_is_seen(world: World) -> None:
    world.vault.current.classes.clear()
    world.vault.fresh = example()

    assert await world.file() is Filed.FILED


async def test_a_vault_that_is_down_leaves_everything_as_it_was(world: World) -> None:
    world.vault.find_fault = Unavailable("M-Files answered 503")
    before = await world.row()

    with pytest.raises(Unavailable):
        await world.file()

    assert await world.row() == before
    assert world.vault.calls["create"] == 0


@pytest.mark.parametrize("content", [None, b"%PD", b"%PDF-x"])
async def test_a_staged_file_that_is_not_whole_is_fetched_again(
    world: World, content: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.filing.AGAIN_AFTER", 0)
    await world.spoil("attachments/0001", content)

    assert await world.file() is Filed.BACK

    row = await world.row()
    assert (row.state, row.staged, row.sizes, row.digests) == ("arrived", None, (), ())
    assert await world.stores.area.manifest("invoices", KEY) is None
    assert await world.plan() is None
    (again,) = await world.stores.visible(MAIL_ARRIVED)
    assert (again["source"], again["message"], again["cause"]) == ("invoices", MESSAGE, "replay")
    assert again["traceparent"].split("-")[1] == ORDER.traceparent.split("-")[1]
    assert world.vault.objects == []


async def test_what_is_fetched_again_and_again_does_not_spin(world: World) -> None:
    await world.spoil("attachments/0001", None)

    await world.file()

    assert AGAIN_AFTER > 0
    assert world.stores.queues.delays[-1] == AGAIN_AFTER


async def test_an_order_for_a_mail_that_is_being_staged_changes_nothing(world: World) -> None:
    await world.change_row(state="arrived")
    before = await world.row()

    assert await world.file() is Filed.BACK

    assert await world.row() == before
    assert world.vault.objects == []
    assert await world.stores.number(MAIL_ARRIVED) == 1


async def test_a_manifest_that_is_gone_is_fetched_again(world: World) -> None:
    await world.stores.area.delete(manifest_name("invoices", KEY))

    assert await world.file() is Filed.BACK

    assert (await world.row()).state == "arrived"
    assert await world.stores.number(MAIL_ARRIVED) == 1


async def test_files_of_other_sizes_in_the_vault_are_a_failure_for_a_person(world: World) -> None:
    world.vault.put(KEY, 42, (4, 5, 1))

    assert await world.file() is Filed.FAILED

    row = await world.row()
    assert row.state == "failed"
    assert "Object 42" in row.reason
    assert "replay" in row.remedy
    assert world.vault.calls["create"] == 0


async def test_filed_is_written_only_on_sizes_that_agree(world: World) -> None:
    """The answer to the create itself is looked at, too."""
    world.vault.added_bytes = 1

    assert await world.file() is Filed.FAILED

    assert (await world.row()).object_id is None


async def test_of_two_attempts_at_once_one_creates(world: World) -> None:
    """Both have searched and found nothing; the mark is conditional on the row that was read."""
    both_ready = asyncio.Barrier(2)

    async def meet() -> None:
        await both_ready.wait()

    world.vault.before_create = meet

    outcomes = await asyncio.gather(*(world.file() for _ in range(2)), return_exceptions=True)

    assert sorted(str(type(one)) for one in outcomes) == sorted([str(Filed), str(Stale)])
    assert world.vault.calls["sent"] == 1
    assert len(world.vault.objects) == 1
    assert (await world.row()).state == "filed"


async def test_twins_that_plan_at_once_follow_one_plan(world: World) -> None:
    outcomes = await asyncio.gather(*(world.file() for _ in range(4)), return_exceptions=True)

    assert Filed.FILED in outcomes
    # A twin that comes in time to see the mark waits for it.
    assert all(isinstance(one, (Stale, NotYet)) or one in (Filed.FILED, Filed.ALREADY) for one in outcomes)
    assert world.vault.calls["sent"] == 1


async def test_the_plan_is_made_once_and_kept_when_the_configuration_changes(world: World) -> None:
    """Two answers must not be mixed: the second attempt files what the first one decided."""
    world.vault.answer_lost = Unavailable("ReadTimeout")
    with pytest.raises(Unavailable):
        await world.file()
    kept = await world.plan()
    assert kept is not None
    assert kept.key_property == KEY_PROPERTY
    world.vault.objects.clear()
    world.vault.answer_lost = None
    world.clock.advance(seconds=90)
    changed = source("invoices", document={"class": "CL.Gone", "title": "another"})

    assert await world.configured(changed).file(ORDER) is Filed.FILED

    (filed,) = world.vault.objects
    assert filed.new == kept.document
    assert filed.names[0] == "Invoice 4711.eml"
    assert await world.plan() == kept


async def test_after_a_refusal_the_new_configuration_counts(world: World) -> None:
    world.vault.refusal = ConfigurationFault("M-Files answered 403.", "Let the account create.")
    with pytest.raises(ConfigurationFault):
        await world.file()
    world.vault.refusal = None
    changed = source("invoices", document={"class": "CL.Invoice", "title": "another"})

    await world.configured(changed).file(ORDER)

    assert world.vault.objects[0].names[0] == "another.eml"


async def test_a_mail_that_fits_no_document_fails_without_a_create(world: World) -> None:
    """The class requires what this mail has not."""
    world.vault.current.classes["CL.Invoice"] = replace(
        world.vault.current.classes["CL.Invoice"], required=frozenset({TICKET})
    )
    document = {"class": "CL.Invoice", "properties": {"PD.Ticket": "{{ header('X-None') }}"}}
    changed = world.configured(source("invoices", document=document))

    assert await changed.file(ORDER) is Filed.FAILED

    row = await world.row()
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

    assert await world.configured(source("invoices", document=document)).file(ORDER) is Filed.FILED

    (warning,) = (await world.row()).warnings
    assert "PD.Ticket" in warning
    assert "Invoice 4711" not in warning


async def test_mail_of_a_source_that_is_not_configured_waits(world: World) -> None:
    with pytest.raises(ConfigurationFault, match='"invoices"') as caught:
        await replace(world.filing, sources={}).file(ORDER)

    assert "mail-sources.toml" in caught.value.remedy
    assert (await world.row()).state == "staged"


async def test_an_ended_mail_of_a_source_that_is_not_configured_is_finished(world: World) -> None:
    await world.change_row(state="filed")

    assert await replace(world.filing, sources={}).file(ORDER) is Filed.ALREADY


async def test_an_order_whose_mail_is_nowhere_is_looked_at_again_but_seldom(world: World) -> None:
    with pytest.raises(NotYet, match="neither journalled nor staged") as caught:
        await world.filing.file(order("invoices", "AAAunknown="))

    assert caught.value.after == 900


async def test_a_row_that_was_lost_is_made_anew_from_what_is_staged(world: World) -> None:
    before = await world.row()
    await world.stores.journal.delete(before)

    assert await world.file() is Filed.FILED

    row = await world.row()
    assert (row.state, row.message) == ("filed", before.message)
    assert (row.sizes, row.digests) == (before.sizes, before.digests)
    assert len(world.vault.objects) == 1


async def test_what_a_later_version_has_staged_waits_for_it(world: World) -> None:
    """A roll-back must not file by half of what is said."""
    manifest = await world.stores.area.manifest("invoices", KEY)
    assert manifest is not None
    newer = msgspec.structs.replace(manifest, v=2)
    await world.stores.put_blob(manifest_name("invoices", KEY), msgspec.json.encode(newer))

    with pytest.raises(NotYet, match="of version 2"):
        await world.file()

    assert world.vault.objects == []


async def test_storage_that_does_not_answer_reaches_no_vault(world: World, down: Stores) -> None:
    for broken in (
        replace(world.filing, journal=down.journal),
        replace(world.filing, area=down.area),
    ):
        with pytest.raises(Unavailable):
            await broken.file(ORDER)

    assert world.vault.calls["create"] == world.vault.calls["find"] == 0


async def test_nothing_out_of_the_mail_is_in_log_or_row(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "vaultpost")

    await world.file()

    events = [getattr(one, "event", "") for one in caplog.records if one.name.startswith("vaultpost")]
    assert events == ["filing-ended"]
    for private in ("Invoice 4711", "ada@example.com", "a.pdf"):
        assert private not in caplog.text
        assert private not in repr(await world.row())
