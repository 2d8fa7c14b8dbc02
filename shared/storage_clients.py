"""The clients of Azure Storage, as the settings say."""

from __future__ import annotations

from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.settings import StorageSettings

PIECE = 4 * 1024 * 1024
"""Bytes of a blob that are in memory at once; the SDK's own first piece is 32 MB."""


def blob_service(storage: StorageSettings, credential: AsyncTokenCredential | None) -> BlobServiceClient:
    """The client for blobs, reading in small pieces."""
    if storage.connection_string is not None:
        return BlobServiceClient.from_connection_string(
            storage.connection_string, max_single_get_size=PIECE, max_chunk_get_size=PIECE
        )
    return BlobServiceClient(
        storage.blob_url, credential=credential, max_single_get_size=PIECE, max_chunk_get_size=PIECE
    )


def queue_service(storage: StorageSettings, credential: AsyncTokenCredential | None) -> QueueServiceClient:
    """The client for queues. It sends text as it is, as `host.json` expects (`messageEncoding: none`)."""
    if storage.connection_string is not None:
        return QueueServiceClient.from_connection_string(storage.connection_string)
    return QueueServiceClient(storage.queue_url, credential=credential)


def table_service(storage: StorageSettings, credential: AsyncTokenCredential | None) -> TableServiceClient:
    """The client for tables."""
    if storage.connection_string is not None:
        return TableServiceClient.from_connection_string(storage.connection_string)
    return TableServiceClient(storage.table_url, credential=credential)
