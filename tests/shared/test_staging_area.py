"""The bytes of a mail between mailbox and vault: whole, or not there."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.blob_container import Written
from shared.errors import Unavailable
from shared.mail import Address, Header, Mail
from shared.manifest import LeftOut, Manifest, StagedFile
from shared.plan import Plan
from shared.settings import StorageSettings
from shared.staging_area import Missing, StagingArea, file_name, manifest_name, plan_name
from shared.storage_clients import PIECE, blob_service

from .accounts import Stores

pytestmark = pytest.mark.anyio
KEY = "0" * 32
MANIFEST = Manifest(
    source="invoices",
    key=KEY,
    message="AAkALgAA=",
    run="00ff",
    mail=Mail(
        subject="Größe",
        from_=Address("Ada", "ada@example.com"),
        to=(Address("", "a@b"),),
        headers=(Header("X", "1"),),
    ),
    files=(StagedFile("message.eml", "message", 3, "ab" * 32, type="message/rfc822"),),
    left_out=(LeftOut(2, "item"),),
)


def seeded(size: int) -> bytes:
    """Bytes that differ from piece to piece."""
    block = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(size // 32 + 1))
    return block[:size]


async def streamed(content: bytes, step: int = 1_000_003) -> AsyncGenerator[bytes, None]:
    """`content` in pieces of an odd size, as they come off the wire."""
    for at in range(0, len(content), step):
        yield content[at : at + step]


async def of(pieces: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece


async def read(stores: Stores, name: str, size: int) -> bytes:
    return b"".join([piece async for piece in stores.area.read(name, size)])


async def test_a_large_stream_is_written_in_pieces_and_read_back_whole(stores: Stores) -> None:
    content = seeded(3 * PIECE)

    written = await stores.area.write("a/b/large", streamed(content))

    assert written == Written(len(content), hashlib.sha256(content).hexdigest())
    blob = stores.blobs.get_blob_client("staging", "a/b/large")
    committed, _ = await blob.get_block_list("committed")
    assert [block.size for block in committed] == [PIECE] * 3
    pieces = [piece async for piece in stores.area.read("a/b/large", len(content))]
    assert max(map(len, pieces)) <= PIECE
    assert b"".join(pieces) == content


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1])
async def test_sizes_around_one_piece_come_back_whole(stores: Stores, size: int) -> None:
    content = seeded(size)

    written = await stores.area.write("a/b/file", streamed(content))

    assert written == Written(size, hashlib.sha256(content).hexdigest())
    assert await read(stores, "a/b/file", size) == content


async def test_what_is_said_to_be_small_goes_in_small_pieces_however_much_comes(stores: Stores) -> None:
    """It has little memory: what was said may be wrong."""
    content = seeded(700_000)

    await stores.area.write("a/b/small", streamed(content), expected=1000)

    blob = stores.blobs.get_blob_client("staging", "a/b/small")
    committed, _ = await blob.get_block_list("committed")
    assert [block.size for block in committed] == [256 * 1024, 256 * 1024, 700_000 - 512 * 1024]
    assert await read(stores, "a/b/small", len(content)) == content


async def test_a_piece_that_was_refused_or_cut_off_is_sent_again_whole() -> None:
    """The SDK repeats a request: what it has read of a piece before, it reads again."""
    received: list[bytes] = []

    async def storage(request: web.Request) -> web.Response:
        received.append(await request.read())
        if len(received) == 1:
            return web.Response(status=503)
        if len(received) == 3 and request.transport is not None:
            request.transport.abort()
        return web.Response(status=201, headers={"ETag": '"1"'})

    content = seeded(PIECE + 300_000)
    async with TestServer(handler_app(storage)) as server:
        connection = f"AccountName=mail;AccountKey=YWJj;BlobEndpoint={server.make_url('/mail')}"
        async with blob_service(StorageSettings(connection), None) as service:
            await StagingArea(service).write("a/b/file", streamed(content))

    first, last = content[:PIECE], content[PIECE:]
    assert received[:-1] == [first, first, last, last]
    assert received[-1].count(b"<Latest>") == 2


def handler_app(storage: Callable[[web.Request], Awaitable[web.Response]]) -> web.Application:
    app = web.Application(client_max_size=2 * PIECE)
    app.router.add_route("*", "/{path:.*}", storage)
    return app


async def test_a_stream_with_empty_pieces_only_is_an_empty_blob(stores: Stores) -> None:
    written = await stores.area.write("a/b/empty", of([b"", b""]))

    assert written == Written(0, hashlib.sha256(b"").hexdigest())
    assert await read(stores, "a/b/empty", 0) == b""


async def test_writing_again_replaces(stores: Stores) -> None:
    for content in (seeded(PIECE + 5), b"short", b""):
        await stores.area.write("a/b/file", streamed(content))

        assert await read(stores, "a/b/file", len(content)) == content


async def test_a_stream_that_breaks_leaves_no_blob(stores: Stores) -> None:
    """Pieces that were sent before are not a blob until they are committed."""

    async def breaking() -> AsyncGenerator[bytes, None]:
        yield seeded(2 * PIECE)
        raise Unavailable("Graph did not answer in full")

    with pytest.raises(Unavailable, match="Graph"):
        await stores.area.write("a/b/broken", breaking())

    assert await stores.blob_names() == []


async def test_many_first_blobs_at_once_race_for_the_container(stores: Stores) -> None:
    await asyncio.gather(*(stores.area.write(f"a/b/{number}", of([b"x"])) for number in range(6)))

    assert len(await stores.blob_names("a/b/")) == 6


async def test_a_blob_that_is_gone_or_of_another_size_is_missing(stores: Stores) -> None:
    with pytest.raises(Missing):  # not even the container is there
        await read(stores, "a/b/file", 3)
    await stores.area.write("a/b/file", of([b"abc"]))

    for name, size in (("a/b/file", 2), ("a/b/file", 4), ("a/b/File", 3), ("a/b/other", 0)):
        with pytest.raises(Missing):
            await read(stores, name, size)


async def test_a_large_blob_that_is_short_is_missing_before_a_byte_is_given(stores: Stores) -> None:
    await stores.area.write("a/b/large", streamed(seeded(PIECE + 10)))

    with pytest.raises(Missing):
        await anext(stores.area.read("a/b/large", PIECE + 11))


async def test_a_manifest_comes_back_as_it_was_put(stores: Stores) -> None:
    assert await stores.area.manifest("invoices", KEY) is None

    assert await stores.area.put_manifest(MANIFEST) is True

    assert await stores.area.manifest("invoices", KEY) == MANIFEST
    assert await stores.area.manifest("invoices", "1" * 32) is None
    assert await stores.blob_names() == [f"invoices/{KEY}/manifest.json"]


async def test_the_first_manifest_wins(stores: Stores) -> None:
    assert await stores.area.put_manifest(MANIFEST)

    assert await stores.area.put_manifest(replace_run(MANIFEST, "11ff")) is False

    assert await stores.area.manifest("invoices", KEY) == MANIFEST


async def test_of_many_manifests_at_once_one_wins(stores: Stores) -> None:
    runs = [f"{number:04x}" for number in range(8)]

    won = await asyncio.gather(*(stores.area.put_manifest(replace_run(MANIFEST, run)) for run in runs))

    assert sum(won) == 1
    found = await stores.area.manifest("invoices", KEY)
    assert found is not None
    assert found.run == runs[won.index(True)]


async def test_a_manifest_can_be_put_again_when_it_was_taken_away(stores: Stores) -> None:
    await stores.area.put_manifest(MANIFEST)
    await stores.area.delete(manifest_name("invoices", KEY))
    await stores.area.delete(manifest_name("invoices", KEY))

    assert await stores.area.put_manifest(replace_run(MANIFEST, "11ff")) is True


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"\xff\xfe",
        b'{"source": "\xff"}',
        b'{"source": "\xc3\x28", "key": "k"}',
        b'{"source": 1}',
        b"[" * 100_000,
        msgspec.json.encode({**msgspec.to_builtins(MANIFEST), "files": [{"path": "x"}]}),
    ],
)
async def test_what_is_no_manifest_is_unavailable_not_absent(stores: Stores, content: bytes) -> None:
    """Absent would fetch the mail again over the one that is there; nothing of the blob is in the text."""
    await stores.area.put_manifest(replace_key(MANIFEST, "1" * 32))
    await stores.put_blob(manifest_name("invoices", KEY), content)

    with pytest.raises(Unavailable, match=r"manifest\.json cannot be read"):
        await stores.area.manifest("invoices", KEY)


async def test_a_field_of_a_later_version_is_ignored(stores: Stores) -> None:
    await stores.area.put_manifest(replace_key(MANIFEST, "1" * 32))
    content = msgspec.json.encode({**msgspec.to_builtins(MANIFEST), "new": {"x": 1}})
    await stores.put_blob(manifest_name("invoices", KEY), content)

    assert await stores.area.manifest("invoices", KEY) == MANIFEST


async def test_a_document_is_read_as_what_it_is_asked_for(stores: Stores) -> None:
    await stores.area.put_first(plan_name("invoices", KEY), MANIFEST)

    with pytest.raises(Unavailable, match=r"plan\.json"):
        await stores.area.document(plan_name("invoices", KEY), Plan)


async def test_deleting_a_run_takes_away_its_own_only(stores: Stores) -> None:
    kept = [
        file_name("invoices", KEY, "bb", "message.eml"),
        file_name("invoices", KEY, "aaa", "message.eml"),
        file_name("invoices", "1" * 32, "aa", "message.eml"),
        file_name("orders", KEY, "aa", "message.eml"),
    ]
    own = [file_name("invoices", KEY, "aa", path) for path in ("message.eml", "attachments/0001")]
    for name in (*kept, *own):
        await stores.area.write(name, of([b"x"]))
    await stores.area.put_manifest(MANIFEST)

    await stores.area.delete_run("invoices", KEY, "aa")
    await stores.area.delete_run("invoices", KEY, "no-such-run")

    assert await stores.blob_names() == sorted([*kept, manifest_name("invoices", KEY)])


async def test_storage_that_does_not_answer_is_unavailable_at_once(down: Stores) -> None:
    began = time.monotonic()

    for work in (
        down.area.write("a/b/file", of([b"abc"])),
        down.area.write("a/b/file", of([b"x" * (PIECE + 1)])),
        read(down, "a/b/file", 3),
        down.area.put_manifest(MANIFEST),
        down.area.manifest("invoices", KEY),
        down.area.delete("a/b/file"),
        down.area.delete_document(manifest_name("invoices", KEY), MANIFEST),
        down.area.delete_run("invoices", KEY, "aa"),
        down.area.keep("invoices", KEY),
        down.area.forget_kept("invoices", KEY),
        down.area.put_unreadable(b"{", "ab" * 32),
    ):
        with pytest.raises(Unavailable, match=r"^(staging area|kept mail): storage did not answer"):
            await work

    assert time.monotonic() - began < 5


def replace_run(manifest: Manifest, run: str) -> Manifest:
    return msgspec.structs.replace(manifest, run=run)


def replace_key(manifest: Manifest, key: str) -> Manifest:
    return msgspec.structs.replace(manifest, key=key)
