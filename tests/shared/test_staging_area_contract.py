"""What holds for the staging area on Azure's containers and on those in memory."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import msgspec
import pytest
from azure.storage.blob import BlobClient

from shared.blob_container import BlobContainer, Written
from shared.errors import NotYet, Stale, Unavailable
from shared.manifest import VERSION, Manifest
from shared.staging_area import CONTAINER, KEPT, Missing, StagingArea, file_name, manifest_name
from shared.storage_clients import PIECE
from shared.testing.staging_area import InMemoryBlobContainer, InMemoryStagingArea

from . import made
from .accounts import Stores

pytestmark = pytest.mark.anyio
MANIFEST = made.manifest()
KEY = MANIFEST.key
NAME = file_name("invoices", KEY, MANIFEST.run, "message.eml")
LARGE = bytes(range(256)) * (2 * PIECE // 256) + b"end"


@dataclass(frozen=True)
class Side:
    """A staging area, its containers past it, and a write to what is staged while nobody else has a turn."""

    area: StagingArea
    staged: BlobContainer
    kept: BlobContainer
    overwrite: Callable[[str, bytes], object]


@pytest.fixture(params=["azure", "fake"])
def side(request: pytest.FixtureRequest) -> Side:
    """Both kinds, empty."""
    if request.param == "fake":
        area = InMemoryStagingArea()
        return Side(area, area.staged, area.kept, partial(overwrite, area.staged))
    stores: Stores = request.getfixturevalue("stores")

    def upload(name: str, content: bytes) -> None:
        connection = stores.connection_string
        with BlobClient.from_connection_string(connection, CONTAINER, name) as blob:
            blob.upload_blob(content, overwrite=True)

    return Side(
        stores.area,
        BlobContainer(stores.blobs, CONTAINER, "staging area"),
        BlobContainer(stores.blobs, KEPT, "kept mail"),
        upload,
    )


def overwrite(container: BlobContainer, name: str, content: bytes) -> None:
    """Run a write to its end, past the event loop: all that it waits for is its turn."""
    with suppress(StopIteration):
        writing = container.put(name, content, overwrite=True)
        while True:
            writing.send(None)


async def of(*pieces: bytes) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece


async def breaking() -> AsyncGenerator[bytes, None]:
    yield b"half"
    raise Unavailable("Graph did not answer in full")


async def read(side: Side, size: int, name: str = NAME) -> bytes:
    return b"".join([piece async for piece in side.area.read(name, size)])


async def stage(side: Side) -> None:
    """A whole mail."""
    await side.area.write(NAME, of(b"mim"))
    assert await side.area.put_manifest(MANIFEST)


def of_run(run: str) -> Manifest:
    return msgspec.structs.replace(MANIFEST, run=run)


@pytest.mark.parametrize("pieces", [(), (b"",), (b"abc",), (b"a", b"", b"bc")])
async def test_what_is_written_is_read_and_measured(side: Side, pieces: tuple[bytes, ...]) -> None:
    content = b"".join(pieces)

    written = await side.area.write(NAME, of(*pieces))

    assert written == Written(len(content), hashlib.sha256(content).hexdigest())
    assert await read(side, len(content)) == content


async def test_a_large_one_is_read_in_pieces(side: Side) -> None:
    await side.area.write(NAME, of(LARGE))

    pieces = [piece async for piece in side.area.read(NAME, len(LARGE))]

    assert [len(piece) for piece in pieces] == [PIECE, PIECE, 3]
    assert b"".join(pieces) == LARGE


@pytest.mark.parametrize("content", [b"%PDF-", LARGE])
async def test_with_its_digest_a_blob_is_read_to_its_end(side: Side, content: bytes) -> None:
    written = await side.area.write(NAME, of(content))

    reading = side.area.read(NAME, written.size, written.sha256)

    assert b"".join([piece async for piece in reading]) == content


@pytest.mark.parametrize(("size", "pieces"), [(5, 0), (PIECE, 0), (2 * PIECE, 1), (2 * PIECE + 3, 2)])
async def test_of_other_bytes_of_the_same_size_the_last_piece_is_never_given(
    side: Side, size: int, pieces: int
) -> None:
    await side.area.write(NAME, of(LARGE[:size]))
    reading = side.area.read(NAME, size, hashlib.sha256(b"x" + LARGE[1:size]).hexdigest())

    assert [len(await anext(reading)) for _ in range(pieces)] == [PIECE] * pieces
    with pytest.raises(Missing):
        await anext(reading)


async def test_writing_again_replaces(side: Side) -> None:
    for content in (b"longer", b"short", b""):
        await side.area.write(NAME, of(content))

        assert await read(side, len(content)) == content


async def test_a_stream_that_breaks_leaves_what_was_there(side: Side) -> None:
    for before in (None, b"before"):
        if before is not None:
            await side.area.write(NAME, of(before))

        with pytest.raises(Unavailable, match="Graph"):
            await side.area.write(NAME, breaking())

        assert await side.staged.get(NAME) == before


async def test_what_is_gone_or_of_another_size_is_missing(side: Side) -> None:
    with pytest.raises(Missing):
        await read(side, 3)
    await side.area.write(NAME, of(b"abc"))

    for size, name in ((2, NAME), (4, NAME), (3, NAME.upper()), (0, f"{NAME}2")):
        with pytest.raises(Missing):
            await read(side, size, name)


@pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "written anew"])
async def test_what_changes_while_it_is_read_is_not_read_to_its_end(side: Side, is_deleted: bool) -> None:
    """Half of one and half of another would be filed; whether one that is deleted is missing is not known."""
    await side.area.write(NAME, of(LARGE))
    content = side.area.read(NAME, len(LARGE))
    assert await anext(content)

    await (side.area.delete(NAME) if is_deleted else side.area.write(NAME, of(LARGE)))

    with pytest.raises((Unavailable, Stale)):
        [piece async for piece in content]


async def test_the_first_manifest_wins_until_it_is_taken_away(side: Side) -> None:
    assert await side.area.manifest("invoices", KEY) is None

    won = await asyncio.gather(*(side.area.put_manifest(of_run(f"run{number}")) for number in range(6)))

    assert sum(won) == 1
    winner = of_run(f"run{won.index(True)}")
    assert await side.area.manifest("invoices", KEY) == winner
    assert await side.area.put_manifest(MANIFEST) is False
    await side.area.delete_document(manifest_name("invoices", KEY), winner)
    assert await side.area.put_manifest(MANIFEST) is True


async def test_a_manifest_is_deleted_only_if_it_is_still_this_one(side: Side) -> None:
    """A twin that wakes up late does not take away what was staged since."""
    name = manifest_name("invoices", KEY)
    await side.area.delete_document(name, MANIFEST)
    await side.area.put_manifest(of_run("later"))

    await side.area.delete_document(name, MANIFEST)

    assert await side.area.manifest("invoices", KEY) == of_run("later")
    await side.area.delete_document(name, of_run("later"))
    assert await side.area.manifest("invoices", KEY) is None


async def test_what_changes_between_look_and_deletion_stays_and_is_stale(side: Side) -> None:
    """On its ETag: what was judged is what is deleted, or nothing is."""
    await side.staged.put(NAME, b"before", overwrite=True)

    def judge(body: bytes) -> bool:
        side.overwrite(NAME, b"after")
        return body == b"before"

    with pytest.raises(Stale):
        await side.staged.delete_if(NAME, judge)

    assert await side.staged.get(NAME) == b"after"


async def test_what_is_no_manifest_is_unavailable_and_one_of_a_later_version_not_yet(side: Side) -> None:
    name = manifest_name("invoices", KEY)
    await side.staged.put(name, b'{"source": 1}', overwrite=True)
    with pytest.raises(Unavailable, match="cannot be read"):
        await side.area.manifest("invoices", KEY)

    later = msgspec.structs.replace(MANIFEST, v=VERSION + 1)
    await side.staged.put(name, msgspec.json.encode(later), overwrite=True)
    with pytest.raises(NotYet):
        await side.area.manifest("invoices", KEY)


async def test_deleting_a_run_takes_away_its_own_only(side: Side) -> None:
    others = [file_name("invoices", KEY, run, "message.eml") for run in ("bb", "aaa")]
    for name in (*others, file_name("invoices", KEY, "aa", "attachments/0001")):
        await side.area.write(name, of(b"x"))

    await side.area.delete_run("invoices", KEY, "aa")
    await side.area.delete_run("orders", KEY, "aa")

    found = [
        name
        for name in (*others, file_name("invoices", KEY, "aa", "attachments/0001"))
        if await side.staged.size(name) is not None
    ]
    assert found == others


async def test_what_is_kept_is_found_when_the_staged_one_is_gone(side: Side) -> None:
    await stage(side)
    await side.area.keep("invoices", KEY)
    await side.area.keep("invoices", KEY)

    for name in (NAME, manifest_name("invoices", KEY)):
        await side.staged.delete(name)

    assert await read(side, 3) == b"mim"
    assert await side.area.manifest("invoices", KEY) == MANIFEST
    assert await side.area.manifest("invoices", KEY, also_kept=False) is None


async def test_of_a_mail_that_is_not_whole_the_manifest_is_not_kept(side: Side) -> None:
    await stage(side)
    await side.staged.delete(NAME)

    await side.area.keep("invoices", KEY)

    assert await side.kept.get(manifest_name("invoices", KEY)) is None


async def test_what_is_forgotten_is_kept_no_more_but_still_staged(side: Side) -> None:
    await stage(side)
    await side.area.keep("invoices", KEY)

    await side.area.forget_kept("invoices", KEY)
    await side.area.forget_kept("invoices", KEY)

    assert await side.kept.size(NAME) is None
    assert await side.kept.size(manifest_name("invoices", KEY)) is None
    assert await read(side, 3) == b"mim"


async def test_an_unreadable_message_is_kept_under_its_digest(side: Side) -> None:
    digest = hashlib.sha256(b"{").hexdigest()

    await side.area.put_unreadable(b"{", digest)
    await side.area.put_unreadable(b"{", digest)

    assert await side.kept.get(f"_unreadable/{digest}") == b"{"


def test_nothing_of_a_container_in_memory_goes_to_azure() -> None:
    """What is added to containers must be added there, too."""
    methods = {
        name for name, _ in inspect.getmembers(BlobContainer, inspect.isroutine) if not name.startswith("_")
    }

    assert methods <= vars(InMemoryBlobContainer).keys()
    assert len(methods) >= 8


async def test_names_are_listed_and_lost_by_how_they_begin() -> None:
    """As the rule that deletes by age does: only what is staged."""
    area = InMemoryStagingArea()
    await area.write(NAME, of(b"mim"))
    await area.put_manifest(MANIFEST)
    await area.keep("invoices", KEY)
    names = sorted([NAME, manifest_name("invoices", KEY)])
    assert area.staged.names() == area.staged.names("invoices/") == names

    area.staged.lose(f"invoices/{KEY}/")

    assert area.staged.names() == []
    assert area.kept.names() == names
