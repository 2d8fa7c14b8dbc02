"""The protocol's parts around a step of the tests' own, on whatever stores a test gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from shared.admitting import Gate, Turn
from shared.aftermath import Aftermath, Keeper
from shared.afterwards import Afterwards
from shared.breaker import BreakerKey, Service, Step, proven
from shared.breaker_table import Breakers, BreakerTablePort
from shared.claim import LASTS, Claim
from shared.errors import NotYet
from shared.filing import Filed
from shared.graph.changing import MailboxWriter
from shared.handing_over import HandOver
from shared.journal import Journal
from shared.journal_row import Row, State, gone_on
from shared.mailbox_step import MailboxStep
from shared.outcome import Outcome
from shared.pinging import Ping
from shared.queue_messages import MAIL_ARRIVED, VAULT_IMPORT, MailArrived, VaultImport, encode
from shared.queues import QueuesPort
from shared.receiving import Receiver
from shared.staging import Staged
from shared.staging_area import StagingArea
from shared.step_secrets import NoSecretsKept, StepSecrets
from shared.testing.breaker_table import InMemoryBreakerTable
from shared.unfinished import OpenMail, Unfinished

from .accounts import Stores
from .clock import FakeClock
from .made import MESSAGE, arrived, order, source

KEY = order("invoices").key
PATIENCE = timedelta(days=3)
Work = Callable[[Claim], Awaitable[None]]


async def no_ping(service: Service, step: Step, source: str) -> None:
    raise AssertionError(f"nothing is asked of {service}")


class NoWriter(MailboxWriter):
    """Whoever changes mail with it is at fault."""

    def __init__(self) -> None:
        """Without Graph: every call fails."""


def settling(area: StagingArea, clock: FakeClock) -> MailboxStep:
    """The last step, of a source that wants nothing done in its mailbox."""
    invoices = source("invoices")
    return MailboxStep({invoices.name: invoices}, Afterwards(NoWriter(), may_delete=False), area, clock)


async def nothing() -> None:
    """There is nothing to do before a watch."""


@dataclass
class FilingStep:
    """Notes the row that it is given; then raises, does the test's work, or brings the mail to its end."""

    clock: FakeClock
    fault: Exception | None = None
    work: Work | None = None
    outcome: Outcome = Filed.FILED
    is_lost: bool = False
    ran: list[Row] = field(default_factory=list)
    name: ClassVar[Step] = "filing"
    queue: ClassVar[str] = VAULT_IMPORT

    def is_one_write(self, row: Row) -> bool:
        return False

    async def unknown(self, message: VaultImport) -> Row:
        if self.is_lost:
            raise NotYet("neither journalled nor staged", after=900.0)
        now = self.clock.now()
        return Row(message.source, message.key, "staged", "", now, opened=now, staged=now)

    def reopens(self, message: VaultImport, row: Row) -> bool:
        return False

    async def run(self, message: VaultImport, claim: Claim) -> Outcome:
        self.ran.append(claim.row)
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        await (self.work or self._file)(claim)
        return self.outcome

    async def _file(self, claim: Claim) -> None:
        now = self.clock.now()
        await claim.end(lambda row: gone_on(row, "filed", ended=now, creating=None, look_again=None))


@dataclass
class StagingStep:
    """The same for mail that has arrived: it brings it to the next state."""

    clock: FakeClock
    fault: Exception | None = None
    work: Work | None = None
    outcome: Outcome = Staged.STAGED
    reopened_rule: str = "passed over"
    ran: list[Row] = field(default_factory=list)
    name: ClassVar[Step] = "staging"
    queue: ClassVar[str] = MAIL_ARRIVED

    def is_one_write(self, row: Row) -> bool:
        return False

    async def unknown(self, message: MailArrived) -> Row:
        now = self.clock.now()
        return Row(message.source, message.filing_key, "arrived", message.message, now, opened=now)

    def reopens(self, message: MailArrived, row: Row) -> bool:
        return row.state == "skipped" and row.rule == self.reopened_rule

    async def run(self, message: MailArrived, claim: Claim) -> Outcome:
        self.ran.append(claim.row)
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        await (self.work or self._stage)(claim)
        return self.outcome

    async def _stage(self, claim: Claim) -> None:
        now = self.clock.now()
        await claim.end(lambda row: gone_on(row, "staged", staged=now))


@dataclass
class NotingKeeper:
    """Notes the state that the journal tells when bytes are kept."""

    journal: Journal
    fault: Exception | None = None
    states: list[State | None] = field(default_factory=list)

    async def keep(self, source: str, key: str) -> None:
        row = await self.journal.read(source, key)
        self.states.append(row.state if row else None)
        if self.fault is not None:
            raise self.fault


class Protocol:
    """One worker: its receiver, and all that stands behind it."""

    def __init__(
        self,
        stores: Stores,
        clock: FakeClock,
        *,
        journal: Journal | None = None,
        unfinished: Unfinished | None = None,
        queues: QueuesPort | None = None,
        keeper: Keeper | None = None,
        table: BreakerTablePort | None = None,
        ping: Ping = no_ping,
        jitter: float = 1.0,
        secrets: StepSecrets | None = None,
    ) -> None:
        self.stores = stores
        self.clock = clock
        self.journal = journal or stores.journal
        self.unfinished = unfinished or stores.unfinished
        self.queues = queues or stores.queues
        self.keeper = keeper or NotingKeeper(stores.journal)
        self.breakers = Breakers(table or InMemoryBreakerTable(), clock)
        self.hand_over = HandOver(self.journal, self.unfinished, self.queues, clock)
        self.gate = Gate(self.breakers, ping, clock, lambda: jitter, secrets or NoSecretsKept())
        self.aftermath = Aftermath(
            self.journal, self.hand_over, self.gate, self.keeper, clock, PATIENCE, lambda: jitter
        )
        self.receiver = Receiver(
            self.queues, self.journal, self.unfinished, self.hand_over, self.gate, self.aftermath, clock
        )

    async def file(self, step: FilingStep, message: VaultImport | None = None) -> None:
        """A message of `vault-import` comes."""
        body = encode(message or order("invoices")).encode()
        await self.receiver.receive(step, VaultImport, body)

    async def stage(self, step: StagingStep, message: MailArrived | None = None) -> None:
        """A message of `mail-arrived` comes."""
        body = encode(message or arrived("invoices")).encode()
        await self.receiver.receive(step, MailArrived, body)


def new_row(clock: FakeClock, state: State = "staged", **facts: Any) -> Row:
    """A row of the mail with `KEY`, open since now, and handed over."""
    now = clock.now()
    times: dict[str, Any] = {"opened": now, "handed": now}
    if state != "arrived":
        times["staged"] = now
    if state in ("filed", "skipped", "failed"):
        times["ended"] = now
    return Row("invoices", KEY, state, MESSAGE, now, **{**times, **facts})


async def put_row(stores: Stores, row: Row) -> Row:
    """Have the journal know it, and `unfinished` if it is open."""
    if not row.is_closed:
        await stores.unfinished.add(OpenMail.of(row))
    return await stores.journal.insert(row)


async def row_of(stores: Stores, key: str = KEY) -> Row:
    """The row of a mail that the journal has."""
    found = await stores.journal.read("invoices", key)
    assert found is not None
    return found


async def renewed(stores: Stores, clock: FakeClock) -> None:
    """Wait until the claim on the mail with `KEY` was renewed at the clock's time."""
    async with asyncio.timeout(2):
        while True:
            if (await row_of(stores)).claim_expires == clock.now() + LASTS:
                return
            await asyncio.sleep(0.01)


async def open_mails(stores: Stores) -> list[OpenMail]:
    """Table `unfinished`."""
    return [mail async for mail in stores.unfinished.all()]


def turn(step: Step = "filing") -> Turn:
    """A run for the mail with `KEY`."""
    return Turn(step, "invoices", KEY)


def events(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    """The names of the events of that level, in their order."""
    return [getattr(one, "event", "") for one in caplog.records if one.levelname == level]


async def vault_works(protocol: Protocol) -> None:
    """Another mail has gone into the vault just now, and filing of the source works."""
    gate = protocol.gate
    for key in (BreakerKey("service", "vault"), BreakerKey("source", "invoices", "filing")):
        await gate.breakers.change(key, lambda one: proven(one, protocol.clock.now()))
