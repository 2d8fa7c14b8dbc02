"""An outage of the vault, and a source that is configured wrongly: nothing fails, nothing is hammered."""

from __future__ import annotations

import asyncio
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from sandbox.box import Sandbox
from sandbox.example_sources import example_sources
from sandbox.faults import AnyFault, Down, Status
from shared import breaker, breaker_table, retrying
from shared.breaker import BreakerKey
from shared.configuration_file import configuration_of
from shared.identities import filing_key
from shared.journal_row import Row
from shared.queue_messages import MAIL_ARRIVED, MAIL_FILED, VAULT_IMPORT, MailArrived, MailFiled, VaultImport
from shared.services import Services
from shared.settings import read_settings
from shared.tracing import traceparent
from tests.e2e.conftest import PATIENCE
from tests.e2e.test_filing import mail
from tests.shared.made import unique_name

pytestmark = pytest.mark.anyio
VAULT = BreakerKey("service", "vault")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that takes minutes takes about a second, the least that a queue can count."""
    half, second = timedelta(seconds=0.5), timedelta(seconds=1)
    monkeypatch.setattr(breaker_table, "CACHED_FOR", timedelta(seconds=0.1))
    monkeypatch.setattr(breaker, "BETWEEN_PROBES", second)
    for module in (breaker, retrying):
        monkeypatch.setattr(module, "SHORTEST", half)
        monkeypatch.setattr(module, "LONGEST", second)


@dataclass
class Worker:
    """The app's own parts, fed from its queues as the host does."""

    box: Sandbox
    services: Services
    queues: QueueServiceClient
    sent: list[tuple[str, str]] = field(default_factory=list)
    is_stopping: bool = False

    async def deliver(self, source: str, subject: str) -> None:
        """A mail comes, and is announced."""
        mailbox = self.services.sources[source].mailbox
        delivered = self.box.tenant.deliver(mailbox, mail(subject, a_pdf=b"%PDF-"))
        announced = MailArrived(
            source=source,
            traceparent=traceparent(),
            message=delivered.immutable_id,
            cause="notification",
            noticed="2026-11-24T12:00:00Z",
        )
        await self.services.queues.send(MAIL_ARRIVED, announced)
        self.sent.append((source, filing_key(source, delivered.immutable_id)))

    async def rows(self) -> list[Row | None]:
        """The journal's rows of what was delivered."""
        return [await self.services.journal.read(source, key) for source, key in self.sent]

    async def states(self) -> list[str]:
        """Their states, in order."""
        return sorted(row.state if row else "" for row in await self.rows())

    async def attempts(self) -> list[int]:
        """How often each has been tried at its present step."""
        return [row.attempt for row in await self.rows() if row]

    async def is_shut(self, key: BreakerKey) -> bool:
        """Whether a breaker is shut, by the table."""
        known = await self.services.breakers.all(fresh=True)
        return key in known and known[key].is_shut

    def documents(self) -> list[int]:
        """How many documents each delivered mail has."""
        found = [value.value for one in self.box.vault.objects() for value in one.properties]
        return [found.count(key) for _, key in self.sent]

    async def open_mails(self) -> list[str]:
        """The filing keys in table `unfinished`."""
        return sorted([mail.key async for mail in self.services.unfinished.all()])

    async def queued(self) -> int:
        """How many messages there are, visible or not."""
        found = [self.queues.get_queue_client(name) for name in (MAIL_ARRIVED, VAULT_IMPORT, MAIL_FILED)]
        return sum([await _number(client) for client in found])

    async def run(self) -> None:
        """Take messages of all queues, and call the watch each second, until told to stop.

        What was taken is done.
        """
        services, receive = self.services, self.services.receiver.receive

        async def stage(body: bytes) -> None:
            await receive(services.staging, MailArrived, body)

        async def file(body: bytes) -> None:
            await receive(services.filing, VaultImport, body)

        async def settle(body: bytes) -> None:
            await receive(services.mailbox, MailFiled, body)

        watched_at = time.monotonic()
        while not self.is_stopping:
            await asyncio.gather(
                self._batch(MAIL_ARRIVED, stage),
                self._batch(VAULT_IMPORT, file),
                self._batch(MAIL_FILED, settle),
            )
            if time.monotonic() - watched_at >= 1.0:
                watched_at = time.monotonic()
                await services.watch.run()
            await asyncio.sleep(0.05)

    async def _batch(self, queue: str, take: Callable[[bytes], Awaitable[None]]) -> None:
        client = self.queues.get_queue_client(queue)
        try:
            found: Sequence[QueueMessage] = [
                message async for message in client.receive_messages(max_messages=8, visibility_timeout=30)
            ]
        except ResourceNotFoundError:  # it is made when something is put into it
            return

        async def one(message: QueueMessage) -> None:
            await take(message.content.encode())
            await client.delete_message(message)

        await asyncio.gather(*(one(message) for message in found))


@asynccontextmanager
async def working(box: Sandbox, services: Services, storage: str) -> AsyncIterator[Worker]:
    async with QueueServiceClient.from_connection_string(storage) as queues:
        worker = Worker(box, services, queues)
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.is_stopping = True
            try:
                await running
            finally:
                await services.close()


def app(box: Sandbox, place: Path, storage: str, *sources: dict[str, Any]) -> Services:
    """The composition with sources like the example's, each changed so."""
    example = tomllib.loads(example_sources(box.addresses.vault, box.vault.guid))
    (first,) = example["source"]
    example["source"] = [
        {**first, **source, "document": {**first["document"], **source.get("document", {})}}
        for source in sources
    ]
    environment = {**box.settings("http://127.0.0.1:1/api", place / "x.toml"), "MailStorage": storage}
    return Services(read_settings(environment, place), configuration_of(example, "x.toml"))


def new_source(box: Sandbox, **changed: Any) -> dict[str, Any]:
    name = unique_name("outage")
    box.tenant.add_mailbox(f"{name}@example.com")
    return {"name": name, "mailbox": f"{name}@example.com", **changed}


@pytest.fixture
def identity(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The managed identity, for an app in this process."""
    for name, value in box.identities.environment(box.addresses.identity).items():
        monkeypatch.setenv(name, value)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < end, f"not in {seconds} s"
        await asyncio.sleep(0.1)


@pytest.mark.usefixtures("hurried", "identity")
@pytest.mark.parametrize("fault", [Status(status=503), Down()], ids=["503", "down"])
async def test_a_vault_that_is_down_is_spared_and_gets_every_mail_when_it_is_back(
    box: Sandbox, accounts: Iterator[str], tmp_path: Path, fault: AnyFault
) -> None:
    storage, source = next(accounts), new_source(box)
    placed = box.faults.vault.add(fault)
    try:
        async with working(box, app(box, tmp_path, storage, source), storage) as worker:
            for number in range(6):
                await worker.deliver(source["name"], f"Invoice-{number}")
            await until(lambda: worker.is_shut(VAULT))
            await asyncio.sleep(1.0)  # those that were under way have come back
            before, attempts = placed.struck, await worker.attempts()
            began = time.monotonic()
            await asyncio.sleep(3.0)
            asked, lasted = placed.struck - before, time.monotonic() - began

            assert 1 <= asked <= lasted + 1, "one probe a second, and nothing else"
            assert await worker.states() == ["staged"] * 6
            assert await worker.is_shut(VAULT)
            assert await worker.attempts() == attempts, "to wait is no attempt"
            assert await worker.open_mails() == sorted(key for _, key in worker.sent)
            assert await worker.queued() <= 6, "nobody multiplies the messages"

            box.faults.vault.clear()
            await until(lambda: all_filed(worker))
            await until(lambda: all_closed(worker))
            assert worker.documents() == [1] * 6
            assert not await worker.is_shut(VAULT)
    finally:
        box.faults.vault.clear()


@pytest.mark.usefixtures("hurried", "identity")
async def test_a_wrong_class_holds_its_source_alone_until_it_is_corrected(
    box: Sandbox, accounts: Iterator[str], tmp_path: Path
) -> None:
    storage, right = next(accounts), new_source(box)
    wrong = new_source(box, document={"class": "CL.None"})
    async with working(box, app(box, tmp_path, storage, right, wrong), storage) as worker:
        for number in range(3):
            await worker.deliver(wrong["name"], f"Wrong-{number}")
            await worker.deliver(right["name"], f"Right-{number}")
        await until(lambda: ended_or_waiting(worker, ["filed"] * 3 + ["staged"] * 3))
        await asyncio.sleep(2.0)

        assert await worker.states() == ["filed"] * 3 + ["staged"] * 3
        assert await worker.is_shut(BreakerKey("source", wrong["name"], "filing"))
        assert not await worker.is_shut(VAULT)
        sent = worker.sent

    corrected = app(box, tmp_path, storage, right, {**wrong, "document": {"class": "CL.Mail"}})
    async with working(box, corrected, storage) as worker:
        worker.sent = sent
        await until(lambda: all_filed(worker))
        await until(lambda: all_closed(worker))
        assert worker.documents() == [1] * 6
        assert not await worker.is_shut(BreakerKey("source", wrong["name"], "filing"))


async def all_filed(worker: Worker) -> bool:
    return await worker.states() == ["filed"] * 6


async def all_closed(worker: Worker) -> bool:
    return await worker.open_mails() == [] and await worker.queued() == 0


async def _number(client: QueueClient) -> int:
    try:
        return (await client.get_queue_properties()).approximate_message_count or 0
    except ResourceNotFoundError:  # it is made when something is put into it
        return 0


async def ended_or_waiting(worker: Worker, states: list[str]) -> bool:
    return await worker.states() == states
