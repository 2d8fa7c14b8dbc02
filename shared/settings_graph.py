"""The settings of Microsoft Graph: where it is, as whom it is called, and that all is of one cloud."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from shared.national_clouds import GLOBAL, cloud_of_authority, cloud_of_graph, cloud_of_key_vault
from shared.settings_reader import GUID, SettingsReader, listed

CredentialKind = Literal["managed-identity", "federated", "client-certificate", "client-secret"]
CREDENTIALS: tuple[CredentialKind, ...] = get_args(CredentialKind)
"""The one to prefer first."""
_TENANT = re.compile(r"[0-9a-zA-Z.-]{1,255}")
_NO_TENANT = frozenset({"common", "organizations", "consumers"})
"""Names that stand for any tenant; an app that signs in as itself has to name its own."""


@dataclass(frozen=True)
class GraphSettings:
    """Where Graph is, and as whom it is called."""

    endpoint: str
    authority: str
    credential: CredentialKind
    tenant_id: str
    client_id: str

    @property
    def host(self) -> str:
        """The only host that a Graph token is sent to."""
        return _host(self.endpoint)

    @property
    def scope(self) -> str:
        """The scope of the app's tokens: all that the app was granted on this endpoint."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}/.default"

    @property
    def token_exchange(self) -> str:
        """The resource of the token by which the managed identity proves itself as a federated credential."""
        cloud = cloud_of_authority(_host(self.authority)) or cloud_of_graph(self.host) or GLOBAL
        return cloud.token_exchange


def graph_settings(reader: SettingsReader, identity: str | None) -> GraphSettings:
    """Where Graph is, and as whom it is called; what is wrong with it is noted in `reader`.

    `identity` is the client id of the user-assigned managed identity.
    """
    settings = GraphSettings(
        endpoint=reader.address("GRAPH_ENDPOINT", reader.optional("GRAPH_ENDPOINT")).rstrip("/"),
        authority=reader.address("GRAPH_AUTHORITY", reader.optional("GRAPH_AUTHORITY")).rstrip("/"),
        credential=(credential := _credential(reader)),
        tenant_id=_of_registration(reader, "GRAPH_TENANT_ID", _TENANT, credential),
        client_id=_of_registration(reader, "GRAPH_CLIENT_ID", GUID, credential),
    )
    if settings.tenant_id.casefold() in _NO_TENANT:
        reader.fault(
            "GRAPH_TENANT_ID", f"{settings.tenant_id!r} is any tenant. Name the one of the app registration."
        )
    if credential == "federated":
        _check_identity(reader, identity, settings.client_id)
    return settings


def _credential(reader: SettingsReader) -> CredentialKind:
    given = reader.optional("GRAPH_CREDENTIAL")
    for kind in CREDENTIALS:
        if kind == given:
            return kind
    reader.fault("GRAPH_CREDENTIAL", f"{given!r} is unknown. Use one of {listed(CREDENTIALS)}.")
    return "managed-identity"


def _of_registration(
    reader: SettingsReader, name: str, form: re.Pattern[str], credential: CredentialKind
) -> str:
    is_needed = credential != "managed-identity"
    missing = f"GRAPH_CREDENTIAL is {credential!r}: set it to the one of the app registration."
    remedy = "Copy it from the overview page of the app registration."
    return reader.identifier(name, form, remedy, needed=missing if is_needed else "")


def _check_identity(reader: SettingsReader, identity: str | None, client_id: str) -> None:
    """Only a user-assigned managed identity can be the credential of an app registration.

    Source:
    learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
    """
    if identity is None:
        reader.fault(
            "AZURE_CLIENT_ID",
            "is not set. GRAPH_CREDENTIAL is 'federated': set it to the client id of the user-assigned "
            "managed identity. A system-assigned one cannot be a federated credential.",
        )
    elif identity.casefold() == client_id.casefold():
        reader.fault(
            "AZURE_CLIENT_ID",
            "is the same as GRAPH_CLIENT_ID. Here stands the client id of the managed identity, there that "
            "of the app registration.",
        )


def check_one_cloud(reader: SettingsReader, graph: GraphSettings, key_vault_url: str) -> None:
    """Note what is of another cloud than Graph; hosts that are none of Microsoft's are not judged."""
    cloud, authority = cloud_of_graph(graph.host), cloud_of_authority(_host(graph.authority))
    if cloud is not None and authority is not None and authority != cloud:
        reader.fault(
            "GRAPH_AUTHORITY",
            f"is of another cloud than GRAPH_ENDPOINT. Set it to https://{cloud.authority[0]}, or "
            f"GRAPH_ENDPOINT to https://{authority.graph[0]}/v1.0.",
        )
    cloud = cloud or authority
    key_vault = cloud_of_key_vault(_host(key_vault_url))
    if cloud is not None and key_vault is not None and key_vault != cloud:
        reader.fault(
            "KEY_VAULT_URL",
            f"is of another cloud than GRAPH_ENDPOINT. Set it to https://NAME.{cloud.key_vault}, or "
            f"GRAPH_ENDPOINT to https://{key_vault.graph[0]}/v1.0 and GRAPH_AUTHORITY to "
            f"https://{key_vault.authority[0]}.",
        )


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
