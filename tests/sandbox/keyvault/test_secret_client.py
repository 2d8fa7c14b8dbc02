"""The real SecretClient, with the real managed identity credential, over TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity.aio import ManagedIdentityCredential
from azure.keyvault.secrets.aio import SecretClient

from sandbox.tenant.directory import ManagedIdentity

from .conftest import Vault

pytestmark = pytest.mark.anyio

Connect = Callable[[ManagedIdentity], SecretClient]


@pytest.fixture
async def connect(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Makes clients that sign in as one identity; they are closed at the end."""
    for name, value in vault.environment.items():
        monkeypatch.setenv(name, value)
    async with AsyncExitStack() as stack:

        def make(identity: ManagedIdentity) -> SecretClient:
            credential = ManagedIdentityCredential(client_id=identity.client_id)
            stack.push_async_callback(credential.close)
            # The SDK wants the host of the vault to end with that of the resource; no loopback address does.
            client = SecretClient(vault.url, credential, verify_challenge_resource=False)
            stack.push_async_callback(client.close)
            return client

        yield make


async def test_a_secret_is_read_as_it_was_set(vault: Vault, connect: Connect) -> None:
    client = connect(vault.owner)

    made = await client.set_secret("mfiles-password", "pässword", content_type="text/plain", tags={"a": "b"})
    read = await client.get_secret("mfiles-password")

    assert read.value == "pässword"
    assert read.properties.version == made.properties.version
    assert (read.properties.content_type, read.properties.tags) == ("text/plain", {"a": "b"})
    assert read.properties.enabled is True
    assert read.properties.recoverable_days == 90
    assert read.properties.vault_url == vault.url


async def test_each_set_makes_a_version_and_the_last_is_current(vault: Vault, connect: Connect) -> None:
    client = connect(vault.owner)

    first = await client.set_secret("notification-key", "one")
    second = await client.set_secret("notification-key", "two")

    assert (await client.get_secret("notification-key")).value == "two"
    assert (await client.get_secret("notification-key", first.properties.version)).value == "one"
    versions = {each.version async for each in client.list_properties_of_secret_versions("notification-key")}
    assert versions == {first.properties.version, second.properties.version}


async def test_a_list_of_secrets_runs_over_all_pages(vault: Vault, connect: Connect) -> None:
    names = sorted(f"secret-{number:02}" for number in range(27))
    for name in names:
        vault.store.set(name, "value")

    listed = [each async for each in connect(vault.owner).list_properties_of_secrets()]

    assert [each.name for each in listed] == names
    assert {each.version for each in listed} == {None}
    paged = [each.name async for each in connect(vault.owner).list_properties_of_secrets(max_page_size=10)]
    assert paged == names


async def test_an_unknown_secret_is_not_found(vault: Vault, connect: Connect) -> None:
    with pytest.raises(ResourceNotFoundError) as caught:
        await connect(vault.owner).get_secret("absent")

    assert caught.value.error is not None
    assert caught.value.error.code == "SecretNotFound"


async def test_a_disabled_secret_is_forbidden_and_enabled_again_it_is_read(
    vault: Vault, connect: Connect
) -> None:
    client = connect(vault.reader)
    vault.store.set("graph-client-secret", "value")
    vault.store.enable("graph-client-secret", enabled=False)

    with pytest.raises(
        HttpResponseError, match="Operation get is not allowed on a disabled secret"
    ) as caught:
        await client.get_secret("graph-client-secret")

    assert caught.value.status_code == 403
    vault.store.enable("graph-client-secret")
    assert (await client.get_secret("graph-client-secret")).value == "value"


async def test_a_secret_outside_its_dates_is_still_read(vault: Vault, connect: Connect) -> None:
    """The dates of a secret only inform: learn.microsoft.com/azure/key-vault/secrets/about-secrets."""
    client, past = connect(vault.owner), datetime(2020, 1, 1, tzinfo=UTC)

    await client.set_secret("old", "value", expires_on=past, not_before=past)
    read = await client.get_secret("old")

    assert (read.value, read.properties.expires_on, read.properties.not_before) == ("value", past, past)


async def test_a_reader_may_neither_set_nor_list(vault: Vault, connect: Connect) -> None:
    client = connect(vault.reader)
    vault.store.set("mfiles-username", "value")

    assert (await client.get_secret("mfiles-username")).value == "value"
    with pytest.raises(HttpResponseError, match="does not have secrets set permission"):
        await client.set_secret("mfiles-username", "other")
    with pytest.raises(HttpResponseError, match="does not have secrets list permission"):
        _ = [each async for each in client.list_properties_of_secrets()]
    assert [each.value for each in vault.store.versions("mfiles-username")] == ["value"]


async def test_a_stranger_may_not_even_learn_whether_a_secret_exists(vault: Vault, connect: Connect) -> None:
    client = connect(vault.stranger)

    with pytest.raises(HttpResponseError) as caught:
        await client.get_secret("absent")

    assert caught.value.status_code == 403
