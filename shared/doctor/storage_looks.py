"""Looking at one queue, table or container: whether it is there, and may be read and written.

What is missing is made when it is first needed. Whether something may be written is asked by deleting what is
not there: who may not is refused, who may is told that there is nothing. One of each kind is written for
real, where nobody minds.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.errors import VaultpostError
from shared.fingerprints import TABLE as FINGERPRINTS
from shared.queue_messages import LIFECYCLE_EVENT, LifecycleEvent, encode
from shared.storage_errors import storage_faults
from shared.sweep_state import CONTAINER as STATE
from shared.tracing import traceparent

_NOBODY = "_doctor"
"""No source can be called so."""
_HIDDEN_FOR, _LIVES_FOR = 60, 120
"""Seconds for which a message of the doctor is not seen, and after which it is gone in any case."""
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
Step = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class StorageAccess:
    """The clients of the storage for mail, and who the app is there: nobody with a connection string."""

    queues: QueueServiceClient
    tables: TableServiceClient
    blobs: BlobServiceClient
    identity: AsyncTokenCredential | None


@dataclass(frozen=True)
class Seen:
    """What came of one queue, table or container: refused, otherwise at fault, missing, or there."""

    name: str
    fault: str = ""
    is_refused: bool = False
    is_missing: bool = False
    waiting: int = 0


async def look_at_queue(access: StorageAccess, name: str) -> Seen:
    client, waiting = access.queues.get_queue_client(name), 0

    async def read() -> None:
        nonlocal waiting
        properties = await client.get_queue_properties()
        if name.endswith("-poison"):
            waiting = properties.approximate_message_count or 0
        await client.peek_messages(max_messages=1)

    async def delete_nothing() -> None:
        await client.delete_message(str(uuid.uuid4()), "AgAAAAMAAAAAAAAAAAAAAAAAAAA=")

    async def write() -> None:
        event = LifecycleEvent(
            source=_NOBODY, traceparent=traceparent(), event="missed", subscription=_NOBODY
        )
        sent = await client.send_message(
            encode(event), visibility_timeout=_HIDDEN_FOR, time_to_live=_LIVES_FOR
        )
        await client.delete_message(sent.id, sent.pop_receipt)

    found = await _look(name, read, delete_nothing, write if name == LIFECYCLE_EVENT else None)
    return found if found.fault or found.is_missing else Seen(name, waiting=waiting)


async def look_at_table(access: StorageAccess, name: str) -> Seen:
    client, row = access.tables.get_table_client(name), str(uuid.uuid4())

    async def read() -> None:
        async for _ in client.query_entities("PartitionKey eq '_'", results_per_page=1):
            break

    async def delete_nothing() -> None:
        await client.delete_entity(_NOBODY, row)

    async def write() -> None:
        await client.upsert_entity({"PartitionKey": _NOBODY, "RowKey": row})
        await client.delete_entity(_NOBODY, row)

    return await _look(name, read, delete_nothing, write if name == FINGERPRINTS else None)


async def look_at_container(access: StorageAccess, name: str) -> Seen:
    client, blob = access.blobs.get_container_client(name), f"{_NOBODY}/{uuid.uuid4()}"

    async def read() -> None:
        async for _ in client.list_blob_names(results_per_page=1):
            break

    async def delete_nothing() -> None:
        await client.delete_blob(blob)

    async def write() -> None:
        await client.upload_blob(blob, b"")
        await client.delete_blob(blob)

    return await _look(name, read, delete_nothing, write if name == STATE else None)


async def _look(name: str, read: Step, delete_nothing: Step, write: Step | None) -> Seen:
    """What comes of reading and writing it, as far as the first fault."""
    try:
        with storage_faults(name):
            await read()
    except ResourceNotFoundError:
        return Seen(name, is_missing=True)
    except VaultpostError as fault:
        return _of(name, fault)
    try:
        with storage_faults(name):
            await delete_nothing()
    except ResourceNotFoundError:
        pass  # it may be deleted from, and there was nothing
    except VaultpostError as fault:
        if _is_refusal(fault):
            return _of(name, fault)
    try:
        with storage_faults(name):
            if write is not None:
                await write()
    except ResourceNotFoundError:
        return Seen(name, "was deleted while it was looked at")
    except VaultpostError as fault:
        return _of(name, fault)
    return Seen(name)


def _of(name: str, fault: VaultpostError) -> Seen:
    told = str(fault).removeprefix(f"{name}: ")
    return Seen(name, told, is_refused=_is_refusal(fault))


def _is_refusal(fault: VaultpostError) -> bool:
    cause = fault.__context__
    return isinstance(cause, HttpResponseError) and cause.status_code in _REFUSED
