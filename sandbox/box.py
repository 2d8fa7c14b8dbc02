"""All services of the sandbox, running: what the app's settings point to."""

from __future__ import annotations

import secrets
import socket
import ssl
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Self

from aiohttp import web

from sandbox import vault
from sandbox.app_credentials import ROLES, AppCredentials, CredentialKind
from sandbox.faults import ServiceFaults, refusals
from sandbox.keyvault.service import application as keyvault_application
from sandbox.keyvault.store import SecretStore
from sandbox.pki import Authority
from sandbox.serving import Served, listening, origin_of, serve
from sandbox.storage.azurite import Storage
from sandbox.tenant import entra, managed_identity
from sandbox.tenant.directory import Directory
from sandbox.tenant.graph import Notifier, Tenant
from sandbox.tenant.graph import application as graph_application
from sandbox.tenant.graph.notifier import FIRST_RETRY_SECONDS
from sandbox.tenant.tokens import TokenIssuer
from sandbox.vault import ExampleVault, add_example_customers, documents

KEY_VAULT_AUDIENCE = "https://vault.azure.net"
GRAPH_ROLES = ROLES


@dataclass(frozen=True)
class Addresses:
    """Where each service answers; `documents` is the vault's documents for a browser."""

    entra: str
    graph: str
    identity: str
    keyvault: str
    vault: str
    documents: str


@dataclass
class TokenLifetimes:
    """How long the tokens live that are given from now on: those of app registrations, and of identities."""

    entra: timedelta = entra.LIFETIME
    identity: timedelta = managed_identity.LIFETIME


class Sandbox:
    """A tenant, a vault, a Key Vault and storage: an asynchronous context manager.

    Files stand below `directory`; `node` and `azurite` are what `sandbox.storage.install.ensure` gives.
    What goes wrong in a service is set in `faults`, and how long tokens live in `lifetimes`.
    """

    def __init__(
        self,
        directory: Path,
        authority: Authority,
        node: Path,
        azurite: Path,
        first_retry: float = FIRST_RETRY_SECONDS,
    ) -> None:
        """`first_retry`: seconds until Graph first repeats a notification that was not taken."""
        self._first_retry = first_retry
        self.authority = authority
        self.tenant_id = str(uuid.uuid4())
        self.issuer = TokenIssuer(self.tenant_id)
        self.directory = Directory(self.tenant_id)
        self.tenant = Tenant(directory / "tenant", self.tenant_id)
        self.vault = ExampleVault(directory / "vault", password=secrets.token_urlsafe(16))
        add_example_customers(self.vault)
        self.secrets = SecretStore()
        self.storage = Storage(node, azurite, authority)
        self.faults = ServiceFaults()
        self.lifetimes = TokenLifetimes()
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._open.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def _start(self) -> None:
        await self._open.enter_async_context(self.storage)
        self.directory.add_resource(KEY_VAULT_AUDIENCE)
        self.directory.add_resource(managed_identity.TOKEN_EXCHANGE)
        self.identity = self.directory.create_identity("vaultpost")
        self.user_assigned = self.directory.create_identity("vaultpost-user-assigned")
        self.registration = self.directory.register("vaultpost")
        self.identities = managed_identity.HostIdentities((self.user_assigned,), self.identity)
        self.allow_secrets(self.secrets)
        signing_in = await self._entra()
        kept = await self._key_vault(f"{signing_in.origin}/{self.tenant_id}")
        identity = await self._identity()
        archive = await self._archive()
        pages = await self._serve(documents.application(self.vault), None)
        graph = await self._graph()
        self.credentials = AppCredentials(
            self.directory,
            self.issuer,
            self.registration,
            self.identity,
            self.user_assigned,
            graph.origin,
            self.secrets,
        )
        self.addresses = Addresses(
            entra=signing_in.origin,
            graph=f"{graph.origin}/v1.0",
            identity=identity.origin,
            keyvault=kept.origin,
            vault=archive.origin,
            documents=f"{pages.origin}/",
        )
        self._fill_key_vault()

    def allow_secrets(self, secrets: SecretStore) -> None:
        """Let the app's identities read these."""
        for identity in (self.identity, self.user_assigned):
            secrets.allow(identity.client_id, "get", "list")

    async def _entra(self) -> Served:
        application = entra.application(self.directory, self.issuer, lambda: self.lifetimes.entra)
        self.faults.entra.wire(application, refusals.entra(self.issuer.now))
        return await self._secure(application)

    async def _key_vault(self, authority_url: str) -> Served:
        application = keyvault_application(self.secrets, self.issuer, authority_url)
        expire = partial(self.issuer.expire, KEY_VAULT_AUDIENCE)
        self.faults.keyvault.wire(application, refusals.keyvault(authority_url), expire)
        return await self._secure(application)

    async def _identity(self) -> Served:
        application = managed_identity.application(
            self.identities, self.directory, self.issuer, lambda: self.lifetimes.identity
        )
        self.faults.identity.wire(application, refusals.identity)
        return await self._serve(application, None)

    async def _archive(self) -> Served:
        application = vault.application(self.vault)
        self.faults.vault.wire(application, refusals.vault, self.vault.expire_tokens)
        return await self._secure(application)

    async def _graph(self) -> Served:
        sock = listening()
        origin = origin_of(sock.getsockname()[1], secure=True)
        self.directory.add_resource(origin)
        trust = ssl.create_default_context(cafile=str(self.authority.bundle))
        notifier = Notifier(trust, first_retry=self._first_retry)
        application = graph_application(self.tenant, self.issuer, audience=origin, notify=notifier)
        expire = partial(self.issuer.expire, origin)
        self.faults.graph.wire(application, refusals.graph(self.tenant.now), expire)
        return await self._secure(application, sock)

    async def _secure(self, application: web.Application, sock: socket.socket | None = None) -> Served:
        return await self._serve(application, self.authority.server_context(), sock)

    async def _serve(
        self, application: web.Application, context: ssl.SSLContext | None, sock: socket.socket | None = None
    ) -> Served:
        served = await serve(application, context=context, sock=sock)
        self._open.push_async_callback(served.close)
        return served

    def _fill_key_vault(self) -> None:
        self.credentials.settings("client-secret")
        self.secrets.set("notification-key", secrets.token_urlsafe(32))
        self.secrets.set("mfiles-username", self.vault.username)
        self.secrets.set("mfiles-password", self.vault.password)

    def settings(
        self, notification_url: str, sources: Path, *, credential: CredentialKind = "client-secret"
    ) -> dict[str, str]:
        """The application settings of an app at `notification_url` with this configuration file.

        With what makes a new process trust the sandbox and have the managed identities. What the app proves
        itself to Graph with is made for the first who asks for it.
        """
        return {
            "VAULTPOST_SOURCES": str(sources),
            "VAULTPOST_NOTIFICATION_URL": notification_url,
            "KEY_VAULT_URL": self.addresses.keyvault,
            **self.credentials.settings(credential),
            "GRAPH_ENDPOINT": self.addresses.graph,
            "GRAPH_AUTHORITY": self.addresses.entra,
            "MailStorage": self.storage.connection_string,
            "AzureWebJobsStorage": self.storage.connection_string,
            "FUNCTIONS_WORKER_RUNTIME": "python",
            **self.identities.environment(self.addresses.identity),
            **self.authority.environment(),
        }
