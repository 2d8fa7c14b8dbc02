"""The app alone: it starts with good settings; with bad ones it says everything that is wrong."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import httpx
import pytest

from sandbox.app import ROOT, App, AppFailed, write_settings
from sandbox.box import Sandbox
from sandbox.example_sources import example_sources

pytestmark = pytest.mark.anyio


async def host(settings: Path) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a host that does not start."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.host", "--settings", str(settings), cwd=ROOT, stdout=PIPE, stderr=PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, output.decode(), errors.decode()


async def test_every_fault_of_settings_and_configuration_is_in_one_list(tmp_path: Path) -> None:
    sources, settings = tmp_path / "mail-sources.toml", tmp_path / "local.settings.json"
    sources.write_text("[vault]\nurl = 'ftp://x'\n[[source]]\nname = 'A b'\n", encoding="utf-8")
    write_settings(settings, {"VAULTPOST_SOURCES": str(sources), "GRAPH_CREDENTIAL": "password"})

    status, output, errors = await host(settings)

    assert (status, output) == (2, "")
    for expected in (
        "KEY_VAULT_URL",
        "VAULTPOST_NOTIFICATION_URL",
        "GRAPH_CREDENTIAL",
        "MailStorage",
        "vault.url",
        "vault.guid",
        "vault.filing-key",
        'source 1 "A b".name',
        'source 1 "A b".mailbox',
    ):
        assert expected in errors
    assert "Traceback" not in errors


async def test_a_configuration_that_is_not_there_is_named(box: Sandbox, tmp_path: Path) -> None:
    settings = tmp_path / "local.settings.json"
    write_settings(settings, box.settings("http://127.0.0.1:9/api", tmp_path / "nowhere.toml"))

    status, output, errors = await host(settings)

    assert (status, output) == (2, "")
    assert "nowhere.toml" in errors
    assert "VAULTPOST_SOURCES" in errors
    assert "Traceback" not in errors


async def test_it_starts_and_stops_by_its_contract(box: Sandbox, tmp_path: Path) -> None:
    """One line on standard output, when it answers; SIGTERM ends it with 0."""
    sources, settings = tmp_path / "mail-sources.toml", tmp_path / "local.settings.json"
    sources.write_text(example_sources(box.addresses.vault, box.vault.guid), encoding="utf-8")
    write_settings(settings, box.settings("http://127.0.0.1:9/api", sources))
    command = (sys.executable, "-m", "sandbox.host", "--settings", str(settings), "--lease", "5")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, stderr=DEVNULL)
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
    form = re.fullmatch(r"ready (http://127\.0\.0\.1:\d+)", line)
    assert form is not None
    async with httpx.AsyncClient(base_url=form[1]) as client:
        answer = await client.post("/api/notifications?validationToken=a+b")
    assert (answer.status_code, answer.text) == (200, "a b")

    process.terminate()
    rest = await process.stdout.read()

    assert (await process.wait(), rest) == (0, b"")


async def test_an_app_that_does_not_start_is_told_with_its_words(tmp_path: Path) -> None:
    settings = tmp_path / "local.settings.json"
    settings.write_text(json.dumps({"IsEncrypted": True, "Values": {}}), encoding="utf-8")

    with pytest.raises(AppFailed, match="IsEncrypted"):
        async with App(settings, 0, tmp_path / "app.log"):
            pytest.fail("it started")
