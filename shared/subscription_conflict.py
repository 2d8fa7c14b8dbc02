"""A folder of which Graph says that it has a subscription already (409): whose that is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.clock import Clock
from shared.errors import ConfigurationFault
from shared.graph.answers import Subscription
from shared.graph.faults import Conflict
from shared.graph.subscriptions import Named, SubscriptionClient
from shared.log import Events
from shared.subscription_plan import Registered, Twin, Watched, judge_twin, twins_of
from shared.subscription_register import SubscriptionRegister


@dataclass
class Conflicts:
    """Those of creations that were sent together.

    They share one look at everything, the rows before Graph's list. It is to be taken after all others that
    were sent with them are on record: one that is listed and not on record counts as never answered.
    """

    client: SubscriptionClient
    register: SubscriptionRegister
    addresses: tuple[str, str]
    clock: Clock
    _everything: tuple[dict[str, Registered], dict[str, Subscription]] | None = field(
        default=None, init=False
    )

    async def is_served(self, watched: Watched, conflict: Conflict) -> bool:
        """Whether the subscription that Graph has is a good one; one of ours that is not is deleted.

        It can't be kept, since nobody tells its client state. Raises ConfigurationFault for a stranger's.
        """
        if await self._is_on_record(watched):
            return True
        rows, existing = await self._all()
        twins = twins_of(watched, existing.values())
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
                del existing[subscription]
        return False

    async def _is_on_record(self, watched: Watched) -> bool:
        """Whether another worker has made one meanwhile, as first sweeps and the timer do at the same time.

        It costs no look at what all other sources have.
        """
        rows = [row for row in await self.register.rows(watched.source) if row.is_of(watched)]
        found = await self.client.known([Named(row.mailbox, row.subscription) for row in rows])
        ids, now = {row.subscription for row in rows}, self.clock.now()
        return any(one.id in ids and (one.expires is None or one.expires > now) for one in found)

    async def _all(self) -> tuple[dict[str, Registered], dict[str, Subscription]]:
        if self._everything is None:
            rows = {row.subscription: row for row in await self.register.rows()}
            self._everything = rows, {one.id: one for one in await self.client.all()}
        return self._everything

    async def _delete(self, watched: Watched, subscription: str) -> None:
        await self.client.delete(Named(watched.mailbox, subscription))
        await self.register.remove(watched.source, subscription)
        log = Events("subscriptions", source=watched.source, folder=watched.folder)
        log.info("subscription-deleted", subscription=subscription)
