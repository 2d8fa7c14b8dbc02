"""What the checks work with: the tenant, the vault and Key Vault, asked by the app's own clients and raw."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shared.configuration_file import configuration_of
from shared.credentials import graph_credential
from shared.services import Services
from shared.settings import Settings, is_loopback, read_settings
from shared.tls import client_context
from tests.live.fact import NotPossible
from tests.live.mailroom import Mailroom
from tests.live.options import LiveOptions
from tests.live.raw_graph import RawGraph
from tests.live.raw_vault import RawVault
from tests.live.recorder import Recorder

SOURCE = "live"
_TIMEOUT = httpx.Timeout(120.0, connect=15.0)


MakesMailroom = Callable[[RawGraph, str, AsyncExitStack], Mailroom]
"""The mailroom of one check for a mailbox; what has to be undone goes to the stack."""


@dataclass
class World:
    """One check's view of everything. What is in `clean_up` is undone after it."""

    options: LiveOptions
    settings: Settings
    services: Services
    graph: RawGraph
    vault: RawVault
    http: httpx.AsyncClient
    mailroom: Mailroom
    clean_up: AsyncExitStack
    recorder: Recorder | None = None
    state: Path | None = None

    @property
    def mailbox(self) -> str:
        """The test mailbox."""
        return self.options.graph.mailbox

    @property
    def addresses(self) -> tuple[str, str]:
        """Where Graph may call: the recorder, else the deployed app. Raises NotPossible."""
        if self.recorder is not None:
            base = self.options.listener.url.rstrip("/") if self.options.listener else self.recorder.origin
            return f"{base}/notifications", f"{base}/lifecycle"
        if is_loopback(self.settings.notification_url):
            raise NotPossible("no public address: set listener, or VAULTPOST_NOTIFICATION_URL to the app's")
        return self.settings.notifications_address, self.settings.lifecycle_address

    @property
    def listening(self) -> Recorder:
        """The recorder. Raises NotPossible without one."""
        if self.recorder is None:
            raise NotPossible("what Graph sends cannot be seen without listener in the options")
        return self.recorder

    @property
    def app(self) -> str:
        """The address of the deployed app. Raises NotPossible without one."""
        url = self.options.app.url or self.settings.notification_url
        if is_loopback(url) and not self.options.app.url:
            raise NotPossible("no deployed app: set app.url in the options")
        return url.rstrip("/")


@dataclass(frozen=True)
class Clients:
    """What asks the services, for all checks of a run; a Graph token at each call."""

    options: LiveOptions
    settings: Settings
    services: Services
    trust: ssl.SSLContext
    http: httpx.AsyncClient
    token: Callable[[], Awaitable[str]]
    directory: Path


@asynccontextmanager
async def connected(
    options: LiveOptions, values: Mapping[str, str], directory: Path
) -> AsyncIterator[Clients]:
    """The clients for these settings; files are below `directory`."""
    settings = read_settings(values, directory)
    services = Services(settings, configuration_of(_configuration(options), "live.toml"))
    async with AsyncExitStack() as clients:
        clients.push_async_callback(services.close)
        trust = client_context(settings.vault_ca)
        http = await clients.enter_async_context(httpx.AsyncClient(timeout=_TIMEOUT, verify=trust))
        credential = graph_credential(settings, services.secrets)
        clients.push_async_callback(credential.close)

        async def token() -> str:
            return (await credential.get_token(settings.graph.scope)).token

        yield Clients(options, settings, services, trust, http, token, directory)


@asynccontextmanager
async def opened(
    clients: Clients, mailroom: MakesMailroom, recorder: Recorder | None = None
) -> AsyncIterator[World]:
    """A world for one check. At the end, what was made is undone."""
    options, settings = clients.options, clients.settings
    # The vault's with cookies of its own: they lead back to where the token of this check is known.
    own = httpx.AsyncClient(timeout=_TIMEOUT, verify=clients.trust)
    async with own, AsyncExitStack() as clean_up:
        graph = RawGraph(settings.graph.endpoint, clients.token, clients.http)
        yield World(
            options=options,
            settings=settings,
            services=clients.services,
            graph=graph,
            vault=RawVault(options.vault, clients.services, own, clean_up),
            http=clients.http,
            mailroom=mailroom(graph, options.graph.mailbox, clean_up),
            clean_up=clean_up,
            recorder=recorder,
            state=clients.directory / "live-delta-link.json",
        )


def _configuration(options: LiveOptions) -> dict[str, Any]:
    """The app's configuration for this run: one source, which is never filed; it names what is looked up."""
    vault = options.vault
    properties: dict[str, Any] = dict(vault.properties)
    if vault.lookup_property:
        properties.setdefault(vault.lookup_property, {"value": "", "optional": True})
    source: dict[str, Any] = {
        "name": SOURCE,
        "mailbox": options.graph.mailbox,
        "folders": ["inbox"],
        "document": {"class": vault.class_, "title": "Live check", "properties": properties},
    }
    if vault.automatic_title_class:
        document = {"class": vault.automatic_title_class}
        source["rule"] = [{"name": "automatic", "when": "subject == 'automatic'", "document": document}]
    return {
        "vault": {"url": vault.url, "guid": vault.guid, "filing-key": vault.filing_key},
        "source": [source],
    }
