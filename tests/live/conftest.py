"""Which live checks are run, and where what they have seen is written down."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.live.fact import Fact, Seen
from tests.live.mailroom import GraphMailroom
from tests.live.options import LiveOptions, read_options, read_values
from tests.live.recorder import Recorder
from tests.live.results import append, read, report, result, verdict
from tests.live.world import Clients, World, connected, opened

VARIABLE = "VAULTPOST_LIVE"


@dataclass(frozen=True)
class Run:
    """What a person lets the checks use, and where its results go."""

    options: LiveOptions
    directory: Path

    @property
    def results(self) -> Path:
        """The JSON lines."""
        return self.directory / self.options.results

    def note(self, fact: Fact, said: str, text: str) -> None:
        """Write down what was seen of a fact."""
        options = self.options
        append(self.results, result(fact, said, text, datetime.now(UTC), options.tenant, options.private))

    def saw(self, fact: Fact, seen: Seen) -> str:
        """Write it down; the verdict."""
        said = verdict(seen)
        self.note(fact, said, seen.text)
        return said


@pytest.fixture(scope="session")
def run() -> Iterator[Run]:
    """The options that VAULTPOST_LIVE names; the report is written at the end."""
    named = os.environ.get(VARIABLE)
    if not named:
        pytest.exit(f"{VARIABLE} must name your live.toml: see docs/live-check.md", returncode=2)
    file = Path(named).resolve()
    one = Run(read_options(file), file.parent)
    yield one
    if one.results.exists():
        written = one.results.with_suffix(".md")
        written.write_text(report(read(one.results)), encoding="utf-8")


@pytest.fixture(scope="session")
async def recorder(run: Run) -> AsyncIterator[Recorder | None]:
    """What receives notifications, where the options say how it is reached."""
    if run.options.listener is None:
        yield None
        return
    async with Recorder(run.options.listener.port) as listening:
        yield listening


@pytest.fixture(scope="session")
async def clients(run: Run) -> AsyncIterator[Clients]:
    """Those for the settings that the options name, which win over the environment."""
    values = {**os.environ, **read_values(run.directory / run.options.settings)}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in values.items():
            environment.setenv(name, value)
        async with connected(run.options, values, run.directory) as made:
            yield made


@pytest.fixture
async def world(clients: Clients, recorder: Recorder | None) -> AsyncIterator[World]:
    """The tenant and the vault of the options, for one check."""
    async with opened(clients, GraphMailroom, recorder) as made:
        yield made
