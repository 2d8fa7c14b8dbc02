"""The service's own limit, read out of the text of its error."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import Unavailable
from shared.graph.faults import Refused
from shared.subscription_lifetime import Lifetime, longest_lifetime
from shared.subscription_plan import LIFETIME

TEXT = "Subscription expiration can only be {} minutes in the future."


def refused(minutes: object) -> Refused:
    return Refused(400, "ExtensionError", TEXT.format(minutes))


@pytest.mark.parametrize(
    ("outcome", "minutes"),
    [
        (refused(10_070), 10_070),
        (refused(4_230), 4_230),
        (Refused(400, "ExtensionError", f"Operation: Create; Exception: [{TEXT.format(1440)}]"), 1_440),
        (Refused(400, "InvalidRequest", TEXT.format(60).upper()), 60),
        (refused(0), None),
        (refused(-5), None),
        (refused("many"), None),
        (Refused(400, "ExtensionError", "Subscription validation request failed."), None),
        (Unavailable(TEXT.format(60)), None),
        (None, None),
    ],
)
def test_only_the_services_own_words_are_a_limit(outcome: object, minutes: int | None) -> None:
    assert longest_lifetime(outcome) == (None if minutes is None else timedelta(minutes=minutes))


def test_a_limit_is_kept_with_a_margin_for_clocks_that_differ_and_never_grows() -> None:
    lifetime = Lifetime()
    assert lifetime.asked == LIFETIME

    assert lifetime.learns(refused(4_230), LIFETIME)
    assert lifetime.asked == timedelta(minutes=4_220)
    assert lifetime.learns(refused(5_000), LIFETIME)
    assert lifetime.asked == timedelta(minutes=4_220)
    assert lifetime.learns(refused(50), lifetime.asked)
    assert lifetime.asked == timedelta(minutes=45)


@pytest.mark.parametrize("minutes", [10_010, 10_070, 20_000])
def test_a_limit_that_was_not_passed_is_no_reason_to_try_again(minutes: int) -> None:
    """Our clock is wrong then: the same request would be refused for ever."""
    lifetime = Lifetime()

    assert not lifetime.learns(refused(minutes), LIFETIME)
    assert lifetime.asked == LIFETIME


def test_a_second_refusal_of_the_same_batch_is_sent_again_too() -> None:
    lifetime = Lifetime()

    assert [lifetime.learns(refused(4_230), LIFETIME) for _ in range(3)] == [True] * 3
