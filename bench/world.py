"""Where benches run: the sandbox's services, and apps in processes of their own."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.documents import Documents
from bench.failure import BenchFailed
from sandbox.app import ROOT, App, free_port, write_settings
from sandbox.box import Sandbox
from sandbox.example_sources import example_sources
from sandbox.pki import Authority
from sandbox.tenant.graph import Delivered
from shared.identities import client_state, filing_key
from shared.unfinished import UnfinishedTable

LONGEST_WAIT = 110.0
"""Seconds: a bench is to take less than two minutes."""
_LOOK_EVERY = 0.02


@dataclass(frozen=True)
class Place:
    """What starts everything: a folder, and the programs in it."""

    directory: Path
    authority: Authority
    node: Path
    azurite: Path
    long: bool = False
    """Whether a bench may take minutes more."""


@dataclass(frozen=True)
class Bench:
    """An app with a source and a mailbox of its own, in its process, and the services that it uses."""

    box: Sandbox
    app: App
    source: str
    mailbox: str
    documents: Documents

    @property
    def client_state(self) -> str:
        """What a true notification of the source carries."""
        key = self.box.secrets.get("notification-key")
        if key is None:
            raise BenchFailed("the sandbox has no notification key")
        return client_state(self.source, key.value)

    async def subscribed(self) -> None:
        """Have Graph announce the mail of the mailbox to the app."""
        await self.app.run("subscriptions")
        await self.until(
            lambda: any(self.mailbox in one.resource for one in self.box.tenant.subscriptions.live())
        )

    async def filed(self, mails: list[Delivered], seconds: float = LONGEST_WAIT) -> list[float]:
        """When each of the mails was filed, once all are."""
        wanted = {filing_key(self.source, one.immutable_id): None for one in mails}
        await self.until(lambda: wanted.keys() <= self.documents.made().keys(), seconds)
        made = self.documents.made()
        return [made[key] for key in wanted]

    async def closed(self, unfinished: UnfinishedTable) -> None:
        """Wait until no mail is open: what follows a document is of its mail's cost as well."""
        end = time.monotonic() + LONGEST_WAIT
        while [one async for one in unfinished.all()]:
            if time.monotonic() > end:
                raise self.failed(f"a mail was still open after {LONGEST_WAIT:.0f} s")
            await asyncio.sleep(0.1)

    def failed(self, what: str) -> BenchFailed:
        """The exception that says `what` went wrong."""
        log = self.app.log.read_text(encoding="utf-8", errors="replace")
        return BenchFailed(f"{self.source}: {what}:\n{log[-3000:]}")

    async def until(self, holds: Callable[[], bool], seconds: float = LONGEST_WAIT) -> None:
        """Wait until something holds. Raises BenchFailed."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise self.failed(f"not within {seconds:.0f} s")
            await asyncio.sleep(_LOOK_EVERY)


@asynccontextmanager
async def sandbox(place: Place) -> AsyncIterator[Sandbox]:
    """The services, without an app."""
    async with Sandbox(place.directory, place.authority, place.node, place.azurite) as box:
        yield box


@asynccontextmanager
async def app_in(
    box: Sandbox,
    place: Place,
    name: str,
    module: str | None = None,
    more: Mapping[str, str] | None = None,
    sources: str | None = None,
) -> AsyncIterator[Bench]:
    """The app, or the app of another `module` that has `app`, under the name of its source.

    `more` are settings, and `sources` is the text of another configuration than the example's.
    """
    mailbox, port = f"{name}@example.com", free_port()
    box.tenant.add_mailbox(mailbox)
    settings = place.directory / f"{name}.json"
    values = settings_of(box, place, name, mailbox, f"http://127.0.0.1:{port}/api", sources)
    write_settings(settings, {**values, **(more or {})})
    options = ["--app", str(_folder(place.directory / f"{name}-app", module))] if module else []
    async with App(settings, port, place.directory / f"{name}.log", *options) as app:
        yield Bench(box, app, name, mailbox, Documents(box.vault))


def settings_of(
    box: Sandbox,
    place: Place,
    name: str,
    mailbox: str,
    address: str = "http://127.0.0.1:9/api",
    sources: str | None = None,
) -> dict[str, str]:
    """The settings of an app at `address`, whose configuration is written for this source and mailbox."""
    configuration = place.directory / f"{name}.toml"
    text = sources or example_sources(box.addresses.vault, box.vault.guid, name, mailbox)
    configuration.write_text(text, encoding="utf-8")
    return box.settings(address, configuration)


def _folder(folder: Path, module: str) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "host.json", folder)
    (folder / "function_app.py").write_text(
        f'from {module} import app\n\n__all__ = ["app"]\n', encoding="utf-8"
    )
    return folder


def say(text: str) -> None:
    """Progress, for a person."""
    print(text, file=sys.stderr, flush=True)
