"""The demonstration as a person runs it: its own sample mail, and a folder of theirs."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from sandbox.app import ROOT
from sandbox.demo.samples import write_samples

pytestmark = pytest.mark.anyio


async def demo(*arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of the demonstration."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.demo", *arguments, cwd=ROOT, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def test_sample_mail_is_filed_and_shown(azurite: tuple[Path, Path], tmp_path: Path) -> None:
    figures, out = tmp_path / "figures.json", tmp_path / "out"

    status, output, errors = await demo("--json", str(figures), "--export", str(out))

    assert status == 0, output + errors
    totals = json.loads(figures.read_text(encoding="utf-8"))["totals"]
    assert (totals["mails"], totals["filed"], totals["failed"]) == (6, 6, 0)
    assert "2-invoice.eml" in output
    assert len(list(out.glob("*/object.json"))) == 6


async def test_a_folder_without_mail_says_so(tmp_path: Path) -> None:
    status, _, errors = await demo("--mail", str(tmp_path))

    assert status == 2
    assert "no .eml file" in errors


async def test_a_folder_that_is_none_says_so(tmp_path: Path) -> None:
    status, _, errors = await demo("--mail", str(tmp_path / "nowhere"))

    assert status == 2
    assert "is not a directory" in errors


def test_samples_are_mail_of_several_kinds(tmp_path: Path) -> None:
    files = write_samples(tmp_path)

    contents = [file.read_bytes() for file in files]
    assert len(contents) == 6
    assert sum(b"application/pdf" in content for content in contents) >= 2
    assert any(b"message/rfc822" in content for content in contents)
    assert all(b"\n" not in content.replace(b"\r\n", b"") for content in contents)
