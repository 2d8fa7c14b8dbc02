"""Folders with very many messages: 3,000, and with `--long` 100,000 or 10,000."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.identities import filing_key
from shared.journal_row import Row, gone_on
from shared.queue_messages import FOLDER_SWEEP
from shared.sweep_plan import PASSED_OVER
from shared.testing.journal import InMemoryJournal
from tests.protocol.hooks import Hook

from .sweep_ground import Ground

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
MEMORY = 24 * 1024 * 1024
"""Bytes that a sweep may have at once, whatever the number of messages."""


@pytest.fixture
def many(request: pytest.FixtureRequest) -> int:
    return 100_000 if request.config.getoption("--long") else 3_000


class CompactJournal(InMemoryJournal):
    """Of what is passed over it keeps the key alone: 16 bytes of memory that are not the sweep's."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: set[bytes] = set()

    async def add_absent(self, rows: Sequence[Row]) -> None:
        await asyncio.sleep(0)
        assert {row.rule for row in rows} <= {PASSED_OVER}
        self.passed.update(bytes.fromhex(row.key) for row in rows)


async def sweep(ground: Ground, hook: Hook) -> None:
    """The order of a sweep, and what it orders, until it dies or nothing is ordered any more."""
    worker = ground.worker(hook)
    await worker.order()
    while not hook.is_dead:
        found = await ground.queues.receive(FOLDER_SWEEP, 1, 600)
        if not found:
            return
        await worker.take(found[0])


async def test_a_first_round_over_very_many_messages_ends_though_it_is_killed_on_the_way(
    ground: Ground, many: int
) -> None:
    """Five times. Nothing but the new mail is queued, and memory is that of a page."""
    ground.page_size = 200
    journal = ground.journal = CompactJournal()
    ground.fill(many - 20, ago=DAY)
    new = ground.fill(20)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(5):
            hook = Hook(at=10 + many // 1000 + 7 * number)
            await sweep(ground, hook)
            assert hook.has_struck
        await sweep(ground, Hook())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(journal.passed) == many - 20
    queued = {row.key async for row in journal.rows(ground.name)}
    assert queued == {filing_key(ground.name, one) for one in new}
    assert ground.queued() == 20
    assert (await ground.state()).round == "next"
    assert peak - before < MEMORY


async def test_a_token_that_is_lost_after_very_many_filed_mails_files_nothing_again(
    ground: Ground, many: int
) -> None:
    """The new round costs one request a page."""
    ground.page_size = 200
    now, hook = ground.clock.now(), Hook()
    for message in ground.fill(min(many, 10_000)):
        row = Row(ground.name, filing_key(ground.name, message), "arrived", message, now, opened=now)
        await ground.journal.insert(gone_on(row, "filed", ended=now, settled=now, handed=now))
    await ground.sweep()
    ground.clock.advance(hours=1)
    ground.box.tenant.expire_delta_tokens(ground.mailbox)
    requests = ground.counted()

    await ground.sweep(ground.worker(hook))

    pages = -(-min(many, 10_000) // 200)
    assert requests.number == 1 + pages
    assert "unfinished.add" not in hook.points
    assert "journal.insert" not in hook.points
    assert not ground.queues.messages()
