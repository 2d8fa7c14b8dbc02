"""The real asynchronous SDKs against Azurite, over TLS, with what the product relies on."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from sandbox.storage.azurite import Storage

pytestmark = pytest.mark.anyio


async def receive(queue: QueueClient) -> QueueMessage:
    """The next message, as soon as it is visible."""
    async with asyncio.timeout(10):
        while True:
            if message := await queue.receive_message():
                return message
            await asyncio.sleep(0.1)


async def test_a_blob_is_read_as_it_was_written(storage: Storage) -> None:
    data = secrets.token_bytes(300_000)
    async with BlobServiceClient.from_connection_string(storage.connection_string) as service:
        container = await service.create_container("staging")
        await container.upload_blob("source/key/message.eml", data)
        stream = await container.download_blob("source/key/message.eml")

        assert await stream.readall() == data
        assert container.url == f"{storage.blob_url}/staging"


async def test_of_two_conditional_creates_the_second_fails(storage: Storage) -> None:
    """The manifest is the commit mark: the first one wins."""
    async with BlobServiceClient.from_connection_string(storage.connection_string) as service:
        container = await service.create_container("manifests")
        await container.upload_blob("manifest.json", b"first", overwrite=False)
        with pytest.raises(ResourceExistsError) as caught:
            await container.upload_blob("manifest.json", b"second", overwrite=False)
        stream = await container.download_blob("manifest.json")

        assert caught.value.status_code == 409
        assert await stream.readall() == b"first"


async def test_a_message_put_with_a_delay_is_seen_only_after_it(storage: Storage) -> None:
    async with QueueServiceClient.from_connection_string(storage.connection_string) as service:
        queue = await service.create_queue("mail-arrived")
        sent = time.monotonic()
        await queue.send_message("later", visibility_timeout=1, time_to_live=-1)
        assert await queue.receive_message() is None
        message = await receive(queue)

        assert time.monotonic() - sent >= 0.9
        assert message.content == "later"
        await queue.delete_message(message)
        assert (await queue.get_queue_properties()).approximate_message_count == 0


async def test_a_message_that_is_not_deleted_comes_again_with_a_higher_count(storage: Storage) -> None:
    async with QueueServiceClient.from_connection_string(storage.connection_string) as service:
        queue = await service.create_queue("vault-import")
        await queue.send_message("again")
        first = await queue.receive_message(visibility_timeout=1)
        second = await receive(queue)

        assert first is not None
        assert (first.dequeue_count, second.dequeue_count) == (1, 2)
        assert first.id == second.id


async def test_an_entity_changes_only_on_the_etag_that_was_read(storage: Storage) -> None:
    """Each change of the journal is conditional."""
    async with TableServiceClient.from_connection_string(storage.connection_string) as service:
        table = await service.create_table("filings")
        key = {"PartitionKey": "invoices", "RowKey": "0123"}
        await table.create_entity({**key, "state": "arrived", "digests": b"\x00\xff"})
        read = await table.get_entity("invoices", "0123")
        assert (read["state"], read["digests"]) == ("arrived", b"\x00\xff")

        await table.update_entity({**key, "state": "staged"})
        with pytest.raises(ResourceModifiedError):
            await table.update_entity(
                {**key, "state": "filed"},
                etag=read.metadata["etag"],
                match_condition=MatchConditions.IfNotModified,
            )
        with pytest.raises(ResourceExistsError):
            await table.create_entity(key)
        assert (await table.get_entity("invoices", "0123"))["state"] == "staged"


async def test_a_wrong_key_is_refused(storage: Storage) -> None:
    key = base64.b64encode(bytes(64)).decode()
    wrong = storage.connection_string.replace(storage.account.key, key)
    async with BlobServiceClient.from_connection_string(wrong) as service:
        with pytest.raises(HttpResponseError) as caught:
            await service.create_container("stolen")

    assert caught.value.status_code == 403
