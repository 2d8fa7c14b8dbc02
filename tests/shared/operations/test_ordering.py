"""Sweeps are ordered by messages alone: Graph is not asked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from sandbox.faults import Status
from shared.breaker_table import Breakers, BreakerTable
from shared.configuration import Source
from shared.folder_register import FolderTable, SweptFolder
from shared.operations.ordering import Orders
from shared.queue_messages import FOLDER_SWEEP, FolderSweep

from ..accounts import Stores, opened
from ..clock import NOON, FakeClock
from ..made import source
from .estate import Estate

pytestmark = pytest.mark.anyio
ORDERS = source("orders", folders=["Inbox", "inbox/Scans", "AAMkFolder="], subfolders=True)


@pytest.fixture
def orders(stores: Stores) -> Orders:
    clock = FakeClock()
    return Orders(FolderTable(stores.tables), stores.queues, Breakers(BreakerTable(stores.tables), clock))


async def ordered(orders: Orders, one: Source) -> list[str]:
    return [order.folder async for order in orders.order(one)]


async def sent(stores: Stores) -> list[dict[str, Any]]:
    return await stores.visible(FOLDER_SWEEP)


async def test_each_configured_folder_and_each_known_one_below_it_is_ordered(
    stores: Stores, orders: Orders
) -> None:
    known = [
        SweptFolder("orders", "inbox", NOON),
        SweptFolder("orders", "AAMkBelow=", NOON, above="inbox/Scans"),
        SweptFolder("orders", "AAMkFormer=", NOON, above="archive"),
        SweptFolder("orders", "drafts", NOON),
        SweptFolder("invoices", "AAMkOther=", NOON, above="inbox"),
    ]
    for folder in known:
        await orders.register.add(folder)

    names = await ordered(orders, ORDERS)

    assert names == ["inbox", "inbox/Scans", "AAMkFolder=", "AAMkBelow="]
    assert {(one["source"], one["folder"]) for one in await sent(stores)} == {("orders", n) for n in names}


async def test_of_a_source_without_subfolders_only_what_is_configured(orders: Orders) -> None:
    await orders.register.add(SweptFolder("orders", "AAMkBelow=", NOON, above="inbox"))

    assert await ordered(orders, structs.replace(ORDERS, subfolders=False)) == [
        "inbox",
        "inbox/Scans",
        "AAMkFolder=",
    ]


async def test_a_source_that_waits_for_its_operator_says_why(orders: Orders) -> None:
    await orders.breakers.pause("source", "orders", "The vault moves.")
    await orders.breakers.pause("service", "graph", "Upgrade.")

    assert await orders.waiting("orders") == "The vault moves."
    assert await orders.waiting("invoices") == ""


async def test_the_command_orders_without_graph_and_what_it_orders_is_swept(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    estate.box.faults.graph.add(Status(503, route=f"* .*{estate.mailbox}"))
    services = estate.services
    await services.breakers.pause("source", estate.name, "Later.")

    first = await estate.command("sweep", "--source", estate.name)
    text = capsys.readouterr().out
    second = await estate.command("sweep", "--all", "--json")
    shape = json.loads(capsys.readouterr().out)

    assert (first, second) == (0, 0)
    assert text.splitlines()[0] == f"  {estate.name} inbox: ordered"
    assert text.splitlines()[1].endswith("`resume`: Later.")
    assert shape == {
        "ordered": [{"source": estate.name, "folder": "inbox"}],
        "waiting": {estate.name: "Later."},
    }
    storage = services.settings.storage.connection_string
    assert storage is not None
    async with opened(storage) as stores:
        messages = await sent(stores)
    assert [one["folder"] for one in messages] == ["inbox", "inbox"]
    estate.box.faults.graph.clear()
    await services.breakers.resume("source", estate.name)
    lost = estate.deliver()
    services.sources = {estate.name: structs.replace(estate.source, since=estate.clock.now().date())}
    sweeper = replace(services.sweeper, sources=services.sources, ensure_subscribed=_not_subscribed)
    for message in messages[:1]:
        await sweeper.sweep(
            FolderSweep(
                source=message["source"], traceparent=message["traceparent"], folder=message["folder"]
            )
        )
    assert (await estate.row(lost)).state == "arrived"


async def _not_subscribed(source: str) -> None:
    """For sweeps alone."""
