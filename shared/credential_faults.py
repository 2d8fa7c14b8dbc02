"""Why the app gets no token for Graph, and what a person does about it: by the code of Entra ID's refusal.

Codes: learn.microsoft.com/entra/identity-platform/reference-error-codes; those of certificates:
github.com/AzureAD/microsoft-identity-web (Constants.cs), which reads a certificate anew at them; those of
federated credentials: learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from azure.core.exceptions import ClientAuthenticationError

from shared.errors import Transient
from shared.national_clouds import GLOBAL, cloud_of_key_vault
from shared.settings_graph import GraphSettings

GRAPH_SECRET = "graph-client-secret"  # noqa: S105 - the name of a secret
GRAPH_CERTIFICATE = "graph-client-certificate"
_CODE = re.compile(r"AADSTS[0-9]+")


class CredentialFault(Transient):
    """The app cannot prove itself to Graph: `reason` says what is at fault, `remedy` what a person can do.

    `code` is Entra ID's, such as AADSTS7000222, if it has refused.
    """

    def __init__(self, reason: str, remedy: str, *, code: str = "", rejected: bool = True) -> None:
        self.reason, self.remedy, self.code = reason, remedy, code
        super().__init__(f"{reason} {remedy}", origin="graph", rejected=rejected)


class ProofRefused(CredentialFault):
    """The secret or the certificate itself is at fault: another version of it may be taken."""


@dataclass(frozen=True)
class Registration:
    """What the remedies name: the settings, or, without them, these settings' names."""

    tenant_id: str = "GRAPH_TENANT_ID"
    client_id: str = "GRAPH_CLIENT_ID"
    identity: str = "AZURE_CLIENT_ID"
    key_vault: str = "KEY-VAULT"
    authority: str = "GRAPH_AUTHORITY"
    token_exchange: str = GLOBAL.token_exchange

    @classmethod
    def of(cls, graph: GraphSettings, identity: str | None, key_vault_url: str) -> Registration:
        """That of these settings."""
        host = urlsplit(key_vault_url).hostname or ""
        return cls(
            graph.tenant_id or cls.tenant_id,
            graph.client_id or cls.client_id,
            identity or cls.identity,
            host.partition(".")[0] if cloud_of_key_vault(host) else cls.key_vault,
            graph.authority,
            graph.token_exchange,
        )

    @property
    def look(self) -> str:
        """How to see whether the app registration is there."""
        return f"az ad app show --id {self.client_id}"

    @property
    def new_secret(self) -> str:
        """How to make a new client secret: its value is what counts, not its id."""
        return (
            f'Make a new one: printf %s "$(az ad app credential reset --id {self.client_id} --append --query '
            'password --output tsv)" > FILE; and set its value, not its id, in Key Vault: '
            "az keyvault secret set "
            f"--vault-name {self.key_vault} --name {GRAPH_SECRET} --file FILE"
        )

    @property
    def upload(self) -> str:
        """How to register the public part of the certificate."""
        return (
            f"Register its public part: az keyvault certificate download --vault-name {self.key_vault} "
            f"--name {GRAPH_CERTIFICATE} --file FILE.pem; az ad app credential reset --id {self.client_id} "
            "--append --cert @FILE.pem"
        )

    @property
    def new_certificate(self) -> str:
        """How to make a certificate in Key Vault, which keeps it as the secret of the same name.

        One that renewed itself would have a key that the app registration does not know.
        """
        return (
            f"Make a new one: az keyvault certificate create --vault-name {self.key_vault} --name "
            f'{GRAPH_CERTIFICATE} --policy "$(az keyvault certificate get-default-policy | '
            f'sed s/AutoRenew/EmailContacts/)". {self.upload}'
        )

    @property
    def federate(self) -> str:
        """How to make the managed identity a credential of the app registration."""
        return (
            f"Make it: az ad app federated-credential create --id {self.client_id} --parameters "
            f'\'{{"name": "vaultpost", "issuer": "{self.authority}/{self.tenant_id}/v2.0", '
            f'"subject": "OBJECT-ID", "audiences": ["{self.token_exchange}"]}}\', where OBJECT-ID is the '
            "object (principal) id of the managed identity, not its client id: az identity list --query "
            f"\"[?clientId=='{self.identity}'].principalId\" --output tsv"
        )


@dataclass(frozen=True)
class _Meaning:
    """Of one code: what is at fault, and what to do."""

    reason: str
    remedy: Callable[[Registration], str]
    kind: type[CredentialFault] = CredentialFault


_TENANT = _Meaning(
    "Entra ID does not know the tenant {0.tenant_id} of GRAPH_TENANT_ID",
    lambda app: (
        "Set GRAPH_TENANT_ID to the directory (tenant) id on the overview page of the app registration, "
        f"and GRAPH_AUTHORITY to that of its cloud: it is {app.authority}."
    ),
)
_UNKNOWN_APP = _Meaning(
    "Entra ID does not know the app {0.client_id} of GRAPH_CLIENT_ID in tenant {0.tenant_id}",
    lambda app: (
        "Set GRAPH_CLIENT_ID and GRAPH_TENANT_ID to what the overview page of the app registration shows, "
        f"the application (client) id, not the object id: {app.look}"
    ),
)
_NOT_IN_TENANT = _Meaning(
    "the app {0.client_id} of GRAPH_CLIENT_ID has no service principal in tenant {0.tenant_id}",
    lambda app: f"Make it: az ad sp create --id {app.client_id}",
)
_DISABLED_APP = _Meaning(
    "the app {0.client_id} of GRAPH_CLIENT_ID is disabled",
    lambda app: (
        "Let it sign in again: page Enterprise applications > the app > Properties, or "
        f"az ad sp update --id {app.client_id} --set accountEnabled=true"
    ),
)
_BLOCKED_APP = _Meaning(
    "a Conditional Access policy for workload identities blocks the app {0.client_id} of GRAPH_CLIENT_ID",
    lambda app: "Exclude the app from it: page Protection > Conditional Access of Microsoft Entra ID.",
)
_WRONG_SECRET = _Meaning(
    f"Entra ID does not take Key Vault's secret {GRAPH_SECRET}: it is no client secret of app "
    "{0.client_id} of GRAPH_CLIENT_ID",
    lambda app: app.new_secret,
    ProofRefused,
)
_EXPIRED_SECRET = _Meaning(
    f"Key Vault's secret {GRAPH_SECRET}, a client secret of app {{0.client_id}} of GRAPH_CLIENT_ID, has "
    "expired",
    lambda app: app.new_secret,
    ProofRefused,
)
_CERTIFICATE = _Meaning(
    f"Entra ID does not take Key Vault's secret {GRAPH_CERTIFICATE}: that certificate is not registered on "
    "app {0.client_id} of GRAPH_CLIENT_ID, or has expired",
    lambda app: f"{app.upload}. Has it expired, first: {app.new_certificate}",
    ProofRefused,
)
_REVOKED = _Meaning(
    f"the certificate that is Key Vault's secret {GRAPH_CERTIFICATE} was revoked",
    lambda app: app.new_certificate,
    ProofRefused,
)
_CLOCK = _Meaning(
    "Entra ID finds the app's assertion out of its time",
    lambda app: "Set the clock of the machine that the app runs on.",
)
_NOT_FEDERATED = _Meaning(
    "the app {0.client_id} of GRAPH_CLIENT_ID has no federated credential",
    lambda app: f"{app.federate}. A new one works after some minutes.",
)
_OTHER_SUBJECT = _Meaning(
    "no federated credential of app {0.client_id} of GRAPH_CLIENT_ID has the managed identity {0.identity} "
    "of AZURE_CLIENT_ID as its subject",
    lambda app: app.federate,
)
_OTHER_ISSUER = _Meaning(
    "no federated credential of app {0.client_id} of GRAPH_CLIENT_ID has the issuer of the managed identity "
    "{0.identity} of AZURE_CLIENT_ID: both must be of one tenant",
    lambda app: app.federate,
)
_OTHER_AUDIENCE = _Meaning(
    "no federated credential of app {0.client_id} of GRAPH_CLIENT_ID has the audience {0.token_exchange}",
    lambda app: app.federate,
)
_NO_MATCH = _Meaning(
    "no federated credential of app {0.client_id} of GRAPH_CLIENT_ID matches the managed identity "
    "{0.identity} of AZURE_CLIENT_ID",
    lambda app: app.federate,
)
_OTHER_CLOUD = _Meaning(
    "Entra ID does not know the Graph of GRAPH_ENDPOINT in tenant {0.tenant_id}",
    lambda app: f"Set GRAPH_ENDPOINT to that of the tenant's cloud; GRAPH_AUTHORITY is {app.authority}.",
)
_MEANINGS = {
    "AADSTS90002": _TENANT,
    "AADSTS900023": _TENANT,
    "AADSTS50059": _TENANT,
    "AADSTS700016": _UNKNOWN_APP,
    "AADSTS7000229": _NOT_IN_TENANT,
    "AADSTS7000112": _DISABLED_APP,
    "AADSTS53003": _BLOCKED_APP,
    "AADSTS500011": _OTHER_CLOUD,
    "AADSTS7000215": _WRONG_SECRET,
    "AADSTS7000222": _EXPIRED_SECRET,
    "AADSTS700027": _CERTIFICATE,
    "AADSTS1000502": _CERTIFICATE,
    "AADSTS7000274": _CERTIFICATE,
    "AADSTS7000214": _REVOKED,
    "AADSTS7000277": _REVOKED,
    "AADSTS700024": _CLOCK,
    "AADSTS70025": _NOT_FEDERATED,
    "AADSTS700213": _OTHER_SUBJECT,
    "AADSTS700211": _OTHER_ISSUER,
    "AADSTS700212": _OTHER_AUDIENCE,
    "AADSTS70021": _NO_MATCH,
}
KNOWN_CODES = frozenset(_MEANINGS)
"""Refusals that last until a person mends what is at fault."""


def refused(error: ClientAuthenticationError, app: Registration | None = None) -> CredentialFault:
    """What a refusal of Entra ID means, to the `app`. Only its code decides: the text may name people."""
    app = app or Registration()
    code = _code_of(error)
    meaning = _MEANINGS.get(code)
    if meaning is None:
        return CredentialFault(
            f"Entra ID gave no token for Graph ({code or type(error).__name__}).",
            "Look at GRAPH_CREDENTIAL, GRAPH_TENANT_ID, GRAPH_CLIENT_ID and the secret in Key Vault. "
            "https://login.microsoftonline.com/error explains the code.",
            code=code,
            rejected=False,
        )
    reason = meaning.reason.format(app)
    return meaning.kind(f"{_capital(reason)} ({code}).", meaning.remedy(app), code=code)


def _code_of(error: ClientAuthenticationError) -> str:
    found = _CODE.search(str(error.message))
    return found[0] if found else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
