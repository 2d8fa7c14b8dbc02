"""What holds for the swept folders, in the table and in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import Unavailable
from shared.folder_register import FolderRegister, FolderTable, SweptFolder, folder_key
from shared.testing.folder_register import InMemoryFolderRegister

from .accounts import Stores
from .clock import NOON

pytestmark = pytest.mark.anyio
MINUTE = timedelta(minutes=1)
INBOX = SweptFolder("invoices", "inbox", NOON + timedelta(microseconds=123_456))
WHOLE = SweptFolder(
    "invoices",
    "AQMkAGIw/TZm-LW+xYzY_tNDk4Ny=",
    NOON,
    above="inbox/Scans?",
    last_good=NOON + MINUTE,
    due=NOON + 2 * MINUTE,
    confirmed=NOON + 3 * MINUTE,
    unannounced=7,
)
"""Its name has what a key of a table cannot hold."""


@pytest.fixture(params=["table", "fake"])
def register(request: pytest.FixtureRequest) -> FolderRegister:
    """Both kinds, empty."""
    if request.param == "fake":
        return InMemoryFolderRegister()
    stores: Stores = request.getfixturevalue("stores")
    return FolderTable(stores.tables)


async def listed(register: FolderRegister, source: str | None = None) -> list[SweptFolder]:
    return [folder async for folder in register.rows(source)]


async def test_at_first_there_is_none(register: FolderRegister) -> None:
    assert await register.read("invoices", "inbox") is None
    assert await listed(register) == await listed(register, "invoices") == []
    await register.remove(INBOX)
    await register.note(INBOX, unannounced=1)
    assert await listed(register) == []


@pytest.mark.parametrize("folder", [INBOX, WHOLE], ids=["least", "most"])
async def test_a_folder_comes_back_as_it_was_added(register: FolderRegister, folder: SweptFolder) -> None:
    assert await register.add(folder) == folder
    assert await register.read(folder.source, folder.name) == folder


async def test_who_adds_a_folder_that_is_there_is_told_what_is_there(register: FolderRegister) -> None:
    """When a folder was first seen does not change with each order of a sweep."""
    await register.add(WHOLE)

    assert await register.add(SweptFolder("invoices", WHOLE.name, NOON + 9 * MINUTE)) == WHOLE
    assert await listed(register) == [WHOLE]


async def test_of_many_at_once_one_is_the_first(register: FolderRegister) -> None:
    """They also race for the table."""
    added = await asyncio.gather(
        *(register.add(replace(INBOX, first_start=NOON + number * MINUTE)) for number in range(6))
    )

    assert set(added) == {await register.read("invoices", "inbox")}


async def test_names_are_told_apart_by_case_as_ids_are(register: FolderRegister) -> None:
    for name in ("AAMkA=", "AAMka="):
        await register.add(replace(INBOX, name=name))

    assert {folder.name for folder in await listed(register)} == {"AAMkA=", "AAMka="}
    assert await register.read("invoices", "aamka=") is None
    assert folder_key("AAMkA=") != folder_key("AAMka=")


async def test_what_one_worker_notes_leaves_what_another_one_has_noted(register: FolderRegister) -> None:
    """A sweep that is put back has read the folder before its twin came to the end."""
    folder = await register.add(INBOX)

    await register.note(folder, last_good=NOON, unannounced=3)
    await register.note(folder, due=NOON + MINUTE)
    await register.note(folder, confirmed=NOON + 2 * MINUTE, above="inbox")

    assert await register.read("invoices", "inbox") == replace(
        INBOX,
        last_good=NOON,
        unannounced=3,
        due=NOON + MINUTE,
        confirmed=NOON + 2 * MINUTE,
        above="inbox",
    )
    await register.note(folder, above="", unannounced=0)
    found = await register.read("invoices", "inbox")
    assert found is not None
    assert (found.above, found.unannounced, found.last_good) == ("", 0, NOON)


async def test_a_note_does_not_bring_a_folder_back_that_is_gone(register: FolderRegister) -> None:
    """Half a row would stop whoever lists them."""
    await register.add(INBOX)
    await register.remove(INBOX)
    await register.remove(INBOX)

    await register.note(INBOX, last_good=NOON)

    assert await register.read("invoices", "inbox") is None
    assert await listed(register) == []


async def test_rows_are_those_of_a_source_or_all(register: FolderRegister) -> None:
    folders = [INBOX, WHOLE, replace(INBOX, source="orders"), replace(INBOX, source="invoices-2")]
    for folder in folders:
        await register.add(folder)

    assert set(await listed(register)) == set(folders)
    assert set(await listed(register, "invoices")) == {INBOX, WHOLE}
    assert await listed(register, "invoice") == []


async def test_a_storage_that_is_down_is_told(down: Stores) -> None:
    register = FolderTable(down.tables)

    with pytest.raises(Unavailable, match="folders"):
        await register.read("invoices", "inbox")
    with pytest.raises(Unavailable, match="folders"):
        await register.add(INBOX)
    with pytest.raises(Unavailable, match="folders"):
        await register.note(INBOX, unannounced=1)
    with pytest.raises(Unavailable, match="folders"):
        await register.remove(INBOX)
    with pytest.raises(Unavailable, match="folders"):
        await listed(register)
