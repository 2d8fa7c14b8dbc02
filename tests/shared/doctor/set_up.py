"""A set-up in which all is well, to be broken in one way at a time."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from sandbox.box import Sandbox
from sandbox.example_sources import example_sources
from sandbox.serving import Served, serve
from sandbox.tenant.directory import AppRegistration
from shared.clock import Clock, SystemClock
from shared.configuration import Configuration
from shared.configuration_file import configuration_of
from shared.doctor.composition import Doctor, checks_of, refused_start
from shared.doctor.finding import Finding
from shared.doctor.runner import examine
from shared.errors import StartRefused
from shared.identities import filing_key
from shared.journal_row import Row
from shared.services import Services
from shared.settings import read_settings

from ..key_vault import KeyVault
from ..made import unique_name

_T = TypeVar("_T")


class Late:
    """The machine's clock, as many seconds off."""

    def __init__(self, seconds: float) -> None:
        self._off, self._clock = timedelta(seconds=seconds), SystemClock()

    def now(self) -> datetime:
        return self._clock.now() + self._off

    def monotonic(self) -> float:
        return self._clock.monotonic()


@dataclass
class Receiver:
    """Stands where the app's functions are, and answers handshakes; `answer` may make another answer.

    Each waits for `held`, if that is there.
    """

    answer: web.Response | None = None
    held: asyncio.Event | None = None
    taken: list[tuple[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        token = request.query.get("validationToken", "")
        self.taken.append((request.path, token))
        if self.held is not None:
            await self.held.wait()
        if self.answer is not None:
            return web.Response(
                body=self.answer.body, status=self.answer.status, content_type=self.answer.content_type
            )
        return web.Response(text=token)


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, Served]]:
    receiver = Receiver()
    site = web.Application()
    site.router.add_post("/api/{kind}", receiver.handle)
    served = await serve(site, context=None)
    yield receiver, served
    await served.close()


@dataclass
class SetUp:
    """The app's settings and configuration, its services, and who may do what there."""

    box: Sandbox
    key_vault: KeyVault
    receiver: Receiver
    app: AppRegistration
    environment: dict[str, str]
    document: dict[str, Any]
    mailbox: str
    outside: str
    directory: Path
    clock: Clock = field(default_factory=SystemClock)

    @property
    def source(self) -> dict[str, Any]:
        """The one source of the configuration."""
        source: dict[str, Any] = self.document["source"][0]
        return source

    @property
    def configuration(self) -> Configuration:
        return configuration_of(self.document, "mail-sources.toml")

    def services(self) -> Services:
        """The app, as it is set up now."""
        settings = read_settings(self.environment, self.directory)
        return Services(settings, self.configuration, self.clock)

    async def findings(self, *, write: bool = False) -> list[Finding]:
        """What the doctor says of it, also where the app does not start with it."""
        settings, of_settings = _checked(lambda: read_settings(self.environment, self.directory))
        configuration, of_configuration = _checked(lambda: self.configuration)
        if settings is None:
            return await examine(refused_start(of_settings, of_configuration))
        services = Services(settings, configuration, self.clock)
        try:
            return list((await Doctor(services, of_configuration).examine(write=write)).findings)
        finally:
            await services.close()

    async def only(self, *names: str) -> list[Finding]:
        """What these checks say; what they need besides, they do without."""
        services = self.services()
        try:
            return await examine([check for check in checks_of(services) if check.name in names])
        finally:
            await services.close()

    @contextmanager
    def changed(self, **values: str) -> Iterator[None]:
        """Other settings for a while."""
        before = self.environment
        self.environment = {**before, **values}
        yield
        self.environment = before

    @contextmanager
    def configured(self, vault: Mapping[str, Any] | None = None, **values: Any) -> Iterator[None]:
        """Another configuration of the vault and of the source for a while."""
        before = self.document
        source = {**self.source, **values}
        self.document = {**before, "vault": {**before["vault"], **(vault or {})}, "source": [source]}
        yield
        self.document = before

    @contextmanager
    def secret(self, name: str, value: str, **attributes: Any) -> Iterator[None]:
        """Another version of a secret for a while, in place of the present one, which counts no more."""
        before = self.key_vault.secrets.get(name)
        assert before is not None
        self.key_vault.secrets.enable(name, enabled=False)
        self.key_vault.secrets.set(name, value, **attributes)
        yield
        self.key_vault.secrets.set(name, before.value)

    def probes(self) -> list[str]:
        """The ids of subscriptions at Graph that are the doctor's."""
        live = self.box.tenant.subscriptions.of(self.app.client_id)
        return [one.id for one in live if one.change_type == "deleted"]


@asynccontextmanager
async def set_up(box: Sandbox, storage: str, directory: Path) -> AsyncIterator[SetUp]:
    """One in which all is well: an app registration that may read its own mailbox alone, which is watched."""
    name = unique_name("doctor")
    mailbox, outside = f"{name}@example.com", f"outside-{name}@example.com"
    for address in (mailbox, outside):
        box.tenant.add_mailbox(address)
    box.tenant.add_folder(mailbox, "inbox/Scans")
    app = box.directory.register(name)
    audience = box.addresses.graph.removesuffix("/v1.0")
    box.directory.grant(app.client_id, audience, "Mail.Read")
    box.tenant.exchange.restrict(app.client_id, [mailbox])
    async with KeyVault(box) as key_vault, receiving() as (receiver, served):
        for secret in box.secrets.current():
            key_vault.secrets.set(secret.name, secret.value)
        key_vault.secrets.set("graph-client-secret", box.directory.add_secret(app.client_id))
        environment = {
            **box.settings(f"{served.origin}/api", directory / "mail-sources.toml"),
            "KEY_VAULT_URL": key_vault.url,
            "GRAPH_CLIENT_ID": app.client_id,
            "MailStorage": storage,
            "VAULTPOST_OUTSIDE_MAILBOX": outside,
        }
        document = tomllib.loads(example_sources(box.addresses.vault, box.vault.guid, name, mailbox))
        document["source"][0]["folders"] = ["inbox", "inbox/Scans"]
        made = SetUp(box, key_vault, receiver, app, environment, document, mailbox, outside, directory)
        await _in_use(made)
        yield made
    box.tenant.exchange.unrestrict(app.client_id)


async def _in_use(made: SetUp) -> None:
    """Subscriptions live, and one mail was filed, so that the doctor writes no document."""
    services = made.services()
    try:
        await services.subscriptions.maintain()
        name, now = made.source["name"], datetime.now(UTC)
        row = Row(name, filing_key(name, "m"), "filed", "m", now, ended=now)
        await services.journal.insert(row)
    finally:
        await services.close()


def _checked(read: Callable[[], _T]) -> tuple[_T | None, tuple[str, ...]]:
    try:
        return read(), ()
    except StartRefused as refused:
        return None, refused.faults


def of(check: str, findings: list[Finding]) -> list[Finding]:
    """Those of one check."""
    return [one for one in findings if one.check == check]


def told(findings: list[Finding]) -> str:
    """All of it, for the message of a test that fails."""
    return "\n".join(f"{one.status} {one.check} {one.subject}: {one.what}" for one in findings)
