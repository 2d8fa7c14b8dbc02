"""The composition root: nothing is built before it is needed, and nothing starts that is wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.clock import SystemClock
from shared.errors import StartRefused
from shared.services import Services

from .clock import FakeClock

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "VAULTPOST_NOTIFICATION_URL": "https://app.example.com/api",
    "KEY_VAULT_URL": "https://kv.vault.azure.net",
    "MailStorage": "UseDevelopmentStorage=true",
}


def refused(environment: dict[str, str], root: Path = ROOT) -> tuple[str, ...]:
    with pytest.raises(StartRefused) as caught:
        Services.from_environment(environment, root)
    return caught.value.faults


def test_the_shipped_configuration_with_the_least_settings_starts() -> None:
    services = Services.from_environment(SETTINGS, ROOT)

    assert list(services.sources) == ["invoices"]
    assert services.configuration.source[0] is services.sources["invoices"]
    assert isinstance(services.clock, SystemClock)


def test_a_clock_can_be_given() -> None:
    built = Services.from_environment(SETTINGS, ROOT)
    clock = FakeClock()

    assert Services(built.settings, built.configuration, clock).clock is clock


def test_faults_of_settings_and_configuration_are_one_list(tmp_path: Path) -> None:
    """Else an operator mends the one only to meet the other."""
    (tmp_path / "mine.toml").write_text('colour = "red"\n', encoding="utf-8")

    faults = refused({"VAULTPOST_SOURCES": "mine.toml", "KEY_VAULT_URL": "kv"}, tmp_path)

    assert [fault.split(":")[0] for fault in faults] == [
        "setting VAULTPOST_NOTIFICATION_URL",
        "setting KEY_VAULT_URL",
        "setting MailStorage",
        "mine.toml",
        "mine.toml",
        "mine.toml",
    ]


def test_faults_of_the_settings_do_not_hide_a_missing_configuration(tmp_path: Path) -> None:
    faults = refused({**SETTINGS, "GRAPH_CREDENTIAL": "x"}, tmp_path)

    assert faults[0].startswith("setting GRAPH_CREDENTIAL: ")
    assert faults[1].startswith(f"{tmp_path / 'mail-sources.toml'}: cannot be read (")
    assert len(faults) == 2


def test_faults_of_the_configuration_alone_refuse_the_start(tmp_path: Path) -> None:
    (tmp_path / "mail-sources.toml").write_text("", encoding="utf-8")

    assert len(refused(SETTINGS, tmp_path)) == 2


@pytest.mark.anyio
async def test_parts_are_built_once_and_closed() -> None:
    services = Services.from_environment(SETTINGS, ROOT)

    assert services.queues is services.queues
    assert services.receiver.journal is services.watch.journal is services.journal
    assert services.receiver.unfinished is services.watch.unfinished is services.unfinished
    assert services.receiver.hand_over is services.watch.hand_over is services.hand_over
    assert services.staging.area is services.filing.area is services.mailbox.area is services.area
    assert services.webhook is services.webhook
    assert services.subscriptions.addresses == (
        "https://app.example.com/api/notifications",
        "https://app.example.com/api/lifecycle",
    )
    await services.close()
    await services.close()


@pytest.mark.anyio
async def test_bytes_are_kept_when_half_of_the_staging_days_are_over() -> None:
    """The container's own rule deletes them at the end of those days."""
    services = Services.from_environment(SETTINGS, ROOT)

    assert services.watch.kept_after * 2 == timedelta(days=services.configuration.staging_days)
    assert services.aftermath.give_up_after == timedelta(days=3)
    await services.close()


@pytest.mark.anyio
async def test_what_was_never_needed_is_never_built_nor_closed() -> None:
    services = Services.from_environment(SETTINGS, ROOT)
    await services.close()

    assert not {"queues", "graph", "vault", "secrets", "area"} & vars(services).keys()


@pytest.mark.anyio
async def test_what_could_be_pinged_is_not_built_before_it_is() -> None:
    services = Services.from_environment(SETTINGS, ROOT)

    assert services.receiver.gate is services.gate
    assert services.gate.breakers is services.breakers
    assert not {"graph", "vault", "secrets"} & vars(services).keys()
    await services.close()


def test_the_clients_own_logs_are_quiet_from_the_start() -> None:
    logging.getLogger("httpx").setLevel(logging.NOTSET)

    Services.from_environment(SETTINGS, ROOT)

    assert logging.getLogger("httpx").level == logging.ERROR


@pytest.mark.anyio
async def test_all_that_passes_through_keeps_to_the_memory_of_the_settings() -> None:
    services = Services.from_environment({**SETTINGS, "VAULTPOST_MEMORY_MB": "256"}, ROOT)
    try:
        async with services.memory.large.reserve(services.memory.large.most):
            writing = asyncio.create_task(services.area.write("a/b", unread()))
            await asyncio.sleep(0.05)
            assert not writing.done(), "it waits for memory"
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        assert services.memory.large.most == 256 * 1024 * 1024 * 3 // 8
    finally:
        await services.close()


async def unread() -> AsyncGenerator[bytes, None]:
    pytest.fail("nothing is read before there is memory")
    yield b""
