"""Queues of a burst: what is worked out is what happens when it is played, second by second."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.cost import PRICES
from bench.scale_model import DAY, Burst, Deployment, Fleet, VaultLimit, instances
from bench.scale_outage import dollars_a_day, log_gigabytes, uses_of_waking, waking
from bench.scale_queues import (
    Stage,
    Wait,
    after_outage,
    behind_mailbox,
    in_burst,
    of_mailbox,
    refused_mailbox,
    stages,
    waits,
)
from bench.scale_tables import DEPLOYMENT
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
    """As much mail coming before and after it."""
    through, seconds = stages(fleet, deployment, vault), fleet.burst.seconds
    shorter, longer = (waits(through, fleet.rest, fleet.peak, time) for time in (seconds, 2 * seconds))

    for before, after in zip(shorter, longer, strict=True):
        assert after.most >= before.most
        assert after.delay >= before.delay
        assert after.empty_after >= before.empty_after


@few
@given(fleets)
def test_the_burst_and_what_comes_beside_it_are_the_mail_of_the_day(fleet: Fleet) -> None:
    burst = fleet.burst.seconds

    assert fleet.peak * burst + fleet.rest * (DAY - burst) == pytest.approx(fleet.mails_a_day)
    assert 0 <= fleet.rest <= fleet.mean * (1 + 1e-9)


@pytest.mark.parametrize(("factor", "seconds"), [(25.0, 3600.0), (0.9, 3600.0), (1.0, DAY), (6.0, 0.0)])
def test_what_is_no_burst_of_a_day_is_refused(factor: float, seconds: float) -> None:
    with pytest.raises(ValueError, match="no burst"):
        Burst(factor, seconds)


@few
@given(fleets, st.floats(0.1, 10.0))
def test_a_queue_is_empty_before_the_next_burst_if_the_mail_of_a_day_gets_through(
    fleet: Fleet, times: float
) -> None:
    assume(abs(times - 1) > 1e-3)
    capacity = fleet.mean * times
    (wait,) = waits([Stage("it", {"it": capacity})], fleet.rest, fleet.peak, fleet.burst.seconds)

    assert math.isfinite(wait.empty_after) == (times > 1 or capacity >= fleet.peak)


def throughput(busy_of_ten: int, places: int, turns: int) -> float:
    """Mails in a second, of one second each: those of one mailbox need a turn, and keep a place till then."""
    ends: list[tuple[float, bool]] = []
    time, done, waiting = 0.0, 0, 0
    while done < 2_000:
        while len(ends) + waiting < places:
            is_busy = (done + len(ends) + waiting) % 10 < busy_of_ten
            if is_busy and sum(busy for _, busy in ends) >= turns:
                waiting += 1
            else:
                ends.append((time + 1.0, is_busy))
        ends.sort()
        time, was_busy = ends.pop(0)
        done += 1
        if was_busy and waiting:
            waiting -= 1
            ends.append((time + 1.0, True))
    return done / time


@pytest.mark.parametrize("busy_of_ten", [5, 7, 10])
def test_all_mail_goes_at_the_pace_of_the_mailbox_that_fills_the_places(busy_of_ten: int) -> None:
    """As it is played with 12 places of which Graph lets 4 go on, and as it is worked out."""
    share = busy_of_ten / 10
    fleet = Fleet(10, 1_000_000, busiest=share)
    worked_out = behind_mailbox(fleet, DEPLOYMENT).capacity / of_mailbox(fleet, DEPLOYMENT).capacity

    assert throughput(busy_of_ten, 12, 4) / 4 == pytest.approx(worked_out, rel=0.05)


@few
@given(fleets, deployments)
def test_behind_the_busiest_mailbox_the_last_of_all_mail_is_as_late_as_its_own(
    fleet: Fleet, deployment: Deployment
) -> None:
    rest, peak, seconds, share = fleet.rest, fleet.peak, fleet.burst.seconds, fleet.busiest
    (own,) = waits([of_mailbox(fleet, deployment)], rest * share, peak * share, seconds)
    (all_mail,) = waits([behind_mailbox(fleet, deployment)], rest, peak, seconds)

    assert all_mail.delay == pytest.approx(own.delay, abs=1e-3)


@few
@given(fleets, deployments)
def test_a_breaker_opens_only_where_several_instances_ask_for_too_much(
    fleet: Fleet, deployment: Deployment
) -> None:
    most, refused = (of(fleet, deployment).capacity for of in (of_mailbox, refused_mailbox))
    is_too_much = fleet.peak * fleet.busiest > most

    assert refused == (
        pytest.approx(most * 5 / 65)
        if is_too_much and instances(fleet, deployment)["staging"] > 1
        else math.inf
    )


@few
@given(fleets, deployments, vaults)
def test_all_that_the_last_mail_waits_for_is_the_slowest_stage(
    fleet: Fleet, deployment: Deployment, vault: VaultLimit
) -> None:
    through = stages(fleet, deployment, vault)
    slowest = min(stage.capacity for stage in through)
    assume(0 < slowest < fleet.peak)
    late = sum(wait.delay for wait in waits(through, fleet.rest, fleet.peak, fleet.burst.seconds))

    assert late == pytest.approx(fleet.peak * fleet.burst.seconds / slowest - fleet.burst.seconds)


def test_what_the_mean_alone_is_too_much_for_never_ends() -> None:
    (wait,) = waits([Stage("vault-import", {"M-Files": 1.0})], rest=2.0, peak=4.0, seconds=10.0)

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


def test_logs_of_an_outage_cost_no_more_than_the_cap_lets_in() -> None:
    fleet = Fleet(10, 1_000_000, busiest=0.3)
    costs = [
        dollars_a_day(fleet, replace(DEPLOYMENT, log_gigabytes_a_day=cap), DAY)
        for cap in (0.0, 5.0, math.inf)
    ]
    written = log_gigabytes(fleet, DEPLOYMENT, DAY)

    assert written > 5.0
    assert costs[1] - costs[0] == pytest.approx(5.0 * PRICES["GB of logs"])
    assert costs[2] - costs[0] == pytest.approx(written * PRICES["GB of logs"])
