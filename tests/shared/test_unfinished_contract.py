"""What holds for the open mails, in the table and in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from shared.journal_row import Row
from shared.testing.unfinished import InMemoryUnfinished
from shared.unfinished import OpenMail, Unfinished, oldest

from .accounts import Stores
from .clock import NOON

pytestmark = pytest.mark.anyio
SECOND = timedelta(seconds=1)


def mail(number: int, source: str = "invoices", since: datetime = NOON) -> OpenMail:
    """The mail of that number."""
    return OpenMail(source, since, f"{number:032x}", f"AAkALg{number}_-=")


FIRST, SECOND_MAIL, THIRD = mail(9), mail(1, since=NOON + SECOND / 1000), mail(2, since=NOON + 2 * SECOND)
OTHER, LAST = mail(3, "invoices-2", NOON - SECOND), mail(4, "orders", NOON - 2 * SECOND)
IN_ORDER = [FIRST, SECOND_MAIL, THIRD, OTHER, LAST]
"""By source, then by time: not by key, and not by time alone."""


@pytest.fixture(params=["table", "fake"])
def unfinished(request: pytest.FixtureRequest) -> Unfinished:
    """Both kinds, empty."""
    if request.param == "fake":
        return InMemoryUnfinished()
    stores: Stores = request.getfixturevalue("stores")
    return stores.unfinished


async def listed(
    unfinished: Unfinished, source: str | None = None, after: OpenMail | None = None
) -> list[OpenMail]:
    return [one async for one in unfinished.all(source, after)]


async def test_at_first_nothing_is_open(unfinished: Unfinished) -> None:
    assert await listed(unfinished) == await listed(unfinished, "invoices", FIRST) == []
    assert await oldest(unfinished) is None
    await unfinished.remove(FIRST)


async def test_an_open_mail_comes_back_as_it_was_noted(unfinished: Unfinished) -> None:
    """Its time to the microsecond."""
    noted = mail(1, since=NOON + timedelta(microseconds=123_456))

    await unfinished.add(noted)

    assert await listed(unfinished) == [noted]


async def test_all_are_in_the_order_of_source_and_time(unfinished: Unfinished) -> None:
    for one in reversed(IN_ORDER):
        await unfinished.add(one)

    assert await listed(unfinished) == IN_ORDER
    assert await listed(unfinished, "invoices") == IN_ORDER[:3]
    assert await listed(unfinished, "invoice") == []
    assert await oldest(unfinished, "invoices") == FIRST
    assert await oldest(unfinished, "orders") == LAST


async def test_of_one_moment_the_key_decides(unfinished: Unfinished) -> None:
    """A crowd that came at once is gone through one by one, too."""
    crowd = [mail(number) for number in range(12)]
    for one in reversed(crowd):
        await unfinished.add(one)

    assert await listed(unfinished, after=crowd[4]) == crowd[5:]


@pytest.mark.parametrize("number", range(5))
async def test_those_behind_one_begin_with_the_next(unfinished: Unfinished, number: int) -> None:
    """So that a watch that had no time for all goes on where it stopped; that one may be gone since."""
    for one in IN_ORDER:
        await unfinished.add(one)
    await unfinished.remove(IN_ORDER[number])

    assert await listed(unfinished, after=IN_ORDER[number]) == IN_ORDER[number + 1 :]


async def test_those_behind_one_within_one_source(unfinished: Unfinished) -> None:
    for one in IN_ORDER:
        await unfinished.add(one)

    assert await listed(unfinished, "invoices", FIRST) == [SECOND_MAIL, THIRD]
    assert await listed(unfinished, "orders", FIRST) == [LAST]
    assert await listed(unfinished, "invoices", OTHER) == []


async def test_noting_it_once_more_is_no_fault_and_it_is_one(unfinished: Unfinished) -> None:
    await asyncio.gather(*(unfinished.add(FIRST) for _ in range(4)))
    await unfinished.add(replace(FIRST, message="AAkALg-other="))

    assert await listed(unfinished) == [replace(FIRST, message="AAkALg-other=")]


async def test_a_mail_stands_once_for_each_time_that_it_was_opened(unfinished: Unfinished) -> None:
    """A replay opens it anew; what is left of the time before is another row."""
    again = replace(FIRST, since=NOON + SECOND)
    await unfinished.add(FIRST)
    await unfinished.add(again)

    await unfinished.remove(FIRST)

    assert await listed(unfinished) == [again]


async def test_one_that_is_struck_off_is_gone_and_a_second_time_no_fault(unfinished: Unfinished) -> None:
    for one in (FIRST, SECOND_MAIL, replace(FIRST, source="orders")):
        await unfinished.add(one)

    await unfinished.remove(replace(FIRST, message=""))
    await unfinished.remove(FIRST)

    assert await listed(unfinished) == [SECOND_MAIL, replace(FIRST, source="orders")]


async def test_the_same_moment_of_another_zone_is_the_same_row(unfinished: Unfinished) -> None:
    elsewhere = replace(FIRST, since=NOON.astimezone(timezone(timedelta(hours=-8))))
    await unfinished.add(elsewhere)

    (found,) = await listed(unfinished)
    await unfinished.remove(FIRST)

    assert found == FIRST
    assert found.since.utcoffset() == timedelta(0)
    assert await listed(unfinished) == []


async def test_the_row_of_the_journal_names_it(unfinished: Unfinished) -> None:
    """By its arrival, or by the time of its last replay."""
    row = Row("invoices", FIRST.key, "arrived", FIRST.message, NOON)
    replayed = replace(row, opened=NOON + SECOND)

    await unfinished.add(OpenMail.of(row))
    await unfinished.add(OpenMail.of(replayed))

    assert await listed(unfinished) == [FIRST, replace(FIRST, since=NOON + SECOND)]


async def test_mails_can_be_struck_off_while_they_are_read(unfinished: Unfinished) -> None:
    for one in IN_ORDER:
        await unfinished.add(one)

    async for one in unfinished.all():
        await unfinished.remove(one)

    assert await listed(unfinished) == []


async def test_all_of_more_than_a_page_come_in_order(stores: Stores) -> None:
    """The service answers a thousand at a time; a page ends anywhere."""
    await stores.unfinished.add(mail(0))
    table = stores.tables.get_table_client("unfinished")
    mails = [mail(number, since=NOON + number * SECOND) for number in range(1, 1101)]
    for start in range(0, len(mails), 100):
        await table.submit_transaction(
            [
                ("create", {"PartitionKey": one.source, "RowKey": one.row_key, "message": one.message})
                for one in mails[start : start + 100]
            ]
        )

    assert await listed(stores.unfinished) == [mail(0), *mails]
    assert await listed(stores.unfinished, after=mails[9]) == mails[10:]
