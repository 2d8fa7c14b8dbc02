"""The directory of one tenant: who may sign in, as what, and with which roles at which service."""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class AppRegistration:
    """An application that signs in with what it was given; `object_id` is that of its service principal."""

    name: str
    client_id: str = field(default_factory=_new_id)
    object_id: str = field(default_factory=_new_id)


@dataclass(frozen=True)
class ManagedIdentity:
    """An identity that Azure gives to what it hosts; it has no secret."""

    name: str
    client_id: str = field(default_factory=_new_id)
    object_id: str = field(default_factory=_new_id)


@dataclass(frozen=True)
class ClientSecret:
    """A secret of an application; one without an end does not expire."""

    value: str = field(repr=False)
    ends: datetime | None = None

    def has_expired(self, now: datetime) -> bool:
        """Whether it is over."""
        return self.ends is not None and self.ends <= now


@dataclass(frozen=True)
class FederatedCredential:
    """Whose token an application may sign in with.

    Source: learn.microsoft.com/entra/workload-id/workload-identity-federation; all three are compared letter
    by letter.
    """

    issuer: str
    subject: str
    audience: str


@dataclass
class _Proofs:
    """All that one application can sign in with."""

    secrets: list[ClientSecret] = field(default_factory=list)
    certificates: list[x509.Certificate] = field(default_factory=list)
    federated: list[FederatedCredential] = field(default_factory=list)


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
        self._proofs: dict[str, _Proofs] = {}
        self._roles: dict[tuple[str, str], frozenset[str]] = {}

    def add_resource(self, audience: str) -> None:
        """Make a service known, so that tokens for it are issued."""
        self._resources.add(audience)

    def has_resource(self, audience: str) -> bool:
        """Whether tokens for this audience are issued; audiences are compared letter by letter."""
        return audience in self._resources

    def register(self, name: str) -> AppRegistration:
        """Add an application; it has neither a role nor anything to sign in with yet."""
        application = AppRegistration(name)
        self._applications[application.client_id] = application
        self._proofs[application.client_id] = _Proofs()
        return application

    def application(self, client_id: str) -> AppRegistration | None:
        """The application with this id, in lower case as it was given out, or None."""
        return self._applications.get(client_id)

    def object_id(self, client_id: str) -> str:
        """The object id of a principal. Raises KeyError for an unknown one."""
        found = self._applications.get(client_id) or self._identities[client_id]
        return found.object_id

    def add_secret(self, client_id: str, *, ends: datetime | None = None) -> str:
        """A new secret of an application, beside those that it has. Raises KeyError for an unknown one."""
        secret = ClientSecret(secrets.token_urlsafe(30), ends)
        self._proofs[client_id].secrets.append(secret)
        return secret.value

    def remove_secret(self, client_id: str, secret: str) -> None:
        """Take a secret back. Raises KeyError or ValueError for an unknown application or secret."""
        found = self.find_secret(client_id, secret)
        if found is None:
            raise ValueError("the application has no such secret")
        self._proofs[client_id].secrets.remove(found)

    def find_secret(self, client_id: str, secret: str) -> ClientSecret | None:
        """This secret of that application, whether or not it has expired; None when it has no such one."""
        given = secret.encode()
        known = self._proofs[client_id].secrets
        return next((one for one in known if hmac.compare_digest(one.value.encode(), given)), None)

    def add_certificate(self, client_id: str, certificate: x509.Certificate) -> None:
        """Register the public part of a certificate, beside those that an application has.

        Raises KeyError for an unknown application.
        """
        self._proofs[client_id].certificates.append(certificate)

    def remove_certificate(self, client_id: str, certificate: x509.Certificate) -> None:
        """Take a certificate back. Raises KeyError or ValueError for an unknown one, or application."""
        self._proofs[client_id].certificates.remove(certificate)

    def certificates(self, client_id: str) -> tuple[x509.Certificate, ...]:
        """Those of an application, whether or not they have expired."""
        return tuple(self._proofs[client_id].certificates)

    def add_federated_credential(self, client_id: str, credential: FederatedCredential) -> None:
        """Let an application sign in with such tokens. Raises KeyError for an unknown application."""
        self._proofs[client_id].federated.append(credential)

    def remove_federated_credential(self, client_id: str, credential: FederatedCredential) -> None:
        """Take it back. Raises KeyError or ValueError for an unknown application or credential."""
        self._proofs[client_id].federated.remove(credential)

    def federated_credentials(self, client_id: str) -> tuple[FederatedCredential, ...]:
        """Those of an application."""
        return tuple(self._proofs[client_id].federated)

    def create_identity(self, name: str) -> ManagedIdentity:
        """Add a managed identity; it has no role yet."""
        identity = ManagedIdentity(name)
        self._identities[identity.client_id] = identity
        return identity

    def grant(self, client_id: str, audience: str, *roles: str) -> None:
        """Add application roles at a resource. Raises KeyError for an unknown principal or resource."""
        self._check(client_id, audience)
        self._roles[client_id, audience] = self.roles(client_id, audience).union(roles)

    def revoke(self, client_id: str, audience: str, *roles: str) -> None:
        """Take application roles back. Raises KeyError for an unknown principal or resource."""
        self._check(client_id, audience)
        self._roles[client_id, audience] = self.roles(client_id, audience).difference(roles)

    def roles(self, client_id: str, audience: str) -> frozenset[str]:
        """The application roles granted to a principal at a resource."""
        return self._roles.get((client_id, audience), frozenset())

    def _check(self, client_id: str, audience: str) -> None:
        if client_id not in self._applications and client_id not in self._identities:
            raise KeyError(client_id)
        if audience not in self._resources:
            raise KeyError(audience)
