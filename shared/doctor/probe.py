"""A subscription that lives for a moment, so that Graph itself calls the app's addresses.

It is for deletions, so it is no twin of the app's own; it is not entered in their register, whose plan leaves
alone what is not in it (`shared.subscription_plan`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.credential_faults import CredentialFault
from shared.errors import Permanent, Transient, Unavailable, VaultpostError
from shared.graph.answers import Subscription
from shared.graph.faults import Conflict, NotFound, Refused
from shared.graph.subscriptions import Creation, Named, SubscriptionClient
from shared.identities import client_state
from shared.log import Events
from shared.subscription_plan import Watched, same_address

CHANGE = "deleted"
LIVES_FOR = timedelta(minutes=45)
"""The least: Graph raises what is below (learn.microsoft.com/graph/api/resources/subscription)."""
CREATED_WITHIN, CLEARED_WITHIN = 13.0, 3.0
"""Seconds; together they stay below those of one check."""


@dataclass(frozen=True)
class Probed:
    """What came of one: the fault that it ended with, and until when it may live on, if it may."""

    fault: VaultpostError | None = None
    left_until: datetime | None = None


@dataclass(frozen=True)
class Probe:
    """Makes one, and ends it at once. `addresses` are of notifications and lifecycle."""

    client: SubscriptionClient
    addresses: tuple[str, str]
    clock: Clock

    async def run(self, watched: Watched, key: str) -> Probed:
        """Without a fault, Graph has been answered at both addresses.

        `key` is the secret that client states are signed with. Whatever happens, what was made is deleted, or
        ends by itself in 45 minutes.
        """
        until = self.clock.now() + LIVES_FOR
        wanted = Creation(
            watched.mailbox,
            watched.resource,
            self.addresses,
            client_state(watched.source, key),
            until,
            change_type=CHANGE,
        )
        try:
            async with asyncio.timeout(CREATED_WITHIN):
                made = await self._create(wanted)
        except TimeoutError:
            slow = Unavailable(f"Graph did not answer in {CREATED_WITHIN:.0f} s", origin="graph")
            return await self._unclear(slow, wanted)
        except VaultpostError as fault:
            return Probed(fault) if _is_definite(fault) else await self._unclear(fault, wanted)
        except BaseException:
            # Also when the doctor runs out of time: nobody knows whether it was made.
            await self._clear(watched.mailbox)
            raise
        return Probed(None, None if await self._clear(watched.mailbox, made) else until)

    async def _unclear(self, fault: VaultpostError, wanted: Creation) -> Probed:
        """After a creation that was not answered: Graph may make it, even once it was looked for."""
        return Probed(fault, None if await self._clear(wanted.mailbox) else wanted.until)

    async def _create(self, wanted: Creation) -> str:
        try:
            return (await self.client.create(wanted)).id
        except Conflict:
            # One that another doctor could not delete, or is about to.
            await self._delete_all(wanted.mailbox)
            return (await self.client.create(wanted)).id

    async def _clear(self, mailbox: str, made: str = "") -> bool:
        """Delete the one that was `made`; without its id, what there is of a probe. Whether one is gone."""
        try:
            async with asyncio.timeout(CLEARED_WITHIN):
                if made:
                    await self.client.delete(Named(mailbox, made))
                    return True
                if await self._delete_all(mailbox):
                    return True
            why = "its creation was not answered, and it is not found yet"
        except (TimeoutError, VaultpostError) as fault:
            why = str(fault) or "no answer in time"
        Events("doctor").warning("probe-not-deleted", why=why)
        return False

    async def _delete_all(self, mailbox: str) -> int:
        """How many there were."""
        probes = [one.id for one in await self.client.all() if self._is_probe(one)]
        for probe in probes:
            await self.client.delete(Named(mailbox, probe))
        return len(probes)

    def _is_probe(self, one: Subscription) -> bool:
        addresses = (one.notification_url or "", one.lifecycle_notification_url or "")
        return (one.change_type or "").casefold() == CHANGE and all(
            same_address(given, ours) for given, ours in zip(addresses, self.addresses, strict=True)
        )


def _is_definite(fault: VaultpostError) -> bool:
    """Whether it says that nothing was made. So does 429, which alone is a fault of the mailbox."""
    if isinstance(fault, Permanent | CredentialFault | NotFound | Refused):
        return True
    return isinstance(fault, Transient) and fault.origin == "mailbox"
