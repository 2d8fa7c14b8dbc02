"""What a bench tells: medians with their spread, ratios by pairs, targets met or missed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bench.figures import Figure, Spread, at_least, at_most, figure, percentile, table, throughput

values = some.lists(some.floats(0.001, 1e6), min_size=1, max_size=30)


@given(values)
def test_the_quartiles_stand_on_either_side_of_the_median(of: list[float]) -> None:
    spread = Spread.of(of)
    assert min(of) <= spread.low <= spread.median <= spread.high <= max(of) or len(of) == 1
    assert spread.count == len(of)


@given(values, some.floats(0.1, 10))
def test_ratios_of_what_is_always_so_many_times_as_much_are_that_number(of: list[float], by: float) -> None:
    spread = Spread.of_ratios([one * by for one in of], of)
    assert spread.median == pytest.approx(by)
    assert spread.high - spread.low == pytest.approx(0, abs=1e-6)


def test_each_run_is_held_against_the_one_beside_it() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        Spread.of_ratios([1.0, 2.0], [1.0])


@given(values, some.floats(0.01, 1.0))
def test_a_percentile_is_the_least_value_that_this_share_does_not_exceed(
    of: list[float], share: float
) -> None:
    found = percentile(of, share)
    assert found in of
    assert sum(one <= found for one in of) >= share * len(of) - 1e-9
    assert sum(one < found for one in of) < share * len(of)


@pytest.mark.parametrize(
    ("target", "median", "met"),
    [
        (at_most(1.5), 1.5, True),
        (at_most(1.5), 1.51, False),
        (at_least(0.8), 0.8, True),
        (at_least(0.8), 0.79, False),
    ],
)
def test_a_bound_itself_is_met(target: object, median: float, met: bool) -> None:
    one = Figure("x", Spread.of([median]), "x", target)  # type: ignore[arg-type]
    assert one.is_missed is not met
    assert one.as_json()["met"] is met
    assert ("MISSED" in table("bench", [one])) is not met


def test_a_figure_without_a_target_is_neither_met_nor_missed() -> None:
    told = figure("mails", [3.0, 1.0, 2.0], "/s").as_json()
    assert told == {"what": "mails", "unit": "/s", "median": 2.0, "quartiles": [1.5, 2.5], "runs": 3}
    assert json.loads(json.dumps(told)) == told


def test_throughput_counts_the_time_until_the_first_document() -> None:
    """Mails that end together took no less time for it."""
    assert throughput(100.0, [113.0, 112.7, 112.9, 113.0, 112.8]) == pytest.approx(5 / 13)


@given(values)
def test_throughput_is_that_of_the_last_document_in_whatever_order_they_are(ends: list[float]) -> None:
    assert throughput(0.0, ends) == throughput(0.0, sorted(ends)) == len(ends) / max(ends)
