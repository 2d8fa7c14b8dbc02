"""Stopping and letting go on, by the operator's word."""

from __future__ import annotations

import pytest

from shared.breaker import BreakerKey, held, opened
from shared.breaker_table import Breakers
from shared.operations.switching import pause, resume
from shared.testing.breaker_table import InMemoryBreakerTable

from ..clock import NOON, FakeClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def breakers() -> Breakers:
    return Breakers(InMemoryBreakerTable(), FakeClock())


async def test_a_pause_stands_with_its_reason_until_it_is_resumed(breakers: Breakers) -> None:
    said = await pause(breakers, "service", "vault", "The vault moves.")

    assert said[0] == 'service "vault" is paused: The vault moves.'
    found = (await breakers.all(fresh=True))[BreakerKey("service", "vault")]
    assert (found.state, found.reason) == ("paused", "The vault moves.")
    assert await resume(breakers, "service", "vault") == [
        'service "vault" goes on. It was paused: The vault moves.'
    ]
    assert (await breakers.all(fresh=True))[BreakerKey("service", "vault")].state == "closed"


async def test_resuming_a_source_ends_whatever_has_shut_it(breakers: Breakers) -> None:
    """Its holds of staging and of filing, too."""
    filing = BreakerKey("source", "invoices", "filing")
    await breakers.change(filing, lambda one: held(one, "No class.", "Correct it.", NOON, asks_operator=True))
    await breakers.change(BreakerKey("source", "invoices"), lambda one: opened(one, "503", NOON))

    said = await resume(breakers, "source", "invoices")

    assert sorted(said) == [
        'source "invoices" goes on. It was held (filing): No class.',
        'source "invoices" goes on. It was open: 503',
    ]


async def test_where_nothing_is_shut_there_is_nothing_to_resume(breakers: Breakers) -> None:
    (said,) = await resume(breakers, "source", "invoices")

    assert "nothing to do" in said
