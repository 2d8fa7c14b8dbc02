"""How things stand: counted row by row, with what an operator has to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.breaker import BreakerKey, held, opened
from shared.breaker_table import Breakers, BreakerTable
from shared.errors import Unavailable
from shared.folder_register import FolderTable, SweptFolder
from shared.journal_row import Row
from shared.operations.status import FailedMail, OpenMail, Records, Shut, Status, Waiting, read_status
from shared.operations.text import as_json, status_json, status_lines
from shared.unfinished import OpenMail as Unfinished

from ..accounts import Stores
from ..clock import NOON, FakeClock

pytestmark = pytest.mark.anyio
ARRIVED = Row("invoices", "0" * 32, "arrived", "AAkALgAA=", NOON)
LATER = NOON + timedelta(minutes=10)


def mail(number: int, **changed: object) -> Row:
    return replace(ARRIVED, key=f"{number:032x}", **changed)  # type: ignore[arg-type]


def failed(number: int, **changed: object) -> Row:
    ended = NOON + timedelta(minutes=number)
    facts = {"state": "failed", "ended": ended, "reason": "No.", "remedy": "Mend it.", **changed}
    return mail(number, **facts)


async def insert(stores: Stores, *rows: Row) -> None:
    for row in rows:
        if not row.has_ended:
            await stores.unfinished.add(Unfinished.of(row))
        await stores.journal.insert(row)


async def status(
    stores: Stores,
    source: str | None = None,
    limit: int | None = 50,
    sources: Sequence[str] = ("invoices",),
) -> Status:
    clock = FakeClock(NOON + timedelta(hours=1))
    breakers = Breakers(BreakerTable(stores.tables), clock)
    records = Records(stores.journal, stores.unfinished, FolderTable(stores.tables), breakers)
    return await read_status(records, clock, sources, source, limit)


async def test_without_any_table_all_is_well(stores: Stores) -> None:
    found = await status(stores)

    assert found.well
    assert found.counts == {"invoices": dict.fromkeys(("arrived", "staged", "filed", "skipped", "failed"), 0)}
    assert (found.oldest, found.waiting, found.shut, found.failed, found.failures) == (None, (), (), (), 0)


async def test_mails_are_counted_by_source_and_state_of_vanished_sources_too(stores: Stores) -> None:
    await insert(
        stores,
        mail(1),
        mail(2, state="filed"),
        mail(3, state="filed"),
        mail(4, source="vanished", state="skipped"),
    )

    found = await status(stores)

    assert found.well
    assert {name: {state: n for state, n in of.items() if n} for name, of in found.counts.items()} == {
        "invoices": {"arrived": 1, "filed": 2},
        "vanished": {"skipped": 1},
    }


async def test_the_oldest_is_that_of_what_has_not_ended(stores: Stores) -> None:
    await insert(
        stores,
        mail(1, arrived=NOON - timedelta(days=9), state="filed"),
        mail(2, arrived=NOON),
        mail(3, arrived=NOON - timedelta(minutes=1), state="staged"),
    )

    found = await status(stores)

    assert found.oldest == OpenMail(
        "invoices", f"{3:032x}", "staged", NOON - timedelta(minutes=1), seconds=3660
    )


async def test_the_oldest_of_all_sources_is_found_without_a_look_at_the_journals_rows(stores: Stores) -> None:
    """The first row of each source in table `unfinished`; one that has ended is not open any more."""
    ended = mail(1, source="orders", arrived=NOON - timedelta(days=2), state="filed")
    await insert(
        stores,
        ended,
        mail(2, source="orders", arrived=NOON - timedelta(days=1)),
        mail(3, arrived=NOON - timedelta(hours=1)),
    )
    await stores.unfinished.add(Unfinished.of(ended))
    lost = Unfinished("invoices", NOON - timedelta(hours=2), f"{4:032x}", "AA=")
    await stores.unfinished.add(lost)

    both = await status(stores, sources=("invoices", "orders"))
    one = await status(stores, "invoices")

    assert both.oldest is not None
    assert (both.oldest.source, both.oldest.key) == ("orders", f"{2:032x}")
    # A mail that has no row in the journal yet is on record as open, too.
    assert one.oldest == OpenMail("invoices", lost.key, "arrived", lost.since, seconds=3 * 3600)


async def test_how_well_the_push_works_and_when_folders_were_swept_is_told(stores: Stores) -> None:
    table = FolderTable(stores.tables)
    await table.add(SweptFolder("invoices", "inbox", NOON, last_good=LATER, unannounced=3))
    await table.add(SweptFolder("invoices", "AAMkBelow=", NOON, above="inbox", due=LATER, unannounced=4))
    await table.add(SweptFolder("orders", "inbox", NOON))

    found, one = await status(stores), await status(stores, "orders")

    assert found.unannounced == {"invoices": 7, "orders": 0}
    lines = list(status_lines(found))
    assert lines[lines.index("Sweeps") + 1 :][:5] == [
        "  invoices: 7 mails came without a notification",
        "    inbox: last good one 2026-11-24 12:10:00 UTC",
        "    AAMkBelow=: none has ended yet; goes on at 2026-11-24 12:10:00 UTC",
        "  orders: 0 mails came without a notification",
        "    inbox: none has ended yet",
    ]
    assert one.unannounced == {"orders": 0}
    assert found.well


async def test_what_waits_is_told_by_reason_with_the_first_that_is_due(stores: Stores) -> None:
    await insert(
        stores,
        mail(1, due=LATER, reason="M-Files answered 503"),
        mail(2, due=NOON, reason="M-Files answered 503"),
        mail(3, state="staged", reason='class "CL.X": none.', remedy="Correct it."),
        mail(4),
    )

    found = await status(stores)

    assert found.waiting == (
        Waiting("invoices", "arrived", "M-Files answered 503", "", 2, NOON),
        Waiting("invoices", "staged", 'class "CL.X": none.', "Correct it.", 1, None),
    )
    assert found.well


async def test_the_newest_failed_come_first_and_all_are_counted(stores: Stores) -> None:
    await insert(stores, *(failed(number) for number in (2, 5, 1, 4, 3)))

    found = await status(stores, limit=2)
    whole = await status(stores, limit=None)

    assert found.failed == (
        FailedMail("invoices", f"{5:032x}", NOON + timedelta(minutes=5), "No.", "Mend it."),
        FailedMail("invoices", f"{4:032x}", NOON + timedelta(minutes=4), "No.", "Mend it."),
    )
    assert (found.failures, found.well) == (5, False)
    assert [int(one.key, 16) for one in whole.failed] == [5, 4, 3, 2, 1]


async def test_more_reasons_than_are_shown_are_counted(stores: Stores) -> None:
    await insert(stores, *(mail(number, reason=f"reason {number}") for number in range(3)))

    found = await status(stores, limit=2)

    assert (len(found.waiting), found.reasons_to_wait) == (2, 3)
    assert "Waiting: 3; 2 reasons are shown, all with --all" in status_lines(found)


async def test_what_stands_still_is_told_with_the_services_of_every_source(stores: Stores) -> None:
    breakers = Breakers(BreakerTable(stores.tables), FakeClock())
    await breakers.change(BreakerKey("service", "vault"), lambda one: opened(one, "503", NOON))
    await breakers.change(
        BreakerKey("source", "invoices", "filing"), lambda one: held(one, "No class.", "Correct it.", NOON)
    )
    await breakers.pause("source", "orders", "moving")
    await breakers.pause("service", "graph", "moving")
    await breakers.resume("service", "graph")

    found = await status(stores)
    one = await status(stores, "invoices")

    vault = Shut("service", "vault", "all", "open", NOON, "503", "")
    invoices = Shut("source", "invoices", "filing", "held", NOON, "No class.", "Correct it.")
    orders = Shut("source", "orders", "all", "paused", NOON, "moving", "")
    assert found.shut == (vault, invoices, orders)
    assert one.shut == (vault, invoices)
    assert not found.well


async def test_of_one_source_nothing_of_another_is_told(stores: Stores) -> None:
    await insert(stores, mail(1), failed(2, source="orders"), mail(3, source="orders", reason="No."))

    found = await status(stores, "invoices")

    assert list(found.counts) == ["invoices"]
    assert found.well
    assert not found.waiting


async def test_storage_that_does_not_answer_is_no_answer(down: Stores) -> None:
    """Else an empty account and a broken one would look alike."""
    with pytest.raises(Unavailable):
        await status(down)


async def test_as_json_it_has_all_of_it(stores: Stores) -> None:
    await insert(stores, mail(1, due=LATER, reason="503"), failed(2))
    await FolderTable(stores.tables).add(
        SweptFolder("invoices", "inbox", NOON, last_good=LATER, unannounced=3)
    )

    read = json.loads(as_json(status_json(await status(stores))))

    assert read == {
        "well": False,
        "at": "2026-11-24T13:00:00+00:00",
        "counts": {"invoices": {"arrived": 1, "staged": 0, "filed": 0, "skipped": 0, "failed": 1}},
        "oldest": {
            "source": "invoices",
            "key": f"{1:032x}",
            "state": "arrived",
            "arrived": "2026-11-24T12:00:00+00:00",
            "seconds": 3600,
        },
        "waiting": [
            {
                "source": "invoices",
                "state": "arrived",
                "reason": "503",
                "remedy": "",
                "mails": 1,
                "due": "2026-11-24T12:10:00+00:00",
            }
        ],
        "reasons_to_wait": 1,
        "shut": [],
        "failed": [
            {
                "source": "invoices",
                "key": f"{2:032x}",
                "at": "2026-11-24T12:02:00+00:00",
                "reason": "No.",
                "remedy": "Mend it.",
            }
        ],
        "failures": 1,
        "folders": [
            {
                "source": "invoices",
                "name": "inbox",
                "first_start": "2026-11-24T12:00:00+00:00",
                "above": "",
                "last_good": "2026-11-24T12:10:00+00:00",
                "due": None,
                "confirmed": None,
                "unannounced": 3,
            }
        ],
        "unannounced": {"invoices": 3},
    }


async def test_for_a_person_it_is_a_table_and_what_to_do(stores: Stores) -> None:
    await insert(stores, mail(1, due=LATER, reason="a\x1b[2Jb"), failed(2))

    lines = list(status_lines(await status(stores)))

    assert lines[:2] == [
        "source    arrived  staged  filed  skipped  failed",
        "invoices        1       0      0        0       1",
    ]
    assert f"Oldest unfinished: invoices {1:032x}, arrived, 60 minutes old" in lines
    assert "  invoices, arrived: 1 mail, next 2026-11-24 12:10:00 UTC" in lines
    assert "    a [2Jb" in lines
    assert f"  invoices {2:032x}  2026-11-24 12:02:00 UTC" in lines
    assert lines[lines.index("    No.") + 1] == "    Mend it."
    assert lines[-1] == "Not all is well."
