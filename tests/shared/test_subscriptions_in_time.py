"""Three weeks of subscriptions at the sandbox's Graph, whose clock is the app's."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from sandbox.box import Sandbox
from sandbox.pki import Authority
from sandbox.serving import serve
from sandbox.tenant.graph import Notifier, Tenant, application
from sandbox.tenant.graph.subscriptions import Subscription
from shared.graph.client import GraphClient
from shared.graph.subscriptions import SubscriptionClient
from shared.notification import Care, items_in, judge
from shared.queue_messages import LifecycleEvent
from shared.services import Services
from shared.subscription_plan import Watched, watched_by
from shared.subscriptions import NOTIFICATION_KEY, Subscriptions
from shared.tracing import traceparent

from .accounts import Stores
from .clock import FakeClock
from .graph.stub import FixedToken, settings_of
from .made import source

pytestmark = pytest.mark.anyio
APP_ID = "5c1d9b0e-5b1a-4f6e-9b1c-0d5c7f1d2a3b"
HOURS = 8
SOURCES = [
    source("invoices", folders=("inbox", "archive", "sentitems", "drafts", "junkemail")),
    source("orders"),
]


@dataclass
class App:
    """The app: its webhook takes lifecycle events while it is up, and works on them at the next timer."""

    keys: list[str]
    clock: FakeClock
    subscriptions: Subscriptions = field(init=False)
    up: bool = True
    cares: list[Care] = field(default_factory=list)
    sweeps: list[str] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        token = request.query.get("validationToken")
        if token is not None:
            return web.Response(text=token, status=200 if self.up else 503)
        if self.up:
            items, names = items_in(await request.read()), {one.name for one in SOURCES}
            self.cares += judge(items, self.keys, names, self.clock.now()).cares
        self.came.set()
        return web.Response(status=202 if self.up else 503)

    async def sweep(self, name: str) -> None:
        self.sweeps.append(name)

    async def run(self) -> None:
        """What the queue has, twice and in any order, then the timer."""
        for care in random.Random(len(self.cares)).sample(self.cares * 2, len(self.cares) * 2):
            await self.subscriptions.care(
                LifecycleEvent(
                    source=care.source,
                    traceparent=traceparent(),
                    event=care.event,
                    subscription=care.subscription,
                )
            )
        self.cares.clear()
        await self.subscriptions.maintain()


@dataclass
class World:
    app: App
    tenant: Tenant
    clock: FakeClock

    def serving(self, watched: Watched) -> Subscription | None:
        folder = self.tenant.folder(watched.mailbox, watched.folder)
        now = self.clock.now()
        found = [one for one in self.tenant.subscriptions.live() if one.folder is folder]
        return next((one for one in found if one.silent_from is None or one.silent_from > now), None)

    def uncovered(self) -> set[str]:
        """The sources that would not be told of a mail in one of their folders."""
        return {one.source for one in watched_by(SOURCES) if self.serving(one) is None}

    async def happen(self, draw: random.Random) -> None:
        """What Graph does to a subscription at times, and what it says of it, but for the first."""
        known = self.tenant.subscriptions
        ways = (known.remove, known.withdraw, known.require_reauthorization, known.miss)
        chosen, live = draw.randrange(2 * len(ways)), known.live()
        if chosen >= len(ways) or not live:
            return
        self.app.came.clear()
        ways[chosen](draw.choice(live))
        if chosen > 0:
            async with asyncio.timeout(5):
                await self.app.came.wait()


@pytest.fixture
async def world(
    box: Sandbox, authority: Authority, stores: Stores, services: Services, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[World]:
    tenant = Tenant(tmp_path / "mail", box.tenant_id, now=clock.now)
    for one in SOURCES:
        tenant.add_mailbox(one.mailbox)
    # What is refused is not sent again: the app is down for longer than four hours.
    notify = Notifier(ssl.create_default_context(cafile=str(authority.bundle)), give_up_after=0)
    audience = "https://graph.example"
    site = application(tenant, box.issuer, audience=audience, notify=notify)
    graph = await serve(site, context=authority.server_context())
    token = box.issuer.issue(APP_ID, audience, ["Mail.Read"], timedelta(minutes=30))
    client = GraphClient(settings_of(graph.origin), FixedToken(token))
    app = App([one.value for one in await services.secrets.versions(NOTIFICATION_KEY)], clock)
    endpoint = web.Application()
    endpoint.router.add_post("/{path:.*}", app.handle)
    served = await serve(endpoint, context=None)
    app.subscriptions = Subscriptions(
        {one.name: one for one in SOURCES},
        SubscriptionClient(client),
        stores.register,
        services.secrets,
        (f"{served.origin}/notifications", f"{served.origin}/lifecycle"),
        clock,
        app.sweep,
    )
    yield World(app, tenant, clock)
    await client.close()
    await graph.close()
    await served.close()


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_gap_is_followed_by_a_sweep_of_its_source(world: World, seed: int) -> None:
    """The app is down for a day and for eight; Graph withdraws, silences and loses subscriptions."""
    draw = random.Random(seed)
    app, gaps = world.app, 0
    for step in range(21 * 24 // HOURS):
        app.up = not (12 <= step < 15 or 27 <= step < 51)
        await world.happen(draw)
        world.clock.advance(hours=HOURS)
        before = world.uncovered()
        app.sweeps.clear()
        if app.up:
            await app.run()
            after = world.uncovered()
            assert before - after <= set(app.sweeps)
            # What still is uncovered lives, and nobody told the app that it is silent.
            assert len(world.tenant.subscriptions.live()) == 6
            gaps += len(before - after)
    assert gaps > 3
    registered = {row.subscription for row in await app.subscriptions.register.rows()}
    assert registered == {one.id for one in world.tenant.subscriptions.live()}
