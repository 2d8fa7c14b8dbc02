"""Fleets, deployments and vaults of any size, as Hypothesis makes them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bench.scale_model import DAY, Burst, Deployment, Fleet, VaultLimit

bursts = st.floats(1.0, 43_200.0).flatmap(
    lambda seconds: st.builds(
        Burst, factor=st.floats(1.0, min(50.0, DAY / seconds)), seconds=st.just(seconds)
    )
)
few = settings(
    max_examples=30, deadline=None, database=None, suppress_health_check=[HealthCheck.filter_too_much]
)
"""There is little to be found in arithmetic, and nothing of it is timed."""
fleets = st.builds(
    Fleet,
    mailboxes=st.integers(1, 200_000),
    mails_a_day=st.integers(1, 20_000_000),
    busiest=st.floats(0.001, 1.0),
    folders=st.integers(1, 20),
    attachments=st.integers(0, 20),
    burst=bursts,
)
deployments = st.builds(
    Deployment,
    instances=st.integers(1, 1_000),
    accounts=st.integers(1, 10),
    queues=st.integers(1, 10),
    sweeps_a_day=st.floats(1.0, 48.0),
)
vaults = st.builds(VaultLimit, requests_a_second=st.floats(1.0, 10_000.0))
