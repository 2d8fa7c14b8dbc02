"""The journal made anew from the vault's filing keys, after the loss of a storage account.

A filing key is a digest: only from a mail that is in a watched folder can it be told. The rows of mail that
has left them, and table `fingerprints`, are not restored (docs/operations.md).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.clock import Clock
from shared.configuration import Source
from shared.journal import Journal
from shared.journal_row import DELETED, Row
from shared.operations.documents import Documents
from shared.operations.together import each
from shared.operations.watched_mail import BEGINNING, FoundMail, WatchedMail
from shared.vault.protocol import VaultObject

_AT_ONCE = 16

Outcome = Literal["known", "not-filed", "chosen", "journalled"]
"""known: the journal has it; not-filed: the vault has no document of it; chosen: a dry run would do it."""


@dataclass(frozen=True)
class Rebuilt:
    """A mail, the document that counts as its own, and what became of its row."""

    mail: FoundMail
    outcome: Outcome
    document: VaultObject | None = None


@dataclass(frozen=True)
class Rebuild:
    """Does it. Nothing that the journal has is changed; begun again it goes on where it stopped."""

    mailbox: WatchedMail
    journal: Journal
    documents: Documents
    clock: Clock

    async def run(self, source: Source, *, dry_run: bool) -> AsyncGenerator[list[Rebuilt], None]:
        """All mail of the watched folders, a batch at a time, with what became of each.

        Raises ConfigurationFault, NotFound, Refused, Transient.
        """
        async with aclosing(self.mailbox.of(source, BEGINNING)) as found:
            async for batch in found:
                rebuilt = await each(batch, self._one, _AT_ONCE)
                if not dry_run:
                    await self.journal.add_absent(self._rows(rebuilt))
                    rebuilt = [_written(one) for one in rebuilt]
                yield rebuilt

    async def _one(self, mail: FoundMail) -> Rebuilt:
        if await self.journal.read(mail.source, mail.key) is not None:
            return Rebuilt(mail, "known")
        document = _own(await self.documents.of(mail.key))
        return Rebuilt(mail, "not-filed") if document is None else Rebuilt(mail, "chosen", document)

    def _rows(self, rebuilt: Sequence[Rebuilt]) -> list[Row]:
        now = self.clock.now()
        # A mail that was moved between two watched folders may come twice.
        rows = {
            one.mail.key: filed_row(one.mail, one.document, now)
            for one in rebuilt
            if one.document is not None
        }
        return list(rows.values())


def filed_row(mail: FoundMail, document: VaultObject, now: datetime) -> Row:
    """The row of a mail that was filed as `document`: closed, so that nothing more is done about it."""
    warnings = (f"journalled anew from the vault on {now:%Y-%m-%d %H:%M} UTC",)
    return Row(
        mail.source,
        mail.key,
        "filed",
        mail.message,
        arrived=mail.received or now,
        ended=now,
        handed=now,
        settled=now,
        object_type=document.type,
        object_id=document.id,
        object_version=document.version,
        warnings=(*warnings, DELETED) if document.deleted else warnings,
    )


def _own(found: Sequence[VaultObject]) -> VaultObject | None:
    """The one that counts: what is not deleted before what is, then the lowest id (design, 4.5)."""
    return min(found, key=lambda one: (one.deleted, one.id), default=None)


def _written(one: Rebuilt) -> Rebuilt:
    return Rebuilt(one.mail, "journalled", one.document) if one.outcome == "chosen" else one
