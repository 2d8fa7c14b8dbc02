"""One round of keeping subscriptions: a plan, done. One source that fails does not stop the others.

A subscription never says what it did not announce: before it began, while it had no valid token, or after
its end (learn.microsoft.com/graph/change-notifications-lifecycle-events). So whenever one begins or is
renewed a sweep of its source is asked for, and only then is its new end noted: a round that is cut short in
between leaves it due. A source is swept once for all of its subscriptions, when the last of them lives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from shared.clock import Clock
from shared.errors import Transient, VaultpostError
from shared.graph.answers import Subscription
from shared.graph.batch import LARGEST_BATCH
from shared.graph.faults import Conflict, NotFound, Refused
from shared.graph.subscriptions import Creation, Named, SubscriptionClient, attempted
from shared.identities import client_state
from shared.log import Events
from shared.secret_store import SecretVersion
from shared.subscription_conflict import Conflicts
from shared.subscription_lifetime import Lifetime
from shared.subscription_plan import Registered, Renewal, SubscriptionPlan, Watched, by_source
from shared.subscription_portions import portions
from shared.subscription_register import SubscriptionRegister

Outcome = Subscription | VaultpostError
_T = TypeVar("_T")


@dataclass(frozen=True)
class Round:
    """What a round needs, the rows whose new end is yet to be noted, and the faults that it has met.

    `on_missed` asks for the sweep of a source. It may raise a fault that is not transient, of a folder that
    is not there, after it has asked for the sweep of all others.
    """

    client: SubscriptionClient
    register: SubscriptionRegister
    clock: Clock
    lifetime: Lifetime
    addresses: tuple[str, str]
    key: SecretVersion
    on_missed: Callable[[str], Awaitable[None]]
    faults: list[VaultpostError] = field(default_factory=list)
    _going_on: list[Registered] = field(default_factory=list)

    async def follow(self, plan: SubscriptionPlan) -> None:
        """Do all of it. Former subscriptions go first: Graph takes no second one for the same folder.

        It is done and ended in portions, so that a round which has no time for all of it leaves less to the
        next one. Where that breaks off, what was done is ended all the same. Raises VaultpostError.
        """
        for portion in portions(plan, LARGEST_BATCH):
            fault = await attempted(self._follow(portion))
            await self.end()
            if fault is not None:
                raise fault

    async def _follow(self, plan: SubscriptionPlan) -> None:
        vanished = await self.renew(plan.renew)
        former = [*plan.delete, *(row for one in plan.replace for row in one.rows)]
        left = await self._delete(former)
        replaced = [one.watched for one in plan.replace if left.isdisjoint(one.rows)]
        await self.create([*plan.create, *replaced, *vanished])
        for row in plan.gone:
            await self.register.remove(row.source, row.subscription)

    async def end(self) -> None:
        """Ask for a sweep of each source of which one began or was renewed, then note the ends."""
        lives = by_source(self._going_on)
        self._going_on.clear()
        for source, rows in lives.items():
            fault = await attempted(self._vouch_for(source, rows))
            if fault is not None:
                self._met(fault, Events("subscriptions", source=source))

    async def renew(self, renewals: Sequence[Renewal]) -> list[Watched]:
        """Give each a new end, noted by `end`; those of Graph knows nothing are struck off and given back."""
        vanished: list[Watched] = []
        for chunk in _chunks(renewals):
            outcomes = await self._sent(self._renewed, chunk)
            for renewal, outcome in zip(chunk, outcomes, strict=True):
                row = renewal.row
                if isinstance(outcome, NotFound):
                    await self.register.remove(row.source, row.subscription)
                    vanished.append(renewal.watched)
                elif isinstance(outcome, VaultpostError):
                    self._failed(renewal.watched, outcome)
                else:
                    until = self._end_of(outcome)
                    self._going_on.append(replace(row, until=until, renewed=self.clock.now()))
                    _log_of(renewal.watched).info("subscription-renewed", subscription=row.subscription)
        return vanished

    async def create(self, wanted: Sequence[Watched]) -> None:
        """A subscription of each, its end noted by `end`; one that Graph has is adopted if good and ours."""
        for chunk in _chunks(wanted):
            outcomes = zip(chunk, await self._sent(self._created, chunk), strict=True)
            conflicts = Conflicts(self.client, self.register, self.addresses, self.clock)
            # Conflicts come last: until then what was made beside them is not on record.
            for watched, first in sorted(outcomes, key=lambda one: isinstance(one[1], Conflict)):
                made = await attempted(self._noted(watched, first, conflicts))
                if isinstance(made, VaultpostError):
                    self._failed(watched, made)
                elif made is not None:
                    self._going_on.append(made)

    async def _noted(self, watched: Watched, outcome: Outcome, conflicts: Conflicts) -> Registered | None:
        """The row of a new subscription with the end that it will have; None where another one serves.

        It is on record at once, as due: an end follows when a sweep was asked for.
        """
        if isinstance(outcome, Conflict):
            if await conflicts.is_served(watched, outcome):
                return None
            (outcome,) = await self._sent(self._created, [watched])
        if isinstance(outcome, VaultpostError):
            raise outcome
        row = Registered(
            watched.source, outcome.id, watched.resource, self.addresses[0], self.key.id, self.clock.now()
        )
        await self.register.add(row)
        _log_of(watched).info("subscription-created", subscription=outcome.id)
        return replace(row, until=self._end_of(outcome))

    async def _delete(self, rows: Sequence[Registered]) -> set[Registered]:
        """End and strike off each; those that could not be are given back."""
        left: set[Registered] = set()
        for chunk in _chunks(rows):
            named = [Named(row.mailbox, row.subscription) for row in chunk]
            for row, fault in zip(chunk, await self.client.delete_all(named), strict=True):
                fault = fault or await attempted(self.register.remove(row.source, row.subscription))
                log = Events("subscriptions", source=row.source, subscription=row.subscription)
                if fault is None:
                    log.info("subscription-deleted")
                else:
                    left.add(row)
                    self._met(fault, log)
        return left

    async def _vouch_for(self, source: str, rows: Iterable[Registered]) -> None:
        fault = await attempted(self.on_missed(source))
        if isinstance(fault, Transient):
            raise fault
        for row in rows:
            await self.register.add(row)
        if fault is not None:
            raise fault

    async def _sent(
        self, send: Callable[[Sequence[_T], datetime], Awaitable[list[Outcome]]], items: Sequence[_T]
    ) -> list[Outcome]:
        """What became of each; where its end lies too far ahead for the service, it is sent again at once."""
        asked = self.lifetime.asked
        outcomes = await send(items, self.clock.now() + asked)
        refused = [place for place, one in enumerate(outcomes) if self.lifetime.learns(one, asked)]
        if refused:
            until = self.clock.now() + self.lifetime.asked
            again = await send([items[place] for place in refused], until)
            for place, outcome in zip(refused, again, strict=True):
                outcomes[place] = outcome
        return outcomes

    async def _created(self, wanted: Sequence[Watched], until: datetime) -> list[Outcome]:
        return await self.client.create_all(
            [
                Creation(
                    one.mailbox, one.resource, self.addresses, client_state(one.source, self.key.value), until
                )
                for one in wanted
            ]
        )

    async def _renewed(self, renewals: Sequence[Renewal], until: datetime) -> list[Outcome]:
        named = [Named(one.watched.mailbox, one.row.subscription) for one in renewals]
        return await self.client.renew_all(named, until)

    def _end_of(self, subscription: Subscription) -> datetime:
        return subscription.expires or self.clock.now() + self.lifetime.asked

    def _failed(self, watched: Watched, fault: VaultpostError) -> None:
        self._met(fault, _log_of(watched))

    def _met(self, fault: VaultpostError, log: Events) -> None:
        detail = f" {fault.detail}" if isinstance(fault, Refused) else ""
        log.failure("subscription-failed", why=f"{fault}{detail}")
        self.faults.append(fault)


def _chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), LARGEST_BATCH):
        yield items[start : start + LARGEST_BATCH]


def _log_of(watched: Watched) -> Events:
    return Events("subscriptions", source=watched.source, folder=watched.folder)
