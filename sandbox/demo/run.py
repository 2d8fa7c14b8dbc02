"""Delivering mail one at a time, and watching what becomes of it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from azure.data.tables.aio import TableServiceClient

from sandbox.app import App, free_port, write_settings
from sandbox.box import Sandbox
from sandbox.demo.outcome import Outcome, difference
from sandbox.example_sources import MAILBOX, SOURCE, example_sources
from sandbox.pki import Authority
from sandbox.tenant.graph import Delivered
from sandbox.vault import VaultObject
from shared.identities import filing_key
from shared.journal import JournalTable
from shared.journal_row import Row

_KEY_PROPERTY = "Filing key"
_LOOK_EVERY = 0.02
_ONE_AT_A_TIME_FOR = 10.0
"""Seconds until the next mail is delivered although the last one is not filed."""
_LAST_WAIT = 120.0


class SubscriptionMissing(Exception):
    """The app made no subscription."""


@dataclass(frozen=True)
class Sent:
    """A mail that was delivered."""

    path: str
    delivered: Delivered
    at: float

    @property
    def key(self) -> str:
        """Its filing key."""
        return filing_key(SOURCE, self.delivered.immutable_id)


@dataclass(frozen=True)
class Running:
    """The sandbox and the app in it."""

    box: Sandbox
    app: App
    journal: JournalTable


def say(text: str) -> None:
    """Progress, for a person."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


@asynccontextmanager
async def running(place: Path, authority: Authority, node: Path, azurite: Path) -> AsyncIterator[Running]:
    """Start everything; the app has its subscription when this begins.

    Raises AppFailed, StorageFailed, SubscriptionMissing.
    """
    say("Starting Azurite, the tenant, Key Vault and the vault ...")
    async with Sandbox(place, authority, node, azurite) as box:
        box.tenant.add_mailbox(MAILBOX)
        sources, settings = place / "mail-sources.toml", place / "local.settings.json"
        sources.write_text(example_sources(box.addresses.vault, box.vault.guid), encoding="utf-8")
        port = free_port()
        write_settings(settings, box.settings(f"http://127.0.0.1:{port}/api", sources))
        say("Starting the function app ...")
        async with App(settings, port, place / "app.log") as app:
            tables = TableServiceClient.from_connection_string(box.storage.connection_string)
            async with tables:
                await app.run("subscriptions")
                await _until_subscribed(box, app)
                yield Running(box, app, JournalTable(tables))


async def _until_subscribed(box: Sandbox, app: App) -> None:
    end = time.monotonic() + 30.0
    while not box.tenant.subscriptions.live():
        if time.monotonic() > end:
            raise SubscriptionMissing(app.log.read_text(encoding="utf-8", errors="replace")[-4000:])
        await asyncio.sleep(_LOOK_EVERY)


async def file_all(run: Running, files: Sequence[Path], root: Path) -> list[Outcome]:
    """Deliver each file as a mail, the next one when it is filed; what became of each."""
    sent: list[Sent] = []
    for number, file in enumerate(files, 1):
        started = time.time()
        delivered = run.box.tenant.deliver(MAILBOX, file)
        sent.append(Sent(file.relative_to(root).as_posix(), delivered, started))
        await _until_filed(run, sent[-1:], _ONE_AT_A_TIME_FOR)
        if number % 10 == 0:
            say(f"{number} of {len(files)} mails delivered ...")
    await _until_filed(run, sent, _LAST_WAIT)
    held = {one.immutable_id: one for one in run.box.tenant.messages(MAILBOX)}
    objects = objects_by_key(run.box)
    return [
        _outcome(
            one,
            await run.journal.read(SOURCE, one.key),
            tuple(objects.get(one.key, ())),
            difference(held[one.delivered.immutable_id], objects.get(one.key, ())),
        )
        for one in sent
    ]


async def _until_filed(run: Running, sent: Sequence[Sent], seconds: float) -> None:
    end = time.monotonic() + seconds
    missing = {one.key for one in sent}
    while missing and time.monotonic() < end:
        missing -= objects_by_key(run.box).keys()
        missing -= {key for key in missing if await _has_ended(run.journal, key)}
        await asyncio.sleep(_LOOK_EVERY if missing else 0)


async def _has_ended(journal: JournalTable, key: str) -> bool:
    row = await journal.read(SOURCE, key)
    return row is not None and row.has_ended


def objects_by_key(box: Sandbox) -> dict[str, list[VaultObject]]:
    """The objects of the vault by their filing key."""
    found: dict[str, list[VaultObject]] = {}
    for one in box.vault.objects():
        keys = [value.value for value in one.properties if value.name == _KEY_PROPERTY]
        found.setdefault(str(keys[0]) if keys else "", []).append(one)
    return found


def _outcome(sent: Sent, row: Row | None, objects: tuple[VaultObject, ...], wrong: str) -> Outcome:
    state = row.state if row is not None else "unknown"
    reason = (row.reason if row is not None else "") or ("" if state == "skipped" else wrong)
    seconds = min((one.created.timestamp() for one in objects), default=None)
    return Outcome(
        path=sent.path,
        title=objects[0].title if objects else "",
        state=state,
        reason=reason,
        objects=objects,
        seconds=None if seconds is None else round(seconds - sent.at, 3),
    )
