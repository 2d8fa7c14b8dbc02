"""Temporary uploads."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sandbox.vault.errors import ServiceError
from sandbox.vault.uploads import receive
from tests.sandbox.vault.bodies import create, document, file, upload
from tests.sandbox.vault.conftest import Site

pytestmark = pytest.mark.anyio


async def test_raw_bytes_are_answered_with_one_object_that_has_no_name(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "files", content=b"12345", headers={"Content-Type": "application/octet-stream"}
    )
    assert answer.json() == {"UploadID": 1, "Size": 5, "FileInformationType": 0}


async def test_raw_bytes_need_no_content_type(client: httpx.AsyncClient) -> None:
    request = client.build_request("POST", "files", content=b"12345")
    assert "Content-Type" not in request.headers
    assert (await client.send(request)).json()["Size"] == 5


async def test_an_empty_file_is_a_file(client: httpx.AsyncClient) -> None:
    assert (await client.post("files", content=b"")).json()["Size"] == 0


async def test_a_form_with_one_file_is_answered_with_one_object(client: httpx.AsyncClient) -> None:
    answer = await client.post("files", files={"file": ("a.pdf", b"%PDF-1.7")})
    assert answer.json() == {"UploadID": 1, "Size": 8, "FileInformationType": 0}


async def test_a_form_with_several_files_is_answered_with_a_list(
    site: Site, client: httpx.AsyncClient
) -> None:
    big = bytes(range(256)) * 4096
    answer = await client.post("files", files=[("file", ("a.pdf", b"%PDF")), ("file", ("b.bin", big))])
    first, second = answer.json()
    assert (first["Size"], second["Size"]) == (4, len(big))
    await create(client, document(files=[file(first, "a", "pdf"), file(second, "b", "bin")]))
    (stored,) = site.vault.objects()
    assert stored.files[1].sha256 == hashlib.sha256(big).hexdigest()


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("message/rfc822", b"Subject: x"),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b"no form at all"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
        ),
    ],
)
async def test_what_is_no_file_is_refused(
    client: httpx.AsyncClient, content_type: str, content: bytes
) -> None:
    answer = await client.post("files", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 400


async def test_a_stream_without_its_length_is_refused(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"piece"

    answer = await client.post("files", content=pieces())
    assert answer.status_code == 411
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_a_large_file_comes_and_goes_whole(site: Site, client: httpx.AsyncClient) -> None:
    """More than the megabyte to which aiohttp limits a body by itself."""
    large = bytes(range(251)) * 20_000
    info = await upload(client, large)
    created = await create(client, document(single=True, files=[file(info, None, "bin")]))
    version, (sent,) = created["ObjVer"], created["Files"]
    answer = await client.get(f"objects/0/{version['ID']}/latest/files/{sent['ID']}/content")
    assert answer.content == large
    (stored,) = site.vault.objects()
    assert stored.files[0].sha256 == hashlib.sha256(large).hexdigest()
    assert stored.files[0].size == stored.files[0].path.stat().st_size == len(large)


async def test_a_body_over_the_limit_is_answered_by_iis_in_html(
    site: Site, client: httpx.AsyncClient
) -> None:
    site.vault.max_upload_bytes = 1000
    assert (await client.post("files", content=b"x" * 1000)).status_code == 200
    for size in (1001, 5_000_000):
        answer = await client.post("files", content=b"x" * size)
        assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "404.13" in answer.text
    assert (await client.get("structure/classes")).status_code == 200


@pytest.mark.parametrize("status", [404, 413, 500])
async def test_a_limit_answers_as_the_web_server_is_set_up(
    site: Site, client: httpx.AsyncClient, status: int
) -> None:
    site.vault.max_upload_bytes, site.vault.oversize_status = 10, status
    answer = await client.post("files", content=b"x" * 11)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")


async def test_upload_numbers_count_on_and_each_is_used_once(site: Site, client: httpx.AsyncClient) -> None:
    first, second = await upload(client, b"one"), await upload(client, b"two")
    assert (first["UploadID"], second["UploadID"]) == (1, 2)
    await create(client, document(files=[file(first, "one", "txt")]))
    answer = await client.post("objects/0", json=document(files=[file(first, "one", "txt")]))
    assert answer.status_code == 400
    await create(client, document(files=[file(second, "two", "txt")]))
    assert (await upload(client))["UploadID"] == 3


async def count_of_files(site: Site, wanted: int) -> None:
    """Wait until so many temporary files are there; the server tells nobody when it writes."""
    for _ in range(500):
        if len(list(site.vault.files._uploads.iterdir())) == wanted:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"there were never {wanted} temporary files")


async def test_a_cut_stream_leaves_nothing(
    site: Site, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = "127.0.0.1", httpx.URL(site.origin).port
    _, writer = await asyncio.open_connection(host, port, ssl=site.trust)
    head = (
        "POST /REST/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        f"X-Authentication: {client.headers['X-Authentication']}\r\n"
        f"Cookie: mfilesmsm={client.cookies['mfilesmsm']}\r\n\r\n"
    )
    writer.write(head.encode() + b"only a part")
    await writer.drain()
    await count_of_files(site, 1)
    writer.close()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()
    await count_of_files(site, 0)
    assert not caplog.records
    assert (await upload(client))["UploadID"] == 1


async def test_a_stream_that_breaks_leaves_no_file(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a part"
        raise ConnectionResetError

    upload_path = tmp_path / "upload"
    with pytest.raises(ConnectionResetError):
        await receive(pieces(), upload_path)
    assert not await asyncio.to_thread(upload_path.exists)


async def test_an_upload_that_outlives_its_token_is_refused(site: Site, client: httpx.AsyncClient) -> None:
    (session,) = site.vault.sessions._sessions.values()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a part"
        site.vault.expire_tokens()

    with pytest.raises(ServiceError, match="Token-based authentication failed"):
        await site.vault.files.keep(session, pieces())
    assert not list(site.vault.files._uploads.iterdir())
