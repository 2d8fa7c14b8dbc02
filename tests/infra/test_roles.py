"""Each role is needed, and each call has its role: derived from the calls of the SDKs in the code."""

from __future__ import annotations

import ast
from functools import cache

from azure.data.tables.aio import TableClient, TableServiceClient
from azure.keyvault.secrets.aio import SecretClient
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from .assignments import APP, ROLES, of_bicep
from .templates import ROOT

_STORAGE = "Microsoft.Storage/storageAccounts"
_BLOBS = f"{_STORAGE}/blobServices/containers/blobs"
_MESSAGES = f"{_STORAGE}/queueServices/queues/messages"
_ENTITIES = f"{_STORAGE}/tableServices/tables/entities"

GRANTS: dict[str, set[str]] = {
    "Storage Blob Data Owner": {f"{_STORAGE}/blobServices/containers/*"},
    "Storage Blob Data Contributor": {
        f"{_STORAGE}/blobServices/containers/read",
        f"{_STORAGE}/blobServices/containers/write",
        f"{_STORAGE}/blobServices/containers/delete",
        f"{_BLOBS}/read",
        f"{_BLOBS}/write",
        f"{_BLOBS}/delete",
        f"{_BLOBS}/add/action",
        f"{_BLOBS}/move/action",
    },
    "Storage Queue Data Contributor": {
        f"{_STORAGE}/queueServices/queues/read",
        f"{_STORAGE}/queueServices/queues/write",
        f"{_STORAGE}/queueServices/queues/delete",
        f"{_MESSAGES}/read",
        f"{_MESSAGES}/write",
        f"{_MESSAGES}/delete",
        f"{_MESSAGES}/add/action",
        f"{_MESSAGES}/process/action",
    },
    "Storage Table Data Contributor": {
        f"{_STORAGE}/tableServices/tables/read",
        f"{_STORAGE}/tableServices/tables/write",
        f"{_ENTITIES}/read",
        f"{_ENTITIES}/write",
        f"{_ENTITIES}/add/action",
        f"{_ENTITIES}/update/action",
        f"{_ENTITIES}/delete",
    },
    "Key Vault Secrets User": {
        "Microsoft.KeyVault/vaults/secrets/getSecret/action",
        "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
    },
    "Monitoring Metrics Publisher": {"Microsoft.Insights/Metrics/Write"},
    "Storage Blob Data Reader": {f"{_STORAGE}/blobServices/containers/read", f"{_BLOBS}/read"},
    "Storage Queue Data Message Sender": {f"{_MESSAGES}/add/action"},
    "Storage Table Data Reader": {f"{_STORAGE}/tableServices/tables/read", f"{_ENTITIES}/read"},
    "Key Vault Secrets Officer": {
        "Microsoft.KeyVault/vaults/secrets/getSecret/action",
        "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        "Microsoft.KeyVault/vaults/secrets/setSecret/action",
    },
    "Key Vault Certificates Officer": {"Microsoft.KeyVault/vaults/certificates/*"},
}
"""learn.microsoft.com/azure/role-based-access-control/built-in-roles"""

CALLS: dict[str, set[str]] = {
    "upload_blob": {f"{_BLOBS}/write"},
    "stage_block": {f"{_BLOBS}/write"},
    "commit_block_list": {f"{_BLOBS}/write"},
    "delete_blob": {f"{_BLOBS}/delete"},
    "download_blob": {f"{_BLOBS}/read"},
    "get_blob_properties": {f"{_BLOBS}/read"},
    "list_blobs": {f"{_BLOBS}/read"},
    "list_blob_names": {f"{_BLOBS}/read"},
    "get_container_properties": {f"{_STORAGE}/blobServices/containers/read"},
    "create_container": {f"{_STORAGE}/blobServices/containers/write"},
    "send_message": {f"{_MESSAGES}/add/action"},
    "peek_messages": {f"{_MESSAGES}/read"},
    "delete_message": {f"{_MESSAGES}/process/action"},
    "get_queue_properties": {f"{_STORAGE}/queueServices/queues/read"},
    "create_queue": {f"{_STORAGE}/queueServices/queues/write"},
    "create_table": {f"{_STORAGE}/tableServices/tables/write"},
    "create_entity": {f"{_ENTITIES}/add/action"},
    "update_entity": {f"{_ENTITIES}/update/action"},
    "upsert_entity": {f"{_ENTITIES}/write"},
    "delete_entity": {f"{_ENTITIES}/delete"},
    "get_entity": {f"{_ENTITIES}/read"},
    "query_entities": {f"{_ENTITIES}/read"},
    "list_entities": {f"{_ENTITIES}/read"},
    "submit_transaction": {f"{_ENTITIES}/write", f"{_ENTITIES}/delete"},
    "get_secret": {"Microsoft.KeyVault/vaults/secrets/getSecret/action"},
    "list_properties_of_secret_versions": {"Microsoft.KeyVault/vaults/secrets/readMetadata/action"},
    # Only to say of a secret that is missing when it was deleted; a refusal is as good.
    "get_deleted_secret": set(),
}
"""The right that each call of an SDK needs (learn.microsoft.com/azure/key-vault/general/rbac-guide and
learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory)."""

OF_THE_HOST: dict[str, set[str]] = {
    "a queue trigger": {f"{_MESSAGES}/process/action", f"{_MESSAGES}/read"},
    "the renewal of its lease": {f"{_MESSAGES}/write"},
    "the poison queue": {f"{_MESSAGES}/add/action"},
    "scaling by the length of queues": {f"{_STORAGE}/queueServices/queues/read"},
    "leases of timers, and the package": {f"{_STORAGE}/blobServices/containers/*"},
    "telemetry": {"Microsoft.Insights/Metrics/Write"},
}
"""What the Functions host does as the app's identity (learn.microsoft.com/azure/azure-functions/functions-
identity-based-connections-tutorial)."""

_CLIENTS = (
    BlobServiceClient,
    ContainerClient,
    BlobClient,
    QueueServiceClient,
    QueueClient,
    TableServiceClient,
    TableClient,
    SecretClient,
)
_NO_REQUEST = {
    "close",
    "from_connection_string",
    "get_blob_client",
    "get_container_client",
    "get_queue_client",
    "get_table_client",
}


def _methods() -> set[str]:
    return {
        name
        for client in _CLIENTS
        for name in dir(client)
        if not name.startswith("_") and callable(getattr(client, name))
    }


@cache
def calls_of_the_app() -> set[str]:
    """The methods of the SDKs' clients that the app calls, by name."""
    called = set()
    for path in (ROOT / "shared").rglob("*.py"):
        if "testing" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                called.add(node.attr)
    return called & _methods() - _NO_REQUEST


def _assigned() -> dict[str, str]:
    """The roles of the app's identity, with the file that gives each."""
    return {one.role: name for one, name in of_bicep().items() if one.principal == APP}


def test_every_call_has_its_role() -> None:
    granted = set().union(*(GRANTS[role] for role in _assigned()))
    for call in calls_of_the_app():
        assert call in CALLS, f"{call}: which right does it need?"
        assert CALLS[call] <= granted, call
    for what, rights in OF_THE_HOST.items():
        assert rights <= granted, what


def test_every_role_is_needed() -> None:
    needed = set().union(*(CALLS[call] for call in calls_of_the_app()), *OF_THE_HOST.values())
    for role in _assigned():
        assert GRANTS[role] & needed, role


def test_a_comment_beside_each_role_names_what_needs_it() -> None:
    for name in set(of_bicep().values()):
        lines = (ROOT / "infra/bicep" / name).read_text("utf-8").splitlines()
        for number, line in enumerate(lines):
            role = next((known for id_, known in ROLES.items() if id_ in line), None)
            if role is not None:
                above = lines[:number][::-1]
                comment = " ".join(
                    text.removeprefix("// ")
                    for text in above[: next(i for i, t in enumerate(above) if not t.startswith("//"))][::-1]
                )
                assert comment.startswith(f"{role}"), (name, role)
                assert len(comment) > len(role) + 20, (name, role)


def test_calls_that_comments_name_are_made() -> None:
    called = calls_of_the_app()
    text = "".join((ROOT / "infra/bicep" / name).read_text("utf-8") for name in set(_assigned().values()))
    named = {name for name in CALLS if name in text}
    assert named - called == set()
    unnamed = called - named - {"create_container", "create_queue", "create_table", "get_deleted_secret"}
    assert unnamed == set()
