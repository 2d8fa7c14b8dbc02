"""A subscription that lives for a moment, so that Graph itself calls the app's addresses.

It is for deletions, so it is no twin of the app's own; it is not entered in their register, whose plan leaves
alone what is not in it (`shared.subscription_plan`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from shared.clock import Clock
from shared.errors import Permanent, Unavailable, VaultpostError
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
class Probe:
    """Makes one, and ends it at once. `addresses` are of notifications and lifecycle."""

    client: SubscriptionClient
    addresses: tuple[str, str]
    clock: Clock

    async def run(self, watched: Watched, key: str) -> None:
        """Returns when Graph has been answered at both addresses.

        `key` is the secret that client states are signed with. Raises what Graph refuses it with: Refused,
        ConfigurationFault, NotFound, and Unavailable. Whatever happens, what was made is deleted, or ends by
        itself in 45 minutes.
        """
        wanted = Creation(
            watched.mailbox,
            watched.resource,
            self.addresses,
            client_state(watched.source, key),
            self.clock.now() + LIVES_FOR,
            change_type=CHANGE,
        )
        try:
            async with asyncio.timeout(CREATED_WITHIN):
                made = await self._create(wanted)
        except (Permanent, NotFound, Refused):
            raise  # a definite no: nothing was made
        except TimeoutError:
            await self._clear(watched.mailbox)
            raise Unavailable(f"Graph did not answer in {CREATED_WITHIN:.0f} s", origin="graph") from None
        except BaseException:
            # Also when the doctor runs out of time: nobody knows whether it was made.
            await self._clear(watched.mailbox)
            raise
        await self._clear(watched.mailbox, made)

    async def _create(self, wanted: Creation) -> str:
        try:
            return (await self.client.create(wanted)).id
        except Conflict:
            # One that another doctor could not delete, or is about to.
            await self._delete_all(wanted.mailbox)
            return (await self.client.create(wanted)).id

    async def _clear(self, mailbox: str, made: str = "") -> None:
        """Delete the one that was `made`; without its id, what there is of a probe."""
        try:
            async with asyncio.timeout(CLEARED_WITHIN):
                if made:
                    await self.client.delete(Named(mailbox, made))
                else:
                    await self._delete_all(mailbox)
        except (TimeoutError, VaultpostError) as fault:
            Events("doctor").warning("probe-not-deleted", why=str(fault) or "no answer in time")

    async def _delete_all(self, mailbox: str) -> None:
        for one in await self.client.all():
            addresses = (one.notification_url or "", one.lifecycle_notification_url or "")
            is_probe = (one.change_type or "").casefold() == CHANGE and all(
                same_address(given, ours) for given, ours in zip(addresses, self.addresses, strict=True)
            )
            if is_probe:
                await self.client.delete(Named(mailbox, one.id))
