"""Lengths of the queues, and how long a message waits, are told once a look."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest

from shared.errors import Unavailable
from shared.queue_gauge import AzureQueueDepths, Depth, QueueGauge
from shared.queue_messages import KINDS, MAIL_ARRIVED, VAULT_IMPORT

from .accounts import Stores
from .clock import FakeClock

pytestmark = pytest.mark.anyio


@dataclass
class Depths:
    """Queues of which the test says how long they are."""

    known: dict[str, Depth] = field(default_factory=dict)
    is_down: bool = False

    async def of(self, queue: str) -> Depth:
        if self.is_down:
            raise Unavailable(f"queue {queue}: no answer", origin="storage")
        return self.known.get(queue, Depth())


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vaultpost")


async def _told(gauge: QueueGauge, caplog: pytest.LogCaptureFixture) -> str:
    caplog.clear()
    await gauge.run()
    return caplog.messages[-1]


async def test_each_queue_and_its_poison_queue_is_told(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    gauge = QueueGauge(Depths({VAULT_IMPORT: Depth(3, "m"), "mail-filed-poison": Depth(2, "p")}), clock)
    text = await _told(gauge, caplog)
    assert text.startswith("queues ")
    words = dict(word.split("=") for word in text.split()[1:])
    expected = dict.fromkeys([*KINDS, *(f"{queue}-poison" for queue in KINDS)], "0")
    assert words == {**expected, VAULT_IMPORT: "3", "mail-filed-poison": "2", "waiting": "0"}


async def test_what_stays_at_the_head_of_a_queue_waits(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    depths = Depths({MAIL_ARRIVED: Depth(1, "first")})
    gauge = QueueGauge(depths, clock)
    await gauge.run()
    clock.advance(seconds=60)
    await gauge.run()
    clock.advance(seconds=61)
    assert (await _told(gauge, caplog)).endswith("waiting=121")
    depths.known[MAIL_ARRIVED] = Depth(9, "second")
    assert (await _told(gauge, caplog)).endswith("waiting=0")
    depths.known[MAIL_ARRIVED] = Depth(9)
    clock.advance(seconds=60)
    assert (await _told(gauge, caplog)).endswith("waiting=0")


async def test_storage_that_does_not_answer_is_told_and_stops_nothing(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await _told(QueueGauge(Depths(is_down=True), clock), caplog)).startswith("queues-not-seen ")


async def test_azure_tells_hidden_messages_too_but_shows_only_visible_ones(stores: Stores) -> None:
    depths = AzureQueueDepths(stores.queue_service)
    assert await depths.of(MAIL_ARRIVED) == Depth()
    await stores.queues.send_text(MAIL_ARRIVED, "{}", delay=60)
    assert await depths.of(MAIL_ARRIVED) == Depth(1)
    await stores.queues.send_text(MAIL_ARRIVED, "{}")
    found = await depths.of(MAIL_ARRIVED)
    assert found.messages == 2
    assert found.head
