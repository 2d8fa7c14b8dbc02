"""The journal: one row for each mail, each change conditional on the row that was read."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import Stale, Unavailable
from shared.journal import LONGEST_TEXT, Row, State, shortened

from .accounts import Stores
from .clock import NOON

pytestmark = pytest.mark.anyio
ROW = Row("invoices", "0" * 32, "arrived", "AAkALgAA=", NOON)


async def test_an_unknown_mail_has_no_row_even_before_there_is_a_table(stores: Stores) -> None:
    assert await stores.journal.read("invoices", "0" * 32) is None

    await stores.journal.insert(ROW)

    assert await stores.journal.read("invoices", "1" * 32) is None
    assert await stores.journal.read("orders", "0" * 32) is None


async def test_the_first_row_makes_the_table(stores: Stores) -> None:
    written = await stores.journal.insert(ROW)

    assert written.etag
    assert await stores.journal.read("invoices", "0" * 32) == written
    assert [table.name async for table in stores.tables.list_tables()] == ["filings"]


async def test_a_row_comes_back_as_it_was_written(stores: Stores) -> None:
    """Times to the microsecond, sizes beyond 32 bits, and every digest whole."""
    row = replace(
        ROW,
        state="filed",
        arrived=NOON + timedelta(microseconds=123_456),
        staged=NOON + timedelta(seconds=1),
        ended=NOON + timedelta(seconds=2),
        creating=NOON + timedelta(seconds=3),
        attempt=7,
        first_tried=NOON - timedelta(days=1),
        due=NOON + timedelta(minutes=15),
        sizes=(0, 5_000_000_000, 17),
        digests=tuple(hashlib.sha256(bytes([number])).digest() for number in range(3)),
        object_type=0,
        object_id=2_147_483_647,
        object_version=1,
        reason="Größe: ß",
        remedy="Look.",
        warnings=("first", "second"),
        again=True,
    )

    written = await stores.journal.insert(row)

    assert await stores.journal.read(row.source, row.key) == written
    assert replace(written, etag="") == row


async def test_inserting_a_row_that_is_there_is_stale_and_changes_nothing(stores: Stores) -> None:
    first = await stores.journal.insert(ROW)

    with pytest.raises(Stale):
        await stores.journal.insert(replace(ROW, message="another"))

    assert await stores.journal.read(ROW.source, ROW.key) == first


async def test_an_update_replaces_the_row_that_was_read(stores: Stores) -> None:
    """What the new row does not say is gone from the table, too."""
    first = await stores.journal.insert(replace(ROW, creating=NOON, reason="once"))

    second = await stores.journal.update(replace(first, state="staged", creating=None, reason=""))

    assert second.etag != first.etag
    found = await stores.journal.read(ROW.source, ROW.key)
    assert found == second
    assert (second.state, second.creating, second.reason) == ("staged", None, "")


async def test_an_update_of_a_row_that_has_changed_since_is_stale(stores: Stores) -> None:
    first = await stores.journal.insert(ROW)
    second = await stores.journal.update(replace(first, state="staged"))

    with pytest.raises(Stale):
        await stores.journal.update(replace(first, state="failed"))

    assert await stores.journal.read(ROW.source, ROW.key) == second


async def test_an_update_of_a_row_that_is_gone_is_stale(stores: Stores) -> None:
    first = await stores.journal.insert(ROW)
    await stores.journal.delete(first)

    with pytest.raises(Stale):
        await stores.journal.update(replace(first, state="staged"))

    assert await stores.journal.read(ROW.source, ROW.key) is None


async def test_of_many_updates_at_once_one_wins(stores: Stores) -> None:
    first = await stores.journal.insert(ROW)

    outcomes = await asyncio.gather(
        *(stores.journal.update(replace(first, reason=str(number))) for number in range(8)),
        return_exceptions=True,
    )

    winners = [outcome for outcome in outcomes if isinstance(outcome, Row)]
    assert len(winners) == 1
    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 7
    assert await stores.journal.read(ROW.source, ROW.key) == winners[0]


async def test_of_many_first_inserts_at_once_one_wins(stores: Stores) -> None:
    """They also race for the table."""
    outcomes = await asyncio.gather(
        *(stores.journal.insert(replace(ROW, reason=str(number))) for number in range(8)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, Row) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 7


async def test_a_delete_is_conditional_and_a_second_one_no_fault(stores: Stores) -> None:
    first = await stores.journal.insert(ROW)
    second = await stores.journal.update(replace(first, state="staged"))

    with pytest.raises(Stale):
        await stores.journal.delete(first)
    assert await stores.journal.read(ROW.source, ROW.key) == second
    await stores.journal.delete(second)
    await stores.journal.delete(second)

    assert await stores.journal.read(ROW.source, ROW.key) is None


async def test_no_text_of_a_row_is_over_4_kb(stores: Stores) -> None:
    long = "ä" * LONGEST_TEXT
    row = replace(ROW, reason=long, remedy=long, warnings=(long, long))

    await stores.journal.insert(row)

    found = await stores.journal.read(ROW.source, ROW.key)
    assert found is not None
    assert found.reason == found.remedy == "ä" * (LONGEST_TEXT // 2) == shortened(long)
    assert found.warnings == ("ä" * (LONGEST_TEXT // 2),)


def test_a_text_is_cut_between_characters() -> None:
    assert shortened("x" + "ä" * LONGEST_TEXT) == "x" + "ä" * (LONGEST_TEXT // 2 - 1)
    assert shortened("short") == "short"


async def test_storage_that_does_not_answer_is_unavailable_at_once(down: Stores) -> None:
    began = time.monotonic()

    for work in (
        down.journal.read(ROW.source, ROW.key),
        down.journal.insert(ROW),
        down.journal.update(replace(ROW, etag="W/1")),
        down.journal.delete(replace(ROW, etag="W/1")),
    ):
        with pytest.raises(Unavailable, match="journal"):
            await work

    assert time.monotonic() - began < 5


async def test_a_refusal_of_storage_is_unavailable_with_its_status(stores: Stores) -> None:
    """An ETag of another form is a bad request: no worker was first."""
    first = await stores.journal.insert(ROW)

    with pytest.raises(Unavailable, match="400"):
        await stores.journal.update(replace(first, etag="no etag"))


async def test_rows_are_read_by_source_and_state_with_only_the_columns_that_are_wanted(
    stores: Stores,
) -> None:
    """And without an ETag: what was read in part can't be written back by mistake."""
    only: tuple[State, ...] = ("failed",)
    failed = replace(ROW, state="failed", key="1" * 32, reason="No.", remedy="Look.", sizes=(1,))
    for row in (ROW, failed, replace(failed, source="orders"), replace(ROW, state="filed", key="2" * 32)):
        await stores.journal.insert(row)

    found = [row async for row in stores.journal.rows("invoices", only, ("reason",))]
    both = [row async for row in stores.journal.rows("invoices", (*only, "filed"))]
    everywhere = [(row.source, row.state) async for row in stores.journal.rows(states=only)]
    everything = [row async for row in stores.journal.rows()]

    assert found == [Row("invoices", "1" * 32, "failed", "", NOON, reason="No.")]
    assert [row.state for row in both] == ["failed", "filed"]
    assert everywhere == [("invoices", "failed"), ("orders", "failed")]
    assert len(everything) == 4
    with pytest.raises(ValueError, match="etag"):
        await stores.journal.update(found[0])


async def test_rows_of_a_journal_without_a_table_are_none(stores: Stores) -> None:
    assert [row async for row in stores.journal.rows("invoices")] == []


async def test_rows_come_from_every_page(stores: Stores) -> None:
    """The service answers a thousand at a time."""
    await stores.journal.insert(ROW)
    table = stores.tables.get_table_client("filings")
    keys = [f"{number:032x}" for number in range(1, 1101)]
    for start in range(0, len(keys), 100):
        await table.submit_transaction(
            [
                ("create", {"PartitionKey": "invoices", "RowKey": key, "state": "filed", "arrived": NOON})
                for key in keys[start : start + 100]
            ]
        )

    assert [row.key async for row in stores.journal.rows("invoices")] == ["0" * 32, *keys]


async def test_rows_of_storage_that_does_not_answer_are_no_empty_journal(down: Stores) -> None:
    with pytest.raises(Unavailable):
        [row async for row in down.journal.rows("invoices")]
