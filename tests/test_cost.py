"""The costs that docs/deploy.md tells are those that are worked out."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bench.cost import (
    ALWAYS_READY_EXECUTIONS,
    ON_DEMAND_EXECUTIONS,
    PRICES_OF,
    QUEUE_OPERATIONS,
    TABLE_OPERATIONS,
    Deployment,
    Mail,
    blob_reads,
    blob_writes,
    monthly,
    prices,
    table,
)

DOCUMENT = (Path(__file__).parents[1] / "docs/deploy.md").read_text("utf-8")


def test_the_document_has_the_table_that_is_worked_out() -> None:
    assert "\n".join(table()) in DOCUMENT
    assert PRICES_OF in DOCUMENT


def test_the_document_has_each_price_and_where_it_was_seen() -> None:
    assert "\n".join(prices()) in DOCUMENT


def test_the_document_has_what_a_network_adds() -> None:
    endpoints = monthly(0, Deployment(private_endpoints=5))["network"]
    gateway = monthly(0, Deployment(nat_gateways=1))["network"]
    said = f"5 private endpoints ({endpoints:.2f} dollars), a NAT gateway with its address {gateway:.2f}"
    assert said in DOCUMENT


def test_the_document_has_the_operations_that_are_counted() -> None:
    bare = Mail(attachments=0)
    said = (
        f"{QUEUE_OPERATIONS} of queues, {TABLE_OPERATIONS} of tables, "
        f"{blob_writes(bare)} + k writes and {blob_reads(bare)} + k reads of blobs, "
        f"{ALWAYS_READY_EXECUTIONS + ON_DEMAND_EXECUTIONS} executions of functions"
    )
    assert said in " ".join(DOCUMENT.split())


@given(st.integers(0, 10_000_000), st.integers(1, 1_000_000))
def test_more_mail_never_costs_less(mails: int, more: int) -> None:
    assert sum(monthly(mails + more).values()) > sum(monthly(mails).values())


def functions(seconds: float, always_ready: int = 3) -> float:
    deployment = Deployment(always_ready=always_ready)
    return monthly(1_000_000, deployment, Mail(seconds=seconds))["functions"]


def test_an_execution_is_charged_for_a_second_at_least() -> None:
    assert functions(0.4) == functions(1.0) < functions(1.1)


def test_what_is_always_ready_works_at_a_rate_of_its_own() -> None:
    """Two thirds of that on demand, about: it has been paid for waiting, too."""
    assert functions(2.2) < functions(2.2, always_ready=0)
