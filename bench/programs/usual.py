"""What a user would write with the SDKs as they come: models, whole contents in memory, one mail at a time.

The vault is called with the HTTP client that the Graph SDK brings: M-Files has no SDK for Python.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import PurePath
from typing import Any

import httpx
from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import ClientSecretCredential, ManagedIdentityCredential
from azure.keyvault.secrets.aio import SecretClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from bench.programs.serving import serve

_MAILBOX, _VAULT, _GUID = "BENCH_MAILBOX", "BENCH_VAULT", "BENCH_GUID"
STORAGE = "AzureWebJobsStorage"
PLACE = "usual"
"""Its container and its queue."""
_CLASS, _SINGLE_FILE, _TITLE = 100, 22, 0


def own_settings(mailbox: str, vault: str, guid: str) -> dict[str, str]:
    """What this program reads beside the app's settings: its mailbox, the vault's address and GUID."""
    return {_MAILBOX: mailbox, _VAULT: vault, _GUID: guid}


class Usual:
    """One straight line for each mail."""

    def __init__(
        self, graph: GraphServiceClient, blobs: BlobServiceClient, queues: QueueServiceClient
    ) -> None:
        self._mail = graph.users.by_user_id(os.environ[_MAILBOX]).messages
        self._staging = blobs.get_container_client(PLACE)
        self._queue = queues.get_queue_client(PLACE)
        self._http = httpx.AsyncClient(base_url=f"{os.environ[_VAULT]}/REST", timeout=60)

    async def log_in(self, secrets: SecretClient) -> None:
        """Get the vault's token, and the numbers of the class and of the key's property."""
        account = {
            "Username": (await secrets.get_secret("mfiles-username")).value,
            "Password": (await secrets.get_secret("mfiles-password")).value,
            "VaultGuid": os.environ[_GUID],
        }
        token = (await self._http.post("/server/authenticationtokens", json=account)).json()["Value"]
        self._http.headers["X-Authentication"] = token
        wanted = {"classes": ["CL.Mail"], "properties": ["PD.FilingKey"]}
        known = await self._http.post("/structure/metadatastructure/itemidbyalias", json=wanted)
        self._class = known.json()["classes"]["CL.Mail"]
        self._key = known.json()["properties"]["PD.FilingKey"]

    async def file(self, messages: list[str]) -> None:
        """One mail after the other."""
        for message in messages:
            await self._file(message)

    async def _file(self, identifier: str) -> None:
        builder = self._mail.by_message_id(identifier)
        options: RequestConfiguration[Any] = RequestConfiguration()
        options.headers.try_add("Prefer", 'IdType="ImmutableId"')
        message = await builder.get(request_configuration=options)
        content = await builder.content.get(request_configuration=options)
        attached = await builder.attachments.get(request_configuration=options)
        assert message is not None
        assert attached is not None
        files: list[tuple[str, Any]] = [("message.eml", content)]
        for one in attached.value or ():
            assert isinstance(one, FileAttachment)
            files.append((one.name or "", one.content_bytes))
        for name, data in files:
            await self._staging.upload_blob(f"{identifier}/{name}", data)
        await self._queue.send_message(identifier)
        uploads = [await self._upload(identifier, name) for name, _ in files]
        await self._create(message.subject or "", identifier, uploads)

    async def _upload(self, identifier: str, name: str) -> dict[str, Any]:
        download = await self._staging.download_blob(f"{identifier}/{name}")
        answer = await self._http.post("/files", content=await download.readall())
        answer.raise_for_status()
        upload = answer.json()
        upload = upload[0] if isinstance(upload, list) else upload
        title = PurePath(name)
        return {
            "UploadID": upload["UploadID"],
            "Title": title.stem,
            "Extension": title.suffix.lstrip("."),
            "Size": upload["Size"],
        }

    async def _create(self, title: str, identifier: str, uploads: list[dict[str, Any]]) -> None:
        values = [
            {
                "PropertyDef": _CLASS,
                "TypedValue": {"DataType": 9, "Lookup": {"Item": self._class, "Version": -1}},
            },
            {"PropertyDef": _SINGLE_FILE, "TypedValue": {"DataType": 8, "Value": len(uploads) == 1}},
            {"PropertyDef": _TITLE, "TypedValue": {"DataType": 1, "Value": title}},
            {"PropertyDef": self._key, "TypedValue": {"DataType": 1, "Value": identifier}},
        ]
        answer = await self._http.post("/objects/0", json={"PropertyValues": values, "Files": uploads})
        answer.raise_for_status()


def _graph(credential: AsyncTokenCredential) -> GraphServiceClient:
    endpoint = os.environ["GRAPH_ENDPOINT"]
    address = httpx.URL(endpoint)
    authentication = AzureIdentityAuthenticationProvider(
        credential,
        scopes=[f"https://{address.netloc.decode()}/.default"],
        allowed_hosts=[address.host],
        is_cae_enabled=False,
    )
    adapter = GraphRequestAdapter(authentication)
    adapter.base_url = endpoint
    return GraphServiceClient(request_adapter=adapter)


async def make_places(storage: str) -> None:
    """Make its container and its queue, as a deployment does; `storage` is a connection string."""
    async with (
        BlobServiceClient.from_connection_string(storage) as blobs,
        QueueServiceClient.from_connection_string(storage) as queues,
    ):
        await blobs.create_container(PLACE)
        await queues.create_queue(PLACE)


async def _main() -> None:
    environment, storage = os.environ, os.environ[STORAGE]
    async with (
        ManagedIdentityCredential() as identity,
        SecretClient(environment["KEY_VAULT_URL"], identity, verify_challenge_resource=False) as secrets,
        BlobServiceClient.from_connection_string(storage) as blobs,
        QueueServiceClient.from_connection_string(storage) as queues,
    ):
        secret = (await secrets.get_secret("graph-client-secret")).value or ""
        credential = ClientSecretCredential(
            environment["GRAPH_TENANT_ID"],
            environment["GRAPH_CLIENT_ID"],
            secret,
            authority=environment["GRAPH_AUTHORITY"],
            disable_instance_discovery=True,
        )
        async with credential:
            usual = Usual(_graph(credential), blobs, queues)
            await usual.log_in(secrets)
            await serve(usual.file)


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
