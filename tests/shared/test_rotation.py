"""Each secret is changed in the middle of a run of mails: all are filed once, and nothing is started anew.

If the change is hard, the service refuses the former secret at once, and Key Vault follows a moment later;
if it is soft, both are good until the run is over. 200 mails in a long run, fewer in the suite.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from aiohttp import web

from sandbox.box import Sandbox
from sandbox.serving import serve
from sandbox.vault.accounts import Account
from shared import secret_cache
from shared.breaker import KEY_VAULT, opened
from shared.graph.subscriptions import SubscriptionClient
from shared.identities import filing_key
from shared.journal_row import Row
from shared.secret_cache import KEPT_FOR
from shared.services import Services
from shared.settings import Settings
from shared.settings_graph import CredentialKind
from shared.subscription_register import SubscriptionRegister
from shared.subscriptions import NOTIFICATION_KEY, Subscriptions
from shared.vault.session import PASSWORD, USERNAME

from .accounts import Stores
from .clock import FakeClock
from .key_vault import KeyVault
from .made import unique_name
from .whole_way import Delivery, WholeWay

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning"),
]
MAILS, MAILS_IN_FULL = 12, 200
AFTER = 0.2
"""Seconds between the two halves of a change."""
Change = Callable[["Ground", bool], Awaitable[None]]


@dataclass
class Ground:
    """The sandbox with a Key Vault and an account of the test's own, and a way whose mail is to be filed."""

    box: Sandbox
    key_vault: KeyVault
    account: str
    user: int
    way: WholeWay
    number: int

    def set_password(self, password: str) -> None:
        """Another password of the account: tokens of the former one are refused from now on."""
        self.box.vault.accounts.change(Account(self.account, password, "", self.user))

    def deliver(self, number: int) -> list[Delivery]:
        """So many mails come."""
        return [self.way.deliver(f"mail {one}", mail(one)) for one in range(number)]

    async def half_of(self, deliveries: list[Delivery]) -> None:
        """Until every second mail is in the vault."""
        async with asyncio.timeout(300):
            while True:
                rows = [await known(self.way, one) for one in deliveries]
                if 2 * sum(row is not None and row.state == "filed" for row in rows) >= len(rows):
                    return
                await asyncio.sleep(0.05)

    async def are_filed(self, deliveries: list[Delivery]) -> None:
        """All of them, once, and no mail counts as one that was hard to file."""
        assert await self.way.faults(deliveries) == []
        assert await self.way.open_mails() == 0


async def known(way: WholeWay, delivery: Delivery) -> Row | None:
    """What the journal has of a mail."""
    return await way.services.journal.read(way.name, filing_key(way.name, delivery.message))


def mail(number: int) -> bytes:
    head = ("From: ada@contoso.com", f"Subject: {number}", f"Message-ID: <{number}@contoso.com>")
    return "\r\n".join((*head, "", f"Mail {number}", "")).encode()


async def client_secret(ground: Ground, is_hard: bool) -> None:
    credentials = ground.box.credentials
    client_id = credentials.registration.client_id
    former = ground.key_vault.secrets.get("graph-client-secret")
    assert former is not None
    if is_hard:
        credentials.directory.remove_secret(client_id, former.value)
        credentials.issuer.expire(credentials.graph)
        await asyncio.sleep(AFTER)
    credentials.renew_secret(into=ground.key_vault.secrets)
    credentials.issuer.expire(credentials.graph)


async def client_certificate(ground: Ground, is_hard: bool) -> None:
    credentials = ground.box.credentials
    former = credentials.certificate
    assert former is not None
    if is_hard:
        credentials.directory.remove_certificate(credentials.registration.client_id, former.certificate)
        credentials.issuer.expire(credentials.graph)
        await asyncio.sleep(AFTER)
    credentials.renew_certificate(into=ground.key_vault.secrets)
    credentials.issuer.expire(credentials.graph)


async def password(ground: Ground, is_hard: bool) -> None:
    """An account has one password: the change is always hard for who knows the former one."""
    if is_hard:
        ground.set_password("second password")
        await asyncio.sleep(AFTER)
    ground.key_vault.secrets.set(PASSWORD, "second password")
    ground.set_password("second password")


async def user_name(ground: Ground, is_hard: bool) -> None:
    """Name first."""
    await _account(ground, is_hard, (USERNAME, PASSWORD))


async def password_of_another_account(ground: Ground, is_hard: bool) -> None:
    """Password first."""
    await _account(ground, is_hard, (PASSWORD, USERNAME))


async def _account(ground: Ground, is_hard: bool, order: tuple[str, str]) -> None:
    new = {USERNAME: f"{ground.account}-2", PASSWORD: "another password"}
    ground.box.vault.add_account(new[USERNAME], new[PASSWORD])
    if is_hard:
        ground.set_password("nobody knows")
    for name in order:
        ground.key_vault.secrets.set(name, new[name])
        await asyncio.sleep(AFTER)
    if not is_hard:
        ground.set_password("nobody knows")


@pytest.fixture
async def ground(
    box: Sandbox,
    services: Services,
    key_vault: KeyVault,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Ground]:
    monkeypatch.setattr(box.tenant, "now", clock.now)
    monkeypatch.setattr(key_vault.secrets, "_now", clock.now)
    account = unique_name("svc")
    user = box.vault.add_account(account, "first password")
    key_vault.secrets.set(USERNAME, account)
    key_vault.secrets.set(PASSWORD, "first password")
    box.credentials.renew_secret(into=key_vault.secrets)
    box.credentials.renew_certificate(into=key_vault.secrets)
    number = MAILS_IN_FULL if request.config.getoption("--long") else MAILS
    made = Ground(box, key_vault, account, user, WholeWay(box, services, clock), number)
    yield made
    await made.way.services.close()


def with_credential(settings: Settings, box: Sandbox, kind: CredentialKind) -> Settings:
    graph = dataclasses.replace(
        settings.graph,
        credential=kind,
        tenant_id=box.tenant_id,
        client_id=box.credentials.registration.client_id,
    )
    return dataclasses.replace(settings, graph=graph)


@pytest.mark.parametrize("is_hard", [True, False], ids=["hard", "soft"])
@pytest.mark.parametrize(
    ("change", "credential"),
    [
        (client_secret, "client-secret"),
        (client_certificate, "client-certificate"),
        (password, "client-secret"),
        (user_name, "client-secret"),
        (password_of_another_account, "client-secret"),
    ],
)
async def test_a_secret_is_changed_while_mail_is_filed(
    ground: Ground, services: Services, change: Change, credential: CredentialKind, is_hard: bool
) -> None:
    settings = with_credential(services.settings, ground.box, credential)
    ground.way = way = WholeWay(ground.box, services, ground.way.clock, settings)
    deliveries = ground.deliver(ground.number)
    await way.announce(deliveries)

    async with asyncio.TaskGroup() as together:
        together.create_task(way.run())
        await ground.half_of(deliveries)
        await change(ground, is_hard)
    await way.settle()

    await ground.are_filed(deliveries)


@dataclass
class Announced:
    """A way whose mail is announced by Graph itself; `timer` is another worker, which keeps subscriptions."""

    ground: Ground
    timer: Subscriptions


@pytest.fixture
async def announced(
    ground: Ground, services: Services, stores: Stores, clock: FakeClock
) -> AsyncIterator[Announced]:
    way = ground.way

    async def take(request: web.Request) -> web.Response:
        token = request.query.get("validationToken")
        if token is not None:
            return web.Response(text=token)
        return web.Response(status=int(await way.services.webhook.take(await request.read())))

    endpoint = web.Application()
    endpoint.router.add_post("/{path:.*}", take)
    served = await serve(endpoint, context=None)
    timer = Subscriptions(
        way.services.watched,
        SubscriptionClient(way.services.graph),
        SubscriptionRegister(stores.tables),
        services.secrets,
        (f"{served.origin}/notifications", f"{served.origin}/lifecycle"),
        clock,
    )
    yield Announced(ground, timer)
    await served.close()


async def test_the_notification_key_is_changed_twice_while_mail_comes(
    announced: Announced, clock: FakeClock
) -> None:
    """Twice before any subscription has followed: what the first key has signed is still proven.

    No sweep helps, and the worker that takes notifications reads the key when it does not know it.
    """
    ground, timer = announced.ground, announced.timer
    way, part = ground.way, ground.number // 4
    await timer.maintain()
    deliveries = ground.deliver(part)
    for key in ("second key", "third key"):
        clock.advance(minutes=5)
        ground.key_vault.secrets.set(NOTIFICATION_KEY, key)
        deliveries += ground.deliver(part)
    clock.advance(seconds=KEPT_FOR)
    await queued(way, deliveries)
    await timer.maintain()
    deliveries += ground.deliver(ground.number - len(deliveries))
    await queued(way, deliveries)
    await way.settle()

    await ground.are_filed(deliveries)
    (row,) = [row for row in await timer.register.rows() if row.source == way.name]
    (present, *former) = await way.services.secrets.versions(NOTIFICATION_KEY)
    assert (present.value, row.key_version) == ("third key", present.id)
    assert len(former) == 2


async def queued(way: WholeWay, deliveries: list[Delivery]) -> None:
    """Until the notifications of all have been taken, while their mail is worked on."""
    async with asyncio.timeout(120):
        while True:
            await way.run()
            if all([await known(way, one) for one in deliveries]):
                return
            await asyncio.sleep(0.05)


async def test_a_change_of_everything_is_taken_up_after_an_outage_of_key_vault(
    ground: Ground, services: Services
) -> None:
    """While it lasts, nobody can know: mail waits, and no account is locked. Then all is filed."""
    way = ground.way
    deliveries = ground.deliver(ground.number)
    await way.announce(deliveries)
    async with asyncio.TaskGroup() as together:
        together.create_task(way.run())
        await ground.half_of(deliveries)
        ground.key_vault.status = 403
        await client_secret(ground, True)
        await password(ground, True)
    way.clock.advance(minutes=20)
    await way.run()
    ground.key_vault.status = None
    await way.settle()

    await ground.are_filed(deliveries)


async def test_while_key_vault_is_down_mail_is_filed_with_what_is_kept(
    ground: Ground, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For hours, by workers that know all, though others know nothing and have opened its breaker."""
    monkeypatch.setattr(secret_cache, "LONGEST_READ", 0.2)
    way = ground.way
    first = ground.deliver(2)
    await way.announce(first)
    await way.run()
    await ground.key_vault.stop()
    await open_breaker(way)

    for _ in range(2):
        clock.advance(hours=8)
        later = ground.deliver(4)
        await way.announce(later)
        await way.run()
        await ground.are_filed(later)


async def open_breaker(way: WholeWay) -> None:
    """As three mails of a worker without secrets do."""
    now = way.clock.now()
    await way.services.breakers.change(KEY_VAULT, lambda breaker: opened(breaker, "down", now))


async def test_a_secret_that_was_disabled_holds_mail_up_and_loses_none(
    ground: Ground, clock: FakeClock
) -> None:
    """For a week, which is longer than a mail is tried."""
    way = ground.way
    first = ground.deliver(2)
    await way.announce(first)
    await way.run()
    ground.key_vault.secrets.enable(PASSWORD, enabled=False)
    ground.box.vault.expire_tokens()
    clock.advance(seconds=KEPT_FOR)
    later = ground.deliver(6)
    await way.announce(later)

    for _ in range(7 * 4):
        await way.run()
        clock.advance(hours=6)
    states = {(await way.row(one.message)).state for one in later}
    assert states == {"staged"}

    ground.key_vault.secrets.enable(PASSWORD)
    await way.settle()
    await ground.are_filed([*first, *later])
