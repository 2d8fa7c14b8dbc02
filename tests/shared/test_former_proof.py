"""The newest secret or certificate is refused: a former one serves on, against the sandbox's Entra ID."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
from aiohttp import web
from azure.core.exceptions import AzureError

from sandbox.app_credentials import CERTIFICATE, SECRET
from sandbox.faults import Status
from sandbox.faults.faults import Placed
from sandbox.tenant.certificates import AppCertificate
from sandbox.tenant.directory import ClientSecret
from shared.credentials import CredentialFault, GraphCredential, graph_credential
from shared.errors import Transient
from shared.proof_versions import MOST_FORMER, REST
from shared.secret_cache import FAULT_KEPT_FOR
from shared.secret_faults import SecretFault
from shared.settings import CredentialKind

from .graph_apps import GraphApp, app, certificate

__all__ = ["app"]
pytestmark = pytest.mark.anyio
UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Kind(Protocol):
    """A kind of proof, whose versions have numbers."""

    credential: CredentialKind
    name: str
    code: str
    remedy: str

    def value(self, number: int) -> str: ...
    def register(self, app: GraphApp, number: int) -> None: ...
    def withdraw(self, app: GraphApp, number: int) -> None: ...


class OfSecret:
    credential: CredentialKind = "client-secret"
    name, code, remedy = SECRET, "AADSTS7000215", "az keyvault secret set"

    def value(self, number: int) -> str:
        return f"hush-hush-{number}"

    def register(self, app: GraphApp, number: int) -> None:
        client_id = app.credentials.registration.client_id
        app.box.directory._proofs[client_id].secrets.append(ClientSecret(self.value(number)))

    def withdraw(self, app: GraphApp, number: int) -> None:
        app.box.directory.remove_secret(app.credentials.registration.client_id, self.value(number))


class OfCertificate:
    credential: CredentialKind = "client-certificate"
    name, code, remedy = CERTIFICATE, "AADSTS700027", "az keyvault certificate download"

    def value(self, number: int) -> str:
        return certificate(number).pkcs12

    def register(self, app: GraphApp, number: int) -> None:
        client_id = app.credentials.registration.client_id
        app.box.directory.add_certificate(client_id, certificate(number).certificate)

    def withdraw(self, app: GraphApp, number: int) -> None:
        client_id = app.credentials.registration.client_id
        app.box.directory.remove_certificate(client_id, certificate(number).certificate)


@dataclass(frozen=True)
class Ground:
    """The app, with a secret whose version 0 is registered. Key Vault has the test's time."""

    app: GraphApp
    kind: Kind

    def set(self, number: int, **attributes: Any) -> str:
        """The newest version from now on, as Key Vault has it; its id."""
        self.app.clock.advance(seconds=1)
        made = self.app.key_vault.secrets.set(self.kind.name, self.kind.value(number), **attributes)
        return made.version

    def register(self, number: int) -> None:
        self.kind.register(self.app, number)

    def withdraw(self, number: int) -> None:
        self.kind.withdraw(self.app, number)

    @asynccontextmanager
    async def credential(self, **changes: str) -> AsyncIterator[Credential]:
        async with self.app.services(self.kind.credential, **changes) as services:
            clock = self.app.clock.monotonic
            made = graph_credential(services.settings, services.secrets, clock=clock)
            async with made:
                yield Credential(made, services.settings.graph.scope)

    def sign_ins(self) -> Placed:
        """Counts them."""
        return self.app.box.faults.entra.add(Status(status=503, after=10**6))

    def reads(self, what: str = "") -> int:
        return self.app.key_vault.reads[f"{self.kind.name}{what}"]


@dataclass(frozen=True)
class Credential:
    """A credential, and the scope that it is asked for."""

    of_graph: GraphCredential
    scope: str

    async def token(self) -> str:
        return (await self.of_graph.get_token(self.scope)).token

    async def new_token(self) -> str:
        """As if Graph had refused the one that is kept."""
        self.of_graph.forget_token()
        return await self.token()


def ground_of(app: GraphApp, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> Ground:
    secrets = app.key_vault.secrets
    for one in secrets.versions(kind.name):
        secrets.enable(kind.name, one.version, enabled=False)
    monkeypatch.setattr(secrets, "_now", app.clock.now)
    ground = Ground(app, kind)
    if kind.credential == "client-secret":
        ground.register(0)
    ground.set(0)
    return ground


@pytest.fixture(params=[OfSecret(), OfCertificate()], ids=lambda kind: str(kind.credential))
def either(request: pytest.FixtureRequest, app: GraphApp, monkeypatch: pytest.MonkeyPatch) -> Ground:
    return ground_of(app, request.param, monkeypatch)


@pytest.fixture
def secret(app: GraphApp, monkeypatch: pytest.MonkeyPatch) -> Ground:
    return ground_of(app, OfSecret(), monkeypatch)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [getattr(one, "event", "") for one in caplog.records if one.name == "vaultpost.graph"]


async def test_a_mailbox_is_read_on_while_the_newest_version_is_refused(
    either: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    """By the token that lives, too: a wrong version costs one attempt, one line in the log, no request."""
    app, kind = either.app, either.kind
    first = app.key_vault.secrets.get(kind.name)
    assert first is not None
    async with app.services(kind.credential) as services:
        await services.graph.ping(app.mailbox)
        second = either.set(1)
        app.clock.advance(seconds=REST)
        counted = either.sign_ins()
        for _ in range(5):
            await services.graph.ping(app.mailbox)

    assert counted.seen == 1
    assert events(caplog) == ["former-version-serves"]
    (facts,) = [one.__dict__["facts"] for one in caplog.records if hasattr(one, "facts")]
    assert (facts["secret"], facts["version"], facts["refused"]) == (kind.name, first.version[:8], second[:8])
    assert kind.code in facts["why"]
    assert kind.remedy in facts["remedy"]
    assert kind.value(0) not in caplog.text
    assert kind.value(1) not in caplog.text


async def test_the_newest_version_is_used_once_it_is_registered(
    either: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that begins with a refused one signs in with the former one until then."""
    caplog.set_level("INFO", "vaultpost")
    either.set(1)
    async with either.credential() as credential:
        await credential.token()
        assert credential.of_graph.passed_over is not None
        assert either.kind.code in credential.of_graph.passed_over.reason
        either.register(1)
        counted = either.sign_ins()
        await credential.new_token()
        assert counted.seen == 1
        either.app.clock.advance(seconds=REST)
        await credential.token()
        assert credential.of_graph.passed_over is None
        either.withdraw(0)

        await credential.new_token()

    assert events(caplog) == ["former-version-serves", "newest-version-serves"]


async def test_where_no_version_is_taken_the_fault_is_that_of_the_newest(either: Ground) -> None:
    """The former one is not tried each time; the newest is, and serves as soon as it is registered."""
    either.withdraw(0)
    either.set(1)
    async with either.credential() as credential:
        counted = either.sign_ins()
        for _ in range(3):
            with pytest.raises(CredentialFault, match=either.kind.code) as caught:
                await credential.token()
            assert caught.value.rejected
            assert either.kind.remedy in caught.value.remedy
        assert counted.seen == 2 + 1 + 1
        assert either.reads() == 1 + 4 + 1  # anew after each turn; once with the versions

        either.register(1)
        await credential.token()


@pytest.mark.parametrize("status", [503, 429])
async def test_a_transient_fault_leads_to_no_former_version(either: Ground, status: int) -> None:
    either.set(1)
    async with either.credential() as credential:
        either.app.box.faults.entra.add(Status(status=status))
        for _ in range(2):
            with pytest.raises(CredentialFault) as caught:
                await credential.token()
            assert not caught.value.rejected

        assert (either.reads(), either.reads("/versions")) == (1, 0)
        assert credential.of_graph.passed_over is None


async def test_a_transient_fault_of_the_former_version_is_one(secret: Ground) -> None:
    """Whether it would have been taken is not known."""
    secret.set(1)
    async with secret.credential() as credential:
        secret.app.box.faults.entra.add(Status(status=503, after=1, times=1))
        with pytest.raises(CredentialFault) as caught:
            await credential.token()
        assert not caught.value.rejected

        await credential.token()


async def test_while_entra_id_is_down_the_token_of_the_former_version_lives_on(secret: Ground) -> None:
    """One request in 15 minutes finds out that the newest one cannot be tried."""
    secret.set(1)
    async with secret.credential() as credential:
        token = await credential.token()
        secret.app.clock.advance(seconds=REST)
        secret.app.box.faults.entra.add(Status(status=503))
        found = await asyncio.gather(*(credential.token() for _ in range(4)), return_exceptions=True)

        assert sorted(isinstance(one, Transient | AzureError) for one in found) == [False, False, False, True]
        assert await credential.token() == token


async def test_many_at_once_go_on_with_the_former_version(secret: Ground) -> None:
    secret.set(1)
    async with secret.credential() as credential:
        await asyncio.gather(*(credential.token() for _ in range(8)))
        counted = secret.sign_ins()
        await asyncio.gather(*(credential.token() for _ in range(8)))

    assert counted.seen == 0


async def test_a_newer_version_is_used_as_soon_as_it_is_read(
    secret: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    """However long the refused one has to rest."""
    caplog.set_level("INFO", "vaultpost")
    secret.set(1)
    async with secret.credential() as credential:
        await credential.token()
        secret.app.clock.advance(seconds=REST - 1)
        assert secret.reads() == 1 + 1 + 1
        await credential.token()
        secret.register(2)
        secret.set(2)
        secret.withdraw(0)

        await credential.new_token()

    assert events(caplog) == ["former-version-serves", "newest-version-serves"]


async def test_a_newer_version_is_read_before_a_former_one_is_tried(
    secret: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    async with secret.credential() as credential:
        await credential.token()
        secret.register(1)
        secret.set(1)
        secret.withdraw(0)
        await credential.new_token()
        counted = secret.sign_ins()
        await credential.token()

    assert counted.seen == 0
    assert events(caplog) == []


async def test_when_the_former_version_is_refused_too_a_newest_that_rests_is_tried(secret: Ground) -> None:
    secret.set(1)
    async with secret.credential() as credential:
        await credential.token()
        secret.withdraw(0)
        secret.register(1)

        await credential.new_token()


@pytest.mark.parametrize("how", ["disabled", "expired"])
async def test_a_former_version_that_counts_no_more_is_not_tried(secret: Ground, how: str) -> None:
    versions = secret.app.key_vault.secrets
    if how == "disabled":
        versions.enable(SECRET, enabled=False)
    else:
        versions.date(SECRET, expires=int(secret.app.clock.now().timestamp()))
    secret.set(1)
    async with secret.credential() as credential:
        with pytest.raises(CredentialFault, match="AADSTS7000215"):
            await credential.token()


async def test_a_newest_version_that_is_disabled_is_a_fault(secret: Ground) -> None:
    """It is a person's word, not a refusal."""
    secret.set(1, enabled=False)
    async with secret.credential() as credential:
        with pytest.raises(SecretFault, match="is disabled"):
            await credential.token()


async def test_no_more_than_two_former_versions_are_tried(secret: Ground) -> None:
    for number in (1, 2, 3):
        secret.set(number)
    async with secret.credential() as credential:
        counted = secret.sign_ins()
        with pytest.raises(CredentialFault, match="AADSTS7000215"):
            await credential.token()

    assert counted.seen == 1 + MOST_FORMER == 3


async def test_while_the_former_versions_cannot_be_read_the_refusal_is_told(
    secret: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret.set(1)
    key_vault = secret.app.key_vault
    async with secret.credential() as credential:
        read = key_vault.secrets.versions
        monkeypatch.setattr(key_vault.secrets, "versions", down)
        with pytest.raises(CredentialFault, match="AADSTS7000215"):
            await credential.token()
        monkeypatch.setattr(key_vault.secrets, "versions", read)
        secret.app.clock.advance(seconds=FAULT_KEPT_FOR)

        await credential.token()


def down(name: str) -> list[object]:
    raise web.HTTPServiceUnavailable


async def test_what_is_not_of_the_secret_leads_to_no_former_version(secret: Ground) -> None:
    secret.set(1)
    async with secret.credential(GRAPH_CLIENT_ID=UNKNOWN) as credential:
        with pytest.raises(CredentialFault, match="AADSTS700016"):
            await credential.token()

    assert secret.reads("/versions") == 0


@pytest.mark.parametrize("broken", ["early", "unreadable"])
async def test_a_certificate_that_cannot_be_used_is_passed_over(
    app: GraphApp, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """That is found without Entra ID."""
    ground = ground_of(app, OfCertificate(), monkeypatch)
    early = AppCertificate.create(begins=datetime(2099, 1, 1, tzinfo=UTC))
    app.clock.advance(seconds=1)
    app.key_vault.secrets.set(CERTIFICATE, early.pkcs12 if broken == "early" else "no certificate")
    async with ground.credential() as credential:
        counted = ground.sign_ins()
        await credential.token()

    assert counted.seen == 1
