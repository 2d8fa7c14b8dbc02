"""The operations that costs are worked out from are those of docs/performance.md, and those of the code."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from bench import counting
from bench.cost import QUEUE_OPERATIONS, TABLE_OPERATIONS, Mail, blob_reads, blob_writes
from bench.scale_counts import graph_requests, operations_with_sweep, vault_requests
from bench.scale_model import HOPS, OUTSIDE_FILINGS
from tests.protocol.test_death import points_of

_DOCUMENT = (Path(__file__).parents[2] / "docs/performance.md").read_text("utf-8")
_SECTION = _DOCUMENT.partition("\n## Operations of a mail\n")[2].partition("\n## ")[0]
_ROW = re.compile(r"^\| *[`*]*([^|`*]+)[`*]* *\| *([^|]+?) *\|", re.MULTILINE)
ROWS = {name.strip(): said.strip("* ") for name, said in _ROW.findall(_SECTION)}
TABLE_ROWS = ("filings", "unfinished", "fingerprints", "breakers")
OF_TABLES = ("journal.read", "journal.insert", "journal.update", "fingerprints.add", "breakers.read_all")
OF_UNFINISHED = ("unfinished.add", "unfinished.remove")
ATTACHMENTS = pytest.mark.parametrize("attachments", [0, 1, 3])


def number(row: str, attachments: int = 0) -> int:
    """What a row of the table says for that many attachments: `3 + k`, `24 + 2 k`, `2 GET, 1 POST`, `6`."""
    said = ROWS[row]
    of_each = re.search(r"\+ *(\d*) *k$", said)
    fixed = sum(int(digits) for digits in re.findall(r"\d+", said[: of_each.start()] if of_each else said))
    return fixed + (int(of_each[1] or 1) * attachments if of_each else 0)


def test_queues_and_tables_are_asked_as_often_as_the_document_says() -> None:
    assert number("queues") == QUEUE_OPERATIONS
    assert sum(number(row) for row in TABLE_ROWS) == TABLE_OPERATIONS
    assert sum(number(row) for row in TABLE_ROWS[1:]) == OUTSIDE_FILINGS


@ATTACHMENTS
def test_blobs_graph_and_the_vault_are_asked_as_often_as_the_document_says(attachments: int) -> None:
    mail = Mail(attachments=attachments)

    assert number("blobs, written", attachments) == blob_writes(mail)
    assert number("blobs, read", attachments) == blob_reads(mail)
    assert number("Graph", attachments) == graph_requests(mail) == counting.graph_requests(attachments)
    assert number("M-Files", attachments) == vault_requests(mail)


@ATTACHMENTS
def test_storage_together_is_the_sum_of_its_rows(attachments: int) -> None:
    """A sweep reads one row more."""
    together = number("storage together", attachments)
    of_storage = ("queues", *TABLE_ROWS, "blobs, written", "blobs, read")

    assert together == sum(number(row, attachments) for row in of_storage)
    assert together == counting.storage_operations(attachments)
    assert together + 1 == operations_with_sweep(Mail(attachments=attachments))


@pytest.mark.anyio
@ATTACHMENTS
async def test_the_code_makes_as_many(attachments: int) -> None:
    """Counted at its ports. The hand-over is one hop, the notice the other; each is put, got and deleted."""
    made, mail = Counter(await points_of(attachments)), Mail(attachments=attachments)

    assert sum(made[point] for point in (*OF_TABLES, *OF_UNFINISHED)) == TABLE_OPERATIONS
    assert made["area.write"] + made["area.put_manifest"] + made["area.put_first"] == blob_writes(mail)
    assert made["area.manifest"] + made["area.read"] == blob_reads(mail)
    assert made["queues.send"] + 1 == HOPS
    assert QUEUE_OPERATIONS == 3 * HOPS
