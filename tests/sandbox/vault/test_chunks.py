"""Files that come in chunks, which M-Files does not document."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.vault.chunks import Chunk
from tests.sandbox.vault.bodies import Json, create, document, file, upload
from tests.sandbox.vault.conftest import Site
from tests.sandbox.vault.test_uploads import count_of_files

pytestmark = pytest.mark.anyio

CONTENT = bytes(range(250)) * 10
SIZE = 1000


async def begin(client: httpx.AsyncClient, size: int = len(CONTENT)) -> int:
    info = {"Title": "offer", "Extension": "pdf", "Size": size}
    answer = await client.post("files/upload", json=info)
    assert answer.status_code == 200, answer.text
    number: int = answer.json()["UploadID"]
    assert answer.json()["Size"] == size
    return number


async def chunk(
    client: httpx.AsyncClient,
    number: int,
    content: bytes,
    *,
    upload_id: int = 1,
    total: int = 3,
    size: int = SIZE,
) -> httpx.Response:
    query = {"resumableChunkNumber": number, "resumableTotalChunks": total, "resumableChunkSize": size}
    return await client.post(f"files/upload/{upload_id}", params=query, content=content)


def parts(content: bytes = CONTENT, size: int = SIZE) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


@pytest.mark.parametrize("commits", [True, False])
async def test_a_file_in_chunks_becomes_part_of_an_object(
    site: Site, client: httpx.AsyncClient, commits: bool
) -> None:
    """The commit of the official client is not needed by the session itself."""
    number = await begin(client)
    for at, part in enumerate(parts(), 1):
        assert (await chunk(client, at, part)).status_code == 200
    if commits:
        answer = await client.post(f"files/{number}/{len(CONTENT)}/uploadtemporarycommit.aspx")
        assert (answer.status_code, answer.json()) == (200, 0)
    info: Json = {"UploadID": number, "Size": len(CONTENT)}
    await create(client, document(files=[file(info, "offer", "pdf")]))
    (stored,) = site.vault.objects()
    assert stored.files[0].path.read_bytes() == CONTENT
    assert stored.files[0].size == len(CONTENT)


async def test_chunks_pass_a_limit_that_the_file_does_not(site: Site, client: httpx.AsyncClient) -> None:
    site.vault.max_upload_bytes = SIZE
    assert (await client.post("files", content=CONTENT)).status_code == 404
    await begin(client)
    for at, part in enumerate(parts(), 1):
        assert (await chunk(client, at, part)).status_code == 200


async def test_numbers_of_chunked_and_whole_uploads_are_counted_together(client: httpx.AsyncClient) -> None:
    assert (await upload(client))["UploadID"] == 1
    assert await begin(client) == 2
    assert (await upload(client))["UploadID"] == 3


NOT_THE_NEXT: list[tuple[int, bytes, dict[str, int]]] = [
    (2, parts()[0], {}),
    (1, parts()[0][:-1], {}),
    (1, parts()[0] + b"x", {}),
    (1, parts()[0], {"total": 4}),
    (1, parts()[0], {"total": 2}),
    (1, b"", {"size": 0}),
    (0, parts()[0], {}),
]


async def test_a_chunk_that_is_not_the_next_one_is_refused(client: httpx.AsyncClient) -> None:
    await begin(client)
    for number, content, changed in NOT_THE_NEXT:
        answer = await chunk(client, number, content, **changed)
        assert answer.status_code == 400, (number, len(content), changed)
    assert (await chunk(client, 1, parts()[0])).status_code == 200


async def test_chunks_keep_their_size_and_come_once(client: httpx.AsyncClient) -> None:
    await begin(client)
    first, second, last = parts()
    assert (await chunk(client, 1, first)).status_code == 200
    assert (await chunk(client, 1, first)).status_code == 400
    assert (await chunk(client, 2, second[:500], size=500, total=5)).status_code == 400
    assert (await chunk(client, 2, second)).status_code == 200
    assert (await chunk(client, 3, last + b"\0" * 500)).status_code == 400
    assert (await chunk(client, 3, last)).status_code == 200
    assert (await chunk(client, 3, last)).status_code == 404


async def test_what_is_not_complete_cannot_be_used(client: httpx.AsyncClient) -> None:
    number = await begin(client)
    await chunk(client, 1, parts()[0])
    info: Json = {"UploadID": number, "Size": len(CONTENT)}
    answer = await client.post("objects/0", json=document(files=[file(info, "offer", "pdf")]))
    assert (answer.status_code, answer.json()["Message"]) == (400, "There is no upload 1.")
    assert (await client.post(f"files/{number}/{len(CONTENT)}/uploadtemporarycommit")).status_code == 404


async def test_a_file_of_no_size_or_name_is_not_begun(client: httpx.AsyncClient) -> None:
    for info in ({"Title": "a", "Extension": "b", "Size": 0}, {"Title": "a", "Size": 1}, {}):
        assert (await client.post("files/upload", json=info)).status_code == 400
    assert (await client.post("files/upload/9?resumableChunkNumber=1", content=b"x")).status_code == 404
    await begin(client)
    assert (await client.post("files/upload/1?resumableChunkNumber=1", content=b"x")).status_code == 400


async def test_chunks_die_with_their_token(site: Site, client: httpx.AsyncClient) -> None:
    await begin(client)
    await chunk(client, 1, parts()[0])
    site.vault.expire_tokens()
    await count_of_files(site, 0)
    await site.log_in(client)
    assert (await chunk(client, 2, parts()[1])).status_code == 404


async def test_a_cut_chunk_can_be_sent_again(site: Site, client: httpx.AsyncClient) -> None:
    number = await begin(client)
    first, second, last = parts()
    await chunk(client, 1, first)
    (session,) = site.vault.sessions._sessions.values()
    partial = session.partial[number]

    async def broken() -> AsyncIterator[bytes]:
        yield second[:10]
        await asyncio.sleep(0)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await partial.append(Chunk(2, 3, SIZE), broken())
    for at, part in ((2, second), (3, last)):
        assert (await chunk(client, at, part)).status_code == 200
    assert session.uploads[number].path.read_bytes() == CONTENT
