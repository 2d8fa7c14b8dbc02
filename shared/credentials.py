"""As whom the app goes to Key Vault, storage and Graph. No password to Exchange anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

from shared.credential_faults import GRAPH_CERTIFICATE, GRAPH_SECRET, CredentialFault, Registration
from shared.graph_credential import GraphCredential
from shared.identity_credential import FederatedCredential, IdentityCredential
from shared.key_vault_credential import ClientCertificateFromVault, ClientSecretFromVault
from shared.secret_store import SecretStore
from shared.settings import Settings, is_loopback

__all__ = [
    "GRAPH_CERTIFICATE",
    "GRAPH_SECRET",
    "CredentialFault",
    "GraphCredential",
    "graph_credential",
    "own_credential",
]


def own_credential(settings: Settings, client_id: str | None) -> AsyncTokenCredential:
    """The managed identity where there is one, else the login of the person at this machine."""
    if settings.managed_identity:
        return ManagedIdentityCredential(client_id=client_id)
    authority = settings.graph.authority
    return DefaultAzureCredential(
        authority=authority,
        managed_identity_client_id=client_id,
        disable_instance_discovery=is_loopback(authority),
    )


def _utc_now() -> datetime:
    return datetime.now(UTC)


def graph_credential(
    settings: Settings,
    secrets: SecretStore,
    now: Callable[[], datetime] = _utc_now,
    clock: Callable[[], float] = time.monotonic,
) -> GraphCredential:
    """How the app proves itself to Graph, as GRAPH_CREDENTIAL says.

    `now` is the time that a certificate's is compared with: that of this machine, by which azure-identity
    signs. `clock` gives seconds that only go forward.
    """
    graph, identity = settings.graph, settings.client_id
    app = Registration.of(graph, identity, settings.key_vault_url)
    match graph.credential:
        case "managed-identity":
            return IdentityCredential(identity)
        case "federated":
            return FederatedCredential(graph, IdentityCredential(identity), app)
        case "client-certificate":
            return ClientCertificateFromVault(graph, secrets, app, clock, now)
        case "client-secret":
            return ClientSecretFromVault(graph, secrets, app, clock)
