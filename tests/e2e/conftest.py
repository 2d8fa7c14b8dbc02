"""The app, in the sandbox's host, against the sandbox: one for all end-to-end tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from sandbox.app import App, free_port, write_settings
from sandbox.box import Sandbox
from sandbox.example_sources import example_sources
from sandbox.tenant.graph import Delivered
from sandbox.vault import VaultObject
from shared.identities import client_state, filing_key
from shared.journal import JournalTable
from shared.journal_row import Row
from shared.unfinished import OpenMail, UnfinishedTable

MAILBOX, SOURCE = "e2e@example.com", "e2e"
PATIENCE = 45.0
"""Seconds, for a busy machine; less than the minute after which the watch queues a mail again."""


@dataclass
class Installation:
    """A running app with its sandbox."""

    box: Sandbox
    app: App
    journal: JournalTable
    unfinished: UnfinishedTable
    queues: QueueServiceClient
    http: httpx.AsyncClient
    files: Path = field(repr=False)

    @property
    def client_state(self) -> str:
        """What a true notification of the source carries."""
        key = self.box.secrets.get("notification-key")
        assert key is not None
        return client_state(SOURCE, key.value)

    def deliver(self, mime: bytes) -> Delivered:
        """Put a mail into the watched inbox."""
        return self.box.tenant.deliver(MAILBOX, mime)

    def documents(self, delivered: Delivered) -> list[VaultObject]:
        """The documents of a delivered mail."""
        key = filing_key(SOURCE, delivered.immutable_id)
        return [one for one in self.box.vault.objects() if key in (value.value for value in one.properties)]

    async def row(self, message: str) -> Row | None:
        """The journal's row of a message."""
        return await self.journal.read(SOURCE, filing_key(SOURCE, message))

    async def until_ended(self, message: str, seconds: float = PATIENCE) -> Row:
        """Wait until the journal says that a mail has ended."""
        end = time.monotonic() + seconds
        while True:
            row = await self.row(message)
            if row is not None and row.has_ended:
                return row
            assert time.monotonic() < end, f"not in {seconds} s: {row}\n{self.log()[-3000:]}"
            await asyncio.sleep(0.05)

    async def until_closed(self, message: str, seconds: float = PATIENCE) -> Row:
        """Wait until nothing is left to do for a mail, and table `unfinished` has it no more."""
        end = time.monotonic() + seconds
        key = filing_key(SOURCE, message)
        while True:
            row, open_mails = await self.row(message), await self.open_mails()
            if row is not None and row.is_closed and key not in {mail.key for mail in open_mails}:
                return row
            assert time.monotonic() < end, f"not in {seconds} s: {row}\n{self.log()[-3000:]}"
            await asyncio.sleep(0.05)

    async def open_mails(self) -> list[OpenMail]:
        """What table `unfinished` has of the source."""
        return [mail async for mail in self.unfinished.all(SOURCE)]

    async def queued(self, queue: str) -> int:
        """How many messages a queue has, visible or not."""
        try:
            properties = await self.queues.get_queue_client(queue).get_queue_properties()
        except ResourceNotFoundError:  # it is made when something is put into it
            return 0
        return properties.approximate_message_count or 0

    def log(self) -> str:
        """What the app has logged."""
        return self.app.log.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
async def installation(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """The app with one source, subscribed."""
    place = tmp_path_factory.mktemp("app")
    box.tenant.add_mailbox(MAILBOX)
    sources, settings = place / "mail-sources.toml", place / "local.settings.json"
    sources.write_text(
        example_sources(box.addresses.vault, box.vault.guid, SOURCE, MAILBOX), encoding="utf-8"
    )
    port = free_port()
    write_settings(settings, box.settings(f"http://127.0.0.1:{port}/api", sources))
    connection = box.storage.connection_string
    async with (
        App(settings, port, place / "app.log") as app,
        TableServiceClient.from_connection_string(connection) as tables,
        QueueServiceClient.from_connection_string(connection) as queues,
        httpx.AsyncClient(base_url=app.address, timeout=30.0) as http,
    ):
        running = Installation(box, app, JournalTable(tables), UnfinishedTable(tables), queues, http, place)
        await app.run("subscriptions")
        await _until_subscribed(running)
        yield running


async def _until_subscribed(running: Installation) -> None:
    end = time.monotonic() + PATIENCE
    while not any(MAILBOX in one.resource for one in running.box.tenant.subscriptions.live()):
        assert time.monotonic() < end, running.log()[-3000:]
        await asyncio.sleep(0.05)
