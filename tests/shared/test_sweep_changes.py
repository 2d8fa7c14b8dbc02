"""Sweeps when what is watched changes: another mailbox, another name, a folder that goes, Graph down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.breaker import BreakerKey, held
from shared.graph.answers import Entry, Removed
from shared.queue_messages import FolderSweep
from shared.sweep_intake import without_repetitions
from shared.tracing import traceparent

from .clock import NOON
from .made import unique_name
from .sweep_ground import OLD, Ground

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


async def test_a_source_that_gets_another_mailbox_files_the_mail_of_that_one_from_then_on(
    ground: Ground,
) -> None:
    await ground.sweep()
    ground.clock.advance(hours=1)
    former = ground.mailbox
    ground.configure(mailbox=f"{unique_name('other')}@example.com")
    ground.box.tenant.add_mailbox(ground.mailbox)
    there_before = ground.deliver("Before", ago=OLD)

    await ground.sweep()
    ground.clock.advance(hours=1)
    of_former = ground.box.tenant.deliver(former, b"Subject: x\r\n\r\nx").immutable_id
    new = ground.deliver("After")
    await ground.sweep()
    await ground.settle()

    assert await ground.states_of([there_before, new, of_former]) == ["passed-over", "filed", ""]


@pytest.mark.parametrize("now_called", ["inbox/Scanned", "INBOX/scans"])
async def test_a_folder_that_is_called_otherwise_goes_on_where_it_was(
    ground: Ground, now_called: str
) -> None:
    folder = ground.box.tenant.add_folder(ground.mailbox, "inbox/Scans").id
    ground.configure(folders=["inbox/Scans"])
    await ground.sweep()
    ground.clock.advance(hours=1)
    mail = ground.deliver("Unannounced", folder)
    if now_called.endswith("Scanned"):
        ground.box.tenant.rename_folder(ground.mailbox, folder, "Scanned")
    ground.clock.advance(hours=1)

    ground.configure(folders=[now_called])
    await ground.sweep()
    await ground.settle()

    assert await ground.states_of([mail]) == ["filed"]


async def test_one_folder_that_is_missing_does_not_stop_the_others(ground: Ground) -> None:
    ground.configure(folders=["inbox/Missing", "inbox"])
    await ground.sweep()
    ground.clock.advance(hours=1)
    mail = ground.deliver()

    await ground.sweep()
    await ground.settle()

    assert await ground.states_of([mail]) == ["filed"]


async def test_mail_that_came_while_graph_was_down_at_the_first_start_is_filed(ground: Ground) -> None:
    """Since when mail is filed is noted before Graph is asked for anything: by the watch, within a minute."""
    folder = ground.box.tenant.add_folder(ground.mailbox, "inbox/Scans").id
    ground.configure(folders=["inbox/Scans"])
    await ground.worker().watch()
    ground.clock.advance(days=1)
    mail = ground.deliver("Meanwhile", folder, ago=12 * HOUR)

    await ground.sweep()
    await ground.settle()

    assert await ground.states_of([mail]) == ["filed"]


async def test_while_graph_is_paused_no_sweep_asks_it_and_one_order_waits(ground: Ground) -> None:
    await ground.sweep()
    await ground.worker().services.breakers.pause("service", "graph", "it is mended")
    counting = ground.counted()
    for _ in range(5):
        await ground.sweep()
        ground.clock.advance(minutes=30)

    assert counting.number == 0
    assert ground.queued("folder-sweep") == 1
    await ground.worker().services.breakers.resume("service", "graph")
    mail = ground.deliver()
    await ground.settle()
    assert await ground.states_of([mail]) == ["filed"]


async def test_a_sweep_that_fails_gives_the_probe_back_that_it_was_let_in_for(ground: Ground) -> None:
    """Else nobody could look for 90 seconds whether the source works again."""
    ground.configure(folders=["inbox/Missing"])
    worker = ground.worker()
    key = BreakerKey("source", ground.name, "staging")
    now = ground.clock.now()
    await worker.services.breakers.change(key, lambda one: held(one, "no access", "grant it", now))
    ground.clock.advance(minutes=2)

    await worker.services.sweeper.sweep(
        FolderSweep(source=ground.name, traceparent=traceparent(), folder="inbox/Missing")
    )

    shut = (await worker.services.breakers.all(fresh=True))[key]
    assert shut.state == "held"
    assert (shut.probe_owner, shut.probed_at) == ("", ground.clock.now())


async def test_a_subfolder_that_was_moved_away_is_not_swept_any_more(ground: Ground) -> None:
    folder = ground.box.tenant.add_folder(ground.mailbox, "inbox/Sub").id
    ground.configure(subfolders=True)
    await ground.sweep()
    assert [row.name async for row in ground.register.rows(ground.name) if row.above] != []
    ground.box.tenant.move_folder(ground.mailbox, folder, "archive")

    await ground.sweep()
    ground.clock.advance(hours=1)
    mail = ground.deliver("Elsewhere", folder)
    await ground.sweep()

    assert [row.name async for row in ground.register.rows(ground.name) if row.above] == []
    assert await ground.states_of([mail]) == [""]


@dataclass(frozen=True)
class Told:
    """What an entry says."""

    number: int
    minute: int | None
    is_removed: bool

    def entry(self) -> Entry:
        modified = None if self.minute is None else (NOON + timedelta(minutes=self.minute)).isoformat()
        gone = Removed("changed") if self.is_removed else None
        return Entry(id=f"m{self.number}", last_modified_date_time=modified, removed_because=gone)


_told = some.builds(Told, some.integers(0, 3), some.sampled_from([None, 1, 2]), some.booleans())


@given(some.lists(_told))
def test_of_a_page_each_message_counts_once_and_rather_as_there_than_as_gone(told: list[Told]) -> None:
    found = {entry.id: entry for entry in without_repetitions([one.entry() for one in told])}

    assert found.keys() == {f"m{one.number}" for one in told}
    for number, entry in found.items():
        of_it = [one for one in told if f"m{one.number}" == number]
        there = [one for one in of_it if not one.is_removed]
        assert entry.removed == (not there)
        if there:
            latest = max((one.minute or 0) for one in there)
            assert (entry.last_modified is None and latest == 0) or (
                entry.last_modified == NOON + timedelta(minutes=latest)
            )
