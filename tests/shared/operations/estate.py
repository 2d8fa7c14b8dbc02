"""A source with its mailbox, its journal and its vault, and what may go wrong between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from sandbox.box import Sandbox
from sandbox.tenant.graph import Delivered
from shared.configuration import Source
from shared.identities import filing_key
from shared.journal_row import Row
from shared.mail_step import MailStep
from shared.operations.command_line import parse
from shared.operations.commands.running import COMMANDS
from shared.queue_messages import KINDS, MailFiled, MailMessage, encode
from shared.services import Services
from shared.tracing import traceparent

from ..clock import FakeClock
from ..graph.samples import mail
from ..made import arrived, order, unique_name

MAIL_CLASS, TITLE, KEY = 207, 0, 1301


@dataclass(frozen=True)
class Estate:
    """All of it, in the sandbox."""

    box: Sandbox
    services: Services
    clock: FakeClock
    environment: Mapping[str, str]

    @property
    def source(self) -> Source:
        return self.services.configuration.source[0]

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def mailbox(self) -> str:
        return self.source.mailbox

    async def command(self, *arguments: str) -> int:
        """Run a command in this process; answers its exit status."""
        options = parse(arguments)
        return await COMMANDS[options.command](self.services, options)

    def deliver(self, *, received: datetime | None = None, folder: str = "inbox") -> Delivered:
        """A mail that nobody is told of."""
        return self.box.tenant.deliver(self.mailbox, mail("Hello"), folder, received=received)

    def key(self, delivered: Delivered) -> str:
        return filing_key(self.name, delivered.immutable_id)

    async def row(self, delivered: Delivered) -> Row:
        """The journal's row of a mail."""
        row = await self.services.journal.read(self.name, self.key(delivered))
        assert row is not None
        return row

    async def rows(self) -> list[Row]:
        return [row async for row in self.services.journal.rows(self.name, columns=("rule", "object_id"))]

    async def forget(self, delivered: Delivered) -> None:
        """Take the journal's row of a mail away."""
        await self.services.journal.delete(await self.row(delivered))

    async def stage(self, delivered: Delivered) -> None:
        await self.take(self.services.staging, arrived(self.name, delivered.immutable_id))

    async def file(self, *, received: datetime | None = None) -> Delivered:
        """A mail that has gone all the way."""
        delivered = self.deliver(received=received)
        await self.finish(delivered)
        return delivered

    async def finish(self, delivered: Delivered) -> None:
        """Let a delivered mail go all the way."""
        await self.stage(delivered)
        await self.take(self.services.filing, order(self.name, delivered.immutable_id))
        filed = MailFiled(source=self.name, key=self.key(delivered), traceparent=traceparent())
        await self.take(self.services.mailbox, filed)
        assert (await self.row(delivered)).is_closed

    async def take(self, step: MailStep[Any], message: MailMessage) -> None:
        """Give one message to a step, as its function does."""
        await self.services.receiver.receive(step, KINDS[step.queue], encode(message).encode())

    def documents(self, delivered: Delivered) -> list[int]:
        """The ids of a mail's documents, deleted ones too."""
        key = self.key(delivered)
        found = self.box.vault.objects()
        return [one.id for one in found if key in (value.value for value in one.properties)]

    async def document(self, key: str) -> int:
        """A document with that filing key, created by another account; answers its id."""
        username = unique_name("somebody")
        self.box.vault.add_account(username, "their-password")
        login = {"Username": username, "Password": "their-password", "VaultGuid": self.box.vault.guid}
        values = [(TITLE, 1, "Hello"), (KEY, 1, key), (22, 8, False)]
        properties = [{"PropertyDef": n, "TypedValue": {"DataType": t, "Value": v}} for n, t, v in values]
        of_class = {"DataType": 9, "Lookup": {"Item": MAIL_CLASS, "Version": -1}}
        body = {"PropertyValues": [*properties, {"PropertyDef": 100, "TypedValue": of_class}]}
        async with httpx.AsyncClient(base_url=f"{self.box.addresses.vault}/REST/") as client:
            token = (await client.post("server/authenticationtokens", json=login)).json()["Value"]
            answer = await client.post("objects/0", json=body, headers={"X-Authentication": token})
        assert answer.status_code == 200
        number: int = answer.json()["ObjVer"]["ID"]
        return number
