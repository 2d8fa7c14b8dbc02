"""What the tests of the app's parts share.

Property tests leave no file behind and know no deadline: two cores are shared by many.
"""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from sandbox.box import Sandbox
from sandbox.example_sources import example_sources
from sandbox.serving import listening
from shared.configuration import Configuration
from shared.configuration_file import configuration_of
from shared.services import Services
from shared.settings import read_settings

from .accounts import Stores, closed_port, opened
from .clock import FakeClock
from .key_vault import KeyVault
from .sweep_ground import Ground

settings.register_profile("vaultpost", database=None, deadline=None, max_examples=100)
settings.load_profile("vaultpost")


@pytest.fixture
async def stores(accounts: Iterator[str]) -> AsyncIterator[Stores]:
    """An empty storage account with the app's adapters on it."""
    async with opened(next(accounts)) as made:
        yield made


@pytest.fixture
async def down() -> AsyncIterator[Stores]:
    """The app's adapters on a storage account that does not answer."""
    with listening() as sock:
        port: int = sock.getsockname()[1]
    async with closed_port(port) as made:
        yield made


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until it is moved."""
    return FakeClock()


@pytest.fixture
async def key_vault(box: Sandbox) -> AsyncIterator[KeyVault]:
    """A Key Vault of the test's own, with the secrets of the sandbox."""
    async with KeyVault(box) as running:
        for secret in box.secrets.current():
            running.secrets.set(secret.name, secret.value)
        yield running


@pytest.fixture(scope="session")
def configuration(box: Sandbox) -> Configuration:
    """That of the sandbox's example, read once: its templates take time."""
    text = example_sources(box.addresses.vault, box.vault.guid)
    return configuration_of(tomllib.loads(text), "mail-sources.toml")


@pytest.fixture
async def services(
    box: Sandbox,
    key_vault: KeyVault,
    configuration: Configuration,
    accounts: Iterator[str],
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[Services]:
    """The app's own composition, with storage and Key Vault of the test's own."""
    environment = {
        **box.settings("http://127.0.0.1:1/api", tmp_path / "mail-sources.toml"),
        "KEY_VAULT_URL": key_vault.url,
        "MailStorage": next(accounts),
    }
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, environment[name])
    made = Services(read_settings(environment, tmp_path), configuration, clock)
    yield made
    await made.close()


@pytest.fixture
def ground(
    box: Sandbox, services: Services, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ground]:
    """A mailbox of the test's own, a source on it, and stores in memory; the tenant has the test's time."""
    monkeypatch.setattr(box.tenant, "now", clock.now)
    yield Ground(box, services, clock)
    box.faults.graph.clear()
