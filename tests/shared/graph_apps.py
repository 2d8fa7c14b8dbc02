"""An app registration of a test's own, and the app's composition that signs in with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from sandbox.app_credentials import AppCredentials
from sandbox.box import Sandbox
from sandbox.tenant.certificates import AppCertificate
from shared.configuration import Configuration
from shared.services import Services
from shared.settings import CredentialKind, Settings, read_settings

from .clock import FakeClock
from .key_vault import KeyVault
from .made import unique_name


@cache
def certificate(number: int) -> AppCertificate:
    """One of those that many tests share: a key takes time."""
    return AppCertificate.create(name=f"vaultpost-{number}")


@dataclass(frozen=True)
class GraphApp:
    """The app on the sandbox, with Key Vault, storage and registration of the test's own."""

    box: Sandbox
    key_vault: KeyVault
    credentials: AppCredentials
    configuration: Configuration
    clock: FakeClock
    storage: str
    mailbox: str

    def settings(self, kind: CredentialKind, **changes: str) -> Settings:
        """The settings of that kind, with some of them changed."""
        values = {
            **self.box.settings("http://127.0.0.1:1/api", Path("mail-sources.toml")),
            "KEY_VAULT_URL": self.key_vault.url,
            "MailStorage": self.storage,
            **self.credentials.settings(kind),
            **changes,
        }
        return read_settings(values, Path())

    @asynccontextmanager
    async def services(self, kind: CredentialKind, **changes: str) -> AsyncIterator[Services]:
        """The app's own composition, with these settings."""
        made = Services(self.settings(kind, **changes), self.configuration, self.clock)
        try:
            yield made
        finally:
            await made.close()

    @property
    def audience(self) -> str:
        """That of a token for Graph."""
        return self.credentials.graph


@pytest.fixture
def app(
    box: Sandbox,
    key_vault: KeyVault,
    configuration: Configuration,
    clock: FakeClock,
    accounts: Iterator[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[GraphApp]:
    """One whose directory is as it was before, after the test."""
    for name, value in box.identities.environment(box.addresses.identity).items():
        monkeypatch.setenv(name, value)
    directory = box.directory
    credentials = AppCredentials(
        directory,
        box.issuer,
        directory.register("of a test"),
        box.identity,
        box.user_assigned,
        box.addresses.graph.removesuffix("/v1.0"),
        key_vault.secrets,
    )
    credentials.renew_secret()
    credentials.renew_certificate(certificate(0))
    mailbox = f"{unique_name('credentials')}@example.com"
    box.tenant.add_mailbox(mailbox)
    lifetimes = (box.lifetimes.entra, box.lifetimes.identity)
    yield GraphApp(box, key_vault, credentials, configuration, clock, next(accounts), mailbox)
    box.lifetimes.entra, box.lifetimes.identity = lifetimes
    directory.revoke(box.identity.client_id, credentials.graph, "Mail.Read")
    box.faults.clear()
