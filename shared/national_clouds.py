"""Microsoft's clouds: which address belongs to which.

Graph and Entra ID: learn.microsoft.com/graph/deployments. Key Vault:
learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates. The audience of an assertion
by a managed identity:
learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NationalCloud:
    """The hosts of one cloud, the most common one first, and the ending of its Key Vaults."""

    graph: tuple[str, ...]
    authority: tuple[str, ...]
    key_vault: str
    token_exchange: str
    """The resource of the token by which a managed identity is the credential of an app registration."""


GLOBAL = NationalCloud(
    ("graph.microsoft.com",),
    ("login.microsoftonline.com",),
    "vault.azure.net",
    "api://AzureADTokenExchange",
)
US_GOVERNMENT = NationalCloud(
    ("graph.microsoft.us", "dod-graph.microsoft.us"),
    ("login.microsoftonline.us",),
    "vault.usgovcloudapi.net",
    "api://AzureADTokenExchangeUSGov",
)
CHINA = NationalCloud(
    ("microsoftgraph.chinacloudapi.cn",),
    ("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
    "vault.azure.cn",
    "api://AzureADTokenExchangeChina",
)
CLOUDS = (GLOBAL, US_GOVERNMENT, CHINA)


def cloud_of_graph(host: str) -> NationalCloud | None:
    """The cloud that this host of Graph is in; None for a host that is none of Microsoft's."""
    return next((cloud for cloud in CLOUDS if host in cloud.graph), None)


def cloud_of_authority(host: str) -> NationalCloud | None:
    """The cloud that this host of Entra ID is in; None for a host that is none of Microsoft's."""
    return next((cloud for cloud in CLOUDS if host in cloud.authority), None)


def cloud_of_key_vault(host: str) -> NationalCloud | None:
    """The cloud that this Key Vault is in; None for a host that is none of Microsoft's."""
    return next((cloud for cloud in CLOUDS if host.endswith(f".{cloud.key_vault}")), None)
