"""Keeping the subscriptions alive: the plan, done. One source that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shared.clock import Clock
from shared.configuration import Source
from shared.errors import Transient, VaultpostError
from shared.graph.answers import Subscription
from shared.graph.subscriptions import Named, SubscriptionClient, attempted
from shared.log import Events
from shared.queue_messages import LifecycleEvent
from shared.secret_store import SecretStore, SecretVersion
from shared.seldom import Seldom
from shared.subscription_lifetime import Lifetime
from shared.subscription_plan import (
    Registered,
    Renewal,
    Watched,
    by_source,
    plan_subscriptions,
    rows_of,
    watched_by,
)
from shared.subscription_register import SubscriptionRegister
from shared.subscription_round import Round

NOTIFICATION_KEY = "notification-key"
JUST_NOW = timedelta(minutes=1)
"""A renewal no older than this has done what the same event asks for that comes again.

Another one may follow every few minutes (learn.microsoft.com/graph/change-notifications-lifecycle-events).
"""
ENSURED_FOR, NOT_ENSURED_FOR = 300.0, 60.0
"""Seconds until `ensure` looks at a source again, after it went well and after it failed."""
SWEPT_FOR = 60.0
"""Seconds in which a sweep that was asked for serves all that say they missed something."""

Found = tuple[list[Watched], list[VaultpostError]]
"""The folders of a source that were found, and why others were not."""


async def no_sweep(source: str) -> None:
    """Say that a sweep is due: for an app that makes none."""
    Events("subscriptions", source=source).warning("sweep-due")


async def as_configured(source: Source) -> Found:
    """The folders of a source whose names need no look at its mailbox."""
    return watched_by([source]), []


@dataclass(frozen=True)
class _Known:
    """The folders that are to be subscribed to, those rows that can be judged by them, and what was wrong."""

    wanted: list[Watched] = field(default_factory=list)
    rows: list[Registered] = field(default_factory=list)
    faults: list[VaultpostError] = field(default_factory=list)

    def add(self, other: _Known) -> None:
        self.wanted.extend(other.wanted)
        self.rows.extend(other.rows)
        self.faults.extend(other.faults)


@dataclass(frozen=True)
class Subscriptions:
    """The subscriptions of all sources. `watched` finds the folders of one; it raises no VaultpostError.

    `on_missed` asks for the sweep of a source: some of its mail may never have been announced. It is called
    after the subscriptions live, and again where it failed, or where nobody knows whether it did. A fault of
    it that is not transient is of a folder that is not there: the sweep of all others was asked for.
    """

    sources: Mapping[str, Source]
    client: SubscriptionClient
    register: SubscriptionRegister
    secrets: SecretStore
    addresses: tuple[str, str]
    clock: Clock
    on_missed: Callable[[str], Awaitable[None]] = no_sweep
    lifetime: Lifetime = field(default_factory=Lifetime)
    watched: Callable[[Source], Awaitable[Found]] = as_configured
    _ensured: Seldom = field(init=False)
    _missed: Seldom = field(init=False)

    def __post_init__(self) -> None:
        ensured = Seldom(self.clock, ENSURED_FOR, NOT_ENSURED_FOR, NOT_ENSURED_FOR)
        object.__setattr__(self, "_ensured", ensured)
        object.__setattr__(self, "_missed", Seldom(self.clock, SWEPT_FOR, SWEPT_FOR, 0.0))

    async def maintain(self) -> None:
        """Create what is missing, renew what has less than half its life left, replace what is out of date.

        Subscriptions of folders that are watched no longer are deleted, but for those of a source of which
        a folder was not found. Raises VaultpostError when nothing can be known, or when a source or a folder
        failed, after the others were done.
        """
        rows = by_source(await self.register.rows())
        strange = [row for name, found in rows.items() if name not in self.sources for row in found]
        known = _Known(rows=strange)
        for source in self.sources.values():
            known.add(await self._known(source, rows.get(source.key_name, [])))
        # The rows were read before the list is asked for: what is not in it is gone.
        await self._maintain(known, await self.client.all())

    async def maintain_source(self, name: str) -> None:
        """The same for one source, at a cost that does not grow with the others. Raises VaultpostError."""
        source = self.sources[name]
        known = await self._known(source, await self.register.rows(source.key_name))
        noted = [Named(row.mailbox, row.subscription) for row in known.rows]
        await self._maintain(known, await self.client.known(noted))

    async def ensure(self, name: str) -> None:
        """`maintain_source`, for many that ask: once in ENSURED_FOR seconds, one at a time.

        Raises the VaultpostError that was met last, for NOT_ENSURED_FOR seconds without another try.
        """
        await self._ensured.do(name, lambda: self.maintain_source(name))

    async def care(self, event: LifecycleEvent) -> None:
        """Do what a lifecycle notification asks for, whose client state has proven the source.

        `missed`: a sweep; `subscriptionRemoved`: a new one is made, then a sweep; `reauthorizationRequired`:
        a renewal reauthorises, too (learn.microsoft.com/graph/change-notifications-lifecycle-events). An id
        that is not on record costs a look at the source's own subscriptions, as does an event that comes
        twice; of several that missed something within SWEPT_FOR seconds, one asks for the sweep. Raises
        VaultpostError after all was done.
        """
        log = Events("subscriptions", source=event.source, subscription=event.subscription)
        source = self.sources.get(event.source)
        if source is None:
            log.warning("lifecycle-of-stranger", lifecycle=event.event)
            return
        if event.event != "missed":
            await self._restore(event, source)
            return
        # First of all: whatever is wrong with the subscription, what was missed is there.
        swept = await attempted(self._missed.do(source.key_name, lambda: self.on_missed(source.key_name)))
        kept = await attempted(self.maintain_source(source.key_name))
        _raise_first([fault for fault in (swept, kept) if fault is not None])

    async def _restore(self, event: LifecycleEvent, source: Source) -> None:
        if event.event == "subscriptionRemoved":
            await self.register.remove(event.source, event.subscription)
        elif await self._renewed(event, source):
            return
        await self.maintain_source(source.key_name)

    async def _renewed(self, event: LifecycleEvent, source: Source) -> bool:
        """Whether the subscription that the event names has been renewed; not if it was just before."""
        known = await self._known(source, await self.register.rows(source.key_name))
        row = next((row for row in known.rows if row.subscription == event.subscription), None)
        watched = next((one for one in known.wanted if row is not None and row.is_of(one)), None)
        if row is None or watched is None:
            return False
        if row.renewed is not None and self.clock.now() - row.renewed < JUST_NOW:
            return False
        work = self._round(await self._key(known.rows))
        vanished = await work.renew([Renewal(watched, row)])
        await work.end()
        _raise_first(work.faults)
        if vanished:
            return False
        _raise_first(known.faults)
        return True

    async def _known(self, source: Source, rows: list[Registered]) -> _Known:
        """What is known of a source, of which these are the rows.

        What it has for a folder that was not found now stays as it is.
        """
        wanted, faults = await self.watched(source)
        for fault in faults:
            Events("subscriptions", source=source.name).failure("folder-not-known", why=str(fault))
        return _Known(wanted, rows_of(wanted, rows) if faults else rows, faults)

    async def _maintain(self, known: _Known, existing: Iterable[Subscription]) -> None:
        key = await self._key(known.rows)
        plan = plan_subscriptions(
            known.wanted,
            known.rows,
            existing,
            addresses=self.addresses,
            key_version=key.id,
            now=self.clock.now(),
            lifetime=self.lifetime.asked,
        )
        work = self._round(key)
        await work.follow(plan)
        _raise_first([*known.faults, *work.faults])

    def _round(self, key: SecretVersion) -> Round:
        return Round(
            self.client, self.register, self.clock, self.lifetime, self.addresses, key, self.on_missed
        )

    async def _key(self, rows: Iterable[Registered]) -> SecretVersion:
        """The present version of the key.

        It is read anew where a row knows a version that this worker does not: another worker knows a newer
        one, and each would replace what the other one made.
        """
        known = await self.secrets.versions(NOTIFICATION_KEY)
        if {row.key_version for row in rows} - {version.id for version in known}:
            known = await self.secrets.versions_other_than(NOTIFICATION_KEY, known)
        return known[0]


def _raise_first(faults: Sequence[VaultpostError]) -> None:
    """The first one, if any; a transient one before others: it brings an event back."""
    transient = [fault for fault in faults if isinstance(fault, Transient)]
    if faults:
        raise (transient or faults)[0]
