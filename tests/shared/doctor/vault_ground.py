"""A vault of a test's own and the doctor's checks of it, as the app composes them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from sandbox.pki import Authority
from sandbox.serving import serve
from sandbox.vault import ExampleVault, application
from shared.clock import SystemClock
from shared.configuration import Configuration, VaultSection
from shared.doctor.finding import Finding
from shared.doctor.runner import examine
from shared.doctor.vault import VaultParts, vault_checks
from shared.errors import VaultpostError
from shared.secret_store import SecretStore
from shared.settings import GraphSettings, Settings, StorageSettings
from shared.tls import client_context
from shared.vault.mfiles import MFilesVault

from ..made import source
from ..vault.site import FixedSecrets, Instead

MAIL, CONFIDENTIAL, CONTRACT, KEY = 207, 213, 214, 1301
PASSED = ["ok"]


def settings_with(vault_ca: Path | None = None) -> Settings:
    graph = GraphSettings("https://127.0.0.1:1/v1.0", "https://127.0.0.1:1", "client-secret", "t", "c")
    return Settings(
        Path("mail-sources.toml"),
        "https://mail-app.azurewebsites.net/api",
        "https://secrets.vault.azure.net",
        managed_identity=True,
        client_id=None,
        graph=graph,
        storage=StorageSettings(None),
        memory_budget=1,
        vault_ca=vault_ca,
    )


@dataclass
class Ground:
    """What the checks look at, to be broken before they run; `instead` answers in the vault's place."""

    example: ExampleVault
    authority: Authority
    document: dict[str, Any] = field(default_factory=lambda: {"class": "CL.Mail"})
    more: dict[str, Any] = field(default_factory=dict)
    vault: dict[str, Any] = field(default_factory=dict)
    filed: bool | VaultpostError = True
    context: ssl.SSLContext | None = None
    vault_ca: Path | None = None
    password: str | None = None
    instead: Instead | None = None
    origin: str | None = None
    path: str = ""

    def configuration(self, origin: str) -> Configuration:
        section = {"guid": self.example.guid, "filing_key": "PD.FilingKey", **self.vault}
        made = source("invoices", document=self.document, **self.more)
        return Configuration(VaultSection(f"{origin}{self.path}", **section), (made,))

    def change_structure(self, **changes: Any) -> None:
        self.example.structure = replace(self.example.structure, **changes)

    def change_key(self, **changes: Any) -> None:
        """Make the filing key another property."""
        known = self.example.structure.properties
        self.change_structure(properties={**known, KEY: replace(known[KEY], **changes)})

    def change_class(self, number: int, **changes: Any) -> None:
        known = self.example.structure.classes
        self.change_structure(classes={**known, number: replace(known[number], **changes)})

    async def findings(self, *only: str, write: bool = False) -> list[Finding]:
        """What the checks, or `only` those, say, run as the doctor does it."""
        async with AsyncExitStack() as stack:
            origin = await stack.enter_async_context(self._served()) if self.origin is None else self.origin
            configuration, settings = self.configuration(origin), settings_with(self.vault_ca)
            secrets = cast(SecretStore, FixedSecrets(self.example, self.password))
            vault = MFilesVault(configuration, secrets, SystemClock(), client_context(self.vault_ca))
            stack.push_async_callback(vault.close)
            parts = VaultParts(
                settings=settings,
                configuration=lambda: configuration,
                secrets=lambda: secrets,
                vault=lambda: vault,
                clock=SystemClock(),
                has_filed=self._has_filed,
            )
            checks = vault_checks(parts, write=write)
            return await examine([one for one in checks if not only or one.name in only])

    async def _has_filed(self) -> bool:
        if isinstance(self.filed, VaultpostError):
            raise self.filed
        return self.filed

    @asynccontextmanager
    async def _served(self) -> AsyncIterator[str]:
        site = application(self.example)

        @web.middleware
        async def spoil(request: web.Request, handler: Any) -> web.StreamResponse:
            answer: web.StreamResponse = await (
                self.instead(request, handler) if self.instead else handler(request)
            )
            return answer

        site.middlewares.append(spoil)
        served = await serve(site, context=self.context or self.authority.server_context())
        try:
            yield served.origin
        finally:
            await served.close()


def statuses(findings: list[Finding]) -> dict[str, list[str]]:
    """The statuses of each check's findings."""
    found: dict[str, list[str]] = {}
    for one in findings:
        found.setdefault(one.check, []).append(one.status)
    return found


def of(check: str, findings: list[Finding]) -> Finding:
    """The one finding of a check."""
    (found,) = [one for one in findings if one.check == check]
    return found


def text_of(findings: list[Finding]) -> str:
    return "\n".join(f"{one.what}\n{one.remedy}" for one in findings)
