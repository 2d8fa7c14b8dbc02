"""What is, what would be done, and doing it, at the sandbox's Graph."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from sandbox.serving import Served, serve
from shared.errors import VaultpostError
from shared.graph.answers import Subscription
from shared.operations.subscription_view import look, seen
from shared.subscription_plan import Registered, Renewal, Replacement, SubscriptionPlan, Watched
from shared.subscriptions import Subscriptions

from ..clock import NOON
from .estate import Estate

pytestmark = pytest.mark.anyio
INBOX = Watched("invoices", "invoices@example.com", "inbox")


@pytest.fixture
async def endpoint() -> AsyncIterator[Served]:
    """Answers Graph's handshake."""

    async def handshake(request: web.Request) -> web.Response:
        return web.Response(text=request.query["validationToken"])

    site = web.Application()
    site.router.add_post("/api/{function}", handshake)
    served = await serve(site, context=None)
    yield served
    await served.close()


@pytest.fixture
def subscriptions(estate: Estate, endpoint: Served) -> Subscriptions:
    """Those of the estate, at an address that answers."""
    addresses = (f"{endpoint.origin}/api/notifications", f"{endpoint.origin}/api/lifecycle")
    made = replace(estate.services.subscriptions, addresses=addresses)
    estate.services.__dict__["subscriptions"] = made
    return made


def test_each_subscription_is_told_with_what_would_be_done() -> None:
    rows = [
        Registered("invoices", name, f"users/m/mailFolders('{name}')/messages", "https://a", "1", NOON)
        for name in ("lives", "due", "old", "unwanted", "gone", "ended")
    ]
    lives, due, old, unwanted, gone, ended = rows
    plan = SubscriptionPlan(
        create=(INBOX,),
        renew=(Renewal(INBOX, due),),
        replace=(Replacement(INBOX, (old,)),),
        delete=(unwanted,),
        gone=(gone,),
    )
    existing = [
        Subscription(id=one.subscription, expiration_date_time="2026-11-25T00:00:00Z")
        for one in (lives, due, old, unwanted)
    ]
    existing.append(Subscription(id=ended.subscription, expiration_date_time="2026-11-24T12:00:00Z"))
    stranger = Subscription(id="stranger", resource="users/of-somebody/messages")

    found = seen(plan, rows, [*existing, stranger], [*existing, stranger], NOON)

    assert {one.subscription: one.action for one in found} == {
        "lives": "none",
        "due": "renew",
        "old": "replace",
        "unwanted": "delete",
        "gone": "strike-off",
        "ended": "ended",
        "": "create",
        "stranger": "not-ours",
    }
    of_stranger = found[-1]
    assert of_stranger.resource == "", "a stranger's mailbox is not ours to tell"
    assert [one.expires is None for one in found if one.subscription in ("gone", "lives")] == [True, False]


async def test_looking_changes_nothing_and_applying_does_what_was_told(
    estate: Estate, subscriptions: Subscriptions, capsys: pytest.CaptureFixture[str]
) -> None:
    looked = await estate.command("subscriptions", "--source", estate.name)
    before = capsys.readouterr().out
    assert await subscriptions.register.rows() == []
    applied = await estate.command("subscriptions", "--source", estate.name, "--apply", "--json")
    shape = json.loads(capsys.readouterr().out)
    again = await estate.command("subscriptions", "--source", estate.name)
    after = capsys.readouterr().out

    assert (looked, applied, again) == (1, 0, 0)
    assert before.splitlines()[1:] == [
        "  is to be created",
        "To be done: 1. The app does it every 15 minutes; --apply does it now.",
    ]
    (row,) = await subscriptions.register.rows()
    (one,) = shape["subscriptions"]
    assert shape["applied"] is True
    assert (one["subscription"], one["action"], one["source"]) == (row.subscription, "none", estate.name)
    assert after.endswith("Nothing is to be done.\n")
    assert "  lives, until " in after


async def test_half_of_its_life_over_one_is_to_be_renewed(
    estate: Estate, subscriptions: Subscriptions
) -> None:
    await subscriptions.maintain_source(estate.name)
    estate.clock.advance(days=4)

    (one,) = await look(subscriptions, estate.name)

    assert one.action == "renew"
    assert one.expires is not None
    assert one.expires - estate.clock.now() < timedelta(days=3)


async def test_of_all_sources_those_of_others_are_shown_and_left_alone(
    estate: Estate, subscriptions: Subscriptions
) -> None:
    await subscriptions.maintain_source(estate.name)
    (row,) = await subscriptions.register.rows()
    await subscriptions.register.remove(row.source, row.subscription)

    found = await look(subscriptions, None)

    assert {one.subscription: one.action for one in found}[row.subscription] == "not-ours"
    assert [one.action for one in found if one.source == estate.name] == ["create"]


async def test_what_cannot_be_done_is_raised(estate: Estate) -> None:
    """Nobody answers the handshake at this address."""
    with pytest.raises(VaultpostError):
        await estate.command("subscriptions", "--source", estate.name, "--apply")
