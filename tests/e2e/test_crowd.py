"""Four hosts at the same queues, notifications that come twice, a host that dies: each mail is filed once."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import App
from sandbox.box import Sandbox
from sandbox.tenant.graph import Delivered
from tests.e2e.estate import Estate, drawn, estate, until
from tests.e2e.test_filing import mail

pytestmark = pytest.mark.anyio
HOSTS, COPIES = 4, 50
NOTIFICATIONS, WITH_LONG = 40, 1000
_POSTS_AT_ONCE = 4
_BETWEEN_LOOKS = 1.0
"""Seconds: to read the whole journal costs the hosts' own storage some time."""


@dataclass
class Crowd:
    """The hosts that are alive, and who sends notifications to whichever of them."""

    ground: Estate
    alive: list[App]
    http: httpx.AsyncClient
    chance: random.Random

    def item(self, delivered: Delivered) -> dict[str, Any]:
        """A true notification."""
        return {
            "subscriptionId": "0fc0d6db-0073-42e5-a186-853da75fb308",
            "tenantId": self.ground.box.tenant_id,
            "clientState": self.ground.client_state,
            "changeType": "created",
            "resourceData": {"@odata.type": "#Microsoft.Graph.Message", "id": delivered.immutable_id},
        }

    async def announce(self, *items: dict[str, Any]) -> None:
        """Send notifications in one body until a host has acknowledged them, as Graph does."""
        for _ in range(20):
            try:
                address = self.chance.choice(self.alive).address
                answer = await self.http.post(f"{address}/api/notifications", json={"value": items})
            except httpx.HTTPError:  # the one that dies
                continue
            if answer.status_code == 202:
                return
            await asyncio.sleep(1.0)
        pytest.fail("notifications are not acknowledged")

    async def announce_all(self, bodies: Iterator[list[dict[str, Any]]]) -> None:
        """Send what is left of these bodies, one after the other; several may do it at once."""
        for items in bodies:
            await self.announce(*items)

    def bodies(self, delivered: list[Delivered], twins: int) -> Iterator[list[dict[str, Any]]]:
        """Up to 50 notifications each, enough bodies for all hosts, in any order; so many come twice."""
        items = [self.item(one) for one in [*delivered, *self.chance.sample(delivered, twins)]]
        self.chance.shuffle(items)
        left, most = iter(items), min(50, len(items) // HOSTS)
        while body := list(itertools.islice(left, self.chance.randint(most // 5, most))):
            yield body


@asynccontextmanager
async def crowd(ground: Estate, chance: random.Random) -> AsyncIterator[Crowd]:
    """Four hosts; those that are alive at the end come to an orderly one."""
    apps = [ground.host(f"host{number}") for number in range(HOSTS)]
    async with AsyncExitStack() as stack:
        for app in apps:
            await stack.enter_async_context(app)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30.0))
        yield Crowd(ground, apps, http, chance)


async def test_four_hosts_of_which_one_dies_file_each_mail_once(
    box: Sandbox,
    accounts: Iterator[str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """One notification in five is a twin; with `--long` there are 1,000 of them."""
    is_long = request.config.getoption("--long")
    number = WITH_LONG if is_long else NOTIFICATIONS
    twins, patience = number // 5, 900.0 if is_long else 300.0
    async with estate(box, next(accounts), tmp_path, "crowd") as ground:
        async with crowd(ground, drawn()) as many:
            await one_of_fifty_copies(many)
            sent = [box.tenant.deliver(ground.mailbox, mail(f"Crowd-{one}")) for one in range(number - twins)]
            bodies = many.bodies(sent, twins)
            announcing = asyncio.gather(*(many.announce_all(bodies) for _ in range(_POSTS_AT_ONCE)))
            await until(lambda: ground.has_ended(len(sent) // 3), patience, many.alive[0], _BETWEEN_LOOKS)
            dying = many.alive.pop()
            await dying.kill()
            await announcing
            everything = len(sent) + 1
            await until(
                lambda: ground.all_done_or_claimed(everything), patience, many.alive[0], _BETWEEN_LOOKS
            )
        print(f"{await ground.number_claimed()} mails were left claimed")
        await ground.heal(everything)

        assert await ground.faults(everything) == []


async def one_of_fifty_copies(many: Crowd) -> None:
    """Fifty copies of one notification at the same moment: one object, and no other was ever made."""
    ground = many.ground
    delivered = ground.box.tenant.deliver(ground.mailbox, mail("Copies-50"))
    await asyncio.gather(*(many.announce(many.item(delivered)) for _ in range(COPIES)))
    await until(lambda: ground.all_ended(1), 60.0, many.alive[0])

    assert await ground.faults(1) == []
    assert ground.twins() == 0
