"""The whole way of many mails in one process: the app's own composition, and the sandbox's services.

Bytes go through Graph, Blob Storage and M-Files; journal, queues and breakers, which see none of them, are in
memory. Time is that of a clock that is moved.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from sandbox.box import Sandbox
from sandbox.demo.outcome import digest
from sandbox.tenant.graph import Held
from sandbox.tenant.graph.manner import RECEIVED, Manner
from sandbox.vault import VaultObject
from shared.breaker_table import Breakers
from shared.configuration import Document
from shared.identities import filing_key
from shared.journal_row import Row
from shared.mail_kinds import DRAFT
from shared.queue_messages import KINDS, MAIL_ARRIVED
from shared.services import Services
from shared.settings import Settings
from shared.testing.breaker_table import InMemoryBreakerTable
from shared.testing.fingerprints import InMemoryFingerprints
from shared.testing.journal import InMemoryJournal
from shared.testing.queues import InMemoryQueues
from shared.testing.unfinished import InMemoryUnfinished

from .clock import FakeClock
from .made import arrived, unique_name
from .safe_names import faults_of_names

AT_ONCE = 12
"""As many as the host takes from its queues: `batchSize` and `newBatchThreshold` of host.json."""
LEASE = 600.0
SHORTCUT = b"[InternetShortcut]\r\n"
TEXTS = {
    "PD.From": "{{ from.address }}",
    "PD.Subject": "{{ subject }}",
    "PD.MessageId": "{{ message_id }}",
    "PD.Sent": "{{ sent }}",
    "PD.HasAttachments": "{{ 'true' if attachments else 'false' }}",
}


@dataclass(frozen=True)
class Delivery:
    """A mail that has come: what tests call it, its immutable id, in what manner it came."""

    called: str
    message: str
    manner: Manner


class WholeWay:
    """A mailbox of its own, and a source over it whose mail is filed in the sandbox's vault."""

    def __init__(
        self, box: Sandbox, base: Services, clock: FakeClock, settings: Settings | None = None
    ) -> None:
        self.box, self.clock = box, clock
        self.queues = InMemoryQueues(clock)
        self.name = unique_name("way")
        self.mailbox = f"{self.name}@example.com"
        box.tenant.add_mailbox(self.mailbox)
        source = msgspec.structs.replace(
            base.configuration.source[0],
            name=self.name,
            mailbox=self.mailbox,
            document=msgspec.convert({"class": "CL.Mail", "properties": TEXTS}, Document),
        )
        configuration = msgspec.structs.replace(base.configuration, source=(source,))
        self.services = Services(settings or base.settings, configuration, clock)
        parts: dict[str, Any] = {
            "journal": InMemoryJournal(),
            "unfinished": InMemoryUnfinished(),
            "fingerprints": InMemoryFingerprints(),
            "queues": self.queues,
            "breakers": Breakers(InMemoryBreakerTable(), clock),
        }
        self.services.__dict__.update(parts)

    async def announce(self, deliveries: Iterable[Delivery]) -> None:
        """Notifications of these mails come."""
        for one in deliveries:
            await self.queues.send(MAIL_ARRIVED, arrived(self.name, one.message))

    async def run(self) -> None:
        """Take all messages that are visible, many at once, until there are none."""
        await asyncio.gather(*(self._work() for _ in range(AT_ONCE)))

    async def settle(self, within: timedelta = timedelta(hours=2)) -> None:
        """Let time pass until no message is left."""
        end = self.clock.now() + within
        while (following := self.queues.next_visible_at()) is not None:
            assert following < end, self.queues.messages()
            self.clock.advance(seconds=max(0.0, (following - self.clock.now()).total_seconds()))
            await self.run()

    async def row(self, message: str) -> Row:
        """What the journal has of a mail."""
        found = await self.services.journal.read(self.name, filing_key(self.name, message))
        assert found is not None
        return found

    async def open_mails(self) -> int:
        """How many mails have not come to their end."""
        return len([one async for one in self.services.unfinished.all()])

    def documents(self) -> dict[str, list[VaultObject]]:
        """What the vault has, by filing key."""
        found: dict[str, list[VaultObject]] = {}
        for document in self.box.vault.objects():
            found.setdefault(str(document.values["Filing key"]), []).append(document)
        return found

    def held(self) -> dict[str, Held]:
        """What the mailbox has, by immutable id."""
        return {one.immutable_id: one for one in self.box.tenant.messages(self.mailbox)}

    def deliver(self, called: str, mime: bytes | Path, manner: Manner = RECEIVED) -> Delivery:
        """A mail comes."""
        delivered = self.box.tenant.deliver(self.mailbox, mime, manner=manner)
        return Delivery(called, delivered.immutable_id, manner)

    async def faults(self, deliveries: Sequence[Delivery]) -> list[str]:
        """What is wrong with mails that have been delivered.

        Right is: filed once, each file with the bytes that the tenant holds, under safe names. A draft is
        skipped as one.
        """
        documents, held = self.documents(), self.held()
        found = []
        for one in deliveries:
            row = await self.row(one.message)
            of_mail = documents.get(filing_key(self.name, one.message), [])
            if one.manner.draft:
                why = (
                    ""
                    if (row.state, row.rule, of_mail) == ("skipped", DRAFT, [])
                    else f"{row.state} {row.rule}"
                )
            else:
                why = _fault(row, held[one.message], of_mail, one.manner)
            if why:
                found.append(f"{one.called}: {why}")
        return found

    async def _work(self) -> None:
        while await self._take_one():
            pass

    async def _take_one(self) -> bool:
        services = self.services
        for step in (services.mailbox, services.filing, services.staging):
            for message in await self.queues.receive(step.queue, 1, LEASE):
                kind: Any = KINDS[step.queue]
                await services.receiver.receive(step, kind, message.text.encode())
                assert await self.queues.delete(message)
                return True
        return False


def _fault(row: Row, held: Held, documents: Sequence[VaultObject], manner: Manner) -> str:
    if row.state != "filed":
        return f"{row.state} {row.rule}: {row.reason}"
    if len(documents) != 1:
        return f"{len(documents)} documents"
    files = documents[0].files
    there = Counter(digest(file.path) for file in files)
    if there != Counter(of_row.hex() for of_row in row.digests):
        return "the journal has other digests than the vault"
    expected = Counter(file.file.sha256 for file in held.files)
    if not manner.regenerated:
        expected[held.mime.sha256] += 1
    missing, more = (expected - there).total(), (there - expected).total()
    shortcuts = sum(file.path.read_bytes().startswith(SHORTCUT) for file in files)
    if missing or more != len(manner.links) + manner.regenerated or shortcuts != len(manner.links):
        return f"{missing} files are missing or changed, {more} are more, {shortcuts} of them links"
    if len(files) == 1:
        return ""  # to a document of one file the vault gives its own title
    return "; ".join(faults_of_names([(file.title, file.extension) for file in files]))
