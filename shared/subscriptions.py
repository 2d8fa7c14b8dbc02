"""Keeping the subscriptions alive: the plan, done. One source that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from shared.clock import Clock
from shared.configuration import Source
from shared.errors import VaultpostError
from shared.graph.faults import NotFound, Refused
from shared.graph.subscriptions import SubscriptionClient
from shared.identities import client_state
from shared.log import Events
from shared.queue_messages import LifecycleEvent
from shared.secret_store import SecretStore
from shared.subscription_plan import LIFETIME, Renewal, Watched, plan_subscriptions, watched_by
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
        """Create what is missing, renew what has less than half its life left.

        Raises VaultpostError when nothing can be known, or when a source failed, after the others were done.
        """
        await self._maintain(watched_by(self.sources.values()), await self.register.ids())

    async def care(self, event: LifecycleEvent) -> None:
        """Do what a lifecycle notification asks for.

        `reauthorizationRequired`: a renewal reauthorises, too; `subscriptionRemoved`: a new one is made
        (learn.microsoft.com/graph/change-notifications-lifecycle-events). Raises VaultpostError.
        """
        log = Events("subscriptions", source=event.source, subscription=event.subscription)
        ours = await self.register.ids()
        source = self.sources.get(event.source)
        if source is None or event.subscription not in ours:
            log.warning("lifecycle-of-stranger", lifecycle=event.event)
            return
        if event.event == "reauthorizationRequired" and await self._renewed(source, event.subscription, log):
            return
        if event.event == "subscriptionRemoved":
            ours -= {event.subscription}
        await self._maintain(watched_by([source]), ours)

    async def _renewed(self, source: Source, subscription: str, log: Events) -> bool:
        """Whether the subscription lives on; one that is gone is for `_maintain` to make anew."""
        try:
            await self.client.renew(source.mailbox, subscription, self.clock.now() + LIFETIME)
        except NotFound:
            return False
        log.info("subscription-renewed")
        return True

    async def _maintain(self, wanted: list[Watched], ours: Collection[str]) -> None:
        plan = plan_subscriptions(wanted, ours, await self.client.all(), self.clock.now())
        key = await self.secrets.get(NOTIFICATION_KEY)
        faults = [
            *[await self._tolerant(watched, self._create(watched, key)) for watched in plan.create],
            *[await self._tolerant(renewal.watched, self._renew(renewal)) for renewal in plan.renew],
        ]
        failed = [fault for fault in faults if fault is not None]
        if failed:
            raise failed[0]

    async def _tolerant(self, watched: Watched, work: Coroutine[Any, Any, None]) -> VaultpostError | None:
        try:
            await work
        except VaultpostError as fault:
            detail = f" {fault.detail}" if isinstance(fault, Refused) else ""
            Events("subscriptions", source=watched.source, folder=watched.folder).failure(
                "subscription-failed", why=f"{fault}{detail}"
            )
            return fault
        return None

    async def _create(self, watched: Watched, key: str) -> None:
        made = await self.client.create(
            watched.mailbox,
            watched.resource,
            addresses=self.addresses,
            client_state=client_state(watched.source, key),
            until=self.clock.now() + LIFETIME,
        )
        await self.register.add(watched.source, made.id, watched.resource, self.addresses[0])
        Events("subscriptions", source=watched.source, folder=watched.folder).info(
            "subscription-created", subscription=made.id
        )

    async def _renew(self, renewal: Renewal) -> None:
        watched = renewal.watched
        await self.client.renew(watched.mailbox, renewal.subscription, self.clock.now() + LIFETIME)
        Events("subscriptions", source=watched.source, folder=watched.folder).info(
            "subscription-renewed", subscription=renewal.subscription
        )
