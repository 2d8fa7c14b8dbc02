"""The mail of all watched folders, read to its end whatever stumbles on the way."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from msgspec import structs

from sandbox.faults import Cut, Status
from shared.configuration import Source
from shared.errors import ConfigurationFault
from shared.graph.faults import NotFound
from shared.operations.patience import Patience
from shared.operations.watched_mail import BATCH, BEGINNING, WatchedMail

from .estate import Estate

pytestmark = pytest.mark.anyio


async def _no_sleep(seconds: float) -> None:
    """For tests that do not wait."""


async def ids(estate: Estate, source: Source | None = None) -> Counter[str]:
    mail = WatchedMail(estate.services.watched_folders, Patience(_no_sleep))
    batches = [batch async for batch in mail.of(source or estate.source, BEGINNING)]
    assert all(len(batch) <= BATCH for batch in batches)
    return Counter(one.message for batch in batches for one in batch)


async def test_each_mail_comes_once_in_batches(estate: Estate) -> None:
    received = estate.clock.now() - timedelta(days=2)
    step = timedelta(milliseconds=300)
    made = estate.box.tenant.fill(estate.mailbox, b"Subject: x\r\n\r\nx", 250, received=received, step=step)

    assert await ids(estate) == dict.fromkeys((one.immutable_id for one in made), 1)


async def test_each_mail_comes_once_though_each_second_page_is_lost(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages end within a second, so that it has to begin again within one."""
    monkeypatch.setattr("shared.graph.folders.ENTRIES_AT_ONCE", 7)
    received = estate.clock.now() - timedelta(days=2)
    step = timedelta(milliseconds=150)
    made = estate.box.tenant.fill(estate.mailbox, b"Subject: x\r\n\r\nx", 60, received=received, step=step)
    route = f"GET /users/{estate.mailbox}/mailFolders/inbox/messages"
    for after in range(2, 12, 2):
        estate.box.faults.graph.add(Status(503, route=route, times=1, after=after))
    estate.box.faults.graph.add(Cut(100, route=route, times=1, after=6))

    assert await ids(estate) == dict.fromkeys((one.immutable_id for one in made), 1)


async def test_of_all_folders_and_those_below_them(estate: Estate) -> None:
    for path in ("inbox/Scans", "inbox/Scans/Old", "Other"):
        estate.box.tenant.add_folder(estate.mailbox, f"msgfolderroot/{path}" if path == "Other" else path)
    within = [estate.deliver(folder=folder) for folder in ("inbox", "inbox/Scans", "inbox/Scans/Old")]
    estate.deliver(folder="archive")
    source = structs.replace(estate.source, folders=("inbox", "inbox/Scans"), subfolders=True)

    assert await ids(estate, source) == dict.fromkeys((one.immutable_id for one in within), 1)


async def test_a_subfolder_that_goes_meanwhile_is_passed(estate: Estate) -> None:
    folder = estate.box.tenant.add_folder(estate.mailbox, "inbox/Scans")
    kept = estate.deliver()
    estate.deliver(folder="inbox/Scans")
    source = structs.replace(estate.source, subfolders=True)
    gone = f"GET /users/{estate.mailbox}/mailFolders/{folder.id}/messages"
    estate.box.faults.graph.add(Status(404, route=gone, code="ErrorItemNotFound"))

    assert await ids(estate, source) == {kept.immutable_id: 1}


async def test_a_configured_folder_that_is_not_there_is_a_fault(estate: Estate) -> None:
    with pytest.raises(ConfigurationFault):
        await ids(estate, structs.replace(estate.source, folders=("inbox/None",)))
    with pytest.raises(NotFound):
        await ids(estate, structs.replace(estate.source, mailbox="nobody@example.com"))
