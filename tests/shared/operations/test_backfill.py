"""Mail that the journal does not know, or that was passed over, is queued: once, however often it is run."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from sandbox.tenant.graph import Delivered
from shared.errors import Unavailable
from shared.handing_over import HandOver
from shared.journal_row import Row, gone_on
from shared.operations.backfill import Backfill, Backfilled
from shared.operations.commands.listing import mailbox_of
from shared.plan import OBSERVED
from shared.queue_messages import MAIL_ARRIVED, Cause, MailArrived
from shared.sweep_plan import PASSED_OVER

from ..accounts import opened
from ..made import order
from .estate import Estate

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


def backfill(estate: Estate) -> Backfill:
    services = estate.services
    return Backfill(
        mailbox_of(services), services.journal, services.unfinished, services.hand_over, services.clock
    )


async def done(work: Backfill, estate: Estate, *, dry_run: bool = False) -> list[Backfilled]:
    batches = work.run(estate.source, estate.clock.now() - DAY, dry_run=dry_run)
    return [one async for batch in batches for one in batch]


async def queued(estate: Estate) -> list[dict[str, str]]:
    """What stands in the queue."""
    storage = estate.services.settings.storage.connection_string
    assert storage is not None
    async with opened(storage) as stores:
        return await stores.visible(MAIL_ARRIVED)


async def number_queued(estate: Estate) -> int:
    storage = estate.services.settings.storage.connection_string
    assert storage is not None
    async with opened(storage) as stores:
        return await stores.number(MAIL_ARRIVED)


async def pass_over(estate: Estate, delivered: Delivered) -> None:
    """What a first sweep writes of a mail that was there before."""
    now = estate.clock.now()
    row = Row(estate.name, estate.key(delivered), "arrived", delivered.immutable_id, now, opened=now)
    ended = replace(gone_on(row, "skipped", ended=now, settled=now, handed=now), rule=PASSED_OVER)
    await estate.services.journal.add_absent([ended])


async def test_what_nobody_knows_and_what_was_passed_over_is_queued_and_then_filed(estate: Estate) -> None:
    await estate.file()
    unknown, passed = estate.deliver(), estate.deliver()
    await pass_over(estate, passed)

    found = await done(backfill(estate), estate)

    assert Counter((one.was, one.outcome) for one in found) == {
        ("known", "left"): 1,
        ("unknown", "queued"): 1,
        ("passed-over", "queued"): 1,
    }
    messages = await queued(estate)
    assert {message["message"] for message in messages} == {unknown.immutable_id, passed.immutable_id}
    assert {message["cause"] for message in messages} == {"backfill"}
    unfinished = {mail.key async for mail in estate.services.unfinished.all(estate.name)}
    assert unfinished == {estate.key(unknown), estate.key(passed)}
    for message in messages:
        arrived = MailArrived(
            source=estate.name,
            traceparent=message["traceparent"],
            message=message["message"],
            cause="backfill",
            noticed=message["noticed"],
        )
        await estate.take(estate.services.staging, arrived)
        await estate.take(estate.services.filing, order(estate.name, message["message"]))
    assert {(await estate.row(one)).state for one in (unknown, passed)} == {"filed"}


async def test_a_dry_run_tells_the_same_and_does_nothing(estate: Estate) -> None:
    estate.deliver()
    passed = estate.deliver()
    await pass_over(estate, passed)

    found = await done(backfill(estate), estate, dry_run=True)

    assert Counter(one.was for one in found) == {"unknown": 1, "passed-over": 1}
    assert {one.outcome for one in found} == {"chosen"}
    assert await number_queued(estate) == 0
    assert [row.state for row in await estate.rows()] == ["skipped"]


async def test_once_more_it_queues_nothing(estate: Estate) -> None:
    """More mail than one page has, and than one batch."""
    received = estate.clock.now() - timedelta(hours=3)
    estate.box.tenant.fill(estate.mailbox, b"Subject: x\r\n\r\nx", 230, received=received)

    first = await done(backfill(estate), estate)
    again = await done(backfill(estate), estate)

    assert Counter(one.outcome for one in first) == {"queued": 230}
    assert Counter(one.outcome for one in again) == {"left": 230}
    assert await number_queued(estate) == 230


async def test_what_stops_it_on_the_way_stops_no_mail(estate: Estate) -> None:
    """A mail whose message could not be sent has its rows, for the watch. The next run does the rest."""

    class Failing(HandOver):
        sent = 0

        async def send(self, row: Row, trace: str | None = None, cause: Cause = "replay") -> None:
            Failing.sent += 1
            if Failing.sent > 100:
                raise Unavailable("queue: storage did not answer", origin="storage")
            await super().send(row, trace, cause)

    received = estate.clock.now() - timedelta(hours=3)
    estate.box.tenant.fill(estate.mailbox, b"Subject: x\r\n\r\nx", 150, received=received)
    services = estate.services
    stopped = replace(
        backfill(estate),
        hand_over=Failing(services.journal, services.unfinished, services.queues, services.clock),
    )

    with pytest.raises(Unavailable):
        await done(stopped, estate)
    found = await done(backfill(estate), estate)

    assert len(found) == 150
    assert len(await estate.rows()) == 150
    assert len([mail async for mail in services.unfinished.all(estate.name)]) == 150
    assert await number_queued(estate) + 50 == 150


async def test_what_was_received_before_is_left(estate: Estate) -> None:
    estate.deliver(received=estate.clock.now() - 2 * DAY)
    at_the_second = estate.deliver(received=estate.clock.now() - DAY)

    found = await done(backfill(estate), estate)

    assert [one.mail.message for one in found] == [at_the_second.immutable_id]


async def test_mail_that_has_ended_otherwise_is_known(estate: Estate) -> None:
    """What a rule has skipped, or what failed, is `replay`'s."""
    delivered = estate.deliver()
    await estate.stage(delivered)
    row = await estate.row(delivered)
    await estate.services.journal.update(gone_on(row, "failed", ended=estate.clock.now()))

    (one,) = await done(backfill(estate), estate)

    assert (one.was, one.outcome) == ("known", "left")


async def test_of_two_at_once_one_queues_each_mail(estate: Estate) -> None:
    received = estate.clock.now() - timedelta(hours=3)
    estate.box.tenant.fill(estate.mailbox, b"Subject: x\r\n\r\nx", 20, received=received)
    ours, theirs = backfill(estate), backfill(estate)
    (batch,) = [batch async for batch in ours.mailbox.of(estate.source, estate.clock.now() - DAY)]

    outcomes = Counter(
        [
            (await work._one(mail, files=True, dry_run=False)).outcome
            for mail in batch
            for work in (ours, theirs)
        ]
    )

    assert outcomes == {"queued": 20, "left": 20}
    assert await number_queued(estate) == 20


async def test_the_command_tells_what_it_has_queued(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    await estate.file()
    lost = estate.deliver()
    since = (estate.clock.now() - DAY).isoformat()
    asked = ("backfill", "--source", estate.name, "--since", since)

    dry = await estate.command(*asked, "--dry-run")
    would = capsys.readouterr().out.splitlines()
    status = await estate.command(*asked, "--json")
    shape = json.loads(capsys.readouterr().out)
    await estate.command(*asked)
    again = capsys.readouterr().out

    assert (dry, status) == (0, 0)
    assert would[0].startswith(f"  {estate.name} {estate.key(lost)}  received ")
    assert would[0].endswith("would be queued (unknown)")
    assert would[1] == "2 mails read: 1 known already, 1 would be queued."
    assert shape["counts"] == {"left": 1, "queued": 1}
    assert [one["key"] for one in shape["mails"]] == [estate.key(lost)]
    assert again == "2 mails read: 2 known already.\n"
    assert "Hello" not in "".join(would)


async def test_what_was_only_observed_is_filed_once_its_source_files(estate: Estate) -> None:
    """Who moves from another product observes first: what comes after that one has stopped is not lost."""
    live, files = estate.services._live, estate.services.configuration
    observes = msgspec.structs.replace(files.source[0], mode="observe")
    live.take(msgspec.structs.replace(files, source=(observes,)))
    estate.services._forget_parts()
    observed = await estate.file()
    assert (await estate.row(observed)).rule == OBSERVED
    assert [one.was for one in await done(backfill(estate), estate)] == ["known"]

    live.take(files)
    estate.services._forget_parts()
    found = await done(backfill(estate), estate)

    assert [(one.was, one.outcome) for one in found] == [("observed", "queued")]
    await estate.finish(observed)
    row = await estate.row(observed)
    assert (row.state, row.rule) == ("filed", "")
    assert [one.was for one in await done(backfill(estate), estate)] == ["known"]
