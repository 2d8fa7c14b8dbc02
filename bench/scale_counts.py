"""What one mail and one sweep ask of each service; tests/bench counts it in the code."""

from __future__ import annotations

from dataclasses import dataclass

from bench.cost import QUEUE_OPERATIONS, TABLE_OPERATIONS, Mail, blob_reads, blob_writes


@dataclass(frozen=True)
class Sweep:
    """Operations of a sweep of one folder that finds nothing; `of_source` are of all its folders together."""

    graph: int = 1
    queue: int = 3
    table: int = 4
    of_source: int = 1
    blob_reads: int = 1
    blob_writes: int = 1


SWEEP = Sweep()
"""Of tables: ordered with a row of `folders` and a query of the source's; then read, noted and proven."""


def graph_requests(mail: Mail) -> int:
    """The message with the list of its attachments, its MIME; each attachment."""
    return 2 + mail.attachments


def vault_requests(mail: Mail) -> int:
    """The search for the filing key, each file, the create, whose answer tells the files.

    The log-in and the structure are kept by each instance: four or five requests in a quarter of an hour.
    A lookup by name is one or two more for each property that has one.
    """
    return 1 + (1 + mail.attachments) + 1


def operations_with_sweep(mail: Mail) -> int:
    """Of a mail, on all services of the account, and the row of it that a sweep reads."""
    return QUEUE_OPERATIONS + TABLE_OPERATIONS + 1 + blob_writes(mail) + blob_reads(mail)
