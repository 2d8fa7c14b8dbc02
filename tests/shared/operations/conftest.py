"""A source of each test's own, with the app's composition over it, in the present time."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from sandbox.box import Sandbox
from sandbox.example_sources import example_sources
from shared.configuration import Configuration
from shared.configuration_file import configuration_of
from shared.services import Services
from shared.settings import read_settings

from ..clock import FakeClock
from ..key_vault import KeyVault
from ..made import unique_name
from .estate import Estate


@pytest.fixture(scope="session")
def example(box: Sandbox) -> Configuration:
    """That of the sandbox's example, read once: its templates take time."""
    text = example_sources(box.addresses.vault, box.vault.guid)
    return configuration_of(tomllib.loads(text), "mail-sources.toml")


@pytest.fixture
async def estate(
    box: Sandbox,
    key_vault: KeyVault,
    example: Configuration,
    accounts: Iterator[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[Estate]:
    """One without mail. Its clock stands a little after the time at which the sandbox receives its mail."""
    name = unique_name("ops")
    mailbox = f"{name}@example.com"
    box.tenant.add_mailbox(mailbox)
    source = structs.replace(example.source[0], name=name, mailbox=mailbox)
    environment = {
        **box.settings("http://127.0.0.1:1/api", tmp_path / "mail-sources.toml"),
        "KEY_VAULT_URL": key_vault.url,
        "MailStorage": next(accounts),
    }
    for variable in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(variable, environment[variable])
    clock = FakeClock(datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5))
    configuration = structs.replace(example, source=(source,))
    services = Services(read_settings(environment, tmp_path), configuration, clock)
    yield Estate(box, services, clock, environment)
    await services.close()
    box.faults.graph.clear()
    box.faults.vault.clear()
