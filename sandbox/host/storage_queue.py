"""Queues of Azure Storage, behind the port of `queues`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError
from azure.storage.queue import QueueMessage as StoredMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from sandbox.host.queues import LeaseLost, QueueMessage, QueueMissing, QueueUnavailable

# A short outage must not cost a message its end: three more tries within some seconds.
_RETRIES: dict[str, Any] = {"retry_total": 3, "initial_backoff": 1, "increment_base": 2}
_MISSING = {"QueueNotFound", "QueueBeingDeleted", "QueueDisabled"}
_LOST = {"MessageNotFound", "PopReceiptMismatch"}


class ConnectionRefused(ValueError):
    """The settings of a connection lead to no queue service."""


@asynccontextmanager
async def queue_service(connection: str, settings: Mapping[str, str]) -> AsyncIterator[QueueServiceClient]:
    """The queue service behind a binding's `connection`, closed at the end.

    The setting `connection` itself holds a connection string, else `connection__queueServiceUri` is reached
    with an identity: the managed one when `connection__credential` says `managedidentity`, of the client id
    in `connection__clientId` (learn.microsoft.com/azure/azure-functions/functions-reference, connections).
    Raises ConnectionRefused.
    """
    if text := settings.get(connection):
        try:
            service = QueueServiceClient.from_connection_string(text, **_RETRIES)
        except ValueError as error:
            raise ConnectionRefused(f"the setting {connection} is no connection string: {error}") from error
        async with service:
            yield service
        return
    address = settings.get(f"{connection}__queueServiceUri")
    if not address:
        raise ConnectionRefused(
            f"the setting {connection} is missing: give a connection string there, "
            f"or the address of the queue service in {connection}__queueServiceUri"
        )
    identity = credential_of(connection, settings)
    async with identity, QueueServiceClient(address, identity, **_RETRIES) as service:
        yield service


def credential_of(connection: str, settings: Mapping[str, str]) -> AsyncTokenCredential:
    """The identity of a connection without connection string. Raises ConnectionRefused."""
    # Imported where it is needed: it takes half a second, and a connection string needs none of it.
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

    kind = settings.get(f"{connection}__credential")
    if not kind:
        return DefaultAzureCredential()
    if kind.lower() != "managedidentity":
        raise ConnectionRefused(f"{connection}__credential must be managedidentity or missing, not {kind!r}")
    return ManagedIdentityCredential(client_id=settings.get(f"{connection}__clientId"))


class StorageQueue:
    """One queue of a storage account. The content of messages is passed on as stored."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client

    @property
    def name(self) -> str:
        """Its name in the storage account."""
        return str(self._client.queue_name)

    async def receive(self, count: int, lease: int) -> Sequence[QueueMessage]:
        """Up to `count` messages in one call, tried once: the caller polls again anyway."""
        with _translated():
            pages = self._client.receive_messages(
                messages_per_page=count, max_messages=count, visibility_timeout=lease, retry_total=0
            ).by_page()
            async for page in pages:
                return [_message(stored) async for stored in page]
            return []

    async def hide(self, message: QueueMessage, seconds: int) -> QueueMessage:
        """A new lease, or with 0 none."""
        with _translated():
            updated = await self._client.update_message(
                message.id, message.receipt, visibility_timeout=seconds
            )
        return _with_receipt(message, updated)

    async def delete(self, message: QueueMessage) -> None:
        """Remove it on its present receipt."""
        with _translated():
            await self._client.delete_message(message.id, message.receipt)

    async def put(self, content: str) -> None:
        """Add a message with the default time to live, seven days, as the real host does."""
        try:
            await self._send(content)
        except QueueMissing:
            await self._create()
            await self._send(content)

    async def _send(self, content: str) -> None:
        with _translated():
            await self._client.send_message(content)

    async def _create(self) -> None:
        with _translated():
            try:
                await self._client.create_queue()
            except ResourceExistsError as error:
                if _code(error) != "QueueAlreadyExists":
                    raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except HttpResponseError as error:
        code = _code(error)
        kind = QueueMissing if code in _MISSING else LeaseLost if code in _LOST else QueueUnavailable
        raise kind(f"{code or error.status_code}: {error.reason}") from error
    except AzureError as error:
        raise QueueUnavailable(f"{type(error).__name__}: {error.message}") from error


def _code(error: HttpResponseError) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def _message(stored: StoredMessage) -> QueueMessage:
    return QueueMessage(
        id=stored.id,
        content=cast("str", stored.content) or "",
        receipt=str(stored.pop_receipt),
        dequeue_count=int(stored.dequeue_count or 0),
        inserted=_known(stored.inserted_on),
        expires=_known(stored.expires_on),
        next_visible=_known(stored.next_visible_on),
    )


def _with_receipt(message: QueueMessage, updated: StoredMessage) -> QueueMessage:
    return replace(message, receipt=str(updated.pop_receipt), next_visible=_known(updated.next_visible_on))


def _known(moment: datetime | None) -> datetime:
    """Storage gives every time of a message that it hands out or updates."""
    if moment is None:
        raise QueueUnavailable("storage answered without the times of a message")
    return moment
