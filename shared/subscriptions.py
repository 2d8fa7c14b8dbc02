"""Keeping the subscriptions alive: the plan, done. One source that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.clock import Clock
from shared.configuration import Source
from shared.errors import ConfigurationFault, VaultpostError
from shared.graph.answers import Subscription
from shared.graph.faults import Conflict, NotFound, Refused
from shared.graph.subscriptions import SubscriptionClient
from shared.identities import client_state
from shared.log import Events
from shared.queue_messages import LifecycleEvent
from shared.secret_store import SecretStore, SecretVersion
from shared.subscription_plan import (
    LIFETIME,
    Registered,
    Renewal,
    Replacement,
    Twin,
    Watched,
    judge_twin,
    plan_subscriptions,
    twins_of,
    watched_by,
)
from shared.subscription_register import SubscriptionRegister

NOTIFICATION_KEY = "notification-key"


@dataclass(frozen=True)
class Subscriptions:
    """The subscriptions of all sources."""

    sources: Mapping[str, Source]
    client: SubscriptionClient
    register: SubscriptionRegister
    secrets: SecretStore
    addresses: tuple[str, str]
    clock: Clock

    async def maintain(self) -> None:
        """Create what is missing, renew what has less than half its life left, replace what is out of date.

        Raises VaultpostError when nothing can be known, or when a source failed, after the others were done.
        """
        await self._maintain(watched_by(self.sources.values()))

    async def care(self, event: LifecycleEvent) -> None:
        """Do what a lifecycle notification asks for, whose client state has proven the source.

        `reauthorizationRequired`: a renewal reauthorises, too; `subscriptionRemoved`: a new one is made
        (learn.microsoft.com/graph/change-notifications-lifecycle-events). An id that is not on record is
        left alone, and the source's own subscriptions are looked after. Raises VaultpostError.
        """
        log = Events("subscriptions", source=event.source, subscription=event.subscription)
        source = self.sources.get(event.source)
        if source is None:
            log.warning("lifecycle-of-stranger", lifecycle=event.event)
            return
        wanted = watched_by([source])
        if event.event == "subscriptionRemoved":
            await self.register.remove(event.source, event.subscription)
        elif event.event == "reauthorizationRequired":
            renewal = await self._renewal_of(event, wanted)
            if renewal is not None and await self._renewed(renewal):
                return
        await self._maintain(wanted)

    async def _renewal_of(self, event: LifecycleEvent, wanted: list[Watched]) -> Renewal | None:
        for row in await self.register.rows():
            if row.subscription == event.subscription:
                return next((Renewal(one, row.subscription) for one in wanted if row.is_of(one)), None)
        return None

    async def _maintain(self, wanted: list[Watched]) -> None:
        # In this order: what is on record before the list is asked for, and is not in it, is gone.
        rows = await self.register.rows()
        existing = await self.client.all()
        key = await self._key(rows)
        plan = plan_subscriptions(
            wanted,
            rows,
            existing,
            addresses=self.addresses,
            key_version=key.id,
            now=self.clock.now(),
        )
        faults = [
            *[await self._tolerant(watched, self._create(watched, key)) for watched in plan.create],
            *[await self._tolerant(one.watched, self._replace(one, key)) for one in plan.replace],
            *[await self._tolerant(one.watched, self._renew(one, key)) for one in plan.renew],
        ]
        for row in plan.gone:
            await self.register.remove(row.source, row.subscription)
        failed = [fault for fault in faults if fault is not None]
        if failed:
            raise failed[0]

    async def _key(self, rows: Iterable[Registered]) -> SecretVersion:
        """The present version of the key.

        It is read anew where a row knows a version that this worker does not: another worker knows a newer
        one, and each would replace what the other one made.
        """
        known = await self.secrets.versions(NOTIFICATION_KEY)
        if {row.key_version for row in rows} - {version.id for version in known}:
            known = await self.secrets.versions_other_than(NOTIFICATION_KEY, known)
        return known[0]

    async def _tolerant(self, watched: Watched, work: Coroutine[Any, Any, None]) -> VaultpostError | None:
        try:
            await work
        except VaultpostError as fault:
            detail = f" {fault.detail}" if isinstance(fault, Refused) else ""
            _log_of(watched).failure("subscription-failed", why=f"{fault}{detail}")
            return fault
        return None

    async def _create(self, watched: Watched, key: SecretVersion) -> None:
        try:
            made = await self._requested(watched, key)
        except Conflict as conflict:
            if await self._is_served(watched, conflict):
                return
            made = await self._requested(watched, key)
        await self.register.add(
            Registered(watched.source, made.id, watched.resource, self.addresses[0], key.id)
        )
        _log_of(watched).info("subscription-created", subscription=made.id)

    async def _requested(self, watched: Watched, key: SecretVersion) -> Subscription:
        return await self.client.create(
            watched.mailbox,
            watched.resource,
            addresses=self.addresses,
            client_state=client_state(watched.source, key.value),
            until=self.clock.now() + LIFETIME,
        )

    async def _is_served(self, watched: Watched, conflict: Conflict) -> bool:
        """Whether the subscription that Graph has is a good one; one of ours that is not is deleted.

        It can't be kept, since nobody tells its client state. Raises ConfigurationFault for a stranger's.
        """
        rows = {row.subscription: row for row in await self.register.rows()}
        twins = twins_of(watched, await self.client.all())
        if not twins:
            raise conflict
        now = self.clock.now()
        whose = {one.id: judge_twin(watched, one, rows.get(one.id), self.addresses, now) for one in twins}
        if Twin.SERVES in whose.values():
            return True
        if Twin.OURS not in whose.values():
            raise ConfigurationFault(
                f"source {watched.source}: folder {watched.folder} has a subscription already, "
                f"{' or '.join(whose)}, which this app did not create for this source.",
                "Delete it, or let it expire; or give this app an app registration of its own.",
            )
        for subscription, judged in whose.items():
            if judged is Twin.OURS:
                await self._delete(watched, subscription)
        return False

    async def _replace(self, replacement: Replacement, key: SecretVersion) -> None:
        """The former one first: Graph takes no second one for the same folder."""
        for subscription in replacement.subscriptions:
            await self._delete(replacement.watched, subscription)
        await self._create(replacement.watched, key)

    async def _delete(self, watched: Watched, subscription: str) -> None:
        await self.client.delete(watched.mailbox, subscription)
        await self.register.remove(watched.source, subscription)
        _log_of(watched).info("subscription-deleted", subscription=subscription)

    async def _renew(self, renewal: Renewal, key: SecretVersion) -> None:
        if not await self._renewed(renewal):
            await self._create(renewal.watched, key)

    async def _renewed(self, renewal: Renewal) -> bool:
        """Whether the subscription lives on; one that is gone is struck off."""
        watched = renewal.watched
        try:
            await self.client.renew(watched.mailbox, renewal.subscription, self.clock.now() + LIFETIME)
        except NotFound:
            await self.register.remove(watched.source, renewal.subscription)
            return False
        _log_of(watched).info("subscription-renewed", subscription=renewal.subscription)
        return True


def _log_of(watched: Watched) -> Events:
    return Events("subscriptions", source=watched.source, folder=watched.folder)
