"""The rest between two looks into an empty queue."""

from __future__ import annotations

import pytest

from sandbox.host.backoff import Backoff


def test_rests_double_up_to_the_longest_and_start_again_after_a_message() -> None:
    backoff = Backoff(1.0, lambda low, high: (low + high) / 2)
    rests = [
        backoff.next_delay(found=found) for found in (True, False, False, False, False, False, True, False)
    ]
    assert rests == pytest.approx([0.1, 0.2, 0.3, 0.5, 0.9, 1.0, 0.1, 0.2])


def test_the_growth_is_random_by_a_fifth() -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return low

    backoff = Backoff(60, uniform)
    backoff.next_delay(found=True)
    assert backoff.next_delay(found=False) == pytest.approx(0.18)
    assert asked == [(0.8, 1.2)]


def test_a_queue_that_stays_empty_for_years_is_no_overflow() -> None:
    backoff = Backoff(60, lambda low, _: low)
    assert {backoff.next_delay(found=False) for _ in range(5000)} >= {60}
