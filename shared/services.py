"""The composition root: builds every part from the settings, each once, when it is first needed."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables.aio import TableServiceClient
from azure.keyvault.secrets.aio import SecretClient

from shared.admitting import Gate
from shared.breaker_table import Breakers, BreakerTable
from shared.clock import Clock, SystemClock
from shared.configuration import Configuration, Source, duration
from shared.configuration_file import read_configuration
from shared.credentials import ClientSecretFromVault, graph_credential, own_credential
from shared.errors import StartRefused
from shared.filing import Filing
from shared.graph.client import GraphClient
from shared.graph.mailbox import MailboxReader
from shared.graph.subscriptions import SubscriptionClient
from shared.journal import Journal
from shared.log import quieten_clients
from shared.pinging import Pings
from shared.progress import Progress
from shared.queues import Queues
from shared.receiving import Receiver
from shared.secret_store import SecretStore
from shared.settings import Settings, is_loopback, read_settings, sources_file
from shared.staging import Staging
from shared.staging_area import StagingArea
from shared.storage_clients import blob_service, queue_service, table_service
from shared.subscription_register import SubscriptionRegister
from shared.subscriptions import Subscriptions
from shared.vault.mfiles import MFilesVault
from shared.webhook import Webhook

_T = TypeVar("_T")


class Services:
    """The parts of the app. Reading one builds it, in the loop that runs then."""

    def __init__(self, settings: Settings, configuration: Configuration, clock: Clock | None = None) -> None:
        self.settings = settings
        self.configuration = configuration
        self.clock = clock or SystemClock()
        self.sources: Mapping[str, Source] = {source.name: source for source in configuration.source}
        self._closers: list[Callable[[], Awaitable[None]]] = []

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], root: Path) -> Services:
        """Check settings and configuration, without network; `root` is the app's own folder.

        Raises StartRefused with every fault of both.
        """
        quieten_clients()
        settings, faults = _checked(lambda: read_settings(environment, root))
        configuration, more = _checked(lambda: read_configuration(sources_file(environment, root)))
        if settings is None or configuration is None:
            raise StartRefused([*faults, *more])
        return cls(settings, configuration)

    async def close(self) -> None:
        """Close what was built, the last one first."""
        while self._closers:
            await self._closers.pop()()

    def _kept(self, part: _T, close: Callable[[], Awaitable[None]]) -> _T:
        self._closers.append(close)
        return part

    @cached_property
    def _identity(self) -> AsyncTokenCredential:
        credential = own_credential(self.settings, self.settings.client_id)
        return self._kept(credential, credential.close)

    @cached_property
    def _storage_identity(self) -> AsyncTokenCredential | None:
        storage = self.settings.storage
        if storage.connection_string is not None:
            return None
        credential = own_credential(self.settings, storage.client_id)
        return self._kept(credential, credential.close)

    @cached_property
    def secrets(self) -> SecretStore:
        """Key Vault."""
        address = self.settings.key_vault_url
        client = SecretClient(
            address,
            self._identity,
            verify_challenge_resource=not is_loopback(address),
            # What lasts longer is put back: no function sleeps for a Key Vault that is down.
            retry_total=2,
            retry_backoff_factor=0.5,
            retry_backoff_max=2,
        )
        store = SecretStore(client, self.clock.monotonic)
        return self._kept(store, store.close)

    @cached_property
    def queues(self) -> Queues:
        """The queues."""
        service = queue_service(self.settings.storage, self._storage_identity)
        return self._kept(Queues(service), service.close)

    @cached_property
    def area(self) -> StagingArea:
        """The staging area."""
        service = blob_service(self.settings.storage, self._storage_identity)
        return self._kept(StagingArea(service), service.close)

    @cached_property
    def _tables(self) -> TableServiceClient:
        service = table_service(self.settings.storage, self._storage_identity)
        return self._kept(service, service.close)

    @cached_property
    def journal(self) -> Journal:
        """The journal."""
        return Journal(self._tables)

    @cached_property
    def breakers(self) -> Breakers:
        """Breakers and holds."""
        return Breakers(BreakerTable(self._tables), self.clock)

    @cached_property
    def graph(self) -> GraphClient:
        """Microsoft Graph."""
        credential = graph_credential(self.settings, self.secrets)
        self._closers.append(credential.close)
        if isinstance(credential, ClientSecretFromVault):
            client = GraphClient(self.settings.graph, credential, credential.forget_token)
        else:
            client = GraphClient(self.settings.graph, credential)
        return self._kept(client, client.close)

    @cached_property
    def vault(self) -> MFilesVault:
        """M-Files."""
        vault = MFilesVault(self.configuration, self.secrets, self.clock)
        return self._kept(vault, vault.close)

    @cached_property
    def webhook(self) -> Webhook:
        """What the functions `notifications` and `lifecycle` call."""
        progress = Progress(self.clock.monotonic)
        return Webhook(self.sources, self.queues, self.secrets, self.clock, progress)

    @cached_property
    def gate(self) -> Gate:
        """What stands before each step."""
        has_secret = self.settings.graph.credential == "client-secret"
        pings = Pings(lambda: self.graph, lambda: self.vault, lambda: self.secrets, self.sources, has_secret)
        return Gate(self.breakers, pings, self.clock, random.random)

    @cached_property
    def receiver(self) -> Receiver:
        """What every function calls that takes messages of mails."""
        patience = duration(self.configuration.give_up_after)
        return Receiver(self.queues, self.journal, self.gate, self.clock, patience, random.random)

    @cached_property
    def staging(self) -> Staging:
        """What the function `staging` calls."""
        reader = MailboxReader(self.graph)
        return Staging(self.sources, reader, self.journal, self.area, self.queues, self.clock)

    @cached_property
    def filing(self) -> Filing:
        """What the function `filing` calls."""
        key = self.configuration.vault.filing_key
        return Filing(self.sources, key, self.vault, self.journal, self.area, self.queues, self.clock)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """What the functions `subscriptions` and `lifecycle_event` call."""
        return Subscriptions(
            self.sources,
            SubscriptionClient(self.graph),
            SubscriptionRegister(self._tables),
            self.secrets,
            (self.settings.notifications_address, self.settings.lifecycle_address),
            self.clock,
        )


def _checked(read: Callable[[], _T]) -> tuple[_T | None, tuple[str, ...]]:
    try:
        return read(), ()
    except StartRefused as refused:
        return None, refused.faults
