"""Fingerprints: the same mail, whatever id it has (table `fingerprints`; design, sections 5 and 7).

Taken over Message-ID, sender, sent, subject, and names and sizes of the attachments, as Graph tells them:
they are known before any byte is fetched, and outlast a migration of the mailbox.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec
from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.errors import Stale
from shared.graph.answers import Attachment
from shared.mail import Mail
from shared.missing_table import made_if_missing
from shared.storage_errors import storage_faults

TABLE = "fingerprints"
_PARTITION_DIGITS = 2


@dataclass(frozen=True)
class Owner:
    """The mail that has a fingerprint. `etag` is empty for one that was not read."""

    source: str
    key: str
    etag: str = ""

    def is_of(self, source: str, key: str) -> bool:
        """Whether it is that mail."""
        return (self.source, self.key) == (source, key)


def fingerprint(mail: Mail, attachments: Sequence[Attachment]) -> str:
    """The fingerprint of a mail, 64 hex digits; empty for one without Message-ID: it can't be told apart."""
    if not mail.message_id.strip():
        return ""
    parts = sorted((attachment.name or "", attachment.size or 0) for attachment in attachments)
    sender = (mail.from_.address or mail.sender.address).casefold()
    facts = [mail.message_id.strip(), sender, mail.sent, mail.subject, parts]
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()


def print_of(source: str, fingerprint: str) -> str:
    """The fingerprint among the mails of one source alone; empty where there is none."""
    return hashlib.sha256(f"{source}\0{fingerprint}".encode()).hexdigest() if fingerprint else ""


class Fingerprints(Protocol):
    """Where they are kept: `FingerprintTable`, or `shared.testing.fingerprints.InMemoryFingerprints`."""

    async def owner(self, fingerprint: str) -> Owner | None:
        """The mail that has this fingerprint, or None. Raises Unavailable."""

    async def add(self, fingerprint: str, owner: Owner) -> Owner:
        """Note a mail that is the first with its fingerprint; answers the first one. Raises Unavailable."""

    async def replace(self, fingerprint: str, former: Owner, owner: Owner) -> Owner:
        """Put a mail in the place of one that was read. Raises Stale when another was first; Unavailable."""


class FingerprintTable:
    """The table, which is made where it is missing. PartitionKey is the beginning, RowKey all of it."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(TABLE)

    async def owner(self, fingerprint: str) -> Owner | None:
        """As `Fingerprints` says."""
        try:
            with storage_faults("fingerprints"):
                found = await self._table.get_entity(fingerprint[:_PARTITION_DIGITS], fingerprint)
        except ResourceNotFoundError:
            return None
        return Owner(str(found["source"]), str(found["key"]), found.metadata["etag"] or "")

    async def add(self, fingerprint: str, owner: Owner) -> Owner:
        """As `Fingerprints` says."""
        entity = _entity(fingerprint, owner)
        try:
            with storage_faults("fingerprints"):
                answer = await made_if_missing(self._table, lambda: self._table.create_entity(entity))
        except Stale:
            found = await self.owner(fingerprint)
            if found is None:
                raise
            return found
        return replace(owner, etag=answer["etag"])

    async def replace(self, fingerprint: str, former: Owner, owner: Owner) -> Owner:
        """As `Fingerprints` says."""
        try:
            with storage_faults("fingerprints"):
                answer = await self._table.update_entity(
                    _entity(fingerprint, owner),
                    mode=UpdateMode.REPLACE,
                    etag=former.etag,
                    match_condition=MatchConditions.IfNotModified,
                )
        except ResourceNotFoundError:
            raise Stale("fingerprints: the row is gone") from None
        return replace(owner, etag=answer["etag"])


def _entity(fingerprint: str, owner: Owner) -> dict[str, Any]:
    return {
        "PartitionKey": fingerprint[:_PARTITION_DIGITS],
        "RowKey": fingerprint,
        "source": owner.source,
        "key": owner.key,
    }
