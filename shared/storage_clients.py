"""The clients of Azure Storage, as the settings say."""

from __future__ import annotations

from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.settings import StorageSettings
from shared.storage_transport import PUTS_AT_ONCE, READ_TIMEOUT, StorageTransport

PIECE = 1024 * 1024
"""Bytes of a blob that one request reads or writes; the SDK's own first piece is 32 MB. A stream holds a few
such pieces (`shared.blob_container`), and two dozen streams may be under way."""
_RETRIES: dict[str, Any] = {
    "retry_total": 2,
    "initial_backoff": 0,
    "increment_base": 1,
    "random_jitter_range": 1,
}
"""Two quick retries, of a second or two: what lasts longer is put back (design, 4.8). The SDK would wait 15 s
before the first one, and the webhook must have answered by then."""
_TABLE_RETRIES: dict[str, Any] = {
    "retry_total": 2,
    "retry_backoff_factor": 0.5,
    "retry_backoff_max": 2,
}
TABLE_READ_TIMEOUT = 10.0
"""Seconds: a claim is renewed every 30, and lasts 90."""


def blob_service(storage: StorageSettings, credential: AsyncTokenCredential | None) -> BlobServiceClient:
    """The client for blobs, reading in small pieces."""
    options: dict[str, Any] = {"max_single_get_size": PIECE, "max_chunk_get_size": PIECE, **_RETRIES}
    options["transport"] = StorageTransport(read_timeout=READ_TIMEOUT)
    if storage.connection_string is not None:
        return BlobServiceClient.from_connection_string(storage.connection_string, **options)
    return BlobServiceClient(storage.blob_url, credential=credential, **options)


def queue_service(storage: StorageSettings, credential: AsyncTokenCredential | None) -> QueueServiceClient:
    """The client for queues. It sends text as it is, as `host.json` expects (`messageEncoding: none`)."""
    options = {**_RETRIES, "transport": StorageTransport(PUTS_AT_ONCE, read_timeout=READ_TIMEOUT)}
    if storage.connection_string is not None:
        return QueueServiceClient.from_connection_string(storage.connection_string, **options)
    return QueueServiceClient(storage.queue_url, credential=credential, **options)


def table_service(storage: StorageSettings, credential: AsyncTokenCredential | None) -> TableServiceClient:
    """The client for tables."""
    options = {**_TABLE_RETRIES, "transport": StorageTransport(read_timeout=TABLE_READ_TIMEOUT)}
    if storage.connection_string is not None:
        return TableServiceClient.from_connection_string(storage.connection_string, **options)
    return TableServiceClient(storage.table_url, credential=credential, **options)
