"""Running the app against the sandbox, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from sandbox.serving import listening

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


class AppFailed(Exception):
    """The app did not start; the message is what it said."""


def free_port() -> int:
    """A port that nothing listens on now."""
    with listening() as sock:
        port: int = sock.getsockname()[1]
        return port


def write_settings(file: Path, values: Mapping[str, str]) -> None:
    """Write a `local.settings.json`."""
    file.write_text(json.dumps({"IsEncrypted": False, "Values": dict(values)}, indent=2), encoding="utf-8")


class App:
    """The function app in the sandbox's host: an asynchronous context manager; its log goes to a file."""

    def __init__(self, settings: Path, port: int, log: Path, *options: str) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.log = log
        self._command = [
            sys.executable,
            "-m",
            "sandbox.host",
            "--settings",
            str(settings),
            "--port",
            str(port),
        ]
        self._command += options
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        """The host. Raises RuntimeError when it was not started."""
        if self._process is None:
            raise RuntimeError("the app was not started")
        return self._process

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the host, or start it again after `stop` or `kill`, at the same address.

        Raises AppFailed, with the log.
        """
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=ROOT, stdout=PIPE, stderr=log
            )
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), _START_SECONDS)
        except TimeoutError:
            line = b""
        if not line.startswith(b"ready "):
            await self.stop()
            raise AppFailed(self.log.read_text(encoding="utf-8", errors="replace"))

    async def stop(self) -> int:
        """Let running functions end, then the host; its exit status."""
        process = self.process
        if process.returncode is None:
            process.terminate()
        try:
            return await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            process.kill()
            return await process.wait()

    async def kill(self) -> None:
        """End the host at once, between any two instructions, as a machine that dies does."""
        process = self.process
        if process.returncode is None:
            await _kill(process)
        await process.wait()

    async def run(self, function: str) -> None:
        """Run a function without an HTTP trigger, as `POST /admin/functions/{name}` does.

        Raises httpx.HTTPError when the host refuses.
        """
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.address}/admin/functions/{function}", json={"input": ""})
            answer.raise_for_status()


async def _kill(process: Process) -> None:
    if os.name == "posix":
        process.kill()
        return
    # The app's interpreter is a child of this process there, and would come to an orderly end.
    killing = await asyncio.create_subprocess_exec(
        "taskkill", "/F", "/T", "/PID", str(process.pid), stdout=DEVNULL, stderr=DEVNULL
    )
    await killing.wait()
