"""Proving the app to Graph with what Key Vault keeps: secret or certificate of an app registration."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import CertificateCredential, ClientSecretCredential

from shared.client_certificate import usable_certificate
from shared.credential_faults import (
    GRAPH_CERTIFICATE,
    GRAPH_SECRET,
    CredentialFault,
    Registration,
    refused,
)
from shared.graph_credential import PATIENCE, GraphCredential
from shared.secret_store import SecretStore
from shared.settings_graph import GraphSettings
from shared.settings_reader import is_loopback


class KeyVaultCredential(GraphCredential):
    """Reads the secret called `name` whenever a token is wanted: Key Vault's value of 15 minutes ago at most.

    What is rejected, here or by Entra ID, is read anew at once: a rotation costs no mail.
    """

    name: ClassVar[str]

    def __init__(self, graph: GraphSettings, secrets: SecretStore, app: Registration) -> None:
        super().__init__(self._build_credential)
        self._graph = graph
        self._secrets = secrets
        self._app = app

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As GraphCredential says."""
        value = await self._secrets.get(self.name)
        try:
            return await self._token_by(value, scopes, options)
        except CredentialFault:
            newer = await self._secrets.get_other_than(self.name, value)
            if newer == value:
                raise
            return await self._token_by(newer, scopes, options)

    async def _token_by(self, value: str, scopes: tuple[str, ...], options: dict[str, Any]) -> AccessToken:
        try:
            return await self._token(value, scopes, options)
        except ClientAuthenticationError as error:
            self._examine(value)
            raise refused(error, self._app) from None

    def _examine(self, value: str) -> None:
        """Say what is wrong with a refused value, where more can be told than Entra ID tells.

        Raises CredentialFault.
        """

    @abstractmethod
    def _build_credential(self, value: str) -> AsyncTokenCredential:
        """The credential of azure-identity. Raises CredentialFault when there is none in `value`."""

    def _place(self) -> dict[str, Any]:
        """Where it signs in, and with which patience."""
        authority = self._graph.authority
        return {**PATIENCE, "authority": authority, "disable_instance_discovery": is_loopback(authority)}


class ClientSecretFromVault(KeyVaultCredential):
    """An app registration's client secret."""

    name = GRAPH_SECRET

    def _build_credential(self, value: str) -> AsyncTokenCredential:
        return ClientSecretCredential(self._graph.tenant_id, self._graph.client_id, value, **self._place())


class ClientCertificateFromVault(KeyVaultCredential):
    """An app registration's certificate, with its private key."""

    name = GRAPH_CERTIFICATE

    def __init__(
        self, graph: GraphSettings, secrets: SecretStore, app: Registration, now: Callable[[], datetime]
    ) -> None:
        """`now` is the time that the certificate's is compared with."""
        super().__init__(graph, secrets, app)
        self._now = now

    def _examine(self, value: str) -> None:
        usable_certificate(value, self._now(), self._app)

    def _build_credential(self, value: str) -> AsyncTokenCredential:
        return CertificateCredential(
            self._graph.tenant_id,
            self._graph.client_id,
            certificate_data=usable_certificate(value, self._now(), self._app),
            **self._place(),
        )
