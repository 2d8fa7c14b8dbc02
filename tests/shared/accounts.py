"""A storage account for each test, all in one Azurite: what one test leaves, no other one meets."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from sandbox.storage.account import Account
from sandbox.storage.azurite import Storage
from shared.clock import SystemClock
from shared.duplicates import Duplicates
from shared.fingerprints import FingerprintTable
from shared.journal import JournalTable
from shared.queues import Queues
from shared.settings import StorageSettings
from shared.staging_area import StagingArea
from shared.storage_clients import blob_service, queue_service, table_service
from shared.subscription_register import SubscriptionRegister
from shared.unfinished import UnfinishedTable

NUMBER = 1200
"""Windows takes 32,767 characters of environment: names and key are short."""


class ManyAccounts(Account):
    """An account with others beside it, all with one key."""

    @property
    def environment(self) -> dict[str, str]:
        names = [self.name, *(name_of(number) for number in range(NUMBER))]
        return {"AZURITE_ACCOUNTS": ";".join(f"{name}:{self.key}" for name in names)}


def many_accounts() -> ManyAccounts:
    """Accounts that nothing else knows."""
    return ManyAccounts("first", base64.b64encode(secrets.token_bytes(9)).decode())


def name_of(number: int) -> str:
    return f"t{number:04}"


def connection_string(storage: Storage, number: int) -> str:
    """The way to one of the accounts in `storage`."""
    name = name_of(number)
    addresses = {"Blob": storage.blob_url, "Queue": storage.queue_url, "Table": storage.table_url}
    return Account(name, storage.account.key).connection_string(
        {service: f"{address.rpartition('/')[0]}/{name}" for service, address in addresses.items()}
    )


class NotingQueues(Queues):
    """The queues, with a note of the delay of each message: what is not visible can't be looked at."""

    def __init__(self, service: QueueServiceClient) -> None:
        super().__init__(service)
        self.delays: list[int] = []

    async def send_text(self, queue: str, text: str, *, delay: int = 0) -> None:
        await super().send_text(queue, text, delay=delay)
        self.delays.append(delay)


@dataclass(frozen=True)
class Stores:
    """One account, the SDK's clients of it, and the app's adapters on them."""

    connection_string: str
    tables: TableServiceClient
    blobs: BlobServiceClient
    queue_service: QueueServiceClient
    journal: JournalTable
    unfinished: UnfinishedTable
    register: SubscriptionRegister
    area: StagingArea
    queues: NotingQueues

    async def visible(self, queue: str) -> list[dict[str, Any]]:
        """The messages of a queue that a function would get now, the oldest first."""
        try:
            found = await self._queue(queue).peek_messages(max_messages=32)
        except ResourceNotFoundError:
            return []
        return [json.loads(message.content) for message in found]

    async def number(self, queue: str) -> int:
        """How many messages a queue has, visible or not."""
        try:
            properties = await self._queue(queue).get_queue_properties()
        except ResourceNotFoundError:
            return 0
        return properties.approximate_message_count or 0

    async def blob_names(self, prefix: str = "") -> list[str]:
        """The names in the staging area that begin so, in their order."""
        container = self.blobs.get_container_client("staging")
        try:
            return sorted([name async for name in container.list_blob_names(name_starts_with=prefix)])
        except ResourceNotFoundError:
            return []

    async def put_blob(self, name: str, content: bytes) -> None:
        """Write a blob past the adapter."""
        await self.blobs.get_container_client("staging").upload_blob(name, content, overwrite=True)

    def _queue(self, name: str) -> QueueClient:
        return self.queue_service.get_queue_client(name)


@asynccontextmanager
async def opened(connection: str) -> AsyncIterator[Stores]:
    """Clients and adapters of one account, as the composition root builds them."""
    settings = StorageSettings(connection)
    async with AsyncExitStack() as stack:
        tables = await stack.enter_async_context(table_service(settings, None))
        blobs = await stack.enter_async_context(blob_service(settings, None))
        queues = await stack.enter_async_context(queue_service(settings, None))
        yield Stores(
            connection,
            tables,
            blobs,
            queues,
            JournalTable(tables),
            UnfinishedTable(tables),
            SubscriptionRegister(tables),
            StagingArea(blobs),
            NotingQueues(queues),
        )


@asynccontextmanager
async def closed_port(port: int) -> AsyncIterator[Stores]:
    """The same where nobody listens, without the SDK's retries, which take minutes."""
    connection = Account("down", "a2V5").connection_string(
        dict.fromkeys(("Blob", "Queue", "Table"), f"http://127.0.0.1:{port}/down")
    )
    once: dict[str, Any] = {"retry_total": 0}
    async with (
        TableServiceClient.from_connection_string(connection, **once) as tables,
        BlobServiceClient.from_connection_string(connection, **once) as blobs,
        QueueServiceClient.from_connection_string(connection, **once) as queues,
    ):
        yield Stores(
            connection,
            tables,
            blobs,
            queues,
            JournalTable(tables),
            UnfinishedTable(tables),
            SubscriptionRegister(tables),
            StagingArea(blobs),
            NotingQueues(queues),
        )


SOURCES = ("invoices", "sales")
"""Those that tests configure."""


def duplicates_of(stores: Stores) -> Duplicates:
    """The first mails by fingerprint, in this account."""
    return Duplicates(FingerprintTable(stores.tables), stores.journal, SystemClock(), SOURCES)
