"""What each limit is asked for: more mail never asks less, and what is counted is what the code does."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.scale_counts import SWEEP, graph_requests, vault_requests
from bench.scale_limits import LIMITS
from bench.scale_model import DAY, Deployment, Fleet, Use, VaultLimit, renewals, uses
from handlers.sweep import EVERY_HALF_HOUR
from tests.bench.fleets import deployments, few, fleets, vaults
from tests.protocol.hooks import Hook
from tests.protocol.swept import SweptWorld
from tests.protocol.test_death import points_of

ROOT = Path(__file__).parents[2]
ONE = Fleet(1, 1, busiest=1.0)
OF_ALL_SOURCES = 2
"""Notes that Graph and Key Vault work, once in ten minutes."""


def shares(found: list[Use]) -> dict[str, float]:
    """By the limit's name."""
    return {use.name: use.share for use in found}


@few
@given(fleets, deployments, vaults, st.integers(1, 1_000_000))
def test_more_mail_never_asks_less_of_any_limit(
    fleet: Fleet, deployment: Deployment, vault: VaultLimit, more: int
) -> None:
    grown = replace(fleet, mails_a_day=fleet.mails_a_day + more)
    before, after = shares(uses(fleet, deployment, vault)), shares(uses(grown, deployment, vault))

    assert all(after[name] >= before[name] for name in before)
    assert after["M-Files: requests"] > before["M-Files: requests"]


@few
@given(fleets, deployments, vaults, st.integers(1, 10_000))
def test_more_mailboxes_never_ask_less_of_any_limit(
    fleet: Fleet, deployment: Deployment, vault: VaultLimit, more: int
) -> None:
    grown = replace(fleet, mailboxes=fleet.mailboxes + more)
    before, after = shares(uses(fleet, deployment, vault)), shares(uses(grown, deployment, vault))

    assert all(after[name] >= before[name] for name in before)


@few
@given(fleets, deployments, vaults)
def test_twice_the_accounts_and_queues_halve_their_shares_and_raise_no_other(
    fleet: Fleet, deployment: Deployment, vault: VaultLimit
) -> None:
    doubled = replace(deployment, accounts=2 * deployment.accounts, queues=2 * deployment.queues)
    before, after = shares(uses(fleet, deployment, vault)), shares(uses(fleet, doubled, vault))
    halved = {"messages of one queue", "operations of one storage account"}

    assert {name: pytest.approx(after[name] * (2 if name in halved else 1)) for name in after} == before


@few
@given(fleets, deployments, vaults)
def test_a_server_that_takes_more_is_asked_for_a_smaller_share(
    fleet: Fleet, deployment: Deployment, vault: VaultLimit
) -> None:
    faster = replace(vault, requests_a_second=2 * vault.requests_a_second)
    before, after = shares(uses(fleet, deployment, vault)), shares(uses(fleet, deployment, faster))

    assert after["M-Files: requests"] == pytest.approx(before["M-Files: requests"] / 2)


def test_a_subscription_is_renewed_when_half_its_life_is_over() -> None:
    assert renewals(Fleet(5_000, 1, busiest=1.0)) * 60 == pytest.approx(1.0)


def test_each_limit_names_the_page_that_it_stands_on() -> None:
    assert all(one.page.startswith("learn.microsoft.com/") for one in LIMITS)
    assert len({one.name for one in LIMITS}) == len(LIMITS)


def test_the_deployment_is_that_of_host_json_and_of_the_templates() -> None:
    queues = json.loads((ROOT / "host.json").read_text("utf-8"))["extensions"]["queues"]
    bicep = (ROOT / "infra/bicep/main.bicep").read_text("utf-8")
    parameters = {
        name: int(value) for name, value in re.findall(r"^param (\w+) int = (\d+)$", bicep, re.MULTILINE)
    }
    made = Deployment()

    assert (made.batch, made.threshold) == (queues["batchSize"], queues["newBatchThreshold"])
    assert made.instances == parameters["maximumInstanceCount"]
    assert made.http_concurrency == parameters["httpConcurrency"]
    assert made.cores == parameters["instanceMemoryMB"] / 2048
    assert made.log_gigabytes_a_day == parameters["logDailyCapGB"]
    assert EVERY_HALF_HOUR == "0 */30 * * * *"
    assert made.sweeps_a_day == DAY / 1800


@pytest.mark.anyio
@pytest.mark.parametrize("attachments", [0, 3])
async def test_the_requests_of_a_mail_are_those_that_the_code_makes(attachments: int) -> None:
    """Of the vault, a file is a request of its own, within the create; each reads its bytes first."""
    mail = replace(ONE, attachments=attachments).mail
    points = Counter(point for point in await points_of(attachments) if not point.endswith(":cut"))
    of_vault = points["vault.find"] + points["area.read"] + points["vault.create:sent"]

    assert sum(number for point, number in points.items() if point.startswith("mailboxes.")) == (
        graph_requests(mail)
    )
    assert of_vault == vault_requests(mail)


@pytest.mark.anyio
async def test_the_operations_of_a_sweep_that_finds_nothing_are_those_that_the_code_makes() -> None:
    world, hook = SweptWorld(), Hook()
    await world.worker().sweep()
    await world.settle()
    world.clock.advance(minutes=30)
    worker = world.worker(hook)
    await worker.sweep()
    for message in await world.visible():
        await worker.take(message)
    made = Counter(hook.points)

    assert made["delta.page"] == SWEEP.graph
    assert made["states.get_with_etag"] == SWEEP.blob_reads
    assert made["states.put_if"] == SWEEP.blob_writes
    assert made["register.rows"] == SWEEP.of_source
    of_source = made["breakers.write"] - OF_ALL_SOURCES
    assert made["register.read"] + made["register.note"] + of_source == SWEEP.table
