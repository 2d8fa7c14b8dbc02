"""The services of the world: they go down and come back, and note what reaches them meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.breaker import Service, Step
from shared.claim import UNCLEAR_FOR
from shared.errors import Transient, Unavailable
from shared.graph.faults import NotFound
from shared.vault.protocol import DOCUMENT, NewFile, NewObject, Structure, VaultObject
from tests.shared.clock import FakeClock
from tests.shared.mailbox import FakeMailbox, FakeWriter, Mail
from tests.shared.vault.fake import FIRST_ID, FakeVault, Kept

FaultMaker = Callable[[], Transient]


@dataclass
class Outages:
    """What is down, and each call that met it. What needs a secret does not get beyond Key Vault."""

    clock: FakeClock
    refused: list[tuple[Service, datetime]] = field(default_factory=list)
    _faults: dict[Service, FaultMaker] = field(default_factory=dict)

    def begin(self, service: Service, fault: FaultMaker | None = None) -> None:
        """From now on each call of `service` raises what `fault` makes."""
        self._faults[service] = fault or (lambda: Unavailable(f"{service} is down", origin=service))

    def end(self, service: Service) -> None:
        """It is back; if it was not down, nothing happens."""
        self._faults.pop(service, None)

    def reach(self, *services: Service) -> None:
        """A call that needs Key Vault, and these services. Raises the fault of the first that is down."""
        for service in ("keyvault", *services):
            if service in self._faults:
                self.refused.append((service, self.clock.now()))
                raise self._faults[service]()

    async def ping(self, service: Service, step: Step, source: str) -> None:
        """As `shared.pinging.Ping`."""
        self.reach(service)


class NothingKept:
    """The secrets of a worker that has none when Key Vault goes down."""

    def holds(self, names: Sequence[str]) -> bool:
        """As `SecretStore.holds`."""
        return not names


class Mailboxes(FakeMailbox):
    """All mailboxes of the tenant."""

    def __init__(self, outages: Outages) -> None:
        super().__init__("")
        self._outages = outages
        self._addresses: dict[str, str] = {}

    def put(self, address: str, message: str, mail: Mail) -> None:
        """A mail comes into that mailbox."""
        self.add(message, mail)
        self._addresses[message] = address

    async def _mail(self, call: str, mailbox: str, message: str) -> Mail:
        self._outages.reach("graph")
        if self._addresses.get(message) != mailbox:
            raise NotFound("ErrorItemNotFound")
        return self.mails[message]


class Writer(FakeWriter):
    """What changes the mail of all mailboxes."""

    def __init__(self, outages: Outages) -> None:
        super().__init__()
        self._outages = outages

    def ask(self, call: str) -> None:
        self._outages.reach("graph")
        super().ask(call)


class Vault(FakeVault):
    """The vault; a create may have no answer, and commit long after."""

    def __init__(self, outages: Outages) -> None:
        super().__init__(clock=outages.clock)
        self.commits_after: timedelta | None = None
        """The next create has no answer, and commits so much later."""
        self.under_way: list[tuple[datetime, Kept]] = []
        """Creates that have no answer, with the time at which they commit."""
        self.too_early: list[str] = []
        """Filing keys of creates that were sent while one without an answer may still have been under way."""
        self._outages = outages
        self._unanswered: dict[str, datetime] = {}

    async def structure(self, *, fresh: bool = False) -> Structure:
        self._outages.reach("vault")
        return await super().structure(fresh=fresh)

    async def find(self, property_id: int, value: str, object_type: int = DOCUMENT) -> Sequence[VaultObject]:
        self._outages.reach("vault")
        return await super().find(property_id, value, object_type)

    async def create(
        self,
        new: NewObject,
        files: Sequence[NewFile],
        about_to_create: Callable[[], Awaitable[None]],
        words: Sequence[str] = (),
    ) -> VaultObject:
        self._outages.reach("vault")
        after, self.commits_after = self.commits_after, None
        shown = await super().create(new, files, about_to_create, words)
        now, key = self._outages.clock.now(), self.objects[-1].key
        if key in self._unanswered and now < self._unanswered[key] + UNCLEAR_FOR:
            self.too_early.append(key)
        if after is None:
            return shown
        self._unanswered[key] = now
        self.under_way.append((now + after, self.objects.pop()))
        raise Unavailable("the vault did not answer", origin="vault")

    async def mark_deleted(self, found: VaultObject) -> None:
        self._outages.reach("vault")
        await super().mark_deleted(found)

    def next_commit(self) -> datetime | None:
        """When the first create that is under way commits."""
        return min((at for at, _ in self.under_way), default=None)

    def commit(self) -> None:
        """Creates whose time has come are done."""
        now = self._outages.clock.now()
        for at, kept in sorted(self.under_way, key=lambda one: one[0]):
            if at <= now:
                created = now.replace(microsecond=0)
                kept.shown = replace(kept.shown, id=FIRST_ID + len(self.objects), created=created)
                self.objects.append(kept)
        self.under_way = [(at, kept) for at, kept in self.under_way if at > now]
