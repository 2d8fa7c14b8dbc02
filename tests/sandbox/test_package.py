"""What is deployed: the app, and nothing that is for this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sandbox.package import ROOT, deployed_files, installed, lines, requirements, write_archive

_TOPS = {"function_app.py", "handlers", "host.json", "mail-sources.toml", "requirements.txt", "shared"}


def test_only_the_app_is_deployed() -> None:
    files = deployed_files(ROOT)
    assert {name.parts[0] for name in files} == _TOPS
    assert not [name for name in files if "testing" in name.parts or name.suffix == ".pyc"]


def test_every_module_of_the_app_but_those_for_tests_and_commands_is_deployed() -> None:
    sources = {
        path.relative_to(ROOT) for top in ("handlers", "shared") for path in (ROOT / top).rglob("*.py")
    }
    left_out = {name for name in sources if "testing" in name.parts or "commands" in name.parts}
    assert set(deployed_files(ROOT)) >= sources - left_out
    assert not set(deployed_files(ROOT)) & left_out


def test_the_archive_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    write_archive(ROOT, first)
    write_archive(ROOT, second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ["vaultpost.zip", "vaultpost.package"])
def test_an_archive_beside_the_app_is_not_packed_into_itself(name: str, tmp_path: Path) -> None:
    """Also not the one of the last time."""
    shutil.copy(ROOT / ".funcignore", tmp_path)
    (tmp_path / "function_app.py").write_text("app = None\n", encoding="utf-8")
    (tmp_path / "requirements.txt").touch()
    archive = tmp_path / name

    write_archive(tmp_path, archive)
    first = archive.read_bytes()
    write_archive(tmp_path, archive)

    assert archive.read_bytes() == first
    with zipfile.ZipFile(archive) as made:
        assert made.namelist() == ["function_app.py", "requirements.txt"]
    assert lines(tmp_path, archive)[0].startswith(f"{name}: 2 files, ")


def test_an_archive_of_another_time_is_not_deployed(tmp_path: Path) -> None:
    """`azd deploy` packs what lies there."""
    shutil.copy(ROOT / ".funcignore", tmp_path)
    (tmp_path / "vaultpost.zip").touch()
    (tmp_path / "host.json").touch()

    assert deployed_files(tmp_path) == [Path("host.json")]


def test_the_app_can_be_indexed_from_what_is_deployed_alone(tmp_path: Path) -> None:
    archive, place = tmp_path / "app.zip", tmp_path / "app"
    write_archive(ROOT, archive)
    with zipfile.ZipFile(archive) as made:
        made.extractall(place)
    settings = {
        "VAULTPOST_NOTIFICATION_URL": "https://vaultpost.example.com/api",
        "KEY_VAULT_URL": "https://vaultpost.vault.azure.net",
        "MailStorage": "UseDevelopmentStorage=true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    code = "import function_app; print(len(function_app.app.get_functions()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=place, env=settings, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stdout) > 10


def test_sizes_are_those_of_what_the_platform_installs() -> None:
    packages = installed(requirements(ROOT))
    assert packages[0].name == "msgraph-sdk"
    assert packages[0].size > sum(one.size for one in packages) / 2
    assert all(0 < one.size <= one.on_disk for one in packages)
