"""Folders with very many messages: 10,000, and with `--long` 100,000."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from sandbox.box import Sandbox
from shared.blob_container import BlobContainer
from shared.fingerprints import FingerprintTable
from shared.folder_register import FolderTable
from shared.graph.delta import DeltaReader
from shared.identities import filing_key
from shared.journal_row import Row, gone_on
from shared.queue_messages import FOLDER_SWEEP, FolderSweep
from shared.services import Services
from shared.sweep_state import CONTAINER, SweepStates
from shared.testing.queues import InMemoryQueues
from shared.tracing import traceparent
from tests.protocol.hooks import Died, Hook, Hooked

from . import made
from .accounts import Stores
from .clock import FakeClock
from .graph.samples import mail
from .sweep_ground import Ground

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
MEMORY = 24 * 1024 * 1024
"""Bytes that a sweep may have at once, whatever the number of messages."""


@pytest.fixture
def many(request: pytest.FixtureRequest) -> int:
    return 100_000 if request.config.getoption("--long") else 10_000


class Bulk:
    """One source on Azure's tables and blobs, with queues in memory; each worker dies where its hook says."""

    def __init__(self, box: Sandbox, base: Services, stores: Stores, clock: FakeClock) -> None:
        self.box, self.base, self.stores, self.clock = box, base, stores, clock
        self.queues = InMemoryQueues(clock)
        self.source = made.source(made.unique_name("bulk"))
        box.tenant.add_mailbox(self.source.mailbox)

    def worker(self, hook: Hook) -> Services:
        states: Any = Hooked("state", BlobContainer(self.stores.blobs, CONTAINER, "state"), hook)
        services = Services(self.base.settings, self.base.configuration, self.clock)
        services.sources = {self.source.name: self.source}
        services.__dict__.update(
            graph=self.base.graph,
            journal=Hooked("journal", self.stores.journal, hook),
            unfinished=Hooked("unfinished", self.stores.unfinished, hook),
            queues=Hooked("queues", self.queues, hook),
            breakers=self.base.breakers,
            folder_register=FolderTable(self.stores.tables),
            sweep_states=SweepStates(states),
            delta=DeltaReader(self.base.graph),
            subscriptions=_Unsubscribed(),
            fingerprints=FingerprintTable(self.stores.tables),
        )
        return services

    async def sweep(self, hook: Hook) -> None:
        """The order of a sweep, until it dies or nothing is ordered any more."""
        order = FolderSweep(source=self.source.name, traceparent=traceparent(), folder="inbox")
        worker = self.worker(hook)
        try:
            await worker.sweeper.sweep(order)
            while found := await self.queues.receive(FOLDER_SWEEP, 1, 600):
                await self.queues.delete(found[0])
                await worker.sweeper.sweep(order)
        except Died:
            return

    async def rows(self) -> AsyncIterator[Row]:
        async for row in self.stores.journal.rows(self.source.name, columns=("rule",)):
            yield row


class _Unsubscribed:
    async def maintain_source(self, name: str) -> None:
        return


async def test_a_first_round_over_very_many_messages_ends_though_it_is_killed_on_the_way(
    box: Sandbox,
    services: Services,
    stores: Stores,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    many: int,
) -> None:
    """Five times. All but the new mail is passed over, and memory is that of a page."""
    monkeypatch.setattr(box.tenant, "now", clock.now)
    bulk = Bulk(box, services, stores, clock)
    box.tenant.fill(bulk.source.mailbox, mail("Old"), many - 20, received=clock.now() - DAY)
    new = box.tenant.fill(bulk.source.mailbox, mail("New"), 20, received=clock.now())
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(5):
            hook = Hook(at=many // 500 + 7 * number)
            await bulk.sweep(hook)
            assert hook.has_struck
        await bulk.sweep(Hook())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    passed, queued = 0, set()
    async for row in bulk.rows():
        if row.rule == "passed-over":
            passed += 1
        else:
            queued.add(row.key)
    assert passed == many - 20
    assert queued == {filing_key(bulk.source.name, one.immutable_id) for one in new}
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
