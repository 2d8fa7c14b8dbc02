"""What of the app the doctor looks at."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from azure.core.credentials_async import AsyncTokenCredential

from shared.breaker_table import Breakers
from shared.clock import Clock
from shared.configuration import Configuration
from shared.doctor.storage_looks import StorageAccess
from shared.graph.client import GraphClient
from shared.journal import Journal
from shared.secret_store import SecretStore
from shared.settings import Settings
from shared.subscriptions import Subscriptions
from shared.vault.mfiles import MFilesVault


class Parts(Protocol):
    """Those of `shared.services.Services`; each is only built within a check that needs it."""

    settings: Settings
    clock: Clock

    @property
    def configuration(self) -> Configuration:
        """The one in force. Raises VaultpostError where there is none."""

    @property
    def refused(self) -> tuple[str, ...]:
        """What is wrong with a newer one in storage."""

    @property
    def in_force_since(self) -> datetime | None:
        """When that of storage was read."""

    async def refresh(self) -> None:
        """Bring it up to date. Raises VaultpostError."""

    @property
    def identity(self) -> AsyncTokenCredential:
        """Who the app is in Azure."""

    @property
    def secrets(self) -> SecretStore:
        """Key Vault."""

    @property
    def graph(self) -> GraphClient:
        """Microsoft Graph."""

    @property
    def vault(self) -> MFilesVault:
        """M-Files."""

    @property
    def storage_access(self) -> StorageAccess:
        """The storage for mail."""

    @property
    def journal(self) -> Journal:
        """The journal."""

    @property
    def subscriptions(self) -> Subscriptions:
        """The subscriptions."""

    @property
    def breakers(self) -> Breakers:
        """Breakers and holds."""
