"""As whom the app goes to Key Vault, storage and Graph. No password to Exchange anywhere."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import ClientSecretCredential, DefaultAzureCredential, ManagedIdentityCredential

from shared.secret_store import SecretStore
from shared.settings import GraphSettings, Settings, is_loopback

GRAPH_SECRET = "graph-client-secret"  # noqa: S105 - the name of a secret


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


def graph_credential(
    settings: Settings, secrets: SecretStore
) -> ClientSecretFromVault | ManagedIdentityCredential:
    """How the app proves itself to Graph, as GRAPH_CREDENTIAL says."""
    if settings.graph.credential == "client-secret":
        return ClientSecretFromVault(settings.graph, secrets)
    return ManagedIdentityCredential(client_id=settings.client_id)


class ClientSecretFromVault:
    """An app registration's client secret that Key Vault keeps: read when a token is needed."""

    def __init__(self, graph: GraphSettings, secrets: SecretStore) -> None:
        self._graph = graph
        self._secrets = secrets
        self._secret = ""
        self._credential: ClientSecretCredential | None = None
        self._retired: list[ClientSecretCredential] = []

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token for `scopes`. A secret that Entra ID rejects is read anew, once.

        Raises ClientAuthenticationError, and Unavailable when the secret cannot be read.
        """
        secret = await self._secrets.get(GRAPH_SECRET)
        try:
            return await self._with(secret).get_token(*scopes, **options)
        except ClientAuthenticationError:
            newer = await self._secrets.get_other_than(GRAPH_SECRET, secret)
            if newer == secret:
                raise
            return await self._with(newer).get_token(*scopes, **options)

    def _with(self, secret: str) -> ClientSecretCredential:
        if self._credential is None or secret != self._secret:
            # The former one may be at work for another request: it is closed with this object.
            self._retired += [self._credential] if self._credential else []
            authority = self._graph.authority
            self._credential = ClientSecretCredential(
                self._graph.tenant_id,
                self._graph.client_id,
                secret,
                authority=authority,
                disable_instance_discovery=is_loopback(authority),
            )
            self._secret = secret
        return self._credential

    def forget_token(self) -> None:
        """Get a new token for the next request: Graph has refused the one that is kept."""
        self._secret = ""

    async def close(self) -> None:
        """Close the connections."""
        for credential in (*self._retired, *([self._credential] if self._credential else [])):
            await credential.close()
        self._credential, self._retired = None, []

    async def __aenter__(self) -> ClientSecretFromVault:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
