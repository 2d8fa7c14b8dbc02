"""The costs that docs/deploy.md tells are those that are worked out."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bench.cost import (
    PRICES_OF,
    QUEUE_OPERATIONS,
    TABLE_OPERATIONS,
    Mail,
    blob_reads,
    blob_writes,
    monthly,
    table,
)

DOCUMENT = (Path(__file__).parents[1] / "docs/deploy.md").read_text("utf-8")


def test_the_document_has_the_table_that_is_worked_out() -> None:
    assert "\n".join(table()) in DOCUMENT
    assert PRICES_OF in DOCUMENT


def test_the_document_has_the_operations_that_are_counted() -> None:
    bare = Mail(attachments=0)
    said = (
        f"{QUEUE_OPERATIONS} of queues, {TABLE_OPERATIONS} of tables, "
        f"{blob_writes(bare)} + k writes and {blob_reads(bare)} + k reads of blobs"
    )
    assert said in " ".join(DOCUMENT.split())


@given(st.integers(0, 10_000_000), st.integers(1, 1_000_000))
def test_more_mail_never_costs_less(mails: int, more: int) -> None:
    assert sum(monthly(mails + more).values()) > sum(monthly(mails).values())
