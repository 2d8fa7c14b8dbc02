"""Content that may still come: what lacks it, and when it is looked at again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.awaiting import (
    COUNTED_BESIDE,
    LATEST,
    LEAST_COUNTED,
    SCANNED_WITHIN,
    SMALL_WITHIN,
    SOONEST,
    is_placeholder,
    lacks_content,
    look_again_after,
)
from shared.graph.answers import Attachment


@pytest.mark.parametrize(
    ("size", "came", "lacks"),
    [
        (50_000, 0, True),
        (COUNTED_BESIDE + 5, 0, True),
        (COUNTED_BESIDE + 4, 0, False),
        (0, 0, False),
        (None, 0, False),
        (50_000, 1, False),
    ],
)
def test_no_bytes_of_more_than_an_empty_file_has_are_still_to_come(
    size: int | None, came: int, lacks: bool
) -> None:
    assert lacks_content(Attachment(name="a", size=size), came, SMALL_WITHIN) is lacks


@pytest.mark.parametrize(
    ("size", "came", "lacks"), [(600, 0, True), (600, 1, False), (LEAST_COUNTED, 0, False), (0, 0, False)]
)
def test_a_small_file_may_have_a_few_bytes_yet_for_half_a_minute(size: int, came: int, lacks: bool) -> None:
    small = Attachment(name="card.vcf", size=size)

    assert lacks_content(small, came, timedelta(0)) is lacks
    assert not lacks_content(small, came, SMALL_WITHIN)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("ATP Scan In Progress", True),
        ("atp scan in progress.eml", True),
        ("Safe Attachments Scan In Progress", True),
        ("ATP Scan", False),
        ("About ATP Scan In Progress", False),
        ("", False),
        (None, False),
    ],
)
def test_a_placeholder_is_known_by_its_name(name: str | None, is_one: bool) -> None:
    assert is_placeholder(Attachment(name=name)) is is_one


def test_looks_become_rare_and_come_to_an_end() -> None:
    waited, looks = timedelta(0), 0
    while (after := look_again_after(waited)) is not None:
        waited += timedelta(seconds=after)
        looks += 1
    assert SCANNED_WITHIN <= waited <= SCANNED_WITHIN + LATEST
    assert looks <= 12


@given(some.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=400)))
def test_a_look_is_neither_at_once_nor_far_off(waited: timedelta) -> None:
    """Clocks of two workers may differ: even a mail of the future is looked at soon."""
    after = look_again_after(waited)
    if after is None:
        assert waited >= SCANNED_WITHIN
    else:
        assert SOONEST.total_seconds() <= after <= LATEST.total_seconds()
