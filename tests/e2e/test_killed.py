"""The host is killed again and again while mail comes in: none is lost, none is filed twice, none fails."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.app import App
from sandbox.box import Sandbox
from sandbox.faults import Commit, Latency
from tests.e2e.estate import CLAIMS_OVER, Estate, drawn, estate, until
from tests.e2e.test_filing import mail

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def only_if_there_is_time(pytestconfig: pytest.Config) -> None:
    """Two cores are busy with it for minutes; it prints its seed."""
    if not pytestconfig.getoption("--long"):
        pytest.skip("takes minutes: python3 dev.py test --long tests/e2e/test_killed.py")


MAILS, KILLS = 100, 10
_BETWEEN_MAILS = 0.5
_LIVES_FOR = 4.0


async def test_a_host_that_is_killed_ten_times_loses_no_mail_and_files_none_twice(
    box: Sandbox,
    accounts: Iterator[str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Notifications that meet a dead host are sent again by the tenant, as Graph does.

    What was claimed at a death is free again 90 seconds later. A host whose clock is ahead takes it over at
    once; with `--long` one of the same time waits for that.
    """
    chance = drawn()
    async with estate(box, next(accounts), tmp_path, "killed") as ground:
        async with ground.host() as app, slow(box):
            await ground.subscribed(app)
            delivering = asyncio.create_task(deliver(ground, chance))
            try:
                claimed = await kill_again_and_again(ground, app, chance)
            finally:
                await delivering
            await until(lambda: ground.all_done_or_claimed(MAILS), 120.0, app)
        assert claimed, "no death has met a mail: this run shows nothing"
        await ground.heal(MAILS, timedelta(0) if request.config.getoption("--long") else CLAIMS_OVER)

        print(f"{claimed} mails were claimed by the dead")
        assert await ground.faults(MAILS) == []
        assert ground.twins() == 0, "what was created before a death is found, not created again"


@asynccontextmanager
async def slow(box: Sandbox) -> AsyncIterator[None]:
    """Services take their time, as real ones do, so that deaths meet work; what is created is so at once."""
    box.faults.graph.add(Latency(seconds=0.2))
    box.faults.vault.add(Commit(route="POST /objects/", latency=0.4))
    try:
        yield
    finally:
        box.faults.clear()


async def deliver(ground: Estate, chance: random.Random) -> None:
    """Mails with none to three attachments come in, over most of a minute."""
    for number in range(MAILS):
        files = {f"file{one}_pdf": chance.randbytes(chance.randrange(100_000)) for one in range(number % 4)}
        ground.box.tenant.deliver(ground.mailbox, mail(f"Killed-{number}", **files))
        await asyncio.sleep(_BETWEEN_MAILS * 2 * chance.random())


async def kill_again_and_again(ground: Estate, app: App, chance: random.Random) -> int:
    """End the host at any moment, ten times, and start it again at once.

    Answers how many mails were claimed, all by the dead, at the last time.
    """
    claimed = 0
    for _ in range(KILLS):
        await asyncio.sleep(_LIVES_FOR * chance.random())
        await app.kill()
        claimed = await ground.number_claimed()
        await app.start()
    return claimed
