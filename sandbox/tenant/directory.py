"""The directory of one tenant: who may sign in, as what, and with which roles at which service."""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class AppRegistration:
    """An application that signs in with a secret."""

    name: str
    client_id: str


@dataclass(frozen=True)
class ManagedIdentity:
    """An identity that Azure gives to what it hosts; it has no secret."""

    name: str
    client_id: str


class Directory:
    """Registrations, managed identities, resources and the roles granted between them.

    A resource is a service that tokens are issued for, named by its audience
    (`https://vault.azure.net`), without `/.default`.
    """

    def __init__(self, tenant_id: str) -> None:
        self.tenant_id = tenant_id
        self._resources: set[str] = set()
        self._applications: dict[str, AppRegistration] = {}
        self._identities: dict[str, ManagedIdentity] = {}
        self._secrets: dict[str, list[str]] = {}
        self._roles: dict[tuple[str, str], frozenset[str]] = {}

    def add_resource(self, audience: str) -> None:
        """Make a service known, so that tokens for it are issued."""
        self._resources.add(audience)

    def has_resource(self, audience: str) -> bool:
        """Whether tokens for this audience are issued; audiences are compared letter by letter."""
        return audience in self._resources

    def register(self, name: str) -> AppRegistration:
        """Add an application; it has no secret and no role yet."""
        application = AppRegistration(name, str(uuid.uuid4()))
        self._applications[application.client_id] = application
        self._secrets[application.client_id] = []
        return application

    def application(self, client_id: str) -> AppRegistration | None:
        """The application with this id, in lower case as it was given out, or None."""
        return self._applications.get(client_id)

    def add_secret(self, client_id: str) -> str:
        """A new secret of an application, beside those that it has. Raises KeyError for an unknown one."""
        secret = secrets.token_urlsafe(30)
        self._secrets[client_id].append(secret)
        return secret

    def remove_secret(self, client_id: str, secret: str) -> None:
        """Take a secret back. Raises KeyError or ValueError for an unknown application or secret."""
        self._secrets[client_id].remove(secret)

    def accepts_secret(self, client_id: str, secret: str) -> bool:
        """Whether this is one of the secrets of that application."""
        given = secret.encode()
        return any(hmac.compare_digest(known.encode(), given) for known in self._secrets.get(client_id, ()))

    def create_identity(self, name: str) -> ManagedIdentity:
        """Add a managed identity; it has no role yet."""
        identity = ManagedIdentity(name, str(uuid.uuid4()))
        self._identities[identity.client_id] = identity
        return identity

    def grant(self, client_id: str, audience: str, *roles: str) -> None:
        """Add application roles at a resource. Raises KeyError for an unknown principal or resource."""
        if client_id not in self._applications and client_id not in self._identities:
            raise KeyError(client_id)
        if audience not in self._resources:
            raise KeyError(audience)
        self._roles[client_id, audience] = self.roles(client_id, audience).union(roles)

    def roles(self, client_id: str, audience: str) -> frozenset[str]:
        """The application roles granted to a principal at a resource."""
        return self._roles.get((client_id, audience), frozenset())
