"""How the app proves itself to Graph, each kind end to end: azure-identity, the sandbox's Entra ID, TLS."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest

from sandbox.app_credentials import CERTIFICATE, SECRET
from sandbox.box import Sandbox
from sandbox.faults import Status
from shared.credentials import CredentialFault, GraphCredential, graph_credential
from shared.errors import Unavailable
from shared.services import Services
from shared.settings import CREDENTIALS, CredentialKind

from .graph_apps import GraphApp, app, certificate

__all__ = ["app"]
pytestmark = pytest.mark.anyio

OF_KEY_VAULT: tuple[tuple[CredentialKind, str], ...] = (
    ("client-certificate", CERTIFICATE),
    ("client-secret", SECRET),
)
SHORT = timedelta(seconds=2)
"""How long a token lives, where many have to end."""


async def begin_of_a_lifetime() -> None:
    """Wait until those tokens have ended that were given at the last one; Entra ID counts whole seconds."""
    seconds = SHORT.total_seconds()
    await asyncio.sleep(seconds - time.time() % seconds + 0.05)


async def claims(services: Services) -> dict[str, Any]:
    """What the app's token for Graph says."""
    credential = graph_credential(services.settings, services.secrets)
    async with credential:
        token = await credential.get_token(services.settings.graph.scope)
    found: dict[str, Any] = jwt.decode(token.token, options={"verify_signature": False})
    return found


@pytest.mark.parametrize("kind", CREDENTIALS)
async def test_each_kind_reads_a_mailbox(app: GraphApp, kind: CredentialKind) -> None:
    async with app.services(kind) as services:
        await services.graph.ping(app.mailbox)
        said = await claims(services)

    identity = kind == "managed-identity"
    principal = app.box.identity if identity else app.credentials.registration
    assert (said["appid"], said["oid"]) == (principal.client_id, principal.object_id)
    assert (said["aud"], said["roles"]) == (app.audience, ["Mail.Read"])


async def test_without_a_name_the_managed_identity_is_the_system_assigned_one(app: GraphApp) -> None:
    identity = app.box.user_assigned.client_id
    async with app.services("managed-identity") as system:
        assert (await claims(system))["appid"] == app.box.identity.client_id
    async with app.services("managed-identity", AZURE_CLIENT_ID=identity) as user:
        assert (await claims(user))["appid"] == identity


async def test_requests_go_on_over_the_end_of_many_tokens(app: GraphApp) -> None:
    """Tokens of two seconds, of each kind at once: every request comes with another one."""
    app.box.lifetimes.entra = app.box.lifetimes.identity = SHORT
    seen = await asyncio.gather(*(rounds(app, kind) for kind in CREDENTIALS))

    assert [len(tokens) for tokens in seen] == [3] * len(CREDENTIALS)


async def rounds(app: GraphApp, kind: CredentialKind) -> set[str]:
    """The tokens of three requests, each when the token of the last one has just ended."""
    tokens, ends = set(), 0
    async with (
        app.services(kind) as services,
        graph_credential(services.settings, services.secrets) as credential,
    ):
        for _ in range(3):
            await asyncio.sleep(max(ends + 0.05 - time.time(), 0))
            await services.graph.ping(app.mailbox)
            token = await credential.get_token(services.settings.graph.scope)
            tokens.add(token.token)
            ends = token.expires_on
    return tokens


@pytest.mark.parametrize("kind", CREDENTIALS)
async def test_a_token_is_kept_as_long_as_it_lives(app: GraphApp, kind: CredentialKind) -> None:
    async with app.services(kind) as services:
        await services.graph.ping(app.mailbox)
        app.box.faults.entra.add(Status(status=503))
        app.box.faults.identity.add(Status(status=503))

        await services.graph.ping(app.mailbox)


@pytest.mark.parametrize("kind", CREDENTIALS)
async def test_a_token_that_graph_refuses_is_forgotten(app: GraphApp, kind: CredentialKind) -> None:
    async with app.services(kind) as services:
        await services.graph.ping(app.mailbox)
        app.box.issuer.expire(app.audience)

        with pytest.raises(Unavailable, match="401"):
            await services.graph.ping(app.mailbox)
        await services.graph.ping(app.mailbox)


@pytest.mark.parametrize(("kind", "name"), OF_KEY_VAULT)
async def test_what_entra_id_rejects_is_read_anew_at_once(
    app: GraphApp, kind: CredentialKind, name: str
) -> None:
    """The one before is kept for 15 minutes; the first refusal ends that, and no request fails."""
    async with app.services(kind) as services:
        await services.secrets.get(name)
        withdraw = present(app, kind)
        renew(app, kind)
        withdraw()

        await services.graph.ping(app.mailbox)

    assert app.key_vault.reads[name] == 2


@pytest.mark.parametrize(("kind", "name"), OF_KEY_VAULT)
async def test_a_new_version_is_taken_up_after_a_quarter_of_an_hour(
    app: GraphApp, kind: CredentialKind, name: str
) -> None:
    """Nothing is rejected then: both versions are registered meanwhile."""
    async with app.services(kind) as services:
        await services.graph.ping(app.mailbox)
        withdraw = present(app, kind)
        renew(app, kind)
        await services.graph.ping(app.mailbox)
        assert app.key_vault.reads[name] == 1

        app.clock.advance(minutes=15)
        withdraw()
        await services.graph.ping(app.mailbox)

    assert app.key_vault.reads[name] == 2


@pytest.mark.parametrize(("kind", "name"), OF_KEY_VAULT)
async def test_many_at_once_survive_a_rotation(app: GraphApp, kind: CredentialKind, name: str) -> None:
    async with app.services(kind) as services:
        await services.secrets.get(name)
        withdraw = present(app, kind)
        renew(app, kind)
        withdraw()

        await asyncio.gather(*(services.graph.ping(app.mailbox) for _ in range(12)))

    assert app.key_vault.reads[name] == 2


async def test_a_certificate_is_read_as_pem_too(app: GraphApp) -> None:
    app.credentials.renew_certificate(certificate(1), as_pem=True)

    async with app.services("client-certificate") as services:
        await services.graph.ping(app.mailbox)


async def test_a_federated_token_that_lives_does_without_the_identity(app: GraphApp) -> None:
    """Only what signs in anew needs the identity's own token."""
    app.box.lifetimes.identity = SHORT
    async with app.services("federated") as services:
        await begin_of_a_lifetime()
        await services.graph.ping(app.mailbox)
        app.box.faults.identity.add(Status(status=503))
        await begin_of_a_lifetime()

        await services.graph.ping(app.mailbox)

        app.box.issuer.expire(app.audience)
        with pytest.raises(Unavailable, match="401"):
            await services.graph.ping(app.mailbox)
        with pytest.raises(CredentialFault, match=r"managed identity.*503"):
            await services.graph.ping(app.mailbox)


async def test_while_entra_id_is_down_it_is_an_outage_and_rejects_nothing(app: GraphApp) -> None:
    async with app.services("client-secret") as services:
        app.box.faults.entra.add(Status(status=503, retry_after="120"))
        began = time.monotonic()

        with pytest.raises(Exception, match="no token for Graph") as caught:
            await services.graph.ping(app.mailbox)

    assert getattr(caught.value, "rejected", None) is False
    assert time.monotonic() - began < 5


async def test_credentials_that_were_forgotten_are_closed_once_nobody_waits(app: GraphApp) -> None:
    """A Graph that refuses every token for days must not cost a connection each time."""
    async with app.services("client-secret") as services:
        credential = graph_credential(services.settings, services.secrets)
        for _ in range(3):
            await credential.get_token(services.settings.graph.scope)
            credential.forget_token()
        await credential.get_token(services.settings.graph.scope)

        assert kept_by(credential) == 1
        await credential.close()
        assert kept_by(credential) == 0


def kept_by(credential: GraphCredential) -> int:
    """How many credentials of azure-identity it has open."""
    return len(credential._retired) + len(credential._kept)


def present(app: GraphApp, kind: CredentialKind) -> Any:
    """What takes that back from the directory by which the app signs in now."""
    directory, client_id = app.box.directory, app.credentials.registration.client_id
    if kind == "client-secret":
        version = app.key_vault.secrets.get(SECRET)
        assert version is not None
        return lambda: directory.remove_secret(client_id, version.value)
    made = app.credentials.certificate
    assert made is not None
    return lambda: directory.remove_certificate(client_id, made.certificate)


def renew(app: GraphApp, kind: CredentialKind) -> None:
    """A new one is registered, and in Key Vault."""
    if kind == "client-secret":
        app.credentials.renew_secret()
    else:
        app.credentials.renew_certificate(certificate(1))


async def test_no_secret_is_in_the_representation(app: GraphApp, box: Sandbox) -> None:
    async with app.services("client-secret") as services:
        credential = graph_credential(services.settings, services.secrets)
        await credential.get_token(services.settings.graph.scope)
        shown = f"{credential!r} {vars(credential)!r}"
        await credential.close()

    secret = app.key_vault.secrets.get(SECRET)
    assert secret is not None
    assert secret.value not in shown
