"""A source of each test's own, with the app's composition over it, in the present time."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from sandbox.box import Sandbox
from sandbox.example_sources import example_sources
from shared.configuration import Configuration
from shared.configuration_file import configuration_of
from shared.services import Services

from ..clock import FakeClock
from ..made import unique_name
from .estate import Estate


@pytest.fixture(scope="session")
def example(box: Sandbox) -> Configuration:
    """The sandbox's example, read once: its templates take time."""
    text = example_sources(box.addresses.vault, box.vault.guid)
    return configuration_of(tomllib.loads(text), "mail-sources.toml")


@pytest.fixture
def configuration(box: Sandbox, example: Configuration) -> Iterator[Configuration]:
    """The same, for a mailbox of the test's own."""
    name = unique_name("ops")
    mailbox = f"{name}@example.com"
    box.tenant.add_mailbox(mailbox)
    own = structs.replace(example.source[0], name=name, mailbox=mailbox)
    yield structs.replace(example, source=(own,))
    box.faults.graph.clear()
    box.faults.vault.clear()


@pytest.fixture
def clock() -> FakeClock:
    """It begins a little after the present time, at which the sandbox receives its mail."""
    return FakeClock(datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5))


@pytest.fixture
def estate(box: Sandbox, services: Services, clock: FakeClock) -> Estate:
    """One without mail."""
    return Estate(box, services, clock)
