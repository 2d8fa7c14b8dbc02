"""Which subscriptions are the app's own."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables import UpdateMode

from shared.errors import Unavailable
from shared.subscription_plan import Registered
from shared.subscription_register import TABLE

from .accounts import Stores

pytestmark = pytest.mark.anyio
RESOURCE = "users/invoices@example.com/mailFolders('inbox')/messages"
ADDRESS = "https://example.com/api/notifications"
ROW = Registered("invoices", "id-1", RESOURCE, ADDRESS, "key-1")


async def test_without_a_table_there_are_none(stores: Stores) -> None:
    assert await stores.register.rows() == []
    assert await stores.register.rows("invoices") == []
    await stores.register.remove("invoices", "id-1")


async def test_the_first_makes_the_table_and_its_facts_are_kept(stores: Stores) -> None:
    await stores.register.add(ROW)

    entity = await stores.tables.get_table_client(TABLE).get_entity("invoices", "id-1")
    assert dict(entity) == {
        "PartitionKey": "invoices",
        "RowKey": "id-1",
        "resource": RESOURCE,
        "address": ADDRESS,
        "key_version": "key-1",
    }
    assert await stores.register.rows() == [ROW]


async def test_times_are_kept_to_the_microsecond_and_can_be_taken_back(stores: Stores) -> None:
    end = datetime(2026, 11, 30, 11, 0, 0, 123456, tzinfo=UTC)
    ended = replace(ROW, until=end, renewed=end - timedelta(days=6))
    await stores.register.add(ended)
    assert await stores.register.rows() == [ended]

    await stores.register.add(ROW)
    assert await stores.register.rows() == [ROW]


async def test_rows_are_those_of_all_sources_or_of_one(stores: Stores) -> None:
    made = [replace(ROW, source=f"source-{number % 3}", subscription=f"id-{number}") for number in range(9)]
    await asyncio.gather(*(stores.register.add(one) for one in made))

    found = await stores.register.rows()
    of_one = await stores.register.rows("source-1")

    assert sorted(found, key=lambda one: one.subscription) == made
    assert sorted(of_one, key=lambda one: one.subscription) == made[1::3]
    assert await stores.register.rows("source") == []


async def test_the_same_one_twice_is_one(stores: Stores) -> None:
    newer = replace(ROW, resource="users/other")
    await stores.register.add(ROW)
    await stores.register.add(newer)

    assert await stores.register.rows() == [newer]


async def test_a_removed_one_is_gone_and_no_other(stores: Stores) -> None:
    """An id counts within its source: an event of one source can't strike off what another one has."""
    await stores.register.add(ROW)

    await stores.register.remove("orders", "id-1")
    await stores.register.remove("invoices", "id-2")
    assert await stores.register.rows() == [ROW]

    await stores.register.remove("invoices", "id-1")
    assert await stores.register.rows() == []


async def test_a_row_of_a_former_version_has_no_key_version(stores: Stores) -> None:
    await stores.register.add(ROW)
    entity = {"PartitionKey": "invoices", "RowKey": "id-1", "resource": RESOURCE, "address": ADDRESS}
    await stores.tables.get_table_client(TABLE).upsert_entity(entity, mode=UpdateMode.REPLACE)

    assert await stores.register.rows() == [replace(ROW, key_version="")]


async def test_storage_that_does_not_answer_is_unavailable_not_an_empty_list(down: Stores) -> None:
    """An empty list would make every subscription anew."""
    began = time.monotonic()

    with pytest.raises(Unavailable, match="subscriptions"):
        await down.register.rows()
    with pytest.raises(Unavailable, match="subscriptions"):
        await down.register.add(ROW)
    with pytest.raises(Unavailable, match="subscriptions"):
        await down.register.remove("invoices", "id-1")

    assert time.monotonic() - began < 5
