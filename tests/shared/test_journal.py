"""The journal's table, beside what holds for each journal; and its rows as values."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.errors import MailFault, Unavailable
from shared.journal_row import (
    ENDS,
    LONGEST_TEXT,
    STATES,
    Row,
    State,
    entity_of,
    failed,
    gone_on,
    is_untried,
    row_of,
    shortened,
)

from .accounts import Stores
from .clock import NOON
from .whole_row import WHOLE_ROW

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


async def test_a_row_in_the_table_is_one_entity_with_a_column_for_each_fact(stores: Stores) -> None:
    """Other programs read it: what is empty has no column, sizes and digests are binary."""
    await stores.journal.insert(ROW)
    await stores.journal.insert(WHOLE_ROW)

    table = stores.tables.get_table_client("filings")
    least = await table.get_entity("invoices", ROW.key)
    most = await table.get_entity("invoices", WHOLE_ROW.key)

    assert dict(least) == {
        "PartitionKey": "invoices",
        "RowKey": "0" * 32,
        "state": "arrived",
        "message": "AAkALgAA=",
        "arrived": NOON,
        "attempt": 0,
    }
    assert set(most) == {field.name for field in fields(Row)} - {"source", "key", "others", "etag"} | {
        "PartitionKey",
        "RowKey",
        *dict(WHOLE_ROW.others),
    }
    assert len(most["sizes"]) == 3 * 8
    assert len(most["digests"]) == 3 * 32


def test_a_row_of_a_former_version_is_read_with_what_it_lacks_empty() -> None:
    """It had no claim, no hand-over and no row in `unfinished`; what is unknown is kept as it is."""
    former = {
        "PartitionKey": "invoices",
        "RowKey": "0" * 32,
        "state": "staged",
        "message": "AAkALgAA=",
        "arrived": NOON,
        "attempt": 3,
        "of a later version": "x",
    }

    row = row_of(former, "W/1")

    others = (("of a later version", "x"),)
    assert row == replace(ROW, state="staged", attempt=3, others=others, etag="W/1")
    assert row.open_since == NOON


def closed(state: State, **facts: Any) -> bool:
    return replace(ROW, state=state, **facts).is_closed


def test_a_mail_is_closed_when_it_has_ended_and_nothing_is_left_to_do() -> None:
    assert {state for state in STATES if replace(ROW, state=state).has_ended} == ENDS
    for state in STATES:
        assert not closed(state)
        assert not closed(state, settled=NOON, look_again=NOON)
        assert closed(state, settled=NOON) == (state in ENDS)


def test_a_mail_is_open_since_its_arrival_or_its_last_replay() -> None:
    replayed = replace(ROW, opened=NOON + timedelta(days=1))

    assert (ROW.open_since, replayed.open_since) == (NOON, NOON + timedelta(days=1))


@given(some.sampled_from(STATES))
def test_the_next_step_begins_anew_with_what_is_known_of_the_mail(state: State) -> None:
    """No claim, no attempts, no revivals, and not handed over; nothing else is forgotten."""
    found = gone_on(WHOLE_ROW, state)

    gone = {
        name
        for name in (field.name for field in fields(Row))
        if getattr(found, name) != getattr(WHOLE_ROW, name)
    }
    assert gone - {"state"} == {
        "owner",
        "claim_expires",
        "deaths",
        "handed",
        "attempt",
        "first_tried",
        "due",
        "revived",
        "last_look",
        "missing_since",
        "rule",
        "reason",
        "remedy",
    }
    assert (found.state, found.owner, found.deaths, found.handed, found.due) == (state, "", 0, None, None)


def test_a_failed_mail_says_why_and_what_to_do() -> None:
    found = failed(replace(WHOLE_ROW, state="staged"), MailFault("It is refused.", "Look at it."), NOON)

    assert (found.state, found.ended, found.creating) == ("failed", NOON, None)
    assert (found.reason, found.remedy, found.handed) == ("It is refused.", "Look at it.", None)


@given(some.text(max_size=LONGEST_TEXT * 2))
def test_what_is_cut_is_a_beginning_and_is_cut_once(text: str) -> None:
    found = shortened(text)

    assert text.startswith(found)
    assert len(found.encode()) <= LONGEST_TEXT
    assert shortened(found) == found
    assert entity_of(replace(ROW, reason=text)) == entity_of(replace(ROW, reason=found))


@pytest.mark.parametrize("time", ["due", "first_tried", "missing_since", "creating", "kept"])
def test_a_mail_that_was_put_back_was_tried_though_it_was_no_attempt(time: str) -> None:
    """A plan may be kept of it."""
    assert is_untried(ROW)
    assert not is_untried(replace(ROW, **{time: NOON}))  # type: ignore[arg-type]
