"""Mail that has ended goes back to the start: on record as open first, then the row, then the message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from shared.claim import Claim
from shared.errors import Stale, Unavailable
from shared.filing import Filing
from shared.graph.mailbox import MailboxReader
from shared.handing_over import HandOver
from shared.identities import filing_key
from shared.journal import JournalTable
from shared.journal_row import DELETED, Row, State
from shared.operations.replay import Chosen, Replay, Selection, replayed, select, select_one
from shared.operations.text import replay_json, replay_lines
from shared.planning import Planner
from shared.queue_messages import MAIL_ARRIVED, MAIL_FILED, VAULT_IMPORT, Message
from shared.queues import Queues, QueuesPort
from shared.staging import Staging
from shared.staging_area import file_name
from shared.testing.queues import InMemoryQueues
from shared.unfinished import OpenMail, UnfinishedTable

from ..accounts import Stores, duplicates_of
from ..clock import NOON, FakeClock
from ..made import MESSAGE, manifest, source
from ..pipeline import Pipeline
from ..protocol import settling
from ..vault.fake import FIRST_ID, FakeVault

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


def mail(message: str, state: State, source: str = "invoices", **changed: object) -> Row:
    row = Row(source, filing_key(source, message), state, message, NOON - DAY, opened=NOON - DAY)
    return replace(row, **changed)  # type: ignore[arg-type]


def begun_anew(message: str, **changed: object) -> Row:
    """What a replay at noon makes of it."""
    return replace(mail(message, "arrived", opened=NOON), **changed)  # type: ignore[arg-type]


def failed(message: str, source: str = "invoices", **changed: object) -> Row:
    return mail(message, "failed", source, **{"ended": NOON - DAY, "reason": "No.", **changed})


def replay(stores: Stores, clock: FakeClock, queues: QueuesPort | None = None) -> Replay:
    hand_over = HandOver(stores.journal, stores.unfinished, queues or stores.queues, clock)
    return Replay(stores.journal, stores.unfinished, hand_over, clock)


async def open_mails(stores: Stores) -> list[OpenMail]:
    return [one async for one in stores.unfinished.all()]


async def inserted(stores: Stores, *rows: Row) -> list[Row]:
    return [await stores.journal.insert(row) for row in rows]


async def messages_of(stores: Stores, selection: Selection) -> list[str]:
    """The messages of what was chosen, in their order."""
    rows = [await stores.journal.read(one.source, one.key) for one in await select(stores.journal, selection)]
    return sorted(row.message for row in rows if row is not None)


async def test_a_failed_mail_begins_anew_and_is_queued(stores: Stores, clock: FakeClock) -> None:
    (before,) = await inserted(
        stores,
        failed(
            "AA=", attempt=21, first_tried=NOON - DAY, due=NOON, staged=NOON - DAY, sizes=(1,), remedy="Do."
        ),
    )
    chosen = await select(stores.journal, Selection(["invoices"]))

    done = await replay(stores, clock).replay(chosen, again=False)

    assert [one.outcome for one in done] == ["replayed"]
    row = await stores.journal.read("invoices", before.key)
    assert row is not None
    said = ("replayed on 2026-11-24 12:00 UTC: No.",)
    assert replace(row, etag="") == begun_anew("AA=", handed=NOON, warnings=said)
    assert await open_mails(stores) == [OpenMail("invoices", NOON, before.key, "AA=")]
    (message,) = await stores.visible(MAIL_ARRIVED)
    assert {name: message[name] for name in ("source", "message", "cause", "noticed")} == {
        "source": "invoices",
        "message": "AA=",
        "cause": "replay",
        "noticed": NOON.isoformat(),
    }


async def test_a_selection_is_of_failed_mail_of_its_sources(stores: Stores) -> None:
    states: Sequence[State] = ("arrived", "staged", "filed", "skipped")
    await inserted(
        stores,
        *(mail(state, state) for state in states),
        failed("one"),
        failed("two"),
        failed("three", "orders"),
        failed("four", "vanished"),
    )

    assert await messages_of(stores, Selection(["invoices"])) == ["one", "two"]
    assert await messages_of(stores, Selection(["invoices", "orders"])) == ["one", "three", "two"]


async def test_a_selection_can_be_by_time_and_by_reason(stores: Stores) -> None:
    await inserted(
        stores,
        failed("old", ended=NOON - 2 * DAY, reason="A size is wrong."),
        failed("on the moment", ended=NOON, reason="The SIZE is wrong."),
        failed("new", ended=NOON + DAY, reason="Refused."),
    )

    assert await messages_of(stores, Selection(["invoices"], since=NOON)) == ["new", "on the moment"]
    assert await messages_of(stores, Selection(["invoices"], reason="size")) == ["old", "on the moment"]
    assert await messages_of(stores, Selection(["invoices"], NOON, "size")) == ["on the moment"]


async def test_again_takes_filed_mail_too_if_its_document_is_known_to_be_deleted(stores: Stores) -> None:
    await inserted(
        stores,
        failed("failed"),
        mail("live", "filed", ended=NOON, object_id=1, warnings=("attachment 1 is left out",)),
        mail("deleted", "filed", ended=NOON, object_id=2, warnings=("attachment 1 is left out", DELETED)),
    )

    assert await messages_of(stores, Selection(["invoices"], again=True)) == ["deleted", "failed"]
    assert await messages_of(stores, Selection(["invoices"])) == ["failed"]


async def test_a_replayed_mail_is_filed_from_what_is_still_staged(stores: Stores, clock: FakeClock) -> None:
    """Nothing is fetched again: there is no mailbox here. Its deleted document is passed over.

    In the end it is closed, as any other one.
    """
    facts, vault, queues = manifest("invoices"), FakeVault(clock=clock), InMemoryQueues(clock)
    await stores.area.put_manifest(facts)
    await stores.put_blob(file_name("invoices", facts.key, facts.run, "message.eml"), b"mim")
    vault.put(facts.key, 42, (), deleted=True)
    await inserted(
        stores, mail(MESSAGE, "filed", ended=NOON, object_id=42, settled=NOON, warnings=(DELETED,))
    )
    pipeline = whole_way(stores, clock, queues, vault)

    chosen = await select(stores.journal, Selection(["invoices"], again=True))
    await replay(stores, clock, queues).replay(chosen, again=True)
    await pipeline.run()

    filed = await pipeline.row("invoices", facts.key)
    assert (filed.state, filed.object_id, filed.again, filed.sizes) == ("filed", FIRST_ID + 1, False, (3,))
    assert filed.warnings == ("replayed on 2026-11-24 12:00 UTC: was filed as object 42",)
    assert [kept.contents for kept in vault.objects[1:]] == [[b"mim"]]
    assert await open_mails(stores) == []
    assert pipeline.waiting() == {}


def whole_way(stores: Stores, clock: FakeClock, queues: InMemoryQueues, vault: FakeVault) -> Pipeline:
    """All steps, without a mailbox: what they need is staged."""
    sources, pipeline = {"invoices": source("invoices")}, Pipeline.of(stores, clock, queues)
    pipeline.serve(
        Staging(sources, cast(MailboxReader, None), stores.area, queues, clock),
        Filing(sources, Planner("PD.FilingKey"), vault, stores.area, duplicates_of(stores), clock),
        settling(stores.area, clock),
    )
    return pipeline


def test_a_filed_mail_keeps_what_it_was_filed_as_and_asks_filing_to_pass_over_deleted_documents() -> None:
    row = mail("AA=", "filed", ended=NOON, object_type=0, object_id=42, object_version=1, warnings=(DELETED,))

    anew = replayed(row, NOON, again=True)

    expected = ("replayed on 2026-11-24 12:00 UTC: was filed as object 42",)
    assert anew == begun_anew("AA=", warnings=expected, again=True)


def test_a_plain_replay_takes_back_what_an_earlier_one_asked() -> None:
    assert not replayed(failed("AA=", again=True), NOON, again=False).again


def test_a_create_that_may_still_come_late_is_looked_for_once_more() -> None:
    """Before the next create, after it, and fifteen minutes after filing."""
    row = mail("AA=", "filed", ended=NOON, object_id=42, look_again=NOON + timedelta(minutes=15))

    anew = replayed(row, NOON, again=True)

    assert (anew.creating, anew.look_again) == (NOON, None)


def test_of_many_replays_the_last_five_are_kept_each_on_one_line() -> None:
    row = failed("AA=", reason="first\nsecond " + "x" * 4000)
    for number in range(7):
        row = replace(
            replayed(row, NOON + number * DAY, again=False), state="failed", reason=row.reason or "x"
        )

    assert len(row.warnings) == 5
    assert [warning[:22] for warning in row.warnings] == [f"replayed on 2026-11-{26 + n}" for n in range(5)]
    first = replayed(failed("AA=", reason="first\nsecond " + "x" * 4000), NOON, again=False).warnings[0]
    assert "first second x" in first
    assert len(first) < 400


def test_what_failed_a_moment_ago_waits_until_no_create_can_be_under_way() -> None:
    """The last attempt may have timed out: a search before that create has committed would find nothing."""
    row = failed("AA=", ended=NOON - timedelta(seconds=30))

    assert replayed(row, NOON, again=False).due == NOON + timedelta(seconds=60)
    assert replayed(row, NOON + timedelta(seconds=60), again=False).due is None


async def test_one_mail_is_chosen_by_its_key(stores: Stores) -> None:
    await inserted(stores, failed("failed"), mail("open", "staged"), mail("filed", "filed", object_id=7))

    async def chosen(message: str, *, again: bool = False) -> Chosen | str:
        return await select_one(stores.journal, "invoices", filing_key("invoices", message), again=again)

    assert await chosen("failed") == Chosen("invoices", filing_key("invoices", "failed"), "failed", "No.")
    assert isinstance(await chosen("open"), Chosen)
    assert isinstance(await chosen("filed", again=True), Chosen)
    assert "it is filed, as object 7" in str(await chosen("filed"))
    assert "has no mail with the filing key" in str(await chosen("unknown"))


async def test_a_skipped_mail_is_not_replayed(stores: Stores) -> None:
    await inserted(stores, mail("skipped", "skipped"))

    key = filing_key("invoices", "skipped")
    assert await select_one(stores.journal, "invoices", key, again=True) == "it was skipped by a rule"


@pytest.mark.parametrize(("state", "queue"), [("arrived", MAIL_ARRIVED), ("staged", VAULT_IMPORT)])
async def test_an_open_mail_is_only_queued_again_for_the_step_that_it_is_at(
    stores: Stores, clock: FakeClock, state: State, queue: str
) -> None:
    """Its message may be lost; if it is not, the steps are safe beside a twin."""
    (before,) = await inserted(stores, mail("AA=", state, attempt=3, reason="503", due=NOON))
    one = await select_one(stores.journal, "invoices", before.key, again=False)
    assert isinstance(one, Chosen)

    done = await replay(stores, clock).replay([one], again=False)

    assert [mail.outcome for mail in done] == ["queued"]
    after = await stores.journal.read("invoices", before.key)
    assert after is not None
    assert replace(after, etag="") == replace(before, handed=NOON, etag="")
    (message,) = await stores.visible(queue)
    assert (message["source"], stores.queues.delays) == ("invoices", [0])


async def test_a_replay_beside_a_worker_that_files_the_mail_harms_nothing(
    stores: Stores, clock: FakeClock
) -> None:
    """The worker keeps its claim, and the copy of the message finds the work done."""
    facts, vault, queues = manifest("invoices"), FakeVault(clock=clock), InMemoryQueues(clock)
    await stores.area.put_manifest(facts)
    await stores.put_blob(file_name("invoices", facts.key, facts.run, "message.eml"), b"mim")
    row = mail(MESSAGE, "staged", opened=NOON)
    await stores.unfinished.add(OpenMail.of(row))
    await inserted(stores, row)
    pipeline = whole_way(stores, clock, queues, vault)

    async def replayed_meanwhile() -> None:
        one = await select_one(stores.journal, "invoices", facts.key, again=False)
        assert isinstance(one, Chosen)
        done = await replay(stores, clock, queues).replay([one], again=False)
        assert [mail.outcome for mail in done] == ["queued"]

    vault.before_create = replayed_meanwhile
    await replayed_meanwhile()

    await pipeline.run_for(minutes=5)

    assert (await pipeline.row("invoices", facts.key)).state == "filed"
    assert (vault.calls["sent"], len(vault.objects)) == (1, 1)
    assert await open_mails(stores) == []
    assert pipeline.waiting() == {}


async def test_of_a_failed_mail_that_is_replayed_at_once_the_old_message_settles_nothing_early(
    stores: Stores, clock: FakeClock
) -> None:
    """It failed a moment ago: its message to the mailbox is on its way yet, and waits."""
    facts, vault, queues = manifest("invoices"), FakeVault(clock=clock), InMemoryQueues(clock)
    vault.put(facts.key, 42, (4,))
    await stores.area.put_manifest(facts)
    await stores.put_blob(file_name("invoices", facts.key, facts.run, "message.eml"), b"mim")
    row = mail(MESSAGE, "staged", opened=NOON)
    await stores.unfinished.add(OpenMail.of(row))
    await inserted(stores, row)
    pipeline = whole_way(stores, clock, queues, vault)
    settling = pipeline.steps.pop(MAIL_FILED)
    await HandOver(stores.journal, stores.unfinished, queues, clock).send(
        await pipeline.row("invoices", row.key)
    )
    await pipeline.run()
    assert (await pipeline.row("invoices", row.key)).state == "failed"
    clock.advance(seconds=1)
    await replay(stores, clock, queues).replay(
        await select(stores.journal, Selection(["invoices"])), again=False
    )
    vault.objects.clear()
    pipeline.serve(settling)

    await pipeline.run()
    waiting = await pipeline.row("invoices", row.key)
    assert (waiting.state, waiting.settled) == ("arrived", None)
    await pipeline.run_for(minutes=10)

    filed = await pipeline.row("invoices", row.key)
    assert (filed.state, filed.kept, len(vault.objects)) == ("filed", None, 1)
    assert filed.settled is not None
    assert pipeline.waiting() == {}
    # Of the row that the failed mail had there the watch takes care.
    assert [one.since for one in await open_mails(stores)] == [NOON]


async def test_a_mail_is_on_record_as_open_before_it_begins_anew(stores: Stores, clock: FakeClock) -> None:
    """If this process dies in between, the watch finds it, or finds nothing to do."""
    written = list[str]()

    class Journal(JournalTable):
        async def update(self, row: Row) -> Row:
            written.append(row.state)
            return await super().update(row)

    class Open(UnfinishedTable):
        async def add(self, mail: OpenMail) -> None:
            written.append("open")
            await super().add(mail)

    class Sent(Queues):
        async def send(self, queue: str, message: Message, *, delay: int = 0) -> None:
            written.append(queue)
            await super().send(queue, message, delay=delay)

    noting = replace(stores, journal=Journal(stores.tables), unfinished=Open(stores.tables))
    await inserted(stores, failed("AA="))
    chosen = await select(stores.journal, Selection(["invoices"]))

    await replay(noting, clock, Sent(stores.queue_service)).replay(chosen, again=False)

    assert written == ["open", "arrived", MAIL_ARRIVED, "arrived"]


async def test_a_worker_whose_mail_was_replayed_meanwhile_writes_nothing_any_more(
    stores: Stores, clock: FakeClock
) -> None:
    """It looks once more for twins of a filed mail, as an operator replays that."""
    look_again = NOON + timedelta(minutes=15)
    (row,) = await inserted(stores, mail("AA=", "filed", ended=NOON, object_id=42, look_again=look_again))
    one = await select_one(stores.journal, "invoices", row.key, again=True)
    assert isinstance(one, Chosen)
    claim = await Claim.take(stores.journal, clock, row, "run-1")

    done = await replay(stores, clock).replay([one], again=True)

    assert [mail.outcome for mail in done] == ["replayed"]
    with pytest.raises(Stale):
        await claim.end(lambda row: replace(row, look_again=None))


async def test_a_mail_that_has_changed_since_it_was_chosen_is_left_alone(
    stores: Stores, clock: FakeClock
) -> None:
    gone, filed = await inserted(stores, failed("gone"), failed("filed"))
    chosen = await select(stores.journal, Selection(["invoices"]))
    await stores.journal.delete(gone)
    await stores.journal.update(replace(filed, state="filed"))

    done = await replay(stores, clock).replay(chosen, again=False)

    assert [one.outcome for one in done] == ["changed", "changed"]
    assert await stores.number(MAIL_ARRIVED) == 0
    assert await open_mails(stores) == []


async def test_of_two_replays_at_once_one_writes_the_row(stores: Stores, clock: FakeClock) -> None:
    await inserted(stores, failed("AA="))
    (one,) = await select(stores.journal, Selection(["invoices"]))

    done = await replay(stores, clock).replay([one, one, one], again=False)

    assert sorted(mail.outcome for mail in done) == ["changed", "changed", "replayed"]
    assert await stores.number(MAIL_ARRIVED) == 1


async def test_a_message_that_cannot_be_sent_is_told_and_its_row_is_written_before(
    stores: Stores, clock: FakeClock
) -> None:
    class Down(Queues):
        async def send(self, queue: str, message: Message, *, delay: int = 0) -> None:
            raise Unavailable("queue: storage did not answer")

    (before,) = await inserted(stores, failed("AA="))
    chosen = await select(stores.journal, Selection(["invoices"]))

    done = await replay(stores, clock, Down(stores.queue_service)).replay(chosen, again=False)

    assert [one.outcome for one in done] == ["not-queued"]
    row = await stores.journal.read("invoices", before.key)
    assert row is not None
    assert (row.state, row.handed) == ("arrived", None)
    assert [one.key for one in await open_mails(stores)] == [before.key], "the watch will queue it"
    assert any("NOT queued" in line for line in replay_lines(done))


async def test_storage_that_does_not_answer_leaves_mail_untouched(down: Stores, clock: FakeClock) -> None:
    done = await replay(down, clock).replay([Chosen("invoices", "0" * 32, "failed", "No.")], again=False)

    assert [one.outcome for one in done] == ["untouched"]


def test_what_is_told_is_short_and_as_json_whole() -> None:
    mails = [Chosen("invoices", f"{number:032x}", "failed", "No.") for number in range(60)]

    lines = list(replay_lines(mails))

    assert lines[0] == f"  invoices {0:032x}  would be replayed  (No.)"
    assert lines[-2:] == ["  ... and 10 more", "60 mails would be replayed."]
    whole = replay_json(mails, dry_run=True)
    assert (whole["dry_run"], whole["outcomes"], len(whole["mails"])) == (True, {"chosen": 60}, 60)
    assert list(replay_lines([])) == ["No mail to replay."]
