"""What the app proves itself to Graph with, of each kind: in the directory, in Key Vault, in its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sandbox.keyvault.store import SecretStore
from sandbox.tenant.certificates import PEM_TYPE, PKCS12_TYPE, AppCertificate
from sandbox.tenant.directory import AppRegistration, Directory, FederatedCredential, ManagedIdentity
from sandbox.tenant.managed_identity import TOKEN_EXCHANGE
from sandbox.tenant.tokens import TokenIssuer

CredentialKind = Literal["managed-identity", "federated", "client-certificate", "client-secret"]
SECRET, CERTIFICATE = "graph-client-secret", "graph-client-certificate"
ROLES = ("Mail.Read",)


@dataclass
class AppCredentials:
    """Makes what a kind needs when its settings are asked for; `graph` is the audience of Graph.

    New secrets and certificates stand beside the former ones until these are removed from the directory.
    """

    directory: Directory
    issuer: TokenIssuer
    registration: AppRegistration
    system_assigned: ManagedIdentity
    user_assigned: ManagedIdentity
    graph: str
    secrets: SecretStore
    certificate: AppCertificate | None = field(default=None, init=False)
    """The one that was registered last."""

    def settings(self, kind: CredentialKind) -> dict[str, str]:
        """The settings by which the app signs in thus; roles and all else that it needs are there then."""
        chosen: dict[str, str] = {"GRAPH_CREDENTIAL": kind}
        if kind == "managed-identity":
            self.directory.grant(self.system_assigned.client_id, self.graph, *ROLES)
            return chosen
        self.directory.grant(self.registration.client_id, self.graph, *ROLES)
        chosen |= {
            "GRAPH_TENANT_ID": self.directory.tenant_id,
            "GRAPH_CLIENT_ID": self.registration.client_id,
        }
        if kind == "federated":
            self.federate()
            chosen["AZURE_CLIENT_ID"] = self.user_assigned.client_id
        elif kind == "client-certificate" and self.certificate is None:
            self.renew_certificate()
        elif kind == "client-secret" and self.secrets.get(SECRET) is None:
            self.renew_secret()
        return chosen

    @property
    def federated_credential(self) -> FederatedCredential:
        """That of the user-assigned identity, as it has to be."""
        return FederatedCredential(self.issuer.exchange_issuer, self.user_assigned.object_id, TOKEN_EXCHANGE)

    def federate(self) -> None:
        """Let the app sign in with the user-assigned identity."""
        client_id, credential = self.registration.client_id, self.federated_credential
        if credential not in self.directory.federated_credentials(client_id):
            self.directory.add_federated_credential(client_id, credential)

    def renew_secret(self, *, ends: datetime | None = None, into: SecretStore | None = None) -> str:
        """A new client secret, registered, and the present one in Key Vault (`into`, or the sandbox's)."""
        made = self.directory.add_secret(self.registration.client_id, ends=ends)
        (into or self.secrets).set(SECRET, made)
        return made

    def renew_certificate(
        self, made: AppCertificate | None = None, *, as_pem: bool = False, into: SecretStore | None = None
    ) -> AppCertificate:
        """A new certificate, or the one `made`: registered, and the present one in Key Vault."""
        made = made or AppCertificate.create()
        self.directory.add_certificate(self.registration.client_id, made.certificate)
        if as_pem:
            (into or self.secrets).set(CERTIFICATE, made.pem, content_type=PEM_TYPE)
        else:
            (into or self.secrets).set(CERTIFICATE, made.pkcs12, content_type=PKCS12_TYPE)
        self.certificate = made
        return made
