"""The queues of Azure Storage, as far as the app itself uses them: the host receives for it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from shared.queue_messages import Message, encode
from shared.storage_errors import created_anew, storage_faults
from shared.storage_transport import PUTS_AT_ONCE

_FOR_EVER = -1
_LONGEST_DELAY = 7 * 24 * 3600 - 60
"""Seconds; seven days are the most (learn.microsoft.com/rest/api/storageservices/put-message)."""


class QueuesPort(Protocol):
    """Where messages are queued: `Queues`, or `shared.testing.queues.InMemoryQueues`."""

    async def send(self, queue: str, message: Message, *, delay: int = 0) -> None:
        """Put `message` into `queue`, visible after `delay` seconds (7 days at most); it never expires.

        Raises Unavailable when it is not durably queued.
        """

    async def send_text(self, queue: str, text: str, *, delay: int = 0) -> None:
        """Put a message into `queue` that is text already. As `send`, otherwise."""

    async def oldest_visible(self, queue: str) -> datetime | None:
        """When the first of the messages that are visible now was inserted; None where there is none.

        In whole seconds, rounded down. Raises Unavailable.
        """


class Queues:
    """Puts messages into queues, which it makes where they are missing."""

    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service
        self._clients: dict[str, QueueClient] = {}
        self._places = asyncio.Semaphore(PUTS_AT_ONCE)

    async def send(self, queue: str, message: Message, *, delay: int = 0) -> None:
        """Put `message` into `queue`, visible after `delay` seconds (7 days at most); it never expires.

        Raises Unavailable when it is not durably queued.
        """
        await self.send_text(queue, encode(message), delay=delay)

    async def send_text(self, queue: str, text: str, *, delay: int = 0) -> None:
        """Put a message into `queue` that is text already. As `send`, otherwise."""
        with storage_faults(f"queue {queue}"):
            async with self._places:
                await self._put(queue, text, delay)

    async def oldest_visible(self, queue: str) -> datetime | None:
        """When the first of the messages that are visible now was inserted; None where there is none.

        In whole seconds, rounded down: RFC 1123 (learn.microsoft.com/rest/api/storageservices/peek-messages).
        It need not be the oldest one: one that was put back may have been inserted before, and the service
        promises no order. Raises Unavailable.
        """
        try:
            with storage_faults(f"queue {queue}"):
                found = await self._client(queue).peek_messages(max_messages=1)
        except ResourceNotFoundError:
            return None  # there is no queue
        return found[0].inserted_on if found else None

    def _client(self, queue: str) -> QueueClient:
        client = self._clients.get(queue)
        if client is None:
            client = self._clients[queue] = self._service.get_queue_client(queue)
        return client

    async def _put(self, queue: str, text: str, delay: int) -> None:
        delay = min(delay, _LONGEST_DELAY)
        client = self._client(queue)
        try:
            await client.send_message(text, visibility_timeout=delay, time_to_live=_FOR_EVER)
        except ResourceNotFoundError:
            await _create(client)
            with created_anew(f"queue {queue}"):
                await client.send_message(text, visibility_timeout=delay, time_to_live=_FOR_EVER)


async def _create(client: QueueClient) -> None:
    try:
        await client.create_queue()
    except ResourceExistsError:
        return  # a twin was first, or infra made it
