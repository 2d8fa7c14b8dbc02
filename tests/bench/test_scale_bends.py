"""What docs/scale.md says of what is full and what is not is what is worked out."""

from __future__ import annotations

import pytest

from bench.scale_cost import deployments
from bench.scale_counts import SWEEP, graph_requests
from bench.scale_model import Fleet, instances
from bench.scale_tables import DEPLOYMENT, FLEETS, PACE, bends_first
from tests.bench.scale_prose import ACCOUNT, CERTAIN, QUEUE, SHARES, TEXTS, bullets

_, _, MANY, HUGE = FLEETS
NAMED = {
    "Graph: requests at once to one mailbox": "Graph's limit",
    "Graph: requests to one mailbox": "Graph's limit",
    "M-Files: requests": "M-Files",
    "`breakers` read, by each instance every 5 s": "`breakers`",
}
"""What is called so in the text, among what may be full."""


@pytest.mark.parametrize("fleet", FLEETS, ids=str)
def test_what_is_full_is_named_and_what_bends_first_comes_first(fleet: Fleet) -> None:
    text = bullets()[FLEETS.index(fleet)]
    full = {name: share for name, share in CERTAIN[fleet].items() if share > 1}
    words = {NAMED[name] for name in full}

    assert {word for word in NAMED.values() if word in text} == words
    if full:
        assert min(words, key=text.index) == NAMED[bends_first(fleet).name]
    else:
        assert set(instances(fleet, DEPLOYMENT).values()) == {1}
        assert "One instance of each function has time left" in text


def test_what_is_not_full_at_a_million_mails_a_day_is_not() -> None:
    """Said below the bullets."""
    names = (QUEUE, ACCOUNT, "instances of the function that needs most")

    assert "Neither queues, nor storage accounts, nor instances are full" in TEXTS["What bends first"]
    assert all(SHARES[fleet][name] < 0.5 for fleet in FLEETS for name in names)


def test_what_is_said_of_remedies_without_a_figure_holds() -> None:
    """That sweeps ask more than mails, and that so many mailboxes need several deployments."""
    swept = HUGE.watched * DEPLOYMENT.sweeps_a_day * SWEEP.graph

    assert swept > HUGE.mails_a_day * graph_requests(HUGE.mail)
    assert deployments(HUGE, DEPLOYMENT, PACE) > 1 == deployments(MANY, DEPLOYMENT, PACE)
