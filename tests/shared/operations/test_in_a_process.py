"""The long commands as an operator runs them: each a process of its own, with settings from a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from sandbox.app import write_settings
from sandbox.example_sources import example_sources
from shared.queue_messages import FOLDER_SWEEP, MAIL_ARRIVED

from ...test_ops import Answer, run
from ..accounts import opened
from .estate import Estate

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Operator:
    """A person with a settings file."""

    settings: Path

    async def run(self, *arguments: str) -> Answer:
        return await run("--settings", str(self.settings), *arguments)


@pytest.fixture
def operator(estate: Estate, tmp_path: Path) -> Operator:
    """The operator of the estate."""
    vault = estate.box.vault
    sources = tmp_path / "mail-sources.toml"
    text = example_sources(estate.box.addresses.vault, vault.guid, estate.name, estate.mailbox)
    sources.write_text(text, encoding="utf-8")
    file = tmp_path / "local.settings.json"
    write_settings(file, {**estate.environment})
    return Operator(file)


async def test_each_command_does_its_work(estate: Estate, operator: Operator) -> None:
    filed, lost = await estate.file(), estate.deliver(received=estate.clock.now() - timedelta(hours=5))
    since = f"{estate.clock.now() - timedelta(days=1):%Y-%m-%d}"
    source = ("--source", estate.name)
    answers: dict[str, Answer] = {}

    async def ask(*command: str) -> None:
        answers[command[0]] = await operator.run(*command)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "reconcile", *source, "--since", since, "--json")
        tasks.start_soon(ask, "subscriptions", *source)
        tasks.start_soon(ask, "sweep", *source)
    await estate.forget(filed)
    await ask("rebuild", *source)
    await ask("backfill", *source, "--since", since)

    assert {command: one.status for command, one in answers.items()} == {
        "reconcile": 1,
        "subscriptions": 1,
        "sweep": 0,
        "rebuild": 0,
        "backfill": 0,
    }
    assert [one.err for one in answers.values()] == [""] * 5
    (difference,) = answers["reconcile"].json["findings"]
    assert (difference["kind"], difference["key"]) == ("never-filed", estate.key(lost))
    assert "is to be created" in answers["subscriptions"].out
    assert answers["sweep"].out == f"  {estate.name} inbox: ordered\n"
    assert answers["rebuild"].out.endswith("2 mails read: 1 not in the vault, 1 journalled as filed.\n")
    assert answers["backfill"].out.endswith("2 mails read: 1 known already, 1 queued.\n")
    assert (await estate.row(filed)).state == "filed"
    assert (await estate.row(lost)).state == "arrived"
    async with opened(estate.environment["MailStorage"]) as stores:
        assert [one["message"] for one in await stores.visible(MAIL_ARRIVED)] == [lost.immutable_id]
        assert await stores.number(FOLDER_SWEEP) == 1


async def test_who_may_not_read_the_secrets_is_told_which(estate: Estate, operator: Operator) -> None:
    """The operator's own login has no right to them."""
    write_settings(operator.settings, {**estate.environment, "KEY_VAULT_URL": "https://127.0.0.1:1"})

    answer = await operator.run("backfill", "--source", estate.name, "--since", "2026-01-01", "--dry-run")

    assert (answer.status, answer.out) == (3, "")
    assert "graph-client-secret" in answer.err
    assert "Traceback" not in answer.err
