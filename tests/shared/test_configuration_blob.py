"""The configuration in storage: read at the first need, anew when it changes, and never a faulty one."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.configuration_blob import LAST_GOOD, LOOKED_AT_EVERY, ConfigurationBlob, ContainerOfBlobs
from shared.configuration_live import LiveConfiguration
from shared.errors import ConfigurationFault, Unavailable
from shared.operations.command_line import parse
from shared.operations.commands.running import run
from shared.services import RETIRED_FOR, Services
from shared.settings import SourcesBlob, read_settings
from shared.storage_clients import blob_service

from .clock import FakeClock

pytestmark = pytest.mark.anyio
FILE = SourcesBlob("state", "mail-sources.toml")
GOOD = """
[vault]
url = "https://mfiles.example.com"
guid = "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"
filing-key = "PD.FilingKey"

[[source]]
name = "invoices"
mailbox = "invoices@example.com"
document.class = "CL.Invoice"
"""
OTHER = GOOD.replace("invoices", "orders")
FAULTY = GOOD.replace("mailbox", "mailbx")


@dataclass
class Memory:
    """A container in memory, which counts and fails as it is told."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    is_down: bool = False
    cannot_keep: bool = False

    def put(self, text: str) -> None:
        self.blobs[FILE.name] = text.encode()

    async def read(self, name: str, etag: str) -> tuple[bytes | None, str] | None:
        self.reads.append(name)
        if self.is_down:
            raise Unavailable("configuration: storage did not answer", origin="storage")
        content = self.blobs.get(name)
        if content is None:
            return None, ""
        current = str(hash(content))
        return None if etag == current else (content, current)

    async def keep(self, name: str, content: bytes) -> None:
        if self.cannot_keep:
            raise Unavailable("configuration: storage answered 403", origin="storage")
        self.blobs[name] = content


@dataclass
class World:
    """One worker's view of the blob."""

    blobs: Memory
    live: LiveConfiguration
    clock: FakeClock
    blob: ConfigurationBlob

    async def later(self) -> bool:
        self.clock.advance(seconds=LOOKED_AT_EVERY)
        return await self.blob.refresh()


def another(blobs: Memory, clock: FakeClock) -> World:
    live = LiveConfiguration()
    return World(blobs, live, clock, ConfigurationBlob(blobs, FILE, live, clock))


@pytest.fixture
def world(clock: FakeClock) -> World:
    made = another(Memory(), clock)
    made.blobs.put(GOOD)
    return made


@pytest.fixture
def alerts(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="vaultpost.configuration")
    return caplog


def names(alerts: pytest.LogCaptureFixture, level: int = logging.ERROR) -> list[str]:
    return [record.__dict__["event"] for record in alerts.records if record.levelno >= level]


def test_before_the_first_read_there_is_no_configuration_rather_than_an_empty_one(world: World) -> None:
    """A worker that took every source for a stranger's would drop what is theirs."""
    with pytest.raises(Unavailable):
        _ = world.live.current
    with pytest.raises(Unavailable):
        _ = "invoices" in world.live.sources
    with pytest.raises(Unavailable):
        list(world.live.sources)


async def test_it_is_read_at_the_first_need_and_then_looked_at_once_a_minute(world: World) -> None:
    sources = world.live.sources

    assert await world.blob.refresh()
    assert list(sources) == ["invoices"]
    assert not await world.blob.refresh()
    assert world.blobs.reads == [FILE.name]
    assert not await world.later()
    assert world.blobs.reads == [FILE.name] * 2


async def test_one_that_has_changed_is_in_force_for_all_that_hold_its_sources(world: World) -> None:
    await world.blob.refresh()
    sources = world.live.sources
    under_way = iter(sources.values())
    world.blobs.put(OTHER)

    assert await world.later()
    assert list(sources) == ["orders"]
    assert sources["orders"] is world.live.current.source[0]
    assert [source.name for source in under_way] == ["invoices"]


async def test_a_faulty_one_is_refused_with_an_alert_and_the_last_good_one_goes_on(
    world: World, alerts: pytest.LogCaptureFixture
) -> None:
    await world.blob.refresh()
    world.blobs.put(FAULTY)

    assert not await world.later()
    assert not await world.later()
    assert list(world.live.sources) == ["invoices"]
    assert names(alerts) == ["configuration-refused"]
    assert world.blob.refused == (
        'blob:state/mail-sources.toml:7: source 1 "invoices".mailbox: is missing.',
        'blob:state/mail-sources.toml:9: source 1 "invoices".mailbx: is unknown. Did you mean "mailbox"?',
    )
    assert all(fault in alerts.text for fault in world.blob.refused)


async def test_one_that_was_corrected_is_taken(world: World) -> None:
    await world.blob.refresh()
    world.blobs.put(FAULTY)
    await world.later()
    world.blobs.put(OTHER)

    assert await world.later()
    assert list(world.live.sources) == ["orders"]
    assert world.blob.refused == ()


async def test_one_that_was_deleted_is_an_alert_and_the_last_good_one_goes_on(
    world: World, alerts: pytest.LogCaptureFixture
) -> None:
    await world.blob.refresh()
    del world.blobs.blobs[FILE.name]

    assert not await world.later()
    assert not await world.later()
    assert list(world.live.sources) == ["invoices"]
    assert world.blob.refused == (
        "blob:state/mail-sources.toml: is not there. VAULTPOST_SOURCES names this blob.",
    )
    assert names(alerts) == ["configuration-refused"]


async def test_a_new_worker_has_the_last_good_one_too(world: World, alerts: pytest.LogCaptureFixture) -> None:
    """A fault is saved at five, and the app moves to another machine at six."""
    await world.blob.refresh()
    world.blobs.put(FAULTY)
    new = another(world.blobs, world.clock)

    assert await new.blob.refresh()
    assert list(new.live.sources) == ["invoices"]
    assert names(alerts) == ["configuration-refused"]
    world.blobs.put(OTHER)
    assert await new.later()
    assert list(new.live.sources) == ["orders"]


@pytest.mark.parametrize("text", [FAULTY, None])
async def test_without_any_good_one_nothing_goes_on_and_it_is_looked_for_once_a_minute(
    world: World, text: str | None
) -> None:
    world.blobs.blobs = {} if text is None else {FILE.name: text.encode()}
    for _ in range(3):
        with pytest.raises(ConfigurationFault, match="there is none from before"):
            await world.blob.refresh()
    assert world.blobs.reads == [FILE.name, f"{FILE.name}{LAST_GOOD}"]

    world.blobs.put(GOOD)
    assert await world.later()
    assert list(world.live.sources) == ["invoices"]


async def test_a_last_good_one_that_this_version_refuses_is_none(world: World) -> None:
    world.blobs.blobs = {FILE.name: FAULTY.encode(), f"{FILE.name}{LAST_GOOD}": b"x ="}

    with pytest.raises(ConfigurationFault):
        await world.blob.refresh()


async def test_a_storage_that_is_down_is_waited_for_at_first_and_does_not_matter_later(
    world: World, alerts: pytest.LogCaptureFixture
) -> None:
    world.blobs.is_down = True
    with pytest.raises(Unavailable):
        await world.blob.refresh()
    world.blobs.is_down = False
    assert await world.blob.refresh()
    world.blobs.is_down = True

    assert not await world.later()
    assert list(world.live.sources) == ["invoices"]
    assert "configuration-not-looked-at" in names(alerts, logging.WARNING)


async def test_one_that_cannot_be_kept_is_in_force_all_the_same(
    world: World, alerts: pytest.LogCaptureFixture
) -> None:
    world.blobs.cannot_keep = True

    assert await world.blob.refresh()
    assert list(world.live.sources) == ["invoices"]
    assert "configuration-not-kept" in names(alerts, logging.WARNING)


@pytest.fixture
async def in_storage(accounts: Iterator[str], tmp_path: Path, clock: FakeClock) -> AsyncIterator[Services]:
    """The app's composition with its configuration in an account of the test's own, which is empty."""
    environment = {
        "VAULTPOST_SOURCES": "blob:state/mail-sources.toml",
        "VAULTPOST_NOTIFICATION_URL": "https://app.example.com/api",
        "KEY_VAULT_URL": "https://kv.vault.azure.net",
        "MailStorage": next(accounts),
    }
    made = Services.from_environment(environment, tmp_path)
    made = Services(made.settings, None, clock)
    yield made
    await made.close()


async def upload(services: Services, text: str) -> None:
    async with blob_service(services.settings.storage, None) as service:
        container = service.get_container_client("state")
        if not await container.exists():
            await container.create_container()
        await container.upload_blob("mail-sources.toml", text.encode(), overwrite=True)


async def test_the_app_reads_it_from_storage_and_builds_anew_what_holds_a_value_of_it(
    in_storage: Services, clock: FakeClock
) -> None:
    with pytest.raises(Unavailable):
        _ = in_storage.configuration
    with pytest.raises(ConfigurationFault, match="is not there"):
        await in_storage.refresh()
    await upload(in_storage, GOOD)
    clock.advance(seconds=LOOKED_AT_EVERY)
    await in_storage.refresh()
    staging, vault, aftermath = in_storage.staging, in_storage.vault, in_storage.aftermath
    assert in_storage.receiver.aftermath is aftermath

    await upload(in_storage, f'give-up-after = "5d"\n{OTHER}')
    clock.advance(seconds=LOOKED_AT_EVERY)
    await in_storage.refresh()

    assert list(in_storage.sources) == ["orders"]
    assert in_storage.staging is not staging
    assert list(staging.sources) == ["orders"]
    assert in_storage.aftermath.give_up_after.days == 5
    assert in_storage.receiver.aftermath is in_storage.aftermath
    assert in_storage.vault is not vault
    assert in_storage.refused == ()

    await upload(in_storage, FAULTY)
    clock.advance(seconds=LOOKED_AT_EVERY)
    await in_storage.refresh()
    assert list(in_storage.sources) == ["orders"]
    assert len(in_storage.refused) == 2


async def test_who_works_with_a_former_vault_can_finish(
    in_storage: Services, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("closed")

    await upload(in_storage, GOOD)
    await in_storage.refresh()
    monkeypatch.setattr(in_storage.vault._session, "close", close)
    await upload(in_storage, OTHER)
    clock.advance(seconds=LOOKED_AT_EVERY)
    await in_storage.refresh()
    assert closed == []

    clock.advance(seconds=RETIRED_FOR)
    await in_storage.refresh()
    assert closed == ["closed"]
    await in_storage.close()
    assert closed == ["closed"]


async def test_an_operator_is_told_of_one_that_is_refused(
    in_storage: Services, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await upload(in_storage, GOOD)
    await in_storage.refresh()
    await upload(in_storage, FAULTY)
    clock.advance(seconds=LOOKED_AT_EVERY)

    assert await run(in_storage, parse(["status"])) == 1
    said = capsys.readouterr()
    assert "invoices" in said.out
    assert said.err.startswith("ops.py: the configuration is refused; the last good one is used:\n- blob:")
    assert "mailbx: is unknown" in said.err


async def test_a_container_tells_what_has_changed_what_has_not_and_what_is_missing(
    in_storage: Services,
) -> None:
    async with blob_service(in_storage.settings.storage, None) as service:
        container = ContainerOfBlobs(service, "state")
        assert await container.read("mail-sources.toml", "") == (None, "")
        await upload(in_storage, GOOD)
        content, etag = await container.read("mail-sources.toml", "") or (None, "")
        assert content == GOOD.encode()
        assert await container.read("mail-sources.toml", etag) is None
        await container.keep("mail-sources.toml", OTHER.encode())
        assert await container.read("mail-sources.toml", etag) != (content, etag)


def test_a_blob_that_is_named_is_not_read_at_the_start(tmp_path: Path) -> None:
    """Importing the app does no I/O: only the settings are checked."""
    environment = {
        "VAULTPOST_SOURCES": "blob:state/sources/mail-sources.toml",
        "VAULTPOST_NOTIFICATION_URL": "https://app.example.com/api",
        "KEY_VAULT_URL": "https://kv.vault.azure.net",
        "MailStorage": "UseDevelopmentStorage=true",
    }

    services = Services.from_environment(environment, tmp_path)
    assert services.settings.sources_file == SourcesBlob("state", "sources/mail-sources.toml")
    assert str(services.settings.sources_file) == environment["VAULTPOST_SOURCES"]
    assert services.settings == read_settings(environment, tmp_path)
