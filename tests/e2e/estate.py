"""An app with storage, a source and a mailbox of its own, and as many hosts of it as a test wants."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sandbox.app import App, free_port, write_settings
from sandbox.box import Sandbox
from sandbox.demo.outcome import difference
from sandbox.example_sources import example_sources
from sandbox.tenant.graph import Held
from sandbox.vault import VaultObject
from shared.claim import LASTS
from shared.filing_attempt import LOOK_AGAIN_AFTER
from shared.identities import client_state, filing_key
from shared.journal_row import Row
from shared.watching import OVERDUE_AFTER
from tests.e2e.ahead import function_app
from tests.shared.accounts import Stores, opened
from tests.shared.made import unique_name

CLAIMS_OVER = LASTS + timedelta(seconds=5)
"""How far ahead a clock must be for all that was claimed up to now to be free."""
ALL_OVER = LASTS + LOOK_AGAIN_AFTER + OVERDUE_AFTER + timedelta(minutes=1)
"""And for all that was to be looked at again to be overdue."""
SEED = "TEST_SEED"
"""The variable that makes a run draw what an earlier one has drawn."""
_COLUMNS = ("message", "owner", "claim_expires", "deaths", "reason", "digests", "object_id", "warnings")


@dataclass(frozen=True)
class Estate:
    """What the hosts of one app share; `lease` is the queue's, in seconds."""

    box: Sandbox
    stores: Stores
    place: Path
    source: str
    lease: int = 5

    @property
    def mailbox(self) -> str:
        """The watched mailbox."""
        return f"{self.source}@example.com"

    @property
    def client_state(self) -> str:
        """What a true notification of the source carries."""
        key = self.box.secrets.get("notification-key")
        assert key is not None
        return client_state(self.source, key.value)

    def host(
        self, name: str = "app", ahead: timedelta = timedelta(0), more: Mapping[str, str] | None = None
    ) -> App:
        """A host of the app, not started, with `more` settings; its log has its name."""
        port, settings = free_port(), self.place / f"{name}.json"
        sources = self.place / "mail-sources.toml"
        sources.write_text(
            example_sources(self.box.addresses.vault, self.box.vault.guid, self.source, self.mailbox),
            encoding="utf-8",
        )
        values = self.box.settings(f"http://127.0.0.1:{port}/api", sources)
        storage = dict.fromkeys(("MailStorage", "AzureWebJobsStorage"), self.stores.connection_string)
        write_settings(settings, values | storage | dict(more or {}))
        options = ["--lease", str(self.lease)]
        if ahead:
            options += ["--app", str(function_app(self.place, ahead))]
        return App(settings, port, self.place / f"{name}.log", *options)

    async def subscribed(self, app: App) -> None:
        """Have Graph send its notifications to this host."""
        await app.run("subscriptions")

        async def is_live() -> bool:
            return any(self.mailbox in one.resource for one in self.box.tenant.subscriptions.live())

        await until(is_live, 30.0, app)

    async def rows(self) -> list[Row]:
        """All rows of the journal, as far as tests here want them."""
        return [row async for row in self.stores.journal.rows(self.source, columns=_COLUMNS)]

    async def has_ended(self, number: int) -> bool:
        """Whether so many mails have come to an end, at least."""
        return sum(row.has_ended for row in await self.rows()) >= number

    async def all_ended(self, number: int) -> bool:
        """Whether so many mails have come to an end, and no other one is under way."""
        rows = await self.rows()
        return len(rows) == number and all(row.has_ended for row in rows)

    async def all_done_or_claimed(self, number: int) -> bool:
        """Whether so many mails have come to an end, or are claimed by a host, dead or alive."""
        rows = await self.rows()
        return len(rows) == number and all(row.has_ended or row.owner for row in rows)

    async def number_claimed(self) -> int:
        """How many mails are claimed."""
        return sum(bool(row.owner) for row in await self.rows())

    async def nothing_left(self) -> bool:
        """Whether no mail is open."""
        return not [one async for one in self.stores.unfinished.all()]

    async def heal(self, number: int, ahead: timedelta = CLAIMS_OVER) -> None:
        """What dead hosts have left comes to its end by a host that lives later, and by its watch."""
        async with self.host("healing", ahead) as app:
            await app.run("watch")
            await until(lambda: self.all_ended(number), 60.0 + 2 * (CLAIMS_OVER - ahead).seconds, app)
        if await self.nothing_left():
            return
        # A create that a dead host had sent is looked for once more, a quarter of an hour later.
        async with self.host("late", ALL_OVER) as app:
            await app.run("watch")
            await until(self.nothing_left, 90.0, app)

    async def faults(self, number: int) -> list[str]:
        """What is wrong: so many mails must be in the vault, each of them once and with all its bytes."""
        documents, rows = self._documents(), {row.key: row for row in await self.rows()}
        mails = {filing_key(self.source, one.immutable_id): one for one in self._held()}
        found = [f"{key} is journalled, but not in the mailbox" for key in rows.keys() - mails.keys()]
        if len(mails) != number:
            found.append(f"there are {len(mails)} mails in the mailbox")
        for key, held in mails.items():
            wrong = difference(held, documents[key]) or _fault_of(rows.get(key), documents[key][0])
            if wrong:
                found.append(f"{key}: {wrong}; {rows.get(key)}")
        return found

    def twins(self) -> int:
        """How many documents were made twice, and marked as deleted."""
        keys = {filing_key(self.source, one.immutable_id) for one in self._held()}
        return sum(one.deleted and one.values["Filing key"] in keys for one in self.box.vault.objects())

    def _held(self) -> list[Held]:
        return self.box.tenant.messages(self.mailbox)

    def _documents(self) -> dict[str, list[VaultObject]]:
        found = defaultdict(list)
        for one in self.box.vault.objects():
            if not one.deleted:
                found[str(one.values.get("Filing key"))].append(one)
        return found


def _fault_of(row: Row | None, document: VaultObject) -> str:
    if row is None:
        return "it is not journalled"
    if row.state != "filed":
        return f"it is {row.state}"
    if row.owner:
        return "it is claimed"
    if row.object_id != document.id:
        return f"the journal names another object than {document.id}"
    digests = sorted(bytes.fromhex(file.sha256) for file in document.files)
    return "" if sorted(row.digests) == digests else "the journal has other digests"


async def until(
    holds: Callable[[], Awaitable[bool]], seconds: float, app: App, between: float = 0.25
) -> None:
    """Wait until something holds; when it does not come to it, the end of a host's log says why."""
    end = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < end, f"not in {seconds} s:\n{app.log.read_text(encoding='utf-8')[-3000:]}"
        await asyncio.sleep(between)


def drawn() -> random.Random:
    """What a run draws from; its seed is told."""
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(2**32))
    print(f"{SEED}={seed}")
    return random.Random(seed)


@asynccontextmanager
async def estate(box: Sandbox, account: str, place: Path, stem: str) -> AsyncIterator[Estate]:
    """A new one, on an account that nobody has used: no other host takes its messages."""
    async with opened(account) as stores:
        made = Estate(box, stores, place, unique_name(stem))
        box.tenant.add_mailbox(made.mailbox)
        yield made
