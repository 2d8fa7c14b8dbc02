"""Microsoft's own client on the sandbox."""

from __future__ import annotations

from typing import Any

from kiota_abstractions.authentication import AccessTokenProvider, AllowedHostsValidator
from kiota_abstractions.authentication import BaseBearerTokenAuthenticationProvider as BearerTokens
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from .conftest import Service


class _Token(AccessTokenProvider):
    def __init__(self, token: str) -> None:
        self._token = token

    async def get_authorization_token(
        self, uri: str, additional_authentication_context: dict[str, Any] | None = None
    ) -> str:
        return self._token

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        return AllowedHostsValidator([])


def sdk_client(graph: Service) -> GraphServiceClient:
    """A client whose requests go through the one of the service, with a token of its own."""
    del graph.client.headers["Authorization"]
    adapter = GraphRequestAdapter(BearerTokens(_Token(graph.token("Mail.Read"))), graph.client)
    adapter.base_url = graph.root
    return GraphServiceClient(request_adapter=adapter)
