"""Azurite, Microsoft's emulator of Azure Storage, as a child process."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from sandbox.pki import Authority
from sandbox.storage.account import Account

WATCH = Path(__file__).with_name("until_parent_ends.cjs")
SERVICES = ("Blob", "Queue", "Table")
LISTENS = re.compile(r"Azurite (\w+) service is successfully listening at (https://\S+)")
START_SECONDS = 60.0
CLOSE_SECONDS = 5.0


class StorageFailed(Exception):
    """Azurite did not start; the message says what it printed."""


class Storage:
    """One storage account on free ports, over TLS: an asynchronous context manager.

    With a directory the data stays there; without one it is in memory, and gone at the end. The version
    check is off, because the SDKs are newer than Azurite; its loose mode is off too, so it refuses what it
    does not support. `node` and `azurite` are what `sandbox.storage.install.ensure` gives.
    """

    def __init__(
        self,
        node: Path,
        azurite: Path,
        authority: Authority,
        directory: Path | None = None,
        account: Account | None = None,
    ) -> None:
        self.account = account or Account.random()
        self._command = _command(node, azurite, authority, directory)
        self._workplace = azurite.parent
        self._addresses: dict[str, str] = {}
        self._process: Process | None = None
        self._drain: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start Azurite and wait until its three services listen.

        Raises StorageFailed when it ends instead, or says nothing for a minute.
        """
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            cwd=self._workplace,
            env=_environment(self.account),
            **_apart_from_terminal(),
        )
        try:
            listening = await asyncio.wait_for(_listening(process), START_SECONDS)
        except TimeoutError as error:
            await self.close()
            raise StorageFailed(f"Azurite did not listen within {START_SECONDS:.0f} s.") from error
        except BaseException:
            await self.close()
            raise
        self._addresses = {service: f"{listening[service]}/{self.account.name}" for service in SERVICES}
        self._drain = asyncio.create_task(_drain(process), name="output of Azurite")

    @property
    def blob_url(self) -> str:
        """Address of the blob service, with the account as its path."""
        return self._addresses["Blob"]

    @property
    def queue_url(self) -> str:
        """Address of the queue service, likewise."""
        return self._addresses["Queue"]

    @property
    def table_url(self) -> str:
        """Address of the table service, likewise."""
        return self._addresses["Table"]

    @property
    def connection_string(self) -> str:
        """Key and addresses, as the SDKs and `AzureWebJobsStorage` take them."""
        return self.account.connection_string(self._addresses)

    @property
    def process_id(self) -> int | None:
        """Of Azurite, while it runs."""
        return self._process.pid if self._process else None

    async def close(self) -> None:
        """End Azurite: politely first, so that data on disk is whole, and for sure after 5 s."""
        process, drain = self._process, self._drain
        self._process = self._drain = None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        ended = asyncio.create_task(_ended(process, drain), name="end of Azurite")
        try:
            await asyncio.wait({ended}, timeout=CLOSE_SECONDS)
        finally:
            if not ended.done():
                with suppress(ProcessLookupError):
                    process.kill()
        await ended

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _command(node: Path, azurite: Path, authority: Authority, directory: Path | None) -> list[str]:
    ports = [argument for service in SERVICES for argument in (f"--{service.lower()}Port", "0")]
    place = ["--location", str(directory.resolve())] if directory else ["--inMemoryPersistence"]
    trust = ["--cert", str(authority.certificate.resolve()), "--key", str(authority.key.resolve())]
    flags = ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    return [str(node), "--require", str(WATCH), str(azurite), *ports, *place, *trust, *flags]


def _environment(account: Account) -> dict[str, str]:
    """Ours, without what would make Azurite or Node.js behave in another way."""
    foreign = ("AZURITE_", "NODE_OPTIONS")
    ours = {name: value for name, value in os.environ.items() if not name.upper().startswith(foreign)}
    return {**ours, **account.environment}


def _apart_from_terminal() -> dict[str, Any]:
    """Ctrl-C is ours to handle: storage ends last, after what writes to it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


async def _listening(process: Process) -> Mapping[str, str]:
    """The address of each service, as soon as Azurite has printed all three."""
    assert process.stdout is not None
    addresses: dict[str, str] = {}
    printed: list[str] = []
    async for line in process.stdout:
        printed.append(line.decode(errors="replace"))
        if found := LISTENS.match(printed[-1]):
            addresses[found[1]] = found[2]
        if len(addresses) == len(SERVICES):
            return addresses
    raise StorageFailed("Azurite ended at once:\n" + "".join(printed[-15:]))


async def _drain(process: Process) -> None:
    """Read on, so that Azurite never waits for us."""
    assert process.stdout is not None
    async for _ in process.stdout:
        pass


async def _ended(process: Process, drain: asyncio.Task[None] | None) -> None:
    await (drain or _drain(process))
    await process.wait()
