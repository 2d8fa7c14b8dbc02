"""Mailbox, journal and vault compared: each difference, provoked for real, and silence where all is well."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from sandbox.faults import Status
from shared.configuration import Source
from shared.errors import Unavailable
from shared.journal_row import Row, gone_on
from shared.operations.commands.listing import documents_of, mailbox_of
from shared.operations.commands.reconcile import reconciliation_of
from shared.operations.patience import Patience
from shared.operations.reconcile import Finding, Reconciliation
from shared.operations.watched_mail import FoundMail, WatchedMail
from shared.sweep_plan import PASSED_OVER

from .estate import Estate

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def reconciliation(estate: Estate, mailbox: WatchedMail | None = None) -> Reconciliation:
    services = estate.services
    return reconciliation_of(services, mailbox or mailbox_of(services), documents_of(services))


async def told(estate: Estate, since: timedelta = DAY, mailbox: WatchedMail | None = None) -> list[Finding]:
    """What is to be told of the mail since then."""
    work = reconciliation(estate, mailbox)
    found = work.run(estate.source, estate.clock.now() - since)
    return [finding async for batch in found for finding in batch]


async def test_where_all_is_well_nothing_is_told(estate: Estate) -> None:
    for _ in range(3):
        await estate.file()
    work = reconciliation(estate)

    found = [one async for batch in work.run(estate.source, estate.clock.now() - DAY) for one in batch]

    assert found == []
    assert (work.compared.mails, work.compared.rows, work.compared.documents) == (3, 3, 3)


@pytest.mark.parametrize("age", [HOUR * 5, timedelta(minutes=5)], ids=["old", "young"])
async def test_a_mail_that_was_never_filed_is_told_with_its_id(estate: Estate, age: timedelta) -> None:
    """No row names it, so the id is the only way to it."""
    received = estate.clock.now() - age
    await estate.file()
    lost = estate.deliver(received=received)

    found = await told(estate)

    assert found == [
        Finding("never-filed", estate.name, estate.key(lost), received, message=lost.immutable_id)
    ]


async def test_a_mail_filed_twice_is_told_with_both_documents(estate: Estate) -> None:
    twice, _ = await estate.file(), await estate.file()
    twin = await estate.document(estate.key(twice))

    (one,) = await told(estate)

    assert (one.kind, one.key) == ("filed-twice", estate.key(twice))
    assert one.objects == tuple(estate.documents(twice))
    assert twin in one.objects
    assert len(one.objects) == 2


async def test_a_document_that_is_deleted_in_the_vault_is_told(estate: Estate) -> None:
    deleted, _ = await estate.file(), await estate.file()
    (document,) = estate.documents(deleted)
    estate.box.vault.delete(document)

    (one,) = await told(estate)

    assert (one.kind, one.key, one.objects, one.named) == (
        "document-deleted",
        estate.key(deleted),
        (document,),
        document,
    )


async def test_a_row_without_its_document_is_told(estate: Estate) -> None:
    now = estate.clock.now()
    row = Row(estate.name, "0" * 32, "filed", "AAA=", now, ended=now, settled=now, object_type=0, object_id=9)
    await estate.services.journal.insert(row)
    await estate.file()

    (one,) = await told(estate)

    assert (one.kind, one.key, one.objects, one.named) == ("document-missing", "0" * 32, (), 9)


async def test_a_document_that_its_account_cannot_see_is_missing_to_it(estate: Estate) -> None:
    delivered = await estate.file()
    vault = estate.box.vault
    (document,) = estate.documents(delivered)
    vault.store[0, document].hidden_from = 25

    (one,) = await told(estate)

    assert (one.kind, one.named) == ("document-missing", document)


async def test_a_document_whose_row_is_lost_is_told(estate: Estate) -> None:
    lost, _ = await estate.file(), await estate.file()
    await estate.forget(lost)

    (one,) = await told(estate)

    assert (one.kind, one.message) == ("not-journalled", lost.immutable_id)
    assert one.objects == tuple(estate.documents(lost))


async def test_another_document_in_place_of_the_journals_is_told(estate: Estate) -> None:
    delivered = await estate.file()
    (document,) = estate.documents(delivered)
    estate.box.vault.delete(document)
    other = await estate.document(estate.key(delivered))

    (one,) = await told(estate)

    assert (one.kind, one.named, one.objects) == ("other-document", document, (document, other))


async def test_what_is_under_way_failed_or_skipped_is_no_difference(estate: Estate) -> None:
    staged, failed, skipped = estate.deliver(), estate.deliver(), estate.deliver()
    await estate.stage(staged)
    for delivered, state in ((failed, "failed"), (skipped, "skipped")):
        await estate.stage(delivered)
        row = await estate.row(delivered)
        await estate.services.journal.update(gone_on(row, state, ended=estate.clock.now()))  # type: ignore[arg-type]

    found = await told(estate)

    assert {one.key: (one.kind, one.is_difference) for one in found} == {
        estate.key(staged): ("open", False),
        estate.key(failed): ("failed", False),
        estate.key(skipped): ("skipped", False),
    }


async def test_a_failed_mail_whose_document_is_there_is_a_difference_too(estate: Estate) -> None:
    delivered = estate.deliver()
    await estate.stage(delivered)
    row = await estate.row(delivered)
    await estate.services.journal.update(gone_on(row, "failed", ended=estate.clock.now()))
    document = await estate.document(row.key)

    found = await told(estate)

    assert [(one.kind, one.objects) for one in found] == [
        ("not-journalled", (document,)),
        ("failed", (document,)),
    ]


@pytest.mark.parametrize("to", ["moved", "deleted"])
async def test_mail_that_has_left_its_folder_is_compared_by_its_row(estate: Estate, to: str) -> None:
    gone = await estate.file()
    if to == "moved":
        estate.box.tenant.move(estate.mailbox, gone.immutable_id, "archive")
    else:
        estate.box.tenant.delete(estate.mailbox, gone.immutable_id)
    assert await told(estate) == []
    estate.box.vault.delete(*estate.documents(gone))

    (one,) = await told(estate)

    assert (one.kind, one.key) == ("document-deleted", estate.key(gone))


async def test_what_was_received_and_journalled_before_is_not_compared(estate: Estate) -> None:
    estate.deliver(received=estate.clock.now() - 2 * DAY)
    old = await estate.file()
    estate.box.vault.delete(*estate.documents(old))
    estate.clock.advance(days=3)

    assert await told(estate) == []


async def test_what_comes_while_it_runs_is_left_to_the_next_run(estate: Estate) -> None:
    estate.deliver(received=estate.clock.now() + timedelta(seconds=1))

    assert await told(estate) == []


async def test_a_mail_that_is_filed_meanwhile_is_no_difference(estate: Estate) -> None:
    """Its notification was on the way as it was met in the mailbox."""

    @dataclass(frozen=True)
    class Meanwhile(WatchedMail):
        async def of(self, source: Source, since: datetime) -> AsyncGenerator[list[FoundMail], None]:
            async for batch in super().of(source, since):
                yield batch
            await estate.finish(young)

    young = estate.deliver(received=estate.clock.now() - timedelta(minutes=1))

    assert await told(estate, mailbox=Meanwhile(estate.services.watched_folders)) == []


async def test_a_row_that_changes_meanwhile_is_compared_again(estate: Estate) -> None:
    """Another worker has replayed a mail whose document was deleted, between two looks."""
    delivered = await estate.file()
    estate.box.vault.delete(*estate.documents(delivered))
    row = await estate.row(delivered)
    work = reconciliation(estate)
    await estate.services.journal.update(replace(gone_on(row, "arrived"), object_id=None))

    (one,) = await work._row(estate.source, row)

    assert (one.kind, one.is_difference) == ("open", False)


async def test_each_folder_is_compared_once_and_no_other_one(estate: Estate) -> None:
    estate.box.tenant.add_folder(estate.mailbox, "inbox/Scans")
    estate.deliver(folder="inbox/Scans")

    assert await told(estate) == []


async def test_a_service_that_stumbles_on_the_way_is_waited_for(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Graph throttles the second page, the vault is down for a moment: each mail is told once."""
    monkeypatch.setattr("shared.graph.folders.ENTRIES_AT_ONCE", 5)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    received = estate.clock.now() - 5 * HOUR
    step = timedelta(milliseconds=400)
    lost = estate.box.tenant.fill(estate.mailbox, b"Subject: x\r\n\r\nx", 12, received=received, step=step)
    route = f"GET /users/{estate.mailbox}/mailFolders/inbox/messages"
    estate.box.faults.graph.add(Status(429, route=route, retry_after="7", times=2, after=1))
    services = estate.services
    work = reconciliation_of(
        services,
        WatchedMail(services.watched_folders, Patience(sleep)),
        replace(documents_of(services), patience=Patience(sleep)),
    )
    await documents_of(services).of("0" * 32)
    await work.documents.of("0" * 32)
    estate.box.faults.vault.add(Status(503, route="GET .*/objects\\?", times=1))

    found = [one async for batch in work.run(estate.source, estate.clock.now() - DAY) for one in batch]

    assert sorted(one.key for one in found) == sorted(map(estate.key, lost))
    assert {one.kind for one in found} == {"never-filed"}
    assert slept.count(7.0) == 2
    assert len(slept) == 3


async def test_a_service_that_stays_down_ends_it_with_its_fault(estate: Estate) -> None:
    work = reconciliation(estate)
    work.mailbox = WatchedMail(estate.services.watched_folders, Patience(_no_sleep))
    route = f"GET /users/{estate.mailbox}/mailFolders/inbox/messages"
    estate.box.faults.graph.add(Status(503, route=route))

    with pytest.raises(Unavailable):
        await anext(work.run(estate.source, estate.clock.now() - DAY))


async def _no_sleep(seconds: float) -> None:
    """For tests that do not wait."""


async def test_the_command_says_what_it_has_compared_and_exits_well(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    await estate.file()
    estate.clock.advance(hours=1)
    since = (estate.clock.now() - DAY).isoformat()

    status = await estate.command("reconcile", "--source", estate.name, "--since", since)

    said = capsys.readouterr()
    assert (status, said.err) == (0, "")
    (line,) = said.out.splitlines()
    assert line.startswith("1 mail, 1 rows and 1 documents compared, from ")
    assert line.endswith("Differences: none.")


async def test_the_command_lists_differences_and_counts_the_rest(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    lost, staged = estate.deliver(), estate.deliver()
    deleted = await estate.file()
    await estate.stage(staged)
    estate.box.vault.delete(*estate.documents(deleted))
    estate.clock.advance(minutes=1)
    since = (estate.clock.now() - DAY).isoformat()
    asked = ("reconcile", "--source", estate.name, "--since", since)

    status = await estate.command(*asked)
    lines = capsys.readouterr().out.splitlines()
    with_all = await estate.command(*asked, "--all")
    all_lines = capsys.readouterr().out.splitlines()
    as_json = await estate.command(*asked, "--json")
    shape = json.loads(capsys.readouterr().out)

    assert (status, with_all, as_json) == (1, 1, 1)
    assert [line.split()[1] for line in lines[:-1]] == [estate.key(deleted), estate.key(lost)]
    assert lines[-1].endswith("Differences: 2. Not filed: 1 open.")
    assert len(all_lines) == len(lines) + 1
    assert lost.immutable_id not in "".join(all_lines)
    assert (shape["differences"], shape["complete"]) == (2, True)
    assert shape["counts"] == {"never-filed": 1, "document-deleted": 1, "open": 1}
    assert {one["kind"]: one["difference"] for one in shape["findings"]} == {
        "never-filed": True,
        "document-deleted": True,
        "open": False,
    }
    assert [one["message"] for one in shape["findings"] if one["message"]] == [lost.immutable_id]


async def test_as_json_it_is_whole_where_there_is_nothing_to_tell_and_where_it_was_cut_short(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("reconcile", "--source", estate.name, "--since", "2026-01-01", "--json")
    status = await estate.command(*asked)
    empty = json.loads(capsys.readouterr().out)
    estate.box.faults.graph.add(Status(400, route=f"GET /users/{estate.mailbox}/mailFolders/inbox/messages"))
    with pytest.raises(Exception, match="Graph answered 400"):
        await estate.command(*asked)
    cut = json.loads(capsys.readouterr().out)

    assert (status, empty["findings"], empty["complete"]) == (0, [], True)
    assert empty["compared"] == {"mails": 0, "rows": 0, "documents": 0}
    assert (cut["findings"], cut["complete"]) == ([], False)


async def test_mail_that_was_passed_over_is_skipped_and_the_vault_is_not_asked(estate: Estate) -> None:
    now = estate.clock.now()
    row = Row(estate.name, "1" * 32, "skipped", "AAA=", now, ended=now, settled=now, rule=PASSED_OVER)
    await estate.services.journal.insert(row)
    estate.box.faults.vault.add(Status(500))

    (one,) = await told(estate)

    assert (one.kind, one.is_difference) == ("skipped", False)
