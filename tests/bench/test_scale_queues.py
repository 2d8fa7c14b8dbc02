"""Queues of a burst: what is worked out is what happens when it is played, second by second."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.scale_model import Burst, Deployment, Fleet, VaultLimit
from bench.scale_outage import dollars_a_day, uses_of_waking, waking
from bench.scale_queues import Stage, Wait, after_outage, in_burst, of_mailbox, stages, waits
from tests.bench.fleets import deployments, few, fleets, vaults

STEP = 0.05


def played(
    first: float, second: float, mean: float, peak: float, seconds: float
) -> list[tuple[float, float]]:
    """Of two queues in a row: the length of each at its longest, and when it was empty after the burst."""
    lengths, longest, emptied = [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
    time = 0.0
    while time < seconds or any(length > 1e-9 for length in lengths):
        coming = (peak if time < seconds else mean) * STEP
        for place, capacity in enumerate((first, second)):
            lengths[place] += coming
            coming = min(lengths[place], capacity * STEP)
            lengths[place] -= coming
            longest[place] = max(longest[place], lengths[place])
        time += STEP
        emptied = [time if length > 1e-9 else last for length, last in zip(lengths, emptied, strict=True)]
    return [(longest[place], max(0.0, emptied[place] - seconds)) for place in (0, 1)]


@few
@given(st.integers(2, 30), st.integers(2, 30), st.sampled_from([0.1, 0.5, 1.0]), st.integers(2, 30))
def test_a_burst_goes_as_it_does_when_it_is_played(first: int, second: int, mean: float, peak: int) -> None:
    seconds = 20.0
    found = {wait.queue: wait for wait in waits(_stages(first, second), mean, peak, seconds)}
    for queue, (longest, empty) in zip(
        ("first", "second"), played(first, second, mean, peak, seconds), strict=True
    ):
        wait = found[queue]
        assert wait.most == pytest.approx(longest, abs=2 * peak * STEP)
        assert wait.empty_after == pytest.approx(empty, abs=1.0, rel=0.05)


def _stages(*capacities: float) -> list[Stage]:
    return [
        Stage(name, {"it": capacity}) for name, capacity in zip(("first", "second"), capacities, strict=True)
    ]


@few
@given(fleets, deployments, vaults)
def test_nothing_waits_below_the_limit(fleet: Fleet, deployment: Deployment, vault: VaultLimit) -> None:
    capacity = min(
        *(stage.capacity for stage in stages(fleet, deployment, vault)),
        of_mailbox(fleet, deployment).capacity,
    )
    assume(fleet.peak <= capacity)

    assert all(
        (wait.most, wait.delay, wait.empty_after) == (0, 0, 0) for wait in in_burst(fleet, deployment, vault)
    )


@few
@given(fleets, deployments, vaults)
def test_a_longer_burst_never_empties_a_queue_sooner(
    fleet: Fleet, deployment: Deployment, vault: VaultLimit
) -> None:
    longer = replace(fleet, burst=Burst(fleet.burst.factor, 2 * fleet.burst.seconds))

    for before, after in zip(
        in_burst(fleet, deployment, vault), in_burst(longer, deployment, vault), strict=True
    ):
        assert after.most >= before.most
        assert after.delay >= before.delay
        assert after.empty_after >= before.empty_after


@few
@given(fleets, deployments, vaults)
def test_all_that_the_last_mail_waits_for_is_the_slowest_stage(
    fleet: Fleet, deployment: Deployment, vault: VaultLimit
) -> None:
    through = stages(fleet, deployment, vault)
    slowest = min(stage.capacity for stage in through)
    assume(0 < slowest < fleet.peak)
    late = sum(wait.delay for wait in waits(through, fleet.mean, fleet.peak, fleet.burst.seconds))

    assert late == pytest.approx(fleet.peak * fleet.burst.seconds / slowest - fleet.burst.seconds)


def test_what_the_mean_alone_is_too_much_for_never_ends() -> None:
    (wait,) = waits([Stage("vault-import", {"M-Files": 1.0})], mean=2.0, peak=4.0, seconds=10.0)

    assert wait == Wait("vault-import", "M-Files", math.inf, 30.0, math.inf)


@few
@given(fleets, deployments, vaults)
def test_a_longer_outage_is_never_made_up_for_sooner(
    fleet: Fleet, deployment: Deployment, vault: VaultLimit
) -> None:
    one, two = (after_outage(fleet, deployment, vault, days * 86_400.0) for days in (1, 2))

    assert two >= one >= 300.0


@few
@given(fleets, deployments)
def test_mail_comes_back_no_faster_than_its_queue_allows(fleet: Fleet, deployment: Deployment) -> None:
    found = waking(fleet.mean * 86_400, deployment)
    uses = uses_of_waking(fleet, deployment, 86_400)

    assert found.done <= found.possible
    assert (found.done < found.wanted) == any(use.share > 1 for use in uses)
    assert dollars_a_day(fleet, deployment, 86_400) <= dollars_a_day(
        replace(fleet, mails_a_day=2 * fleet.mails_a_day), deployment, 86_400
    )
