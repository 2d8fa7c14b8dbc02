"""The composition root: builds every part from the settings, each once, when it is first needed."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables.aio import TableServiceClient
from azure.keyvault.secrets.aio import SecretClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.admitting import Gate
from shared.aftermath import Aftermath
from shared.afterwards import Afterwards
from shared.blob_container import BlobContainer
from shared.breaker_table import Breakers, BreakerTable
from shared.clock import Clock, SystemClock
from shared.configuration import Configuration, Source, duration
from shared.configuration_blob import ConfigurationBlob, ContainerOfBlobs
from shared.configuration_live import LiveConfiguration
from shared.credentials import graph_credential, own_credential
from shared.dead_letters import DeadLetters
from shared.duplicates import Duplicates
from shared.errors import StartRefused, VaultpostError
from shared.filing import Filing
from shared.fingerprints import FingerprintTable
from shared.folder_register import FolderTable
from shared.graph.changing import MailboxWriter
from shared.graph.client import GraphClient
from shared.graph.delta import DeltaReader
from shared.graph.folders import FolderReader
from shared.graph.mailbox import MailboxReader
from shared.graph.subscriptions import SubscriptionClient
from shared.handing_over import HandOver
from shared.journal import JournalTable
from shared.log import quieten_clients
from shared.mailbox_step import MailboxStep
from shared.memory_budget import MemoryBudget
from shared.name_check import NameCheck
from shared.pinging import Ping, Pings
from shared.planning import Planner
from shared.progress import Progress
from shared.queue_gauge import AzureQueueDepths, QueueGauge
from shared.queues import Queues
from shared.receiving import Receiver
from shared.secret_store import SecretStore
from shared.settings import Settings, SourcesBlob, is_loopback
from shared.staging import Staging
from shared.staging_area import StagingArea
from shared.starting import read_start
from shared.step_secrets import SecretsOfSteps, secrets_of
from shared.storage_clients import blob_service, queue_service, table_service
from shared.subscription_plan import Watched
from shared.subscription_register import SubscriptionRegister
from shared.subscriptions import Subscriptions
from shared.sweep_state import CONTAINER as STATE
from shared.sweep_state import SweepStates
from shared.sweeping import Delta, Sweeper
from shared.tls import client_context
from shared.unfinished import UnfinishedTable
from shared.vault.mfiles import MFilesVault
from shared.watched_folders import WatchedFolders
from shared.watching import Watch
from shared.webhook import Webhook

if TYPE_CHECKING:
    from shared.doctor.composition import Doctor
    from shared.doctor.health import HealthCheck
    from shared.doctor.storage_looks import StorageAccess

_T = TypeVar("_T")
_OF_ONE_CONFIGURATION = ("vault", "aftermath", "receiver", "staging", "filing", "mailbox", "watch", "names")
"""Parts that hold a value of the configuration. The others know its sources alone, by a live mapping."""
RETIRED_FOR = 15 * 60.0
"""Seconds for which a former vault can still be used: no function runs longer."""


class Services:
    """The parts of the app. Reading one builds it, in the loop that runs then.

    The configuration is given, or, where the settings name a blob, read by `refresh`.
    """

    def __init__(
        self, settings: Settings, configuration: Configuration | None, clock: Clock | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._live = LiveConfiguration(configuration)
        self.sources: Mapping[str, Source] = self._live.sources
        self.watched: Mapping[str, Source] = self._live.watched
        self._retired: list[tuple[float, Callable[[], Awaitable[None]]]] = []
        self._closers: list[Callable[[], Awaitable[None]]] = []

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], root: Path) -> Services:
        """Check settings and configuration, without network; `root` is the app's own folder.

        Raises StartRefused with every fault of both.
        """
        quieten_clients()
        start = read_start(environment, root)
        if start.settings is None or start.faults:
            raise StartRefused(start.faults)
        return cls(start.settings, start.configuration)

    @property
    def configuration(self) -> Configuration:
        """The configuration in force. Raises Unavailable before `refresh` has read a first one."""
        return self._live.current

    @property
    def refused(self) -> tuple[str, ...]:
        """What is wrong with the configuration in storage: then, a former one is in force."""
        return self._blob.refused if self._blob is not None else ()

    @property
    def in_force_since(self) -> datetime | None:
        """When the configuration in force was read from storage; None where it is a file."""
        return self._blob.since if self._blob is not None else None

    async def refresh(self) -> None:
        """Bring a configuration in storage up to date, at most once a minute: before any work.

        Raises Transient and ConfigurationFault as long as there is none at all.
        """
        if self._blob is not None and await self._blob.refresh():
            self._forget_parts()
        await self._close_retired()

    def _forget_parts(self) -> None:
        """Parts are built anew when they are needed; who works with a former one goes on with it."""
        parts = vars(self)
        if "vault" in parts and self.vault.close in self._closers:
            self._closers.remove(self.vault.close)
            self._retired.append((self.clock.monotonic(), self.vault.close))
        for name in _OF_ONE_CONFIGURATION:
            parts.pop(name, None)

    async def _close_retired(self, *, after: float = RETIRED_FOR) -> None:
        while self._retired and self.clock.monotonic() - self._retired[0][0] >= after:
            await self._retired.pop(0)[1]()

    async def close(self) -> None:
        """Close what was built, the last one first."""
        await self._close_retired(after=0.0)
        while self._closers:
            await self._closers.pop()()

    def _kept(self, part: _T, close: Callable[[], Awaitable[None]]) -> _T:
        self._closers.append(close)
        return part

    @cached_property
    def identity(self) -> AsyncTokenCredential:
        """Who the app is in Azure."""
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
            self.identity,
            verify_challenge_resource=not is_loopback(address),
            # What lasts longer is put back: no function sleeps for a Key Vault that is down.
            retry_total=2,
            retry_backoff_factor=0.5,
            retry_backoff_max=2,
        )
        store = SecretStore(client, self.clock.monotonic, self.clock.now)
        return self._kept(store, store.close)

    @cached_property
    def _queue_service(self) -> QueueServiceClient:
        service = queue_service(self.settings.storage, self._storage_identity)
        return self._kept(service, service.close)

    @cached_property
    def queues(self) -> Queues:
        """The queues."""
        return Queues(self._queue_service)

    @cached_property
    def gauge(self) -> QueueGauge:
        """What tells how long the queues are."""
        return QueueGauge(AzureQueueDepths(self._queue_service), self.clock)

    @cached_property
    def _blobs(self) -> BlobServiceClient:
        service = blob_service(self.settings.storage, self._storage_identity)
        return self._kept(service, service.close)

    @cached_property
    def _blob(self) -> ConfigurationBlob | None:
        file = self.settings.sources_file
        if not isinstance(file, SourcesBlob):
            return None
        blobs = ContainerOfBlobs(self._blobs, file.container)
        return ConfigurationBlob(blobs, file, self._live, self.clock)

    @cached_property
    def memory(self) -> MemoryBudget:
        """What all mail that passes through may hold at once."""
        return MemoryBudget(self.settings.memory_budget)

    @cached_property
    def area(self) -> StagingArea:
        """The staging area."""
        return StagingArea(self._blobs, self.memory)

    @cached_property
    def _tables(self) -> TableServiceClient:
        service = table_service(self.settings.storage, self._storage_identity)
        return self._kept(service, service.close)

    @cached_property
    def journal(self) -> JournalTable:
        """The journal."""
        return JournalTable(self._tables)

    @cached_property
    def unfinished(self) -> UnfinishedTable:
        """The mails that have not come to their end."""
        return UnfinishedTable(self._tables)

    @cached_property
    def breakers(self) -> Breakers:
        """Breakers and holds."""
        return Breakers(BreakerTable(self._tables), self.clock)

    @cached_property
    def graph(self) -> GraphClient:
        """Microsoft Graph."""
        credential = graph_credential(self.settings, self.secrets, clock=self.clock.monotonic)
        self._closers.append(credential.close)
        client = GraphClient(self.settings.graph, credential, credential.forget_token)
        return self._kept(client, client.close)

    @cached_property
    def vault(self) -> MFilesVault:
        """M-Files."""
        tls = client_context(self.settings.vault_ca)
        vault = MFilesVault(self.configuration, self.secrets, self.clock, tls)
        return self._kept(vault, vault.close)

    @cached_property
    def webhook(self) -> Webhook:
        """What the functions `notifications` and `lifecycle` call."""
        progress = Progress(self.clock.monotonic)
        return Webhook(self.sources, self.queues, self.secrets, self.clock, progress, self.refresh)

    @cached_property
    def ping(self) -> Ping:
        """How services are asked whether they are there."""
        credential = self.settings.graph.credential
        return Pings(
            lambda: self.graph,
            lambda: self.vault,
            lambda: self.secrets,
            self.sources,
            lambda step: secrets_of(step, credential),
        )

    @cached_property
    def gate(self) -> Gate:
        """What stands before each step."""
        held = SecretsOfSteps(self.settings.graph.credential, lambda: self.secrets)
        return Gate(self.breakers, self.ping, self.clock, random.random, held)

    @cached_property
    def mailboxes(self) -> MailboxReader:
        """The mailboxes."""
        return MailboxReader(self.graph)

    @cached_property
    def mailbox_writer(self) -> MailboxWriter:
        """What changes mail in the mailboxes."""
        return MailboxWriter(self.graph, FolderReader(self.graph), self.clock)

    @cached_property
    def hand_over(self) -> HandOver:
        """What brings mails to their next step."""
        return HandOver(self.journal, self.unfinished, self.queues, self.clock)

    @cached_property
    def aftermath(self) -> Aftermath:
        """What decides what follows a fault."""
        patience = duration(self.configuration.give_up_after)
        return Aftermath(
            self.journal, self.hand_over, self.gate, self.area, self.clock, patience, random.random
        )

    @cached_property
    def receiver(self) -> Receiver:
        """What every function calls that takes messages."""
        return Receiver(
            self.queues,
            self.journal,
            self.unfinished,
            self.hand_over,
            self.gate,
            self.aftermath,
            self.clock,
        )

    @cached_property
    def staging(self) -> Staging:
        """The step of the function `staging`."""
        zone = self.configuration.time_zone
        return Staging(self.sources, self.mailboxes, self.area, self.queues, self.clock, zone)

    @cached_property
    def filing(self) -> Filing:
        """The step of the function `filing`."""
        planner = Planner(self.configuration.vault.filing_key, self.configuration.time_zone)
        return Filing(self.sources, planner, self.vault, self.area, self.duplicates, self.clock)

    @cached_property
    def mailbox(self) -> MailboxStep:
        """The step of the function `mailbox`."""
        afterwards = Afterwards(self.mailbox_writer, self.configuration.allow_delete)
        return MailboxStep(self.sources, afterwards, self.area, self.clock)

    @cached_property
    def watch(self) -> Watch:
        """What the function `watch` calls."""
        kept_after = timedelta(days=self.configuration.staging_days / 2)
        return Watch(
            self.journal,
            self.unfinished,
            self.queues,
            self.hand_over,
            self.area,
            self.clock,
            kept_after,
            self.sweeper.note_starts,
        )

    @cached_property
    def names(self) -> NameCheck:
        """What the function `watch` calls, too."""
        key = self.configuration.vault.filing_key
        return NameCheck(self.sources, key, self.vault, self.breakers, self.clock)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """What the functions of the poison queues call."""
        return DeadLetters(self.journal, self.unfinished, self.queues, self.hand_over, self.area, self.clock)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """What the functions `subscriptions` and `lifecycle_event` call."""
        return Subscriptions(
            self.watched,
            SubscriptionClient(self.graph),
            SubscriptionRegister(self._tables),
            self.secrets,
            (self.settings.notifications_address, self.settings.lifecycle_address),
            self.clock,
            on_missed=self.sweeper.order,
            watched=self._watched,
        )

    async def _watched(self, source: Source) -> tuple[list[Watched], list[VaultpostError]]:
        found, faults = await self.watched_folders.found(source)
        return [folder.watched for folder in found], faults

    @cached_property
    def watched_folders(self) -> WatchedFolders:
        """The folders of the sources."""
        return WatchedFolders(FolderReader(self.graph))

    @cached_property
    def fingerprints(self) -> FingerprintTable:
        """The mails by what they are."""
        return FingerprintTable(self._tables)

    @cached_property
    def duplicates(self) -> Duplicates:
        """The first mail of each kind."""
        return Duplicates(self.fingerprints, self.journal, self.clock, self.sources)

    @cached_property
    def folder_register(self) -> FolderTable:
        """What was swept, and when."""
        return FolderTable(self._tables)

    @cached_property
    def sweep_states(self) -> SweepStates:
        """How far each sweep has come."""
        return SweepStates(BlobContainer(self._blobs, STATE, "state"))

    @cached_property
    def delta(self) -> Delta:
        """The delta query."""
        return DeltaReader(self.graph)

    @cached_property
    def sweeper(self) -> Sweeper:
        """What the functions `sweep` and `sweep_folder` call."""
        return Sweeper(
            self.watched,
            self.watched_folders,
            self.folder_register,
            self.sweep_states,
            self.delta,
            self.mailboxes,
            self.journal,
            self.unfinished,
            self.fingerprints,
            self.hand_over,
            self.queues,
            self.gate,
            self.clock,
            lambda source: self.subscriptions.ensure(source),
        )

    @cached_property
    def storage_access(self) -> StorageAccess:
        """The clients of the storage for mail, as they are."""
        from shared.doctor.storage_looks import StorageAccess

        return StorageAccess(self._queue_service, self._tables, self._blobs, self._storage_identity)

    @cached_property
    def doctor(self) -> Doctor:
        """What the function `doctor` calls. Imported then: no start waits for it."""
        from shared.doctor.composition import Doctor

        return Doctor(self)

    @cached_property
    def health(self) -> HealthCheck:
        """What the function `health` calls."""
        from shared.doctor.health import HealthCheck

        async def is_well() -> bool:
            return (await self.doctor.examine(only_light=True)).well

        check = HealthCheck(is_well, self.clock)
        return self._kept(check, check.close)
