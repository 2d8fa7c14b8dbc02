"""The same mail filed under two ids: a mailbox that was restored or migrated has all mail under new ones."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.configuration import Source
from shared.fingerprints import Fingerprints, Owner, fingerprint, print_of
from shared.graph.answers import Message, mail_of
from shared.graph.faults import NotFound, Refused
from shared.graph.mailbox import MailboxReader
from shared.journal import Journal
from shared.journal_row import Row
from shared.operations.comparison import living
from shared.operations.documents import Documents
from shared.operations.patience import Patience
from shared.vault.protocol import VaultObject

AT_ONCE = 4
"""Mails that are read at once: the mailbox has other users."""


@dataclass(frozen=True)
class Copy:
    """The same mail under another id, and its documents that are not deleted."""

    owner: Owner
    documents: Sequence[VaultObject]


@dataclass(frozen=True)
class Copies:
    """Finds them by fingerprint, which is taken anew of what the mailbox has."""

    mailboxes: MailboxReader
    fingerprints: Fingerprints
    journal: Journal
    documents: Documents
    patience: Patience = field(default_factory=Patience)
    _seen: dict[bytes, Owner] = field(default_factory=dict)
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def of(self, source: Source, row: Row) -> Copy | None:
        """The mail that was filed as the same one as `row`'s, if it should not have been.

        With duplicates = "file" both may be filed while both are in the mailbox: they were sent twice. Where
        one is not, it was restored or migrated, or somebody has deleted it: that is for a person to see. Of
        mail that is in its mailbox no more nothing is known. Raises ConfigurationFault, Transient.
        """
        print_ = await self._fingerprint(source, row.message)
        for owner in await self._others(source, print_, row) if print_ else ():
            documents = living(await self.documents.of(owner.key))
            if documents and not await self._is_to_be_filed_too(source, owner):
                return Copy(owner, documents)
        return None

    async def _fingerprint(self, source: Source, message: str) -> str:
        """That of a message; empty for one that has none, or cannot be read any more."""
        async with self._places:
            found = await self._message(source, message)
            if found is None or not found.internet_message_id:
                return ""
            try:
                attachments = await self.patience.with_(
                    lambda: self.mailboxes.attachments(source.mailbox, message)
                )
            except (NotFound, Refused):
                return ""
            return fingerprint(mail_of(found), attachments)

    async def _message(self, source: Source, message: str) -> Message | None:
        try:
            return await self.patience.with_(lambda: self.mailboxes.message(source.mailbox, message))
        except (NotFound, Refused):
            return None

    async def _others(self, source: Source, print_: str, row: Row) -> list[Owner]:
        """The other mails that have the fingerprint, those of other sources only if they are skipped."""
        skips = source.document.duplicates == "skip"
        prints = [print_of(source.key_name, print_), *([print_] if skips else [])]
        known = [await self.fingerprints.owner(one) for one in prints]
        owners = {(one.source, one.key): one for one in known if one is not None}
        if skips and not owners:
            # The table was lost: of two that are still in the mailbox, the first that is met counts.
            first = self._seen.setdefault(bytes.fromhex(print_), Owner(row.source, row.key))
            owners = {(first.source, first.key): first}
        return [one for one in owners.values() if not one.is_of(row.source, row.key)]

    async def _is_to_be_filed_too(self, source: Source, owner: Owner) -> bool:
        """Whether the configuration wants each filed, and the other one is in the mailbox still.

        One whose row is lost counts as there, for nobody knows: it is told itself, if its mail is there.
        """
        if source.document.duplicates == "skip":
            return False
        other = await self.journal.read(owner.source, owner.key)
        if other is None:
            return True
        async with self._places:
            return await self._message(source, other.message) is not None
