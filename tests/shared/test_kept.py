"""What is needed for longer than it is staged: copied to container `kept`, found there, and forgotten."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient, StorageStreamDownloader

from shared.errors import NotYet, Stale, Transient, Unavailable
from shared.manifest import VERSION, Manifest
from shared.plan import Plan, PlannedFile
from shared.staging_area import Missing, StagingArea, file_name, manifest_name, plan_name, unreadable_name
from shared.storage_clients import PIECE
from shared.vault.protocol import NewObject

from .accounts import Stores
from .made import manifest, staged

pytestmark = pytest.mark.anyio
LARGE = (
    b"".join(hashlib.sha256(bytes([number])).digest() * (PIECE // 64) for number in range(5)) + b"the rest"
)
CONTENTS = {"message.eml": LARGE, "attachments/0001": b"%PDF-", "attachments/0002": b""}
MANIFEST = manifest("invoices", *(staged(path, content) for path, content in CONTENTS.items()))
MAIL = (MANIFEST.source, MANIFEST.key)
MANIFEST_NAME, PLAN_NAME = manifest_name(*MAIL), plan_name(*MAIL)
MESSAGE, FIRST, SECOND = (file_name(*MAIL, MANIFEST.run, path) for path in CONTENTS)
PLAN = Plan(1023, NewObject(3, ()), tuple(PlannedFile(path, "a", "eml", 1) for path in CONTENTS))


@dataclass(frozen=True)
class Kept:
    """The staging area, what it asks of storage, and both containers past it."""

    area: StagingArea
    staging: ContainerClient
    kept: ContainerClient
    asked: list[str] = field(default_factory=list)

    async def stage(self, manifest: Manifest = MANIFEST, plan: Plan | None = PLAN) -> None:
        """As staging and the first attempt to file leave it, beside what another run has left."""
        for file in manifest.files:
            name = file_name(manifest.source, manifest.key, manifest.run, file.path)
            await self.area.write(name, of(CONTENTS[file.path]))
        await self.area.write(file_name(manifest.source, manifest.key, "other", "message.eml"), of(b"x"))
        await self.area.put_manifest(manifest)
        if plan is not None:
            await self.area.put_first(PLAN_NAME, plan)
        self.asked.clear()

    async def expire(self, *names: str) -> None:
        """What the lifecycle rule does."""
        for name in names:
            await self.staging.delete_blob(name)
        self.asked.clear()

    async def expire_all(self) -> None:
        await self.expire(*await names_in(self.staging))

    async def read(self, name: str, size: int) -> bytes:
        return b"".join([piece async for piece in self.area.read(name, size)])

    @property
    def written(self) -> list[str]:
        """The blobs that were written, in their order; one of several pieces is asked for several times."""
        return list(dict.fromkeys(one.removeprefix("PUT ") for one in self.asked if one.startswith("PUT ")))


async def of(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


async def names_in(container: ContainerClient) -> list[str]:
    try:
        return sorted([name async for name in container.list_blob_names()])
    except ResourceNotFoundError:
        return []


async def content_of(container: ContainerClient, name: str) -> bytes:
    return await (await container.download_blob(name)).readall()


@pytest.fixture
async def world(stores: Stores) -> AsyncIterator[Kept]:
    asked: list[str] = []

    def note(request: Any) -> None:
        address = urlsplit(request.http_request.url)
        if "restype=container" not in address.query:
            asked.append(f"{request.http_request.method} {unquote(address.path).split('/', 2)[2]}")

    async with BlobServiceClient.from_connection_string(
        stores.connection_string, raw_request_hook=note, max_single_get_size=PIECE, max_chunk_get_size=PIECE
    ) as client:
        yield Kept(
            StagingArea(client),
            stores.blobs.get_container_client("staging"),
            stores.blobs.get_container_client("kept"),
            asked,
        )


async def test_a_mail_is_kept_whole_and_nothing_of_another_run(world: Kept) -> None:
    await world.stage()

    await world.area.keep(*MAIL)

    assert await names_in(world.kept) == sorted([MESSAGE, FIRST, SECOND, MANIFEST_NAME, PLAN_NAME])
    for name in await names_in(world.kept):
        assert await content_of(world.kept, name) == await content_of(world.staging, name)


async def test_a_large_file_is_copied_in_pieces_and_never_held_whole(world: Kept) -> None:
    large = 10 * PIECE

    async def zeros() -> AsyncGenerator[bytes, None]:
        for _ in range(large // PIECE):
            yield bytes(PIECE)

    written = await world.area.write(MESSAGE, zeros())
    file = msgspec.structs.replace(MANIFEST.files[0], size=large, sha256=written.sha256)
    await world.area.put_manifest(msgspec.structs.replace(MANIFEST, files=(file,)))
    tracemalloc.start()
    try:
        await world.area.keep(*MAIL)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 7 * PIECE
    committed, _ = await world.kept.get_blob_client(MESSAGE).get_block_list("committed")
    assert [block.size for block in committed] == [PIECE] * 10


async def test_the_manifest_is_kept_last(world: Kept) -> None:
    """It is the commit mark there, too."""
    await world.stage()

    await world.area.keep(*MAIL)

    assert world.written == [f"kept/{name}" for name in (PLAN_NAME, MESSAGE, FIRST, SECOND, MANIFEST_NAME)]


async def test_what_is_kept_already_is_not_written_again(world: Kept) -> None:
    await world.stage()
    await world.area.keep(*MAIL)
    world.asked.clear()

    await world.area.keep(*MAIL)

    assert world.written == []


async def test_a_copy_that_broke_off_goes_on_where_it_stopped(
    world: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.stage()
    with monkeypatch.context() as patched:
        patched.setattr(world.area._kept, "write", breaking_at(FIRST, world.area._kept.write))
        with pytest.raises(Unavailable):
            await world.area.keep(*MAIL)
    assert MANIFEST_NAME not in await names_in(world.kept)
    world.asked.clear()

    await world.area.keep(*MAIL)

    assert world.written == [f"kept/{name}" for name in (FIRST, SECOND, MANIFEST_NAME)]


def breaking_at(
    name: str, write: Callable[[str, AsyncGenerator[bytes, None], int], Awaitable[Any]]
) -> Callable[[str, AsyncGenerator[bytes, None], int], Awaitable[Any]]:
    async def breaking(written: str, content: AsyncGenerator[bytes, None], size: int) -> Any:
        if written == name:
            raise Unavailable("storage did not answer")
        return await write(written, content, size)

    return breaking


async def test_a_kept_file_of_another_size_is_copied_anew(world: Kept) -> None:
    await world.stage()
    await world.area.keep(*MAIL)
    await world.kept.upload_blob(MESSAGE, b"short", overwrite=True)

    await world.area.keep(*MAIL)

    assert await content_of(world.kept, MESSAGE) == LARGE


async def test_a_plan_and_a_manifest_that_were_made_anew_take_the_place_of_the_kept_ones(world: Kept) -> None:
    await world.stage()
    await world.area.keep(*MAIL)
    anew, plan = msgspec.structs.replace(MANIFEST, run="run2"), msgspec.structs.replace(PLAN, key_property=1)
    await world.expire_all()
    await world.stage(anew, plan)

    await world.area.keep(*MAIL)
    await world.expire_all()

    assert await world.area.manifest(*MAIL) == anew
    assert await world.area.document(PLAN_NAME, Plan) == plan
    assert await world.read(file_name(*MAIL, "run2", "message.eml"), len(LARGE)) == LARGE


async def test_many_at_once_keep_a_mail_whole(world: Kept) -> None:
    await world.stage()

    await asyncio.gather(*(world.area.keep(*MAIL) for _ in range(4)))

    await world.expire_all()
    assert await world.area.manifest(*MAIL) == MANIFEST
    assert await world.read(MESSAGE, len(LARGE)) == LARGE


async def test_where_nothing_is_staged_nothing_is_kept(world: Kept) -> None:
    await world.area.keep(*MAIL)

    assert not await world.kept.exists()


async def test_a_plan_without_a_manifest_is_not_kept(world: Kept) -> None:
    """It would be found beside a manifest of later, for which it was not made."""
    await world.area.put_first(PLAN_NAME, PLAN)

    await world.area.keep(*MAIL)

    assert await names_in(world.kept) == []


async def test_a_plan_that_was_made_from_a_kept_manifest_is_kept_beside_it(world: Kept) -> None:
    await world.stage(plan=None)
    await world.area.keep(*MAIL)
    await world.expire_all()
    await world.area.put_first(PLAN_NAME, PLAN)

    await world.area.keep(*MAIL)
    await world.expire_all()

    assert await world.area.document(PLAN_NAME, Plan) == PLAN


async def test_of_a_run_that_is_half_there_what_is_there_is_kept_without_the_manifest(world: Kept) -> None:
    """A kept manifest says that the mail is whole; bytes are kept for a person to look at."""
    await world.stage()
    await world.expire(MESSAGE)
    await world.staging.upload_blob(FIRST, b"%PDF", overwrite=True)

    await world.area.keep(*MAIL)

    assert await names_in(world.kept) == sorted([PLAN_NAME, SECOND])


async def test_a_file_that_is_only_kept_makes_a_run_whole(world: Kept) -> None:
    await world.stage()
    await world.area.keep(*MAIL)
    await world.kept.delete_blob(MANIFEST_NAME)
    await world.expire(MESSAGE)

    await world.area.keep(*MAIL)

    assert await content_of(world.kept, MANIFEST_NAME) == msgspec.json.encode(MANIFEST)


async def test_a_manifest_of_a_later_version_is_not_taken_apart(world: Kept) -> None:
    await world.stage(msgspec.structs.replace(MANIFEST, v=VERSION + 1))

    with pytest.raises(NotYet, match="version"):
        await world.area.keep(*MAIL)

    assert await names_in(world.kept) == []


async def test_a_manifest_that_cannot_be_read_is_no_mail_without_bytes(world: Kept) -> None:
    await world.stage()
    await world.staging.upload_blob(MANIFEST_NAME, b"{", overwrite=True)

    with pytest.raises(Unavailable, match=r"manifest\.json cannot be read"):
        await world.area.keep(*MAIL)


async def test_what_is_gone_from_staging_is_read_from_what_is_kept(world: Kept) -> None:
    await world.stage()
    await world.area.keep(*MAIL)
    await world.expire_all()

    assert await world.area.manifest(*MAIL) == MANIFEST
    assert await world.area.document(PLAN_NAME, Plan) == PLAN
    pieces = [piece async for piece in world.area.read(MESSAGE, len(LARGE))]
    assert b"".join(pieces) == LARGE
    assert max(map(len, pieces)) <= PIECE
    assert await world.read(SECOND, 0) == b""


async def test_each_file_is_looked_for_by_itself(world: Kept) -> None:
    """The lifecycle rule deletes in any order: one file may be gone, its manifest not."""
    await world.stage()
    await world.area.keep(*MAIL)
    await world.expire(FIRST)
    await world.staging.upload_blob(MESSAGE, b"short", overwrite=True)

    assert await world.read(FIRST, 5) == b"%PDF-"
    assert await world.read(MESSAGE, len(LARGE)) == LARGE
    with pytest.raises(Missing):
        await world.read(FIRST, 4)


async def test_the_first_that_is_found_costs_one_request(world: Kept) -> None:
    await world.stage()

    await world.area.manifest(*MAIL)
    await world.area.document(PLAN_NAME, Plan)
    await world.read(FIRST, 5)

    assert world.asked == [f"GET staging/{name}" for name in (MANIFEST_NAME, PLAN_NAME, FIRST)]


async def test_a_mail_that_has_just_arrived_is_not_looked_for_among_the_kept_ones(world: Kept) -> None:
    await world.stage()
    await world.area.keep(*MAIL)
    await world.expire_all()

    assert await world.area.manifest(*MAIL, also_kept=False) is None
    assert await world.area.document(PLAN_NAME, Plan, also_kept=False) is None

    assert world.asked == [f"GET staging/{name}" for name in (MANIFEST_NAME, PLAN_NAME)]


async def test_a_blob_that_vanishes_while_it_is_read_is_not_missing(world: Kept) -> None:
    """Whoever meets a missing file deletes the manifest, and here a kept copy is whole."""
    await world.stage()
    await world.area.keep(*MAIL)
    content = world.area.read(MESSAGE, len(LARGE))
    await anext(content)
    await world.expire_all()

    with pytest.raises(Transient, match="staging area"):
        await anext(content)
    assert await world.read(MESSAGE, len(LARGE)) == LARGE


async def test_nor_is_it_where_storage_says_not_found(world: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azurite answers 412 to a later piece of a blob that is gone; 404 would be as good an answer."""
    await world.stage()

    async def not_found() -> AsyncGenerator[bytes, None]:
        yield LARGE[:PIECE]
        raise ResourceNotFoundError

    monkeypatch.setattr(StorageStreamDownloader, "chunks", lambda _: not_found())

    with pytest.raises(Unavailable, match="staging area: a blob was deleted while it was read"):
        await world.read(MESSAGE, len(LARGE))


@pytest.mark.parametrize("is_staged", [True, False])
async def test_a_document_is_taken_away_wherever_it_is(world: Kept, is_staged: bool) -> None:
    """A manifest whose file is missing would be read for ever."""
    await world.stage()
    await world.area.keep(*MAIL)
    if not is_staged:
        await world.expire_all()

    await world.area.delete_document(PLAN_NAME, PLAN)
    await world.area.delete_document(MANIFEST_NAME, MANIFEST)

    assert await world.area.manifest(*MAIL) is None
    assert await world.area.document(PLAN_NAME, Plan) is None
    assert await names_in(world.kept) == sorted([MESSAGE, FIRST, SECOND])


async def test_a_kept_document_that_says_something_else_stays(world: Kept) -> None:
    await world.stage()
    await world.area.keep(*MAIL)
    await world.expire(MANIFEST_NAME)
    anew = msgspec.structs.replace(MANIFEST, run="run2")
    await world.area.put_manifest(anew)

    await world.area.delete_document(MANIFEST_NAME, anew)

    assert await world.area.manifest(*MAIL) == MANIFEST


async def test_a_document_that_changes_meanwhile_stays(world: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.stage()
    await world.area.keep(*MAIL)
    anew = msgspec.json.encode(msgspec.structs.replace(MANIFEST, run="run2"))
    delete_blob = BlobClient.delete_blob

    async def late(blob: BlobClient, **options: Any) -> None:
        await world.kept.upload_blob(MANIFEST_NAME, anew, overwrite=True)
        await delete_blob(blob, **options)

    monkeypatch.setattr(BlobClient, "delete_blob", late)

    with pytest.raises(Stale):
        await world.area.delete_document(MANIFEST_NAME, MANIFEST)

    assert await content_of(world.kept, MANIFEST_NAME) == anew
    assert await world.area.manifest(*MAIL) == MANIFEST


async def test_deleting_takes_the_kept_one_away_first(world: Kept) -> None:
    """Who finds none staged then finds none kept."""
    await world.stage()
    await world.area.keep(*MAIL)
    world.asked.clear()

    await world.area.delete(PLAN_NAME)
    await world.area.delete(PLAN_NAME)

    assert world.asked[:2] == [f"DELETE kept/{PLAN_NAME}", f"DELETE staging/{PLAN_NAME}"]
    assert await world.area.document(PLAN_NAME, Plan) is None


async def test_taking_a_run_away_leaves_what_is_kept(world: Kept) -> None:
    await world.stage()
    await world.area.keep(*MAIL)

    await world.area.delete_run(*MAIL, MANIFEST.run)

    assert await world.read(MESSAGE, len(LARGE)) == LARGE


async def test_a_mail_is_forgotten_with_all_its_runs_and_no_other_one(world: Kept) -> None:
    others = [manifest_name("invoices", "1" * 32), manifest_name("invoices-2", MANIFEST.key)]
    await world.stage()
    await world.area.keep(*MAIL)
    for name in (*others, file_name(*MAIL, "run2", "message.eml")):
        await world.kept.upload_blob(name, b"x")
    world.asked.clear()

    await world.area.forget_kept(*MAIL)

    assert await names_in(world.kept) == sorted(others)
    assert world.asked[0] == f"DELETE kept/{MANIFEST_NAME}"
    assert await world.area.manifest(*MAIL) == MANIFEST  # what is staged goes by age


async def test_forgetting_what_was_never_kept_is_no_fault(world: Kept) -> None:
    await world.area.forget_kept(*MAIL)
    await world.kept.create_container()
    await world.area.forget_kept(*MAIL)

    assert await names_in(world.kept) == []


async def test_an_unreadable_message_is_kept_once_under_its_digest(world: Kept) -> None:
    body = b"\xff{ not a message"
    digest = hashlib.sha256(body).hexdigest()

    await world.area.put_unreadable(body, digest)
    assert await content_of(world.kept, unreadable_name(digest)) == body
    world.asked.clear()
    await world.area.put_unreadable(body, digest)

    assert world.written == []
    assert await names_in(world.kept) == [f"_unreadable/{digest}"]
