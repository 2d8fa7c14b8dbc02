"""The least that the work can cost: one straight program with the app's own clients.

It streams; Graph is asked as often at once as its limit for a mailbox allows, and as many mails are under way
as in the app; each file is written once to Blob, read once from it, and each of the two hops has one queue
message put. There is no journal, no claim and no check.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from functools import partial

from bench.programs.serving import serve
from sandbox.app import ROOT
from shared.identities import filing_key
from shared.queue_messages import MailArrived, VaultImport
from shared.services import Services
from shared.vault.protocol import DataType, NewFile, NewObject, PropertyValue

AT_ONCE = 12
"""Mails under way, as in the app (host.json); the client itself keeps to Graph's limit of four."""
_QUEUE = "straight"
"""For both hops: no app takes from it."""
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Straight:
    """Files mail of one source into the class of its configuration."""

    def __init__(self, services: Services) -> None:
        self._services = services
        (self._source,) = services.sources.values()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def file(self, messages: list[str]) -> None:
        """All of them, some at once."""
        await asyncio.gather(*(self._file(message) for message in messages))

    async def _file(self, message: str) -> None:
        services, name = self._services, self._source.name
        key = filing_key(name, message)
        arrived = MailArrived(source=name, traceparent=_TRACE, message=message, cause="sweep", noticed="")
        async with self._places:
            await services.queues.send(_QUEUE, arrived)
            files, title = await self._staged(message, key)
            await services.queues.send(_QUEUE, VaultImport(source=name, traceparent=_TRACE, key=key))
            await self._created(files, title, key)

    async def _staged(self, message: str, key: str) -> tuple[list[NewFile], str]:
        mailboxes, mailbox = self._services.mailboxes, self._source.mailbox
        found, attachments = await mailboxes.opened(mailbox, message)
        contents = [("message", "eml", mailboxes.mime(mailbox, message))]
        contents += [
            (one.name or "", "bin", mailboxes.attachment_bytes(mailbox, message, one.id))
            for one in attachments
        ]
        files = [
            await self._through_blob(f"{key}/{title}", title, kind, stream)
            for title, kind, stream in contents
        ]
        return files, found.subject or ""

    async def _through_blob(
        self, name: str, title: str, extension: str, content: AsyncGenerator[bytes, None]
    ) -> NewFile:
        area = self._services.area
        written = await area.write(name, content)
        return NewFile(title, extension, written.size, partial(area.read, name, written.size))

    async def _created(self, files: list[NewFile], title: str, key: str) -> None:
        vault = self._services.vault
        structure = await vault.structure()
        document = self._source.document
        class_ = await structure.class_(document.class_)
        texts = {class_.name_property: title, structure.property("PD.FilingKey").id: key}
        values = tuple(PropertyValue(number, DataType.TEXT, text) for number, text in texts.items())
        await vault.create(NewObject(class_.id, values), files, _nothing, [])


async def _nothing() -> None:
    """Nothing is marked before a create."""


async def _main() -> None:
    services = Services.from_environment(os.environ, ROOT)
    try:
        await serve(Straight(services).file)
    finally:
        await services.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
