"""Proving the app to Graph with a managed identity: alone, or as the credential of an app registration."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from azure.identity.aio import ClientAssertionCredential, ManagedIdentityCredential

from shared.credential_faults import CredentialFault, Registration, refused
from shared.graph_credential import PATIENCE, GraphCredential
from shared.settings_graph import GraphSettings
from shared.settings_reader import is_loopback

_ASSIGN = (
    "Give the app one: az functionapp identity assign --name APP --resource-group GROUP, for a user-assigned "
    "one with --identities RESOURCE-ID, whose client id AZURE_CLIENT_ID then names."
)


class IdentityCredential(GraphCredential):
    """A managed identity: there is no secret.

    azure-identity keeps tokens in each object of its own, and Azure keeps them for a day as well: a new
    permission shows only then (learn.microsoft.com/entra/identity/managed-identities-azure-resources/
    managed-identity-best-practice-recommendations).
    """

    def __init__(self, client_id: str | None) -> None:
        """`client_id` is that of a user-assigned identity; without one it is the system-assigned one."""
        super().__init__(lambda _: ManagedIdentityCredential(client_id=client_id, **PATIENCE))
        self._client_id = client_id

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As GraphCredential says."""
        try:
            return await self._token("", scopes, options)
        except ClientAuthenticationError as error:
            raise _no_token(error, self._client_id) from None


def _no_token(error: ClientAuthenticationError, client_id: str | None) -> CredentialFault:
    """Why the endpoint of identities gives none: it refuses an unknown identity with 400.

    Source: learn.microsoft.com/azure/app-service/overview-managed-identity, REST endpoint reference.
    """
    whose = f"the managed identity {client_id} of AZURE_CLIENT_ID" if client_id else "a managed identity"
    status = error.response.status_code if error.response is not None else None
    if status == HTTPStatus.BAD_REQUEST:
        return CredentialFault(f"The app does not have {whose} (400).", _ASSIGN)
    if isinstance(error, CredentialUnavailableError) and status is None:
        return CredentialFault(
            f"Where the app runs there is no managed identity: {whose} gives no token.",
            f"{_ASSIGN} Elsewhere than in Azure set GRAPH_CREDENTIAL to client-certificate or client-secret.",
        )
    return CredentialFault(
        f"Azure gave no token of {whose} ({status or type(error).__name__}).",
        "It is tried again; if that lasts, look at the page Identity of the function app.",
        rejected=False,
    )


class FederatedCredential(GraphCredential):
    """A managed identity whose token is the credential of an app registration: there is no secret either.

    Source:
    learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity.
    """

    def __init__(self, graph: GraphSettings, identity: IdentityCredential, app: Registration) -> None:
        super().__init__(self._build_credential)
        self._graph = graph
        self._identity = identity
        self._app = app
        self._assertion = ""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As GraphCredential says."""
        fault = await self._renew_assertion()
        try:
            return await self._token("", scopes, options)
        except ClientAuthenticationError as error:
            raise (fault or refused(error, self._app)) from None

    async def _renew_assertion(self) -> CredentialFault | AzureError | None:
        """Fetch the assertion, which azure-identity asks for without waiting; it is kept, too.

        Gives back why there is no new one: a token for Graph that still lives does without.
        """
        try:
            token = await self._identity.get_token(f"{self._graph.token_exchange}/.default")
        except (CredentialFault, AzureError) as error:
            if not self._assertion:
                raise
            return error
        self._assertion = token.token
        return None

    def forget_token(self) -> None:
        """As GraphCredential says; the identity's is forgotten with it."""
        super().forget_token()
        self._identity.forget_token()

    async def close(self) -> None:
        """Close the connections."""
        await super().close()
        await self._identity.close()

    def _build_credential(self, _: str) -> AsyncTokenCredential:
        return ClientAssertionCredential(
            self._graph.tenant_id,
            self._graph.client_id,
            lambda: self._assertion,
            authority=self._graph.authority,
            disable_instance_discovery=is_loopback(self._graph.authority),
            **PATIENCE,
        )
