"""The app with RBAC for Applications: its token has no roles, and Exchange decides by mailbox.

In one process: Graph is the sandbox's, as are its refusals.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from aiohttp import web

from sandbox.box import Sandbox
from sandbox.serving import serve
from sandbox.tenant.graph.exchange import Exchange
from shared.breaker import Breaker, BreakerKey
from shared.configuration import Source
from shared.errors import ConfigurationFault
from shared.graph.client import GraphClient
from shared.graph.subscriptions import SubscriptionClient
from shared.identities import filing_key
from shared.queue_messages import MAIL_ARRIVED
from shared.services import Services
from shared.subscriptions import Subscriptions

from .accounts import Stores
from .graph.samples import mail
from .graph.stub import FixedToken
from .made import arrived, source, unique_name
from .sweep_ground import Ground, Worker

pytestmark = pytest.mark.anyio
READ, WRITE = "Application Mail.Read", "Application Mail.ReadWrite"


@dataclass
class Scoped:
    """The app without a role for the whole tenant, a source on a mailbox, and one on another mailbox."""

    ground: Ground
    graph: GraphClient
    app_id: str
    outside: Source
    addresses: tuple[str, str] = ("http://127.0.0.1:1/notifications", "http://127.0.0.1:1/lifecycle")

    @property
    def exchange(self) -> Exchange:
        return self.ground.box.tenant.exchange

    def worker(self) -> Worker:
        """One that has both sources."""
        worker = self.ground.worker()
        sources = {one.name: one for one in (self.ground.source, self.outside)}
        worker.services.sources = worker.services.watched = sources
        return worker

    async def begun(self) -> Worker:
        """What comes from now on is filed."""
        worker = await self.ground.sweep(self.worker())
        self.ground.clock.advance(hours=1)
        return worker

    async def shut(self) -> dict[BreakerKey, Breaker]:
        """What is held or open."""
        return {key: one for key, one in (await self.ground.breakers.read_all()).items() if one.is_shut}

    def subscriptions(self, stores: Stores) -> Subscriptions:
        """The app's own, at Graph."""
        services = self.ground.base
        sources = {self.ground.name: self.ground.source}
        client = SubscriptionClient(self.graph)
        clock = self.ground.clock
        return Subscriptions(sources, client, stores.register, services.secrets, self.addresses, clock)


@pytest.fixture
async def scoped(box: Sandbox, services: Services, ground: Ground) -> AsyncIterator[Scoped]:
    app_id, audience = str(uuid.uuid4()), box.addresses.graph.removesuffix("/v1.0")
    token = box.issuer.issue(app_id, audience, [], timedelta(hours=1))
    graph = GraphClient(services.settings.graph, FixedToken(token))
    services.__dict__["graph"] = graph
    outside = source(unique_name("outside"))
    box.tenant.add_mailbox(outside.mailbox)
    yield Scoped(ground, graph, app_id, outside)
    await graph.close()


@pytest.fixture
def subscribing(scoped: Scoped) -> Iterator[None]:
    """Graph makes subscriptions with a scoped role alone."""
    scoped.exchange.subscribes_with_scope = True
    yield
    scoped.exchange.subscribes_with_scope = False


async def test_mail_of_a_mailbox_in_the_scope_is_filed_and_marked(scoped: Scoped) -> None:
    ground = scoped.ground
    scoped.exchange.scope(scoped.app_id, READ, [ground.mailbox])
    scoped.exchange.scope(scoped.app_id, WRITE, [ground.mailbox])
    ground.configure(after={"read": True})
    await scoped.begun()
    message = ground.deliver()
    await ground.queues.send(MAIL_ARRIVED, arrived(ground.name, message))

    await ground.settle(scoped.worker())

    assert await ground.states_of([message]) == ["filed"]
    found = ground.box.tenant.mailbox(ground.mailbox).message(message)
    assert found is not None
    assert found.is_read
    assert await scoped.shut() == {}


async def test_a_mailbox_outside_the_scope_holds_its_own_source_and_no_other(scoped: Scoped) -> None:
    """What is held says what an administrator needs; in the scope, at last, its mail is filed."""
    ground, name, mailbox = scoped.ground, scoped.outside.name, scoped.outside.mailbox
    scoped.exchange.scope(scoped.app_id, READ, [ground.mailbox])
    await scoped.begun()
    inside = [ground.deliver() for _ in range(2)]
    out = [ground.box.tenant.deliver(mailbox, mail(f"Out {number}")).immutable_id for number in range(2)]
    for one in inside:
        await ground.queues.send(MAIL_ARRIVED, arrived(ground.name, one))
    for one in out:
        await ground.queues.send(MAIL_ARRIVED, arrived(name, one))

    await scoped.worker().run()

    assert await ground.states_of(inside) == ["filed"] * 2
    shut = await scoped.shut()
    assert list(shut) == [BreakerKey("source", name, "staging")]
    (hold,) = shut.values()
    assert hold.reason == f"mailbox {mailbox}: Graph answered 403 ErrorAccessDenied."
    for way in (
        "in a scope",
        "infra/exchange",
        "Test-ServicePrincipalAuthorization",
        "whole tenant",
        "2 hours",
    ):
        assert way in hold.remedy

    scoped.exchange.scope(scoped.app_id, READ, [mailbox])
    await ground.settle(scoped.worker())

    assert await scoped.shut() == {}
    rows = [await ground.journal.read(name, filing_key(name, one)) for one in out]
    assert [row.state for row in rows if row is not None] == ["filed"] * 2


async def test_without_the_scoped_role_to_write_mail_is_filed_and_waits_to_be_marked(scoped: Scoped) -> None:
    ground = scoped.ground
    scoped.exchange.scope(scoped.app_id, READ, [ground.mailbox])
    ground.configure(after={"read": True})
    await scoped.begun()
    message = ground.deliver()
    await ground.queues.send(MAIL_ARRIVED, arrived(ground.name, message))

    await scoped.worker().run()

    assert await ground.states_of([message]) == ["filed"]
    shut = await scoped.shut()
    assert list(shut) == [BreakerKey("source", ground.name, "mailbox")]
    (hold,) = shut.values()
    assert "Mail.ReadWrite beside Mail.Read, in a scope" in hold.remedy


async def test_where_graph_makes_no_subscription_with_a_scope_the_sweep_files_all_and_nothing_is_held(
    scoped: Scoped, stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    ground = scoped.ground
    scoped.exchange.scope(scoped.app_id, READ, [ground.mailbox])
    worker = scoped.worker()
    worker.services.__dict__["subscriptions"] = scoped.subscriptions(stores)
    await ground.sweep(worker)
    ground.clock.advance(hours=1)
    messages = [ground.deliver() for _ in range(3)]

    await ground.sweep(worker)

    assert await ground.states_of(messages) == ["filed"] * 3
    assert await scoped.shut() == {}
    assert "403 ExtensionError: no subscription is made" in caplog.text


async def test_a_refused_subscription_is_told_with_what_an_administrator_needs(
    scoped: Scoped, stores: Stores
) -> None:
    scoped.exchange.scope(scoped.app_id, READ, [scoped.ground.mailbox])

    with pytest.raises(ConfigurationFault) as caught:
        await scoped.subscriptions(stores).maintain()

    assert caught.value.reason == "all mailboxes: Graph answered 403 ExtensionError: no subscription is made."
    for way in ("Mail.Read in a scope", "whole tenant", "the sweep", "ops.py permissions"):
        assert way in caught.value.remedy


@pytest.mark.usefixtures("subscribing")
async def test_where_graph_does_each_mailbox_in_the_scope_has_its_subscription(
    scoped: Scoped, stores: Stores
) -> None:
    """One outside is told, and does not stop the others."""
    scoped.exchange.scope(scoped.app_id, READ, [scoped.ground.mailbox])
    subscribed = scoped.ground.box.tenant.subscriptions

    async def handshake(request: web.Request) -> web.Response:
        return web.Response(text=request.query["validationToken"])

    site = web.Application()
    site.router.add_post("/{path:.*}", handshake)
    served = await serve(site, context=None)
    scoped.addresses = (f"{served.origin}/api/notifications", f"{served.origin}/api/lifecycle")
    work = scoped.subscriptions(stores)
    work.sources[scoped.outside.name] = scoped.outside  # type: ignore[index]
    try:
        with pytest.raises(ConfigurationFault) as caught:
            await work.maintain()
    finally:
        await served.close()

    assert caught.value.reason.startswith(f"mailbox {scoped.outside.mailbox}: ")
    (made,) = subscribed.of(scoped.app_id)
    assert made.mailbox.address == scoped.ground.mailbox
    subscribed.remove(made)
