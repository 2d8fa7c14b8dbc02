"""The app in its host; notifications are lost, doubled and shuffled: one sweep later all is filed once."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from sandbox.app import App
from sandbox.box import Sandbox
from sandbox.tenant.graph.push import Push
from shared.folder_register import FolderTable
from shared.journal_row import Row
from tests.e2e.estate import Estate, estate, until
from tests.e2e.test_filing import mail

pytestmark = pytest.mark.anyio
MAILS, WITH_LONG = 12, 60


@asynccontextmanager
async def pushing(box: Sandbox, **options: object) -> AsyncIterator[Push]:
    """Notifications travel so, for a while."""
    push = box.tenant.subscriptions.push
    before = replace(push)
    for name, value in options.items():
        setattr(push, name, value)
    try:
        yield push
    finally:
        for name in options:
            setattr(push, name, getattr(before, name))


@pytest.fixture
def mails(pytestconfig: pytest.Config) -> int:
    return WITH_LONG if pytestconfig.getoption("--long") else MAILS


async def all_filed_once(ground: Estate, app: App, number: int) -> None:
    """Wait until all is over, and look at each mail."""
    await until(lambda: ground.all_ended(number), 60.0, app)
    await until(ground.nothing_left, 60.0, app)
    assert await ground.faults(number) == []
    assert ground.twins() == 0


async def swept(ground: Estate) -> bool:
    """Whether the inbox has had a good sweep."""
    folder = await FolderTable(ground.stores.tables).read(ground.source, "inbox")
    return folder is not None and folder.last_good is not None


async def test_one_sweep_after_a_lossy_push_everything_is_filed_once(
    box: Sandbox, accounts: Iterator[str], tmp_path: Path, mails: int
) -> None:
    """30 % are lost, 30 % come twice, and all are shuffled."""
    async with estate(box, next(accounts), tmp_path, "lossy") as ground, ground.host() as app:
        # The timer alone: the first round begins with a subscription.
        await app.run("sweep")
        await until(lambda: swept(ground), 60.0, app)
        assert [one for one in box.tenant.subscriptions.live() if ground.mailbox in one.resource]
        chance = random.Random(4)
        lossy = {"lost": 0.3, "doubled": 0.3, "late": 1.0, "gathered": 0.2, "shuffled": True}
        async with pushing(box, **lossy, varied=True, chance=chance):
            for number in range(mails):
                box.tenant.deliver(ground.mailbox, mail(f"Lossy-{number}"))
            await until(lambda: _more_rows(ground, mails // 3), 60.0, app)
            await app.run("sweep")
            await all_filed_once(ground, app, mails)
        assert not await _poison(ground)


async def test_without_any_notification_the_sweep_alone_files_everything(
    box: Sandbox, accounts: Iterator[str], tmp_path: Path, mails: int
) -> None:
    """And what was there before the first start is passed over."""
    async with estate(box, next(accounts), tmp_path, "silent") as ground:
        box.tenant.deliver(ground.mailbox, mail("Old"), received=box.tenant.now() - timedelta(days=30))
        async with ground.host() as app, pushing(box, lost=1.0):
            await app.run("sweep")
            await until(lambda: swept(ground), 60.0, app)
            (old,) = await ground.rows()
            assert old.state == "skipped"
            await _forget(ground, old)
            for number in range(mails):
                box.tenant.deliver(ground.mailbox, mail(f"Silent-{number}"))

            await app.run("sweep")

            await all_filed_once(ground, app, mails)


async def test_a_lifecycle_event_that_notifications_were_missed_brings_a_sweep(
    box: Sandbox, accounts: Iterator[str], tmp_path: Path
) -> None:
    async with estate(box, next(accounts), tmp_path, "missed") as ground, ground.host() as app:
        await app.run("sweep")
        await until(lambda: swept(ground), 60.0, app)
        async with pushing(box, lost=1.0):
            box.tenant.deliver(ground.mailbox, mail("Missed-1"))
            (mine,) = [one for one in box.tenant.subscriptions.live() if ground.mailbox in one.resource]
            event = {
                "subscriptionId": mine.id,
                "clientState": ground.client_state,
                "lifecycleEvent": "missed",
            }
            async with httpx.AsyncClient() as http:
                answer = await http.post(f"{app.address}/api/lifecycle", json={"value": [event]})
            assert answer.status_code == 202

            await all_filed_once(ground, app, 1)


async def _forget(ground: Estate, row: Row) -> None:
    """Take a mail away that is no document."""
    ground.box.tenant.delete(ground.mailbox, row.message)
    whole = await ground.stores.journal.read(row.source, row.key)
    assert whole is not None
    assert whole.rule == "passed-over"
    await ground.stores.journal.delete(whole)


async def _more_rows(ground: Estate, number: int) -> bool:
    return len(await ground.rows()) >= number


async def _poison(ground: Estate) -> list[str]:
    names = ("mail-arrived", "vault-import", "mail-filed", "folder-sweep", "lifecycle-event")
    return [name for name in names if await ground.stores.number(f"{name}-poison")]
