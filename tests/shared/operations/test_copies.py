"""The same mail filed under two ids, told by `reconcile`, and two mails that are alike, which are not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from sandbox.faults import Status
from sandbox.tenant.graph import Delivered
from shared.configuration import Source
from shared.errors import Unavailable
from shared.operations.commands.listing import documents_of, mailbox_of
from shared.operations.commands.reconcile import reconciliation_of
from shared.operations.patience import Patience
from shared.operations.reconcile import Finding, Reconciliation
from shared.operations.watched_mail import WatchedMail
from shared.testing.fingerprints import InMemoryFingerprints

from ..graph.samples import mail
from .estate import Estate

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


def reconciliation(estate: Estate) -> Reconciliation:
    services = estate.services
    return reconciliation_of(services, mailbox_of(services), documents_of(services))


async def told(
    estate: Estate, source: Source | None = None, work: Reconciliation | None = None
) -> list[Finding]:
    found = (work or reconciliation(estate)).run(source or estate.source, estate.clock.now() - DAY)
    return [one async for batch in found for one in batch]


async def file(estate: Estate, message_id: str = "<1@contoso.com>", subject: str = "Hello") -> Delivered:
    """A mail that is filed, received at the same time as each other one."""
    received = estate.clock.now() - timedelta(hours=1)
    content = mail(subject, message_id)
    delivered = estate.box.tenant.deliver(estate.mailbox, content, received=received)
    await estate.finish(delivered)
    return delivered


async def restored(estate: Estate) -> tuple[Delivered, Delivered]:
    """A mail that was filed, is gone, and was filed again under the id that it has now."""
    former = await file(estate)
    estate.box.tenant.delete(estate.mailbox, former.immutable_id)
    return former, await file(estate)


def skipping(estate: Estate) -> Source:
    document = structs.replace(estate.source.document, duplicates="skip")
    return structs.replace(estate.source, document=document)


async def test_a_mail_that_was_filed_again_under_another_id_is_told_with_both_keys(estate: Estate) -> None:
    former, now = await restored(estate)

    (one,) = await told(estate)

    assert (one.kind, one.is_difference) == ("filed-twice", True)
    assert (one.key, one.other_source, one.other) == (estate.key(now), estate.name, estate.key(former))
    assert one.objects == tuple(sorted(estate.documents(former) + estate.documents(now)))
    assert [one.named] == estate.documents(now)


@pytest.mark.parametrize("which", [0, 1], ids=["the former", "the latter"])
async def test_it_is_well_once_one_of_the_two_documents_is_deleted(estate: Estate, which: int) -> None:
    """Of the latter it is told that its document is deleted, as of any other one."""
    both = await restored(estate)
    estate.box.vault.delete(*estate.documents(both[which]))

    found = await told(estate)

    assert [(one.kind, one.key) for one in found] == [("document-deleted", estate.key(both[which]))]


async def test_two_copies_that_are_both_in_the_mailbox_are_filed_each(estate: Estate) -> None:
    """One of them may have been put away: it is there."""
    first, _ = await file(estate), await file(estate)
    assert await told(estate) == []

    estate.box.tenant.move(estate.mailbox, first.immutable_id, "archive")

    assert await told(estate) == []


async def test_where_duplicates_are_skipped_no_two_may_be_filed(estate: Estate) -> None:
    first, second = await file(estate), await file(estate)

    (one,) = await told(estate, skipping(estate))

    assert (one.kind, one.key, one.other) == ("filed-twice", estate.key(second), estate.key(first))


async def test_where_duplicates_are_skipped_two_are_found_without_the_table(estate: Estate) -> None:
    both = await file(estate), await file(estate)
    work = reconciliation(estate)
    work.copies = replace(work.copies, fingerprints=InMemoryFingerprints())

    (one,) = await told(estate, skipping(estate), work)

    assert {one.key, one.other} == set(map(estate.key, both))


async def test_mails_with_one_message_id_that_say_another_thing_are_no_copies(estate: Estate) -> None:
    """Such as what a mailing list has made of a mail."""
    await file(estate)
    await file(estate, subject="[list] Hello")
    await file(estate, message_id="<2@contoso.com>")

    assert await told(estate, skipping(estate)) == []


async def test_a_mail_whose_row_is_lost_is_told_itself(estate: Estate) -> None:
    """Nobody knows its id any more, so that nothing is said to be too much."""
    first, _ = await file(estate), await file(estate)
    await estate.forget(first)

    found = await told(estate)

    assert [(one.kind, one.key) for one in found] == [("not-journalled", estate.key(first))]


async def test_a_mailbox_that_stumbles_as_a_mail_is_read_is_waited_for(estate: Estate) -> None:
    await restored(estate)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    services = estate.services
    mailbox = WatchedMail(services.watched_folders, Patience(sleep))
    work = reconciliation_of(services, mailbox, documents_of(services))
    route = f"GET /users/{estate.mailbox}/messages/.*"
    estate.box.faults.graph.add(Status(503, route=route, times=1))

    found = await told(estate, work=work)

    assert [one.kind for one in found] == ["filed-twice"]
    assert len(slept) == 1


async def test_a_mailbox_that_stays_down_ends_it_with_its_fault(estate: Estate) -> None:
    """Nothing is told to be well that could not be looked at."""
    await restored(estate)
    services = estate.services
    mailbox = WatchedMail(services.watched_folders, Patience(_no_sleep))
    work = reconciliation_of(services, mailbox, documents_of(services))
    estate.box.faults.graph.add(Status(503, route=f"GET /users/{estate.mailbox}/messages/.*"))

    with pytest.raises(Unavailable):
        await told(estate, work=work)


async def _no_sleep(seconds: float) -> None:
    """For tests that do not wait."""


async def test_the_command_names_both(estate: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    former, now = await restored(estate)
    asked = ("reconcile", "--source", estate.name, "--since", (estate.clock.now() - DAY).isoformat())

    status = await estate.command(*asked)
    line = capsys.readouterr().out.splitlines()[0]
    await estate.command(*asked, "--json")
    (shape,) = json.loads(capsys.readouterr().out)["findings"]

    assert status == 1
    assert estate.key(now) in line
    assert f"also as {estate.name} {estate.key(former)}" in line
    assert (shape["other_source"], shape["other"]) == (estate.name, estate.key(former))
