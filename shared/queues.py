"""Sending to the queues of Azure Storage."""

from __future__ import annotations

import asyncio

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from shared.queue_messages import Message, encode
from shared.storage_errors import created_anew, storage_faults

_FOR_EVER = -1
_AT_ONCE = 16


class Queues:
    """Puts messages into queues, which it makes where they are missing."""

    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service
        self._clients: dict[str, QueueClient] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

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

    async def _put(self, queue: str, text: str, delay: int) -> None:
        client = self._clients.get(queue)
        if client is None:
            client = self._clients[queue] = self._service.get_queue_client(queue)
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
