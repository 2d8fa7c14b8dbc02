"""What the long commands share: a list that is written as it comes, and its end, also after a fault."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.errors import VaultpostError
from shared.operations.documents import Documents
from shared.operations.terminal import LISTED, JsonListing, Lines, Listing, ProgressLine
from shared.operations.watched_mail import WatchedMail
from shared.services import Services


@dataclass
class Told:
    """A list under way: what is counted of it is told at its end."""

    listing: Listing
    progress: ProgressLine
    counts: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


@contextmanager
def told(
    options: argparse.Namespace, name: str, head: Mapping[str, Any], limit: int | None = LISTED
) -> Iterator[Told]:
    """A list that comes to its end whatever is raised; as JSON it says whether it is complete."""
    progress = ProgressLine()
    listing = JsonListing(progress, name, head) if options.json else Lines(progress, limit)
    under_way = Told(listing, progress)
    try:
        yield under_way
    except VaultpostError:
        _end(under_way, [], complete=False)
        raise
    _end(under_way, under_way.lines, complete=True)


def _end(under_way: Told, lines: list[str], *, complete: bool) -> None:
    facts = {"counts": dict(under_way.counts), **under_way.facts, "complete": complete}
    under_way.listing.end(lines, facts)


def mailbox_of(services: Services) -> WatchedMail:
    """The mailboxes, as the long commands read them."""
    return WatchedMail(services.watched_folders)


def documents_of(services: Services) -> Documents:
    """The vault, as the long commands search it."""
    return Documents(services.vault, services.configuration.vault.filing_key)
