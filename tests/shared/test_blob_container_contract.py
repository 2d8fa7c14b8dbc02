"""Small blobs that are written on the ETag that was read: in Azure's container, and in the one in memory."""

from __future__ import annotations

import asyncio

import pytest

from shared.blob_container import BlobContainer
from shared.errors import Stale, Unavailable
from shared.testing.staging_area import InMemoryBlobContainer

from .accounts import Stores

pytestmark = pytest.mark.anyio
NAME = "delta/invoices/one.json"


@pytest.fixture(params=["azure", "fake"])
def container(request: pytest.FixtureRequest) -> BlobContainer:
    """Both kinds; no container is there yet."""
    if request.param == "fake":
        return InMemoryBlobContainer("state")
    stores: Stores = request.getfixturevalue("stores")
    return BlobContainer(stores.blobs, "state", "state")


async def test_what_is_not_there_has_neither_content_nor_etag(container: BlobContainer) -> None:
    assert await container.get_with_etag(NAME) == (None, "")


async def test_the_first_one_is_written_without_an_etag_and_once(container: BlobContainer) -> None:
    """Of two that have found nothing, one goes on."""
    etag = await container.put_if(NAME, b"first", "")

    with pytest.raises(Stale):
        await container.put_if(NAME, b"second", "")

    assert etag
    assert await container.get_with_etag(NAME) == (b"first", etag)


async def test_what_was_read_is_replaced(container: BlobContainer) -> None:
    first = await container.put_if(NAME, b"a longer first one", "")

    second = await container.put_if(NAME, b"", first)

    assert second not in ("", first)
    assert await container.get_with_etag(NAME) == (b"", second)


async def test_what_has_changed_since_is_not_replaced(container: BlobContainer) -> None:
    first = await container.put_if(NAME, b"first", "")
    second = await container.put_if(NAME, b"first", first)

    with pytest.raises(Stale):
        await container.put_if(NAME, b"late", first)

    assert await container.get_with_etag(NAME) == (b"first", second)


async def test_what_is_gone_is_not_replaced(container: BlobContainer) -> None:
    first = await container.put_if(NAME, b"first", "")
    await container.delete(NAME)

    with pytest.raises(Stale):
        await container.put_if(NAME, b"late", first)

    assert await container.get_with_etag(NAME) == (None, "")


async def test_an_etag_where_there_is_no_container_is_stale(container: BlobContainer) -> None:
    with pytest.raises(Stale):
        await container.put_if(NAME, b"late", '"0x8DA"')


@pytest.mark.parametrize("is_there", [False, True])
async def test_of_many_at_once_one_wins(container: BlobContainer, is_there: bool) -> None:
    """At first they also race for the container."""
    etag = await container.put_if(NAME, b"before", "") if is_there else ""

    outcomes = await asyncio.gather(
        *(container.put_if(NAME, b"%d" % number, etag) for number in range(6)), return_exceptions=True
    )

    (winner,) = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, str)]
    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 5
    assert await container.get_with_etag(NAME) == (b"%d" % winner, outcomes[winner])


async def test_a_storage_that_is_down_is_told(down: Stores) -> None:
    container = BlobContainer(down.blobs, "state", "state")

    with pytest.raises(Unavailable, match="state"):
        await container.get_with_etag(NAME)
    with pytest.raises(Unavailable, match="state"):
        await container.put_if(NAME, b"first", "")
