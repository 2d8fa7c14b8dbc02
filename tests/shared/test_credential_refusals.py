"""Each way in which the app is refused at Graph: the message names what is at fault, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError

from sandbox.app_credentials import CERTIFICATE, SECRET
from sandbox.tenant.certificates import AppCertificate
from sandbox.tenant.directory import FederatedCredential
from shared import identity_credential
from shared.credential_faults import KNOWN_CODES, Registration, refused
from shared.credentials import CredentialFault, graph_credential
from shared.errors import ConfigurationFault
from shared.settings import CredentialKind

from .graph_apps import GraphApp, app, certificate

__all__ = ["app"]
pytestmark = pytest.mark.anyio

Broken = Callable[[GraphApp], None]
OF_REGISTRATION: tuple[CredentialKind, ...] = ("federated", "client-certificate", "client-secret")
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def wrong_secret(app: GraphApp) -> None:
    without_former(app, SECRET)
    app.key_vault.secrets.set(SECRET, "hush-hush")


def expired_secret(app: GraphApp) -> None:
    without_former(app, SECRET)
    app.credentials.renew_secret(ends=datetime.now(UTC) - timedelta(seconds=1))


def expired_certificate(app: GraphApp) -> None:
    without_former(app, CERTIFICATE)
    begins = datetime(2020, 1, 1, tzinfo=UTC)
    app.credentials.renew_certificate(AppCertificate.create(begins=begins, lifetime=timedelta(days=30)))


def early_certificate(app: GraphApp) -> None:
    without_former(app, CERTIFICATE)
    app.credentials.renew_certificate(AppCertificate.create(begins=datetime(2099, 1, 1, tzinfo=UTC)))


def unregistered_certificate(app: GraphApp) -> None:
    app.box.directory.remove_certificate(app.credentials.registration.client_id, certificate(0).certificate)


def broken_certificate(app: GraphApp) -> None:
    without_former(app, CERTIFICATE)
    app.key_vault.secrets.set(CERTIFICATE, certificate(0).pem[:1000])


def without_former(app: GraphApp, name: str) -> None:
    """What Key Vault has until now counts no more: else it would serve on."""
    app.key_vault.secrets.enable(name, enabled=False)


def not_federated(app: GraphApp) -> None:
    app.credentials.settings("federated")
    withdraw(app, app.credentials.federated_credential)


def federated_as(**other: str) -> Broken:
    """The federated credential has another issuer, subject or audience."""

    def breaks(app: GraphApp) -> None:
        right = app.credentials.federated_credential
        app.credentials.federate()
        withdraw(app, right)
        app.box.directory.add_federated_credential(
            app.credentials.registration.client_id, replace(right, **other)
        )

    return breaks


def by_client_id(app: GraphApp) -> None:
    """The usual mistake: the client id of the identity, where its object id belongs."""
    federated_as(subject=app.box.user_assigned.client_id)(app)


def withdraw(app: GraphApp, credential: FederatedCredential) -> None:
    app.box.directory.remove_federated_credential(app.credentials.registration.client_id, credential)


def nothing(app: GraphApp) -> None:
    """All is well but the settings."""


@dataclass(frozen=True)
class Case:
    """A way to break a kind, or its settings, and what the message says then."""

    kind: CredentialKind
    broken: Broken
    says: tuple[str, ...]
    changes: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}-{self.says[0]}-{self.says[1]}"


CASES = (
    Case("client-secret", wrong_secret, (SECRET, "AADSTS7000215", "keyvault secret set", "not its id")),
    Case("client-secret", expired_secret, (SECRET, "has expired", "AADSTS7000222", "credential reset")),
    Case(
        "client-certificate",
        expired_certificate,
        (CERTIFICATE, "expired at 2020-01-31", "certificate create"),
    ),
    Case("client-certificate", early_certificate, (CERTIFICATE, "not valid before 2099-01-01", "clock")),
    Case(
        "client-certificate",
        unregistered_certificate,
        (CERTIFICATE, "not registered", "AADSTS700027", "credential reset", "--cert"),
    ),
    Case("client-certificate", broken_certificate, (CERTIFICATE, "cannot be read", "certificate import")),
    Case("federated", not_federated, ("no federated credential", "AADSTS70025", "credential create")),
    Case("federated", by_client_id, ("as its subject", "AADSTS700213", "object (principal) id")),
    Case("federated", federated_as(issuer="https://other/v2.0"), ("issuer", "AADSTS700211", "of one tenant")),
    Case("federated", federated_as(audience="api://other"), ("AADSTS700212", "api://AzureADTokenExchange")),
    *(
        Case(kind, nothing, ("AADSTS90002", "GRAPH_TENANT_ID", UNKNOWN), (("GRAPH_TENANT_ID", UNKNOWN),))
        for kind in OF_REGISTRATION
    ),
    *(
        Case(kind, nothing, ("AADSTS700016", "GRAPH_CLIENT_ID", UNKNOWN), (("GRAPH_CLIENT_ID", UNKNOWN),))
        for kind in OF_REGISTRATION
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_refusal_says_what_is_at_fault_and_what_to_do(app: GraphApp, case: Case) -> None:
    async with app.services(case.kind, **dict(case.changes)) as services:
        case.broken(app)
        with pytest.raises(CredentialFault) as caught:
            await services.graph.ping(app.mailbox)

    said = str(caught.value)
    assert [word for word in case.says if word not in said] == []
    assert (caught.value.origin, caught.value.rejected) == ("graph", True)
    assert caught.value.reason
    assert caught.value.remedy
    assert "hush-hush" not in said


@pytest.mark.parametrize("kind", ["managed-identity", "federated"])
async def test_an_identity_that_the_app_does_not_have_is_named(app: GraphApp, kind: CredentialKind) -> None:
    settings = app.settings(kind, AZURE_CLIENT_ID=UNKNOWN)
    async with (
        app.services("client-secret") as services,
        graph_credential(settings, services.secrets) as credential,
    ):
        with pytest.raises(CredentialFault, match=f"{UNKNOWN}.*AZURE_CLIENT_ID") as caught:
            await credential.get_token(settings.graph.scope)

    assert "az functionapp identity assign" in caught.value.remedy
    assert caught.value.rejected


async def test_where_there_is_no_managed_identity_at_all_that_is_said(
    app: GraphApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_credential, "ManagedIdentityCredential", NoIdentity)
    async with app.services("managed-identity") as services:
        with pytest.raises(CredentialFault, match="there is no managed identity") as caught:
            await services.graph.ping(app.mailbox)

    assert "GRAPH_CREDENTIAL" in caught.value.remedy


class NoIdentity:
    """What azure-identity is on a machine without managed identities: nothing answers there."""

    def __init__(self, **options: object) -> None:
        pass

    async def get_token(self, *scopes: str, **options: object) -> None:
        raise CredentialUnavailableError(message="no endpoint")

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("kind", ["managed-identity", "client-certificate"])
async def test_a_token_without_the_permission_is_a_fault_of_the_configuration(
    app: GraphApp, kind: CredentialKind
) -> None:
    """The mail waits until an administrator has granted it: nothing is wrong with the credential."""
    async with app.services(kind) as services:
        for principal in (app.box.identity, app.credentials.registration):
            app.box.directory.revoke(principal.client_id, app.audience, "Mail.Read")

        with pytest.raises(ConfigurationFault, match=app.mailbox) as caught:
            await services.graph.ping(app.mailbox)

    assert "Mail.Read" in caught.value.remedy


async def test_a_certificate_that_expires_while_it_is_in_use_is_named_with_its_end(app: GraphApp) -> None:
    """Entra ID only says that the signature is invalid."""
    ends = certificate(0).certificate.not_valid_after_utc
    now = [datetime.now(UTC)]
    settings = app.settings("client-certificate")
    async with (
        app.services("client-certificate") as services,
        graph_credential(settings, services.secrets, lambda: now[0]) as credential,
    ):
        await credential.get_token(settings.graph.scope)
        unregistered_certificate(app)
        now[0] = ends
        credential.forget_token()

        with pytest.raises(CredentialFault, match=f"expired at {ends:%Y-%m-%d}"):
            await credential.get_token(settings.graph.scope)


@pytest.mark.parametrize("code", sorted(KNOWN_CODES))
def test_each_known_code_is_explained_with_the_names_of_the_settings(code: str) -> None:
    app = Registration("tenant", "client", "identity", "vault", "https://login", "api://exchange")
    fault = refused(ClientAuthenticationError(message=f"(invalid_client) {code}: text of Jane Doe"), app)

    assert fault.code == code
    assert f"({code})." in fault.reason
    assert fault.rejected
    assert "{" not in fault.reason
    assert "Jane" not in str(fault)
    assert len(fault.remedy) > 30


def test_an_unknown_code_is_told_and_rejects_nothing() -> None:
    fault = refused(ClientAuthenticationError(message="AADSTS9999999: Something new for Jane Doe."))

    assert (fault.code, fault.rejected) == ("AADSTS9999999", False)
    assert "Jane" not in str(fault)
    assert "GRAPH_CREDENTIAL" in fault.remedy


def test_a_code_is_not_taken_for_one_that_it_begins_with() -> None:
    """70021 begins 700211, 700027 begins 7000274."""
    both = [
        refused(ClientAuthenticationError(message=f"{code}: x")) for code in ("AADSTS70021", "AADSTS700211")
    ]

    assert both[0].reason != both[1].reason
