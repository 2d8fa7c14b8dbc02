"""The endpoint by which code on App Service and Functions gets tokens of its managed identities.

Requests and answers: learn.microsoft.com/azure/app-service/overview-managed-identity (REST endpoint
reference, api-version 2019-08-01). The status of errors without a documented one is the strict reading.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from aiohttp import web

from sandbox.tenant.directory import Directory, ManagedIdentity
from sandbox.tenant.tokens import TokenIssuer

PATH = "/msi/token"
API_VERSION = "2019-08-01"
LIFETIME = timedelta(hours=24)
TOKEN_EXCHANGE = "api://AzureADTokenExchange"  # noqa: S105 - the name of a resource
"""For the token by which an identity is the credential of an application: learn.microsoft.com/entra/
workload-id/workload-identity-federation-config-app-trust-managed-identity."""
OPTIONS = frozenset({"api-version", "resource", "client_id"})


class IdentityRefused(Exception):
    """A request that the endpoint answers with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class HostIdentities:
    """The identities assigned to one host, and the header that only code on that host knows."""

    user_assigned: tuple[ManagedIdentity, ...] = ()
    system_assigned: ManagedIdentity | None = None
    header: str = field(default_factory=lambda: secrets.token_hex(16).upper())

    def environment(self, origin: str) -> dict[str, str]:
        """The variables that tell code on the host where the endpoint is; `origin` is `http://HOST:PORT`."""
        return {"IDENTITY_ENDPOINT": origin + PATH, "IDENTITY_HEADER": self.header}

    def find(self, client_id: str | None) -> ManagedIdentity:
        """The identity asked for: without an id, the system-assigned one. Raises IdentityRefused."""
        if client_id is None:
            found = self.system_assigned
        else:
            found = next((each for each in self.user_assigned if each.client_id == client_id), None)
        if found is None:
            kind = "User Assigned or Delegated" if client_id else "System Assigned"
            raise IdentityRefused(
                HTTPStatus.BAD_REQUEST,
                f"No {kind} Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
            )
        return found


@dataclass(frozen=True)
class IdentityEndpoint:
    """The endpoint of one host."""

    identities: HostIdentities
    directory: Directory
    issuer: TokenIssuer
    lifetime: Callable[[], timedelta]

    async def token(self, request: web.Request) -> web.Response:
        """GET with header X-IDENTITY-HEADER."""
        try:
            self._check_header(request)
            identity, resource = self._ask(request)
        except IdentityRefused as refusal:
            return refuse_identity(refusal)
        lifetime = self.lifetime()
        expires = int(self.issuer.now().timestamp()) + int(lifetime.total_seconds())
        return web.json_response(
            {
                "access_token": self._issue(identity, resource, lifetime),
                "expires_on": str(expires),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": identity.client_id,
            }
        )

    def _issue(self, identity: ManagedIdentity, resource: str, lifetime: timedelta) -> str:
        if resource == TOKEN_EXCHANGE:
            return self.issuer.issue_exchange(identity.client_id, identity.object_id, resource, lifetime)
        roles = sorted(self.directory.roles(identity.client_id, resource))
        return self.issuer.issue(identity.client_id, resource, roles, lifetime, object_id=identity.object_id)

    def _check_header(self, request: web.Request) -> None:
        given = request.headers.get("X-IDENTITY-HEADER", "")
        if not hmac.compare_digest(given.encode(errors="replace"), self.identities.header.encode()):
            raise IdentityRefused(HTTPStatus.UNAUTHORIZED, "The X-IDENTITY-HEADER is missing or wrong.")

    def _ask(self, request: web.Request) -> tuple[ManagedIdentity, str]:
        query = request.query
        if unknown := sorted(set(query) - OPTIONS):
            raise IdentityRefused(HTTPStatus.BAD_REQUEST, f"Unknown query options: {', '.join(unknown)}.")
        if query.get("api-version") != API_VERSION:
            raise IdentityRefused(HTTPStatus.BAD_REQUEST, f"The api-version must be {API_VERSION}.")
        resource = query.get("resource")
        if not resource:
            raise IdentityRefused(HTTPStatus.BAD_REQUEST, "The resource is missing.")
        identity = self.identities.find(query.get("client_id"))
        if not self.directory.has_resource(resource):
            # App Service does not say more: msal 1.39, managed_identity.py, _obtain_token_on_app_service.
            message = "An unexpected error occured while fetching the AAD Token."
            raise IdentityRefused(HTTPStatus.INTERNAL_SERVER_ERROR, message)
        return identity, resource


def refuse_identity(refusal: IdentityRefused) -> web.Response:
    """A refusal as the endpoint sends it."""
    answer = {
        "statusCode": int(refusal.status),
        "message": refusal.message,
        "correlationId": str(uuid.uuid4()),
    }
    return web.json_response(answer, status=refusal.status)


def application(
    identities: HostIdentities,
    directory: Directory,
    issuer: TokenIssuer,
    lifetime: Callable[[], timedelta] = lambda: LIFETIME,
) -> web.Application:
    """The endpoint, to be served on a loopback port without TLS, as App Service does; tokens live a day.

    Azure keeps a token and gives it again for hours, so that a new role shows late; here each one is new.
    """
    endpoint = IdentityEndpoint(identities, directory, issuer, lifetime)
    served = web.Application()
    served.router.add_get(PATH, endpoint.token, allow_head=False)
    return served
