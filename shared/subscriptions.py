"""Keeping the subscriptions alive: the plan, done. One source that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from shared.clock import Clock
from shared.configuration import Source
from shared.errors import VaultpostError
from shared.graph.subscriptions import SubscriptionClient
from shared.log import Events
from shared.queue_messages import LifecycleEvent
from shared.secret_store import SecretStore, SecretVersion
from shared.subscription_lifetime import Lifetime
from shared.subscription_plan import Registered, Renewal, Watched, plan_subscriptions, watched_by
from shared.subscription_register import SubscriptionRegister
from shared.subscription_round import Round

NOTIFICATION_KEY = "notification-key"
JUST_NOW = timedelta(minutes=1)
"""A renewal no older than this has done what the same event asks for that comes again.

Another one may follow every few minutes (learn.microsoft.com/graph/change-notifications-lifecycle-events).
"""


async def no_sweep(source: str) -> None:
    """Say that a sweep is due: for an app that makes none."""
    Events("subscriptions", source=source).warning("sweep-due")


async def as_configured(source: Source) -> list[Watched]:
    """The folders of a source whose names need no look at its mailbox."""
    return watched_by([source])


@dataclass(frozen=True)
class Subscriptions:
    """The subscriptions of all sources. `watched` finds the folders of one.

    `on_missed` asks for the sweep of a source: some of its mail may never have been announced. It is called
    after the subscription lives, and again where it failed, or where nobody knows whether it did.
    """

    sources: Mapping[str, Source]
    client: SubscriptionClient
    register: SubscriptionRegister
    secrets: SecretStore
    addresses: tuple[str, str]
    clock: Clock
    on_missed: Callable[[str], Awaitable[None]] = no_sweep
    lifetime: Lifetime = field(default_factory=Lifetime)
    watched: Callable[[Source], Awaitable[list[Watched]]] = as_configured

    async def maintain(self) -> None:
        """Create what is missing, renew what has less than half its life left, replace what is out of date.

        Subscriptions of folders that are watched no longer are deleted. Raises VaultpostError when nothing
        can be known, or when a source failed, after the others were done.
        """
        rows = await self.register.rows()
        wanted: list[Watched] = []
        faults: dict[str, VaultpostError] = {}
        for source in self.sources.values():
            try:
                wanted += await self.watched(source)
            except VaultpostError as fault:
                # What it had stays as it is: nobody knows now what it watches.
                Events("subscriptions", source=source.name).failure("folders-not-known", why=str(fault))
                faults[source.name] = fault
        await self._maintain(wanted, [row for row in rows if row.source not in faults])
        if faults:
            raise next(iter(faults.values()))

    async def maintain_source(self, name: str) -> None:
        """The same for one source. Raises VaultpostError."""
        await self._maintain(await self.watched(self.sources[name]), await self._rows_of(name))

    async def care(self, event: LifecycleEvent) -> None:
        """Do what a lifecycle notification asks for, whose client state has proven the source.

        `missed`: a sweep; `subscriptionRemoved`: a new one is made, then a sweep; `reauthorizationRequired`:
        a renewal reauthorises, too (learn.microsoft.com/graph/change-notifications-lifecycle-events). An id
        that is not on record costs a look at the source's own subscriptions, as does an event that comes
        twice. Raises VaultpostError.
        """
        log = Events("subscriptions", source=event.source, subscription=event.subscription)
        source = self.sources.get(event.source)
        if source is None:
            log.warning("lifecycle-of-stranger", lifecycle=event.event)
            return
        if event.event == "missed":
            # First of all: whatever is wrong with the subscription, what was missed is there.
            await self.on_missed(event.source)
        wanted = await self.watched(source)
        if event.event == "subscriptionRemoved":
            await self.register.remove(event.source, event.subscription)
        elif event.event == "reauthorizationRequired" and await self._renewed(event, wanted):
            return
        await self._maintain(wanted, await self._rows_of(event.source))

    async def _renewed(self, event: LifecycleEvent, wanted: list[Watched]) -> bool:
        """Whether the subscription that the event names has been renewed; not if it was just before."""
        rows = await self._rows_of(event.source)
        row = next((row for row in rows if row.subscription == event.subscription), None)
        watched = next((one for one in wanted if row is not None and row.is_of(one)), None)
        if row is None or watched is None:
            return False
        if row.renewed is not None and self.clock.now() - row.renewed < JUST_NOW:
            return False
        work = self._round(await self._key(rows))
        vanished = await work.renew([Renewal(watched, row)])
        _raise_first(work)
        return not vanished

    async def _rows_of(self, source: str) -> list[Registered]:
        return [row for row in await self.register.rows() if row.source == source]

    async def _maintain(self, wanted: list[Watched], rows: list[Registered]) -> None:
        # The rows were read before the list is asked for: what is not in it is gone.
        existing = await self.client.all()
        key = await self._key(rows)
        plan = plan_subscriptions(
            wanted,
            rows,
            existing,
            addresses=self.addresses,
            key_version=key.id,
            now=self.clock.now(),
            lifetime=self.lifetime.asked,
        )
        work = self._round(key)
        await work.follow(plan)
        _raise_first(work)

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


def _raise_first(work: Round) -> None:
    if work.faults:
        raise work.faults[0]
