"""What holds for each journal: the table, and the one in memory that other tests stand on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from shared.errors import Stale
from shared.journal import MOST_AT_ONCE, Journal, JournalTable
from shared.journal_row import LONGEST_TEXT, STATES, Row, State, gone_on
from shared.testing.journal import InMemoryJournal

from .accounts import Stores
from .clock import NOON
from .whole_row import WHOLE_ROW

pytestmark = pytest.mark.anyio
KEY = "0" * 32
ROW = Row("invoices", KEY, "arrived", "AAkALgAA=", NOON)


@pytest.fixture(params=["table", "fake"])
def journal(request: pytest.FixtureRequest) -> Journal:
    """Both kinds, empty."""
    if request.param == "fake":
        return InMemoryJournal()
    stores: Stores = request.getfixturevalue("stores")
    return stores.journal


async def listed(journal: Journal, *states: State, source: str | None = None) -> list[tuple[str, str, str]]:
    """Source, key and state of rows."""
    return [(row.source, row.key, row.state) async for row in journal.rows(source, states)]


async def test_an_unknown_mail_has_no_row(journal: Journal) -> None:
    assert await journal.read("invoices", KEY) is None

    await journal.insert(ROW)

    assert await journal.read("invoices", "1" * 32) is None
    assert await journal.read("orders", KEY) is None


@pytest.mark.parametrize("row", [ROW, WHOLE_ROW], ids=["least", "most"])
async def test_a_row_comes_back_as_it_was_written(journal: Journal, row: Row) -> None:
    """Times to the microsecond, sizes beyond 32 bits, and every digest whole."""
    written = await journal.insert(row)

    assert written.etag
    assert await journal.read(row.source, row.key) == written
    assert replace(written, etag="") == row


async def test_a_time_of_another_zone_comes_back_in_utc(journal: Journal) -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))

    await journal.insert(replace(ROW, due=there))

    found = await journal.read("invoices", KEY)
    assert found is not None
    assert found.due == NOON
    assert found.due.utcoffset() == timedelta(0)


async def test_inserting_a_row_that_is_there_is_stale_and_changes_nothing(journal: Journal) -> None:
    first = await journal.insert(ROW)

    with pytest.raises(Stale):
        await journal.insert(replace(ROW, message="another"))
    with pytest.raises(Stale):
        await journal.insert(first)

    assert await journal.read("invoices", KEY) == first


async def test_an_update_replaces_the_row_that_was_read(journal: Journal) -> None:
    """What the new row does not say is gone."""
    first = await journal.insert(WHOLE_ROW)

    second = await journal.update(replace(gone_on(first, "staged"), sizes=(), object_id=None))

    assert second.etag not in ("", first.etag)
    found = await journal.read(WHOLE_ROW.source, WHOLE_ROW.key)
    assert found == second
    assert (found.owner, found.claim_expires, found.deaths) == ("", None, 0)
    assert (found.sizes, found.object_id) == ((), None)


async def test_an_update_with_the_same_content_is_a_change(journal: Journal) -> None:
    """A renewed claim must be seen by whoever has read the one before."""
    first = await journal.insert(ROW)
    second = await journal.update(first)

    assert second.etag != first.etag
    with pytest.raises(Stale):
        await journal.update(first)


async def test_an_update_of_a_row_that_has_changed_since_is_stale(journal: Journal) -> None:
    first = await journal.insert(ROW)
    second = await journal.update(replace(first, state="staged"))

    with pytest.raises(Stale):
        await journal.update(replace(first, state="failed"))

    assert await journal.read("invoices", KEY) == second


async def test_an_update_of_a_row_that_is_gone_is_stale(journal: Journal) -> None:
    first = await journal.insert(ROW)
    await journal.delete(first)

    with pytest.raises(Stale):
        await journal.update(replace(first, state="staged"))

    assert await journal.read("invoices", KEY) is None


async def test_a_row_that_was_deleted_and_inserted_again_is_another_one(journal: Journal) -> None:
    """Whoever has read the former one can change neither."""
    first = await journal.insert(ROW)
    await journal.delete(first)
    second = await journal.insert(ROW)

    assert second.etag != first.etag
    with pytest.raises(Stale):
        await journal.update(first)
    with pytest.raises(Stale):
        await journal.delete(first)
    assert await journal.read("invoices", KEY) == second


async def test_of_many_updates_at_once_one_wins(journal: Journal) -> None:
    first = await journal.insert(ROW)

    outcomes = await asyncio.gather(
        *(journal.update(replace(first, reason=str(number))) for number in range(8)), return_exceptions=True
    )

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Row)]
    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 7
    assert await journal.read("invoices", KEY) == winner


async def test_of_many_first_inserts_at_once_one_wins(journal: Journal) -> None:
    """They also race for the table."""
    outcomes = await asyncio.gather(
        *(journal.insert(replace(ROW, reason=str(number))) for number in range(8)), return_exceptions=True
    )

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Row)]
    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 7
    assert await journal.read("invoices", KEY) == winner


async def test_of_an_update_and_a_delete_at_once_one_wins(journal: Journal) -> None:
    first = await journal.insert(ROW)

    outcomes = await asyncio.gather(
        journal.update(replace(first, state="staged")), journal.delete(first), return_exceptions=True
    )

    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 1
    found = await journal.read("invoices", KEY)
    assert (found is None) == isinstance(outcomes[0], Stale)


async def test_a_delete_is_conditional_and_a_second_one_no_fault(journal: Journal) -> None:
    first = await journal.insert(ROW)
    second = await journal.update(replace(first, state="staged"))

    with pytest.raises(Stale):
        await journal.delete(first)
    assert await journal.read("invoices", KEY) == second
    await journal.delete(second)
    await journal.delete(second)

    assert await journal.read("invoices", KEY) is None


async def test_a_row_without_an_etag_cannot_be_written_back_or_deleted(journal: Journal) -> None:
    """What was read in part, or not at all, would wipe out the rest."""
    await journal.insert(WHOLE_ROW)
    (part,) = [row async for row in journal.rows()]

    with pytest.raises(ValueError, match="etag"):
        await journal.update(part)
    with pytest.raises(ValueError, match="etag"):
        await journal.delete(part)


async def test_no_text_of_a_row_is_over_4_kb(journal: Journal) -> None:
    long = "ä" * LONGEST_TEXT

    await journal.insert(replace(ROW, reason=long, remedy=long, warnings=(long, long)))

    found = await journal.read("invoices", KEY)
    assert found is not None
    assert found.reason == found.remedy == "ä" * (LONGEST_TEXT // 2)
    assert found.warnings == ("ä" * (LONGEST_TEXT // 2),)


async def test_rows_of_an_empty_journal_are_none(journal: Journal) -> None:
    assert await listed(journal) == await listed(journal, "failed", source="invoices") == []


async def test_rows_are_those_of_a_source_and_of_states_in_the_order_of_source_and_key(
    journal: Journal,
) -> None:
    for row in (
        replace(ROW, source="orders", state="failed"),
        replace(ROW, key="2" * 32, state="filed"),
        replace(ROW, key="1" * 32, state="failed"),
        ROW,
        replace(ROW, source="invoices-2"),
    ):
        await journal.insert(row)

    everything = [
        ("invoices", "0" * 32, "arrived"),
        ("invoices", "1" * 32, "failed"),
        ("invoices", "2" * 32, "filed"),
        ("invoices-2", "0" * 32, "arrived"),
        ("orders", "0" * 32, "failed"),
    ]
    assert await listed(journal) == everything
    assert await listed(journal, source="invoices") == everything[:3]
    assert await listed(journal, "failed") == [everything[1], everything[4]]
    assert await listed(journal, "failed", "filed", source="invoices") == everything[1:3]
    assert await listed(journal, "skipped") == await listed(journal, source="invoice") == []


async def test_of_a_row_only_the_columns_are_read_that_are_wanted(journal: Journal) -> None:
    """Key, state and arrival always; a column's name is the field's, and `sizes` is one."""
    await journal.insert(WHOLE_ROW)
    least = Row(WHOLE_ROW.source, WHOLE_ROW.key, WHOLE_ROW.state, "", WHOLE_ROW.arrived)

    (bare,) = [row async for row in journal.rows()]
    (some_more,) = [
        row async for row in journal.rows("invoices", {"filed"}, ("reason", "sizes", "due", "warnings"))
    ]
    (whole,) = [row async for row in journal.rows(columns=tuple(Row.__dataclass_fields__))]

    assert bare == least
    assert some_more == replace(
        least, reason=WHOLE_ROW.reason, sizes=WHOLE_ROW.sizes, due=WHOLE_ROW.due, warnings=WHOLE_ROW.warnings
    )
    assert whole == replace(WHOLE_ROW, others=())


async def test_rows_can_be_changed_while_they_are_read(journal: Journal) -> None:
    """The watch does: whatever a page says, the row itself is read before it is written."""
    for number in range(3):
        await journal.insert(replace(ROW, key=f"{number:032x}"))

    async for part in journal.rows("invoices"):
        row = await journal.read(part.source, part.key)
        assert row is not None
        await journal.delete(row)

    assert await listed(journal) == []


_moments = some.none() | some.datetimes(min_value=NOON.replace(tzinfo=None), timezones=some.just(UTC))
_words = some.text(some.characters(exclude_categories=("C", "Z")), max_size=20)
rows = some.builds(
    Row,
    source=some.just("invoices"),
    key=some.uuids().map(lambda number: number.hex),
    state=some.sampled_from(STATES),
    message=_words,
    arrived=_moments.filter(lambda moment: moment is not None),
    opened=_moments,
    owner=_words,
    claim_expires=_moments,
    deaths=some.integers(0, 100),
    handed=_moments,
    settled=_moments,
    creating=_moments,
    attempt=some.integers(0, 2**31 - 1),
    sizes=some.lists(some.integers(0, 2**63), max_size=5).map(tuple),
    digests=some.lists(some.binary(min_size=32, max_size=32), max_size=5).map(tuple),
    object_id=some.none() | some.integers(0, 2**31 - 1),
    reason=_words,
    warnings=some.lists(_words.filter(bool), max_size=3).map(tuple),
    again=some.booleans(),
)


async def test_any_row_is_the_same_in_both(stores: Stores) -> None:
    """Of what the table answers, nothing is unlike what the one in memory answers."""
    table, memory = JournalTable(stores.tables), InMemoryJournal()
    made: list[Row] = []

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(rows)
    def make(row: Row) -> None:
        made.append(row)

    make()
    for row in {row.key: row for row in made}.values():
        for journal in (table, memory):
            written = await journal.insert(row)
            assert await journal.read(row.source, row.key) == written
    both = [[row async for row in journal.rows(columns=("reason", "sizes"))] for journal in (table, memory)]
    assert both[0] == both[1]


def numbered(*numbers: int) -> list[Row]:
    return [replace(ROW, key=f"{number:032x}", state="skipped", reason=str(number)) for number in numbers]


async def test_absent_rows_are_added_as_they_are(journal: Journal) -> None:
    await journal.add_absent([])
    await journal.add_absent([replace(WHOLE_ROW, key="1" * 32), ROW])

    found = [await journal.read("invoices", key) for key in ("1" * 32, KEY)]
    assert [replace(row, etag="") for row in found if row] == [replace(WHOLE_ROW, key="1" * 32), ROW]


async def test_a_row_that_is_there_stays_as_it_is_and_costs_the_others_nothing(journal: Journal) -> None:
    """Whatever has become of a mail since, the sweep does not pass over it."""
    known = [await journal.insert(replace(row, state="filed")) for row in numbered(3, 120)]

    await journal.add_absent(numbered(*range(150)))

    rows = {row.key: row async for row in journal.rows(columns=("reason",))}
    assert len(rows) == 150
    assert sorted(key for key, row in rows.items() if row.state == "filed") == [row.key for row in known]
    assert [await journal.read("invoices", row.key) for row in known] == known


async def test_more_rows_than_one_transaction_takes_are_all_added(journal: Journal) -> None:
    """Also where nobody has made the table yet; and a second time nothing is done."""
    await journal.add_absent(numbered(*range(MOST_AT_ONCE * 2 + 1)))
    before = [row async for row in journal.rows()]

    await journal.add_absent([replace(row, reason="later") for row in numbered(*range(250))])

    assert len(before) == MOST_AT_ONCE * 2 + 1
    later = [row async for row in journal.rows(columns=("reason",)) if row.reason == "later"]
    assert [int(row.key, 16) for row in later] == list(range(MOST_AT_ONCE * 2 + 1, 250))


async def test_twins_that_add_the_same_rows_add_them_once(journal: Journal) -> None:
    rows = numbered(*range(120))

    await asyncio.gather(*(journal.add_absent(rows[start:]) for start in (0, 30, 60)))

    assert [int(row.key, 16) async for row in journal.rows()] == list(range(120))
