"""Subscriptions at the sandbox's Graph: kept alive in time, and never a stranger's."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from msgspec import structs

from sandbox.box import Sandbox
from sandbox.faults import AnyFault
from sandbox.faults.fault import Commit, Cut, Latency, Status
from sandbox.serving import serve
from sandbox.tenant.graph.subscriptions import Subscription
from shared.configuration import Source
from shared.endpoint import Answer
from shared.errors import ConfigurationFault, Unavailable, VaultpostError
from shared.graph.client import GraphClient
from shared.graph.faults import NotFound, Refused
from shared.graph.subscriptions import Creation, Named, SubscriptionClient
from shared.identities import client_state, proven_source
from shared.progress import Progress
from shared.queue_messages import MAIL_ARRIVED, Event, LifecycleEvent
from shared.secret_cache import KEPT_FOR
from shared.services import Services
from shared.subscription_plan import LIFETIME, Registered
from shared.subscription_register import SubscriptionRegister
from shared.subscriptions import Found, Subscriptions, as_configured
from shared.tracing import traceparent
from shared.webhook import Webhook

from .accounts import Stores
from .clock import FakeClock
from .graph.stub import FixedToken, settings_of
from .key_vault import KeyVault
from .made import source, unique_name

pytestmark = pytest.mark.anyio
MINUTE = timedelta(minutes=1)


@dataclass
class Endpoint:
    """Answers Graph's handshake; `wrong` makes it say another token."""

    origin: str = ""
    asked: list[str] = field(default_factory=list)
    wrong: bool = False

    @property
    def addresses(self) -> tuple[str, str]:
        return self.addresses_below("api")

    def addresses_below(self, base: str) -> tuple[str, str]:
        return f"{self.origin}/{base}/notifications", f"{self.origin}/{base}/lifecycle"

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return web.Response(text="x" if self.wrong else request.query.get("validationToken", ""))


@dataclass
class World:
    """Two sources with mailboxes of their own, in an app registration that nobody else uses."""

    box: Sandbox
    app_id: str
    graph: GraphClient
    endpoint: Endpoint
    stores: Stores
    clock: FakeClock
    service_clock: FakeClock
    key: str
    sources: list[Source]
    sweeps: list[str]
    subscriptions: Subscriptions

    @property
    def first(self) -> Source:
        return self.sources[0]

    def live(self, app_id: str | None = None) -> list[Subscription]:
        """What Graph has for the app registration."""
        return self.box.tenant.subscriptions.of(app_id or self.app_id)

    async def registered(self) -> set[str]:
        """The ids that the app has noted."""
        return {row.subscription for row in await self.stores.register.rows()}

    def of(self, one: Source) -> list[Subscription]:
        mailbox = self.box.tenant.mailbox(one.mailbox)
        return [each for each in self.live() if each.mailbox is mailbox]

    def watching(self, *sources: Source) -> Subscriptions:
        """The same for other sources."""
        return replace(self.subscriptions, sources={one.name: one for one in sources})

    async def care(self, event: Event, subscription: str, name: str | None = None) -> None:
        await self.subscriptions.care(
            LifecycleEvent(
                source=name or self.first.name,
                traceparent=traceparent(),
                event=event,
                subscription=subscription,
            )
        )

    async def strange(
        self, one: Source, app_id: str | None = None, base: str = "other", mailbox: str | None = None
    ) -> Subscription:
        """A subscription that is not on record; ours have the base `api`."""
        graph = client(self.box, app_id or self.app_id)
        made = await SubscriptionClient(graph).create(
            Creation(
                one.mailbox,
                f"users/{mailbox or one.mailbox}/mailFolders('inbox')/messages",
                self.endpoint.addresses_below(base),
                "a stranger",
                datetime.now(UTC) + timedelta(hours=1),
            )
        )
        await graph.close()
        return self.box.tenant.subscriptions.get(app_id or self.app_id, made.id)


def client(box: Sandbox, app_id: str, *roles: str) -> GraphClient:
    """The app's client, as one app registration with these roles or what it needs."""
    origin = box.addresses.graph.removesuffix("/v1.0")
    token = box.issuer.issue(app_id, origin, roles or ["Mail.Read"], timedelta(minutes=30))
    return GraphClient(settings_of(origin), FixedToken(token))


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    made = Endpoint()
    site = web.Application()
    site.router.add_post("/{path:.*}", made.handle)
    served = await serve(site, context=None)
    made.origin = served.origin
    yield made
    await served.close()


@pytest.fixture
async def world(
    box: Sandbox,
    services: Services,
    key_vault: KeyVault,
    stores: Stores,
    endpoint: Endpoint,
    clock: FakeClock,
) -> AsyncIterator[World]:
    """Its time is behind Graph's by more than half a life, so that it can be moved on by as much."""
    service_clock, clock = clock, FakeClock(datetime.now(UTC) - LIFETIME * 6 / 10)
    sources = [source(unique_name(stem)) for stem in ("one", "two")]
    for one in sources:
        box.tenant.add_mailbox(one.mailbox)
    key = key_vault.secrets.get("notification-key")
    assert key is not None
    app_id = str(uuid.uuid4())
    graph = client(box, app_id)
    sweeps: list[str] = []

    async def sweep(name: str) -> None:
        sweeps.append(name)

    subscriptions = Subscriptions(
        {one.name: one for one in sources},
        SubscriptionClient(graph),
        stores.register,
        services.secrets,
        endpoint.addresses,
        clock,
        sweep,
    )
    yield World(
        box, app_id, graph, endpoint, stores, clock, service_clock, key.value, sources, sweeps, subscriptions
    )
    box.faults.graph.clear()
    for left in box.tenant.subscriptions.of(app_id):
        box.tenant.subscriptions.remove(left)
    await graph.close()


async def test_each_inbox_is_subscribed_with_all_that_notifications_need(world: World) -> None:
    await world.subscriptions.maintain()

    assert len(world.live()) == 2
    for one in world.sources:
        (made,) = world.of(one)
        assert made.folder is not None
        assert made.folder.well_known == "inbox"
        assert made.change_type == "created"
        assert made.immutable_ids is True
        assert (made.notification_url, made.lifecycle_url) == world.endpoint.addresses
        assert made.client_state == client_state(one.name, world.key)
        assert abs(made.expires - (world.clock.now() + LIFETIME)) < timedelta(milliseconds=1)
        assert made.tls_version == "v1_2"
    assert await world.registered() == {one.id for one in world.live()}
    assert world.endpoint.asked == ["/api/notifications", "/api/lifecycle"] * 2


async def test_every_folder_of_a_source_is_subscribed(world: World) -> None:
    """A well-known name in any case, or an id, in which the case counts."""
    scans = world.box.tenant.add_folder(world.first.mailbox, "inbox/Scans")
    both = source(
        world.first.name, mailbox=world.first.mailbox.upper(), folders=["Inbox", "SentItems", scans.id]
    )

    for _ in range(2):
        await world.watching(both).maintain()

    folders = {made.folder.name for made in world.live() if made.folder}
    assert folders == {"Inbox", "Sent Items", "Scans"}
    assert len(world.live()) == 3


async def test_a_second_round_does_nothing(world: World) -> None:
    await world.subscriptions.maintain()
    before = [(made.id, made.expires) for made in world.live()]
    world.clock.advance(hours=1)

    await world.subscriptions.maintain()

    assert [(made.id, made.expires) for made in world.live()] == before
    assert len(world.endpoint.asked) == 4


async def test_a_subscription_is_renewed_when_less_than_half_its_life_is_left(world: World) -> None:
    """Half a life is three days: time for an outage, and for the operator."""
    await world.subscriptions.maintain()
    before = {made.id: made.expires for made in world.live()}
    world.clock.advance(seconds=(LIFETIME / 2 - MINUTE).total_seconds())
    await world.subscriptions.maintain()
    assert {made.id: made.expires for made in world.live()} == before

    world.clock.advance(minutes=2)
    await world.subscriptions.maintain()

    assert {made.id for made in world.live()} == before.keys()
    for made in world.live():
        assert abs(made.expires - (world.clock.now() + LIFETIME)) < timedelta(milliseconds=1)
    assert len(world.endpoint.asked) == 4


async def test_one_that_is_gone_is_made_anew(world: World) -> None:
    await world.subscriptions.maintain()
    (gone,) = world.of(world.first)
    world.box.tenant.subscriptions.remove(gone)

    await world.subscriptions.maintain()

    (made,) = world.of(world.first)
    assert made.id != gone.id
    assert await world.registered() == {one.id for one in world.live()}


async def test_a_source_that_fails_does_not_stop_the_others(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Its fault comes at the end, so that the timer's run counts as failed."""
    unknown = source("unknown", mailbox="nobody@example.com")

    with pytest.raises(NotFound, match="ErrorInvalidUser"):
        await world.watching(unknown, *world.sources).maintain()

    assert [len(world.of(one)) for one in world.sources] == [1, 1]
    (failure,) = [one for one in caplog.records if getattr(one, "event", "") == "subscription-failed"]
    facts = vars(failure)["facts"]
    assert (facts["source"], facts["folder"]) == ("unknown", "inbox")


async def test_a_renewal_that_fails_does_not_stop_the_others(world: World) -> None:
    await world.subscriptions.maintain()
    world.clock.advance(seconds=(LIFETIME / 2 + MINUTE).total_seconds())
    (late,) = world.of(world.sources[1])

    class Failing(SubscriptionClient):
        async def renew(self, named: Named, until: datetime) -> Any:
            if named.mailbox == world.first.mailbox:
                raise Unavailable("Graph answered 503")
            return await super().renew(named, until)

    before = late.expires
    with pytest.raises(Unavailable):
        await replace(world.subscriptions, client=Failing(world.graph)).maintain()

    assert late.expires > before


async def test_an_endpoint_that_fails_the_handshake_is_told_with_graphs_own_words(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.endpoint.wrong = True

    with pytest.raises(Refused, match="400 ValidationError"):
        await world.subscriptions.maintain()

    assert world.live() == []
    assert await world.registered() == set()
    assert "Response must exactly match validationToken" in caplog.text


async def test_a_strangers_subscription_is_never_touched(world: World) -> None:
    """Neither another app's on our folder, nor our registration's on a mailbox of others."""
    elsewhere = source(unique_name("elsewhere"))
    world.box.tenant.add_mailbox(elsewhere.mailbox)
    other_app = await world.strange(world.first, str(uuid.uuid4()))
    same_app = await world.strange(elsewhere)
    before = [(one.id, one.expires, one.notification_url) for one in (other_app, same_app)]

    for _ in range(2):
        await world.subscriptions.maintain()
        world.clock.advance(seconds=(LIFETIME / 2 + MINUTE).total_seconds())

    assert [(one.id, one.expires, one.notification_url) for one in (other_app, same_app)] == before
    assert other_app in world.live(other_app.app_id)
    assert same_app in world.live()
    assert len(world.of(world.first)) == 1
    world.box.tenant.subscriptions.remove(other_app)


@pytest.mark.parametrize("spelling", ["address", "object id"])
async def test_a_stranger_of_the_same_registration_on_our_folder_is_a_fault_not_a_victim(
    world: World, spelling: str
) -> None:
    """Only what is on record, or has our addresses, is ours: another installation may live by it."""
    object_id = world.box.tenant.mailbox(world.first.mailbox).id
    stranger = await world.strange(world.first, mailbox=object_id if spelling == "object id" else None)
    before = stranger.expires

    with pytest.raises(ConfigurationFault, match=rf"{world.first.name}.*{stranger.id}.*Delete it"):
        await world.subscriptions.maintain()

    assert world.of(world.first) == [stranger]
    assert stranger.expires == before
    assert len(world.of(world.sources[1])) == 1


async def test_another_sources_subscription_of_our_folder_is_not_taken_from_it(world: World) -> None:
    await world.subscriptions.maintain()
    (theirs,) = world.of(world.first)
    renamed = source("renamed", mailbox=world.first.mailbox)

    with pytest.raises(ConfigurationFault, match=rf"renamed.*{theirs.id}"):
        await world.watching(renamed).maintain()

    assert world.of(world.first) == [theirs]


@pytest.mark.parametrize("spelling", ["address", "object id"])
async def test_one_of_ours_whose_creation_was_never_answered_is_made_anew(
    world: World, spelling: str
) -> None:
    """It is known by both addresses; its client state is not known, so it can't be kept."""
    object_id = world.box.tenant.mailbox(world.first.mailbox).id
    lost = await world.strange(
        world.first, base="api", mailbox=object_id if spelling == "object id" else None
    )

    await world.subscriptions.maintain()

    (made,) = world.of(world.first)
    assert made.id != lost.id
    assert made.client_state == client_state(world.first.name, world.key)
    assert await world.registered() == {one.id for one in world.live()}


async def test_a_creation_that_could_not_be_noted_is_made_good_in_the_next_round(
    world: World, down: Stores
) -> None:
    class Forgetful(SubscriptionRegister):
        async def add(self, row: Registered) -> None:
            await down.register.add(row)

    forgetful = Forgetful(world.stores.tables)
    with pytest.raises(Unavailable):
        await replace(world.subscriptions, register=forgetful).maintain()
    lost = {one.id for one in world.live()}

    await world.subscriptions.maintain()

    assert len(lost) == len(world.live()) == 2
    assert await world.registered() == {one.id for one in world.live()}
    assert not lost & await world.registered()


async def test_a_mailbox_that_is_named_otherwise_keeps_its_one_subscription(world: World) -> None:
    await world.subscriptions.maintain()
    (former,) = world.of(world.first)
    by_id = source(world.first.name, mailbox=world.box.tenant.mailbox(world.first.mailbox).id)

    for _ in range(2):
        await world.watching(by_id).maintain()

    (made,) = world.of(world.first)
    assert made.id != former.id
    assert by_id.mailbox in made.resource


async def test_two_workers_at_once_end_with_one_subscription_of_each_folder(world: World) -> None:
    await asyncio.gather(*(world.subscriptions.maintain() for _ in range(3)), return_exceptions=True)

    await world.subscriptions.maintain()

    assert [len(world.of(one)) for one in world.sources] == [1, 1]
    assert await world.registered() == {one.id for one in world.live()}


async def test_a_new_version_of_the_key_replaces_every_subscription(
    world: World, key_vault: KeyVault, clock: FakeClock, services: Services
) -> None:
    """What is under way with the former version is still proven."""
    await world.subscriptions.maintain()
    former = {one.id for one in world.live()}
    key_vault.secrets.set("notification-key", "a new key")
    clock.advance(seconds=KEPT_FOR)

    for _ in range(2):
        await world.subscriptions.maintain()

    assert not former & {one.id for one in world.live()}
    assert [[made.client_state for made in world.of(one)] for one in world.sources] == [
        [client_state(one.name, "a new key")] for one in world.sources
    ]
    assert await world.registered() == {one.id for one in world.live()}
    assert len(world.endpoint.asked) == 8
    keys = [one.value for one in await services.secrets.versions("notification-key")]
    assert keys == ["a new key", world.key]
    assert proven_source(client_state(world.first.name, world.key), keys) == world.first.name


async def test_the_first_notification_after_a_change_of_the_key_is_queued(
    world: World, key_vault: KeyVault, services: Services
) -> None:
    """Another worker has made the subscription: this one still keeps the former key alone."""
    sources = {one.name: one for one in world.sources}
    progress = Progress(world.clock.monotonic)
    webhook = Webhook(sources, world.stores.queues, services.secrets, world.clock, progress)
    assert [one.value for one in await services.secrets.versions("notification-key")] == [world.key]
    key_vault.secrets.set("notification-key", "a new key")
    states = [client_state(world.first.name, key) for key in ("a new key", world.key, "a forged key")]
    items = [
        {"clientState": state, "changeType": "created", "resourceData": {"id": f"AAA{number}"}}
        for number, state in enumerate(states)
    ]

    answers = [await webhook.take(json.dumps({"value": [item]}).encode()) for item in items]

    assert answers == [Answer.QUEUED] * 3
    found = sorted(one["message"] for one in await world.stores.visible(MAIL_ARRIVED))
    assert found == ["AAA0", "AAA1"]
    assert key_vault.reads["notification-key/versions"] == 2


async def test_a_worker_with_an_older_key_does_not_undo_what_another_one_made(
    world: World, key_vault: KeyVault
) -> None:
    """The row names a version that it does not know: it reads the key anew."""
    await world.subscriptions.maintain()
    newer = key_vault.secrets.set("notification-key", "a new key")
    for row in await world.stores.register.rows():
        await world.stores.register.add(replace(row, key_version=newer.version))
    before = {one.id for one in world.live()}

    await world.subscriptions.maintain()

    assert {one.id for one in world.live()} == before


async def test_a_new_address_replaces_every_subscription(world: World) -> None:
    await world.subscriptions.maintain()
    former = {one.id for one in world.live()}
    addresses = world.endpoint.addresses_below("new")

    for _ in range(2):
        await replace(world.subscriptions, addresses=addresses).maintain()

    assert not former & {one.id for one in world.live()}
    assert {(one.notification_url, one.lifecycle_url) for one in world.live()} == {addresses}
    assert len(world.live()) == 2
    assert await world.registered() == {one.id for one in world.live()}


async def test_one_that_is_gone_before_its_renewal_is_made_anew_at_once(world: World) -> None:
    """Graph's list may be behind: a subscription in it can be gone."""
    await world.subscriptions.maintain()
    world.clock.advance(seconds=(LIFETIME / 2 + MINUTE).total_seconds())
    (gone,) = world.of(world.first)

    class Behind(SubscriptionClient):
        async def all(self) -> list[Any]:
            listed = await super().all()
            world.box.tenant.subscriptions.remove(gone)
            return listed

    await replace(world.subscriptions, client=Behind(world.graph)).maintain()

    (made,) = world.of(world.first)
    assert made.id != gone.id
    assert await world.registered() == {one.id for one in world.live()}


async def test_where_graph_does_not_let_one_be_asked_for_its_list_tells_what_lives(world: World) -> None:
    """As of a mailbox that the source had before, and that the app may read no longer."""
    await world.subscriptions.maintain()
    before = [(made.id, made.expires) for made in world.live()]
    refused = world.box.faults.graph.add(Status(403, route=r"GET /v1\.0/subscriptions/"))
    listings = world.box.faults.graph.add(Latency(0, route=r"GET /v1\.0/subscriptions$"))

    await world.care("missed", before[0][0])

    assert (refused.struck, listings.struck) == (1, 1)
    assert [(made.id, made.expires) for made in world.live()] == before


async def test_while_graph_does_not_tell_what_lives_nothing_of_a_source_is_made_anew(world: World) -> None:
    await world.subscriptions.maintain()
    before, asked = await world.registered(), len(world.endpoint.asked)
    world.box.faults.graph.add(Status(503, route=r"GET /v1\.0/subscriptions/"))

    with pytest.raises(Unavailable):
        await world.subscriptions.maintain_source(world.first.name)

    assert await world.registered() == before
    assert len(world.endpoint.asked) == asked


async def test_many_folders_of_a_source_are_asked_for_in_a_batch(world: World) -> None:
    """Of six one is gone: it alone is made anew."""
    watching = world.watching(source(world.first.name, folders=MANY))
    await watching.maintain()
    gone, *others = world.live()
    world.box.tenant.subscriptions.remove(gone)
    batches = world.box.faults.graph.add(Latency(0, route=r"POST /v1\.0/\$batch"))

    await watching.maintain_source(world.first.name)

    assert batches.struck == 1
    assert {one.id for one in others} < {one.id for one in world.live()} == await world.registered()
    assert {one.folder for one in world.live()} == {one.folder for one in (gone, *others)}


async def test_what_is_made_beside_a_creation_that_was_never_answered_is_not_taken_for_such(
    world: World,
) -> None:
    """They are sent together. Another source on the same mailbox by its object id may not take it either."""
    lost = await world.strange(world.first, base="api")
    second = world.sources[1]
    third = source(unique_name("three"), mailbox=world.box.tenant.mailbox(second.mailbox).id)

    with pytest.raises(ConfigurationFault, match=third.name):
        await world.watching(*world.sources, third).maintain()

    assert lost not in world.live()
    assert [len(world.of(one)) for one in world.sources] == [1, 1]
    (made,) = world.of(second)
    assert made.client_state == client_state(second.name, world.key)
    assert await world.registered() == {one.id for one in world.live()}


async def test_what_is_no_longer_configured_is_deleted(world: World) -> None:
    """Only what is on record: a stranger's on the same mailbox stays."""
    await world.subscriptions.maintain()
    (mine,) = world.of(world.first)
    stranger = await world.strange(world.sources[1], str(uuid.uuid4()))

    await world.watching(world.first).maintain()

    assert world.live() == [mine]
    assert await world.registered() == {mine.id}
    assert world.live(stranger.app_id) == [stranger]
    world.box.tenant.subscriptions.remove(stranger)


async def test_without_key_table_or_list_nothing_is_made(
    world: World, key_vault: KeyVault, down: Stores
) -> None:
    """Whoever does not know what is there would make everything twice."""
    with pytest.raises(Unavailable):
        await replace(world.subscriptions, register=down.register).maintain()
    key_vault.status = 403
    with pytest.raises(Unavailable):
        await world.subscriptions.maintain()

    assert world.live() == []
    assert world.endpoint.asked == []


async def test_without_the_permission_it_is_a_fault_of_the_configuration(world: World) -> None:
    graph = client(world.box, world.app_id, "Mail.ReadBasic.All")

    with pytest.raises(ConfigurationFault, match=r"Mail\.Read"):
        await replace(world.subscriptions, client=SubscriptionClient(graph)).maintain()
    await graph.close()


async def test_reauthorization_renews_at_once(world: World) -> None:
    """A renewal reauthorises, too, however much life is left; the others' are left alone."""
    await world.subscriptions.maintain()
    (mine,), (other,) = (world.of(one) for one in world.sources)
    before = other.expires
    world.clock.advance(hours=1)

    await world.care("reauthorizationRequired", mine.id)

    assert abs(mine.expires - (world.clock.now() + LIFETIME)) < timedelta(milliseconds=1)
    assert other.expires == before


async def test_reauthorization_of_one_that_is_gone_makes_it_anew(world: World) -> None:
    await world.subscriptions.maintain()
    (gone,) = world.of(world.first)
    world.box.tenant.subscriptions.remove(gone)

    await world.care("reauthorizationRequired", gone.id)

    (made,) = world.of(world.first)
    assert made.id != gone.id


async def test_one_that_was_removed_is_made_anew_for_its_source_only(world: World) -> None:
    await world.subscriptions.maintain()
    for gone in world.live():
        world.box.tenant.subscriptions.remove(gone)

    await world.care("subscriptionRemoved", gone.id, world.sources[1].name)

    assert [len(world.of(one)) for one in world.sources] == [0, 1]


async def test_missed_notifications_leave_a_living_subscription_as_it_is(world: World) -> None:
    await world.subscriptions.maintain()
    before = [(made.id, made.expires) for made in world.live()]

    await world.care("missed", before[0][0])

    assert [(made.id, made.expires) for made in world.live()] == before


async def test_one_that_was_removed_though_it_is_still_listed_is_made_anew(world: World) -> None:
    await world.subscriptions.maintain()
    (told,) = world.of(world.first)

    await world.care("subscriptionRemoved", told.id)

    (made,) = world.of(world.first)
    assert made.id != told.id
    assert await world.registered() == {one.id for one in world.live()}


EVENTS = pytest.mark.parametrize("event", ["missed", "subscriptionRemoved", "reauthorizationRequired"])


@EVENTS
async def test_events_of_strangers_and_of_unknown_sources_touch_nothing(
    world: World, event: Event, caplog: pytest.LogCaptureFixture
) -> None:
    """A client state proves the source, not the subscription."""
    await world.subscriptions.maintain()
    (mine,), (other,) = (world.of(one) for one in world.sources)
    before = [(made.id, made.expires) for made in world.live()]
    noted = await world.registered()
    world.clock.advance(hours=1)
    asked = len(world.endpoint.asked)

    await world.care(event, str(uuid.uuid4()))
    await world.care(event, other.id)
    await world.care(event, mine.id, "vanished")

    assert [(made.id, made.expires) for made in world.live()] == before
    assert await world.registered() == noted
    assert len(world.endpoint.asked) == asked
    events = [getattr(one, "event", "") for one in caplog.records]
    assert events.count("lifecycle-of-stranger") == 1


@EVENTS
async def test_an_event_of_an_unknown_subscription_still_has_its_source_looked_after(
    world: World, event: Event
) -> None:
    await world.care(event, str(uuid.uuid4()))

    assert [len(world.of(one)) for one in world.sources] == [1, 0]


async def test_whatever_begins_or_goes_on_is_followed_by_a_sweep_of_its_source(world: World) -> None:
    """A subscription never says what it did not announce."""
    both = [one.name for one in world.sources]
    await world.subscriptions.maintain()
    assert sorted(world.sweeps) == sorted(both)

    world.clock.advance(hours=1)
    await world.subscriptions.maintain()
    assert len(world.sweeps) == 2

    world.box.tenant.subscriptions.remove(world.of(world.first)[0])
    await world.subscriptions.maintain()
    assert world.sweeps[2:] == [world.first.name]

    world.clock.advance(seconds=(LIFETIME / 2 + MINUTE).total_seconds())
    await world.subscriptions.maintain()
    assert sorted(world.sweeps[3:]) == sorted(both)


async def test_a_source_of_many_folders_is_swept_once(world: World) -> None:
    many = source(world.first.name, folders=("inbox", "archive", "sentitems"))

    await world.watching(many).maintain()

    assert len(world.live()) == 3
    assert world.sweeps == [world.first.name]


async def test_however_many_batches_it_takes_a_source_is_swept_once_when_the_last_of_them_lives(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then all are on record as due, so that a round that dies before is made good by the next one."""
    monkeypatch.setattr("shared.subscription_round.LARGEST_BATCH", 2)
    subscriptions = world.watching(source(world.first.name, folders=MANY), world.sources[1])
    seen: list[tuple[str, int, int]] = []

    async def look(name: str) -> None:
        rows = [row for row in await world.stores.register.rows() if row.source == name]
        due = [row for row in rows if row.until is None or row.until <= world.clock.now() + LIFETIME / 2]
        seen.append((name, len(rows), len(due)))

    watching = replace(subscriptions, on_missed=look)
    await watching.maintain()
    world.clock.advance(seconds=(LIFETIME / 2 + MINUTE).total_seconds())
    await watching.maintain()

    assert sorted(seen[:2]) == sorted([(world.first.name, 6, 6), (world.sources[1].name, 1, 1)])
    assert sorted(seen[2:]) == sorted(seen[:2])
    assert all(row.until and row.until > world.clock.now() for row in await world.stores.register.rows())


async def test_where_a_round_breaks_off_what_was_done_is_swept_and_noted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.subscriptions.maintain()
    world.sweeps.clear()
    for gone in world.of(world.first):
        world.box.tenant.subscriptions.remove(gone)

    async def down(source: str, subscription: str) -> None:
        raise Unavailable("the table is down")

    with monkeypatch.context() as patch:
        patch.setattr(world.stores.register, "remove", down)
        with pytest.raises(Unavailable, match="table"):
            await world.subscriptions.maintain()
    assert world.sweeps == [world.first.name]

    await world.subscriptions.maintain()

    assert world.sweeps == [world.first.name]


async def test_a_missing_folder_that_the_sweep_is_not_asked_for_leaves_the_others_subscribed(
    world: World,
) -> None:
    """It was asked for all others: were their ends not noted, each round would renew and sweep them again."""

    async def ordered_but_one(name: str) -> None:
        world.sweeps.append(name)
        raise MISSING

    watching = replace(world.watching(world.first), on_missed=ordered_but_one)
    with pytest.raises(ConfigurationFault, match="Scans"):
        await watching.maintain()
    world.clock.advance(hours=1)

    await watching.maintain()

    assert world.sweeps == [world.first.name]


MISSING = ConfigurationFault('there is no folder "inbox/Scans".', "Create it.")
STUMBLED = Unavailable("Graph answered 503", origin="graph")


class Finding:
    """The folders of sources, some of which are not found: those named in `lost`, by whose fault."""

    def __init__(self) -> None:
        self.lost: dict[str, VaultpostError] = {}

    async def __call__(self, one: Source) -> Found:
        watched, _ = await as_configured(one)
        faults = [self.lost[each.folder] for each in watched if each.folder in self.lost]
        return [each for each in watched if each.folder not in self.lost], faults


@pytest.mark.parametrize("fault", [MISSING, STUMBLED, NotFound("MailboxNotEnabledForRESTAPI")])
async def test_a_folder_that_is_not_found_stops_no_other(
    world: World, fault: VaultpostError, caplog: pytest.LogCaptureFixture
) -> None:
    finding = Finding()
    finding.lost["archive"] = fault
    both = source(world.first.name, folders=("archive", "inbox"))

    with pytest.raises(type(fault)) as raised:
        await replace(world.watching(both, world.sources[1]), watched=finding).maintain()

    assert raised.value is fault
    assert [len(world.of(one)) for one in world.sources] == [1, 1]
    assert sorted(world.sweeps) == sorted(one.name for one in world.sources)
    logged = [getattr(one, "event", "") for one in caplog.records]
    assert logged.count("folder-not-known") == 1


@pytest.mark.parametrize("whole", [True, False])
async def test_what_a_source_had_for_a_folder_that_is_not_found_now_stays(world: World, whole: bool) -> None:
    """Alive or not: nobody knows whether it is watched still. The one of the folder that is there goes on."""
    finding = Finding()
    before = source(world.first.name, folders=("archive", "sentitems", "inbox"))
    await replace(world.watching(before, world.sources[1]), watched=finding).maintain()
    kept = {one.folder.well_known: one for one in world.live() if one.folder and one in world.of(before)}
    world.box.tenant.subscriptions.remove(kept["sentitems"])
    noted = await world.registered()
    finding.lost = {"archive": MISSING, "sentitems": MISSING}
    world.clock.advance(seconds=(LIFETIME / 2 + MINUTE).total_seconds())
    watching = replace(world.watching(before, world.sources[1]), watched=finding)

    with pytest.raises(ConfigurationFault, match="Scans"):
        await (watching.maintain() if whole else watching.maintain_source(before.name))

    assert await world.registered() == noted
    assert kept["archive"] in world.live()
    assert abs(kept["inbox"].expires - (world.clock.now() + LIFETIME)) < timedelta(milliseconds=1)


async def test_once_the_folder_is_found_again_what_is_not_watched_is_deleted(world: World) -> None:
    finding = Finding()
    before = source(world.first.name, folders=("archive", "inbox"))
    await replace(world.watching(before), watched=finding).maintain()
    after = source(world.first.name, folders=("sentitems", "inbox"))
    finding.lost["sentitems"] = MISSING
    watching = replace(world.watching(after), watched=finding)
    with pytest.raises(ConfigurationFault):
        await watching.maintain()
    assert len(world.live()) == 2

    finding.lost.clear()
    await watching.maintain()

    assert {one.folder.well_known for one in world.live() if one.folder} == {"inbox", "sentitems"}


@pytest.mark.parametrize("event", ["missed", "subscriptionRemoved", "reauthorizationRequired"])
async def test_care_goes_on_with_the_folders_that_are_there(world: World, event: Event) -> None:
    finding = Finding()
    finding.lost["archive"] = MISSING
    both = source(world.first.name, folders=("archive", "inbox"))
    watching = replace(world.watching(both), watched=finding)
    told = LifecycleEvent(
        source=both.name, traceparent=traceparent(), event=event, subscription=str(uuid.uuid4())
    )

    with pytest.raises(ConfigurationFault, match="Scans"):
        await watching.care(told)

    assert len(world.of(both)) == 1
    assert set(world.sweeps) == {both.name}


async def test_missed_notifications_come_again_until_their_sweep_was_asked_for(world: World) -> None:
    """Also where a folder is not there: that fault alone would end them."""
    finding = Finding()
    finding.lost["archive"] = MISSING
    both = source(world.first.name, folders=("archive", "inbox"))
    is_down = True

    async def order(name: str) -> None:
        if is_down:
            raise Unavailable("the queue is down")
        world.sweeps.append(name)

    watching = replace(world.watching(both), watched=finding, on_missed=order)
    told = LifecycleEvent(source=both.name, traceparent=traceparent(), event="missed", subscription="s")
    with pytest.raises(Unavailable, match="queue"):
        await watching.care(told)
    assert len(world.of(both)) == 1

    is_down = False
    with pytest.raises(ConfigurationFault, match="Scans"):
        await watching.care(told)

    assert set(world.sweeps) == {both.name}


@EVENTS
async def test_what_may_work_later_brings_an_event_back_though_a_folder_is_missing(
    world: World, event: Event
) -> None:
    finding = Finding()
    finding.lost["archive"] = MISSING
    both = source(world.first.name, folders=("archive", "inbox"))
    world.box.faults.graph.add(Status(503, route=r"POST /v1\.0/subscriptions$"))
    told = LifecycleEvent(source=both.name, traceparent=traceparent(), event=event, subscription="s")

    with pytest.raises(Unavailable, match="503"):
        await replace(world.watching(both), watched=finding).care(told)


async def test_of_many_that_missed_something_within_a_minute_one_asks_for_the_sweep(world: World) -> None:
    """One sweep finds all of it. Each source has its own."""
    await world.subscriptions.maintain()
    world.sweeps.clear()
    for _ in range(2):
        await asyncio.gather(*(world.care("missed", str(uuid.uuid4())) for _ in range(5)))
        world.clock.advance(seconds=59)
    assert world.sweeps == [world.first.name]
    await world.care("missed", str(uuid.uuid4()), world.sources[1].name)
    assert world.sweeps == [one.name for one in world.sources]

    await world.care("missed", str(uuid.uuid4()))

    assert world.sweeps == [world.first.name, world.sources[1].name, world.first.name]


async def test_many_that_want_a_source_subscribed_cost_one_look(world: World) -> None:
    """As each of its folders does whose sweep begins; again in five minutes, or in one where it failed."""
    requests = world.box.faults.graph.add(Latency(0, route=r"* /v1\.0/subscriptions"))
    await asyncio.gather(*(world.subscriptions.ensure(world.first.name) for _ in range(10)))
    assert requests.struck == 1  # the creation
    assert len(world.of(world.first)) == 1
    assert world.sweeps == [world.first.name]

    world.box.tenant.subscriptions.remove(world.of(world.first)[0])
    world.clock.advance(seconds=299)
    await world.subscriptions.ensure(world.first.name)
    assert world.of(world.first) == []
    world.clock.advance(seconds=1)
    await world.subscriptions.ensure(world.first.name)

    assert requests.struck == 3  # the look at what is noted, and another creation
    assert len(world.of(world.first)) == 1


async def test_a_source_that_could_not_be_subscribed_is_tried_again_after_a_minute(world: World) -> None:
    world.endpoint.wrong = True
    for seconds in (59, 1):
        with pytest.raises(VaultpostError):
            await world.subscriptions.ensure(world.first.name)
        world.endpoint.wrong = False
        world.clock.advance(seconds=seconds)
    assert world.of(world.first) == []

    await world.subscriptions.ensure(world.first.name)

    assert len(world.of(world.first)) == 1


async def test_a_sweep_that_could_not_be_asked_for_is_asked_for_in_the_next_round(world: World) -> None:
    """The subscription stays: its end is noted only when the sweep was asked for, so it is due again."""

    async def down(name: str) -> None:
        if name == world.first.name:
            raise Unavailable("the queue is down")
        world.sweeps.append(name)

    with pytest.raises(Unavailable, match="queue"):
        await replace(world.subscriptions, on_missed=down).maintain()
    assert world.sweeps == [world.sources[1].name]
    made = {one.id for one in world.live()}
    assert await world.registered() == made

    await world.subscriptions.maintain()

    assert world.sweeps == [world.sources[1].name, world.first.name]
    assert {one.id for one in world.live()} == made
    await world.subscriptions.maintain()
    assert len(world.sweeps) == 2


@pytest.mark.parametrize("event", ["missed", "subscriptionRemoved", "reauthorizationRequired"])
async def test_each_event_is_followed_by_a_sweep_of_its_source_alone(world: World, event: Event) -> None:
    await world.subscriptions.maintain()
    (mine,) = world.of(world.first)
    world.clock.advance(hours=1)
    world.sweeps.clear()

    await world.care(event, mine.id)

    assert world.sweeps == [world.first.name]
    assert len(world.of(world.first)) == 1


@pytest.mark.parametrize("event", ["subscriptionRemoved", "reauthorizationRequired"])
async def test_the_same_event_twice_costs_but_a_look(world: World, event: Event) -> None:
    """The register says that a removed one is replaced already, and that another was renewed just now."""
    await world.subscriptions.maintain()
    (mine,) = world.of(world.first)
    if event == "subscriptionRemoved":
        world.box.tenant.subscriptions.remove(mine)
    world.clock.advance(hours=1)
    await world.care(event, mine.id)
    before = [(one.id, one.expires) for one in world.live()]
    asked, swept = len(world.endpoint.asked), len(world.sweeps)
    world.clock.advance(seconds=50)

    await world.care(event, mine.id)

    assert [(one.id, one.expires) for one in world.live()] == before
    assert (len(world.endpoint.asked), len(world.sweeps)) == (asked, swept)


async def test_a_later_reauthorization_is_another_one(world: World) -> None:
    """As is one that follows a creation."""
    await world.subscriptions.maintain()
    (mine,) = world.of(world.first)
    for minutes in (0.5, 2, 15):
        world.clock.advance(minutes=minutes)
        await world.care("reauthorizationRequired", mine.id)
        assert abs(mine.expires - (world.clock.now() + LIFETIME)) < timedelta(milliseconds=1)


async def test_missed_notifications_ask_for_the_sweep_whatever_is_wrong_with_the_subscription(
    world: World,
) -> None:
    graph = client(world.box, world.app_id, "Mail.ReadBasic.All")
    refused = replace(world.subscriptions, client=SubscriptionClient(graph))
    event = LifecycleEvent(
        source=world.first.name, traceparent=traceparent(), event="missed", subscription=str(uuid.uuid4())
    )

    with pytest.raises(ConfigurationFault):
        await refused.care(event)

    assert world.sweeps == [world.first.name]
    await graph.close()


async def test_the_care_of_one_source_leaves_what_others_had_to_the_timer(world: World) -> None:
    """Only the whole configuration says what is watched no longer."""
    await world.subscriptions.maintain()
    left = world.of(world.sources[1])

    await world.watching(world.first).care(
        LifecycleEvent(
            source=world.first.name, traceparent=traceparent(), event="missed", subscription="unknown"
        )
    )

    assert world.of(world.sources[1]) == left


async def test_a_folder_goes_over_to_another_source_at_once(world: World) -> None:
    """Its former subscription is ours to delete, since its source is there to tell."""
    archived = source(world.first.name, folders=("inbox", "archive"))
    other = source(world.sources[1].name, mailbox=archived.mailbox, folders=("sentitems",))
    await world.watching(archived, other).maintain()
    archived = source(world.first.name, folders=("inbox",))
    other = source(world.sources[1].name, mailbox=archived.mailbox, folders=("archive",))

    await world.watching(archived, other).maintain()

    states = {one.folder.well_known: one.client_state for one in world.live() if one.folder}
    assert states == {
        "inbox": client_state(archived.name, world.key),
        "archive": client_state(other.name, world.key),
    }
    assert await world.registered() == {one.id for one in world.live()}


async def test_a_limit_that_the_service_names_is_kept_to_and_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused as too long, creations and renewals are sent again at once."""
    world.clock.advance(seconds=(LIFETIME * 6 / 10).total_seconds())  # to Graph's own time
    await world.subscriptions.maintain()
    assert world.subscriptions.lifetime.asked == LIFETIME
    monkeypatch.setattr("sandbox.tenant.graph.terms.LONGEST_MINUTES", 4_230)
    taken = timedelta(minutes=4_220)
    third = source(unique_name("three"))
    world.box.tenant.add_mailbox(third.mailbox)

    await world.watching(*world.sources, third).maintain()

    assert world.subscriptions.lifetime.asked == taken
    (made,) = world.of(third)
    assert abs(made.expires - (world.clock.now() + taken)) < timedelta(milliseconds=1)
    (mine,) = world.of(world.first)
    world.clock.advance(minutes=-30)
    await world.care("reauthorizationRequired", mine.id)
    assert abs(mine.expires - (world.clock.now() + taken)) < timedelta(milliseconds=1)


MANY = ("inbox", "archive", "sentitems", "drafts", "deleteditems", "junkemail")


async def test_many_are_created_renewed_and_deleted_in_batches(world: World) -> None:
    """Each within has its own `Prefer`, and its own client state."""
    everything = [source(one.name, folders=MANY) for one in world.sources]
    subscriptions = world.watching(*everything)
    placed = world.box.faults.graph.add(Latency(0, route=r"POST /v1\.0/\$batch"))

    await subscriptions.maintain()
    assert len(world.live()) == 2 * len(MANY)
    assert all(one.immutable_ids for one in world.live())
    assert placed.struck == 1
    assert await world.registered() == {one.id for one in world.live()}
    assert sorted(world.sweeps) == sorted(one.name for one in everything)

    world.clock.advance(seconds=(LIFETIME / 2 + MINUTE).total_seconds())
    await subscriptions.maintain()
    until = world.clock.now() + LIFETIME
    assert all(abs(one.expires - until) < timedelta(milliseconds=1) for one in world.live())
    assert placed.struck == 2

    await world.watching(world.first).maintain()
    assert [one.folder.well_known for one in world.live() if one.folder] == ["inbox"]
    assert placed.struck == 3


async def test_in_a_batch_each_fault_is_one_subscriptions_own(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """One throttled, one gone, one of an unknown mailbox, one with a twin: the others are done."""
    await world.watching(source(world.first.name, folders=MANY)).maintain()
    throttled, gone, *fine = world.live()
    unknown = source("unknown", mailbox="nobody@example.com")
    world.clock.advance(seconds=(LIFETIME / 2 + MINUTE).total_seconds())
    world.box.faults.graph.add(
        Status(429, retry_after="2.128", route=rf"PATCH /v1\.0/subscriptions/{throttled.id}")
    )
    world.box.tenant.subscriptions.remove(gone)
    before = throttled.expires

    class Behind(SubscriptionClient):
        async def all(self) -> list[Any]:
            listed = await super().all()
            shown = [one for one in listed if one.id != gone.id]
            template = next(one for one in listed if one.id == fine[0].id)
            return [*shown, structs.replace(template, id=gone.id)]

    watching = world.watching(source(world.first.name, folders=MANY), unknown)
    with pytest.raises(VaultpostError):
        await replace(watching, client=Behind(world.graph)).maintain()

    until = world.clock.now() + LIFETIME
    assert all(abs(one.expires - until) < timedelta(milliseconds=1) for one in fine)
    assert throttled.expires == before
    assert {one.folder for one in world.live()} == {one.folder for one in (throttled, gone, *fine)}
    failed = [
        vars(one)["facts"] for one in caplog.records if getattr(one, "event", "") == "subscription-failed"
    ]
    assert {one["source"] for one in failed} == {world.first.name, "unknown"}


@pytest.mark.parametrize("fault", [Status(503), Status(400), Cut(), Commit()])
async def test_a_batch_that_fails_is_made_good_in_the_next_round(world: World, fault: AnyFault) -> None:
    """Also where all of it was done, and nobody was told: then Graph says 409, and they are made anew."""
    everything = world.watching(source(world.first.name, folders=MANY))
    strikes_batches = structs.replace(fault, route=r"POST /v1\.0/\$batch", times=1)
    world.box.faults.graph.add(strikes_batches)
    with pytest.raises(Unavailable):
        await everything.maintain()
    assert await world.registered() == set()

    await everything.maintain()

    assert len(world.live()) == len(MANY)
    assert await world.registered() == {one.id for one in world.live()}
