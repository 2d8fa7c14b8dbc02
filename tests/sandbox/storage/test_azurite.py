"""Starting and, above all, ending the process."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from azure.storage.blob.aio import BlobServiceClient

from sandbox.pki import Authority
from sandbox.storage.account import Account
from sandbox.storage.azurite import Storage, StorageFailed

pytestmark = pytest.mark.anyio

PARENT = """
import asyncio, os, sys
from pathlib import Path
from sandbox.pki import Authority
from sandbox.storage.azurite import Storage

async def main():
    storage = Storage(Path(sys.argv[1]), Path(sys.argv[2]), Authority(Path(sys.argv[3])))
    await storage.start()
    print(storage.blob_url, flush=True)
    sys.stdin.readline()
    os._exit(9)

asyncio.run(main())
"""


def answers(address: str) -> bool:
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=1).close()
    except OSError:
        return False
    return True


async def until_silent(address: str) -> None:
    async with asyncio.timeout(10):
        while True:
            if not answers(address):
                return
            await asyncio.sleep(0.1)


async def test_data_in_a_directory_is_there_after_a_restart(
    azurite: tuple[Path, Path], authority: Authority, tmp_path: Path
) -> None:
    """And to close it twice does nothing."""
    account, directory = Account.random(), tmp_path / "storage"
    async with Storage(*azurite, authority, directory, account) as storage:
        async with BlobServiceClient.from_connection_string(storage.connection_string) as service:
            await (await service.create_container("state")).upload_blob("delta", b"link")
        address = storage.blob_url
    await storage.close()
    assert storage.process_id is None
    assert not answers(address)

    async with (
        Storage(*azurite, authority, directory, account) as storage,
        BlobServiceClient.from_connection_string(storage.connection_string) as service,
    ):
        stream = await service.get_blob_client("state", "delta").download_blob()
        assert await stream.readall() == b"link"


async def test_each_storage_has_an_account_and_ports_of_its_own(
    azurite: tuple[Path, Path], authority: Authority, storage: Storage
) -> None:
    async with Storage(*azurite, authority) as other:
        kept, ended = ([it.blob_url, it.queue_url, it.table_url] for it in (storage, other))
        assert len({urlsplit(address).port for address in (*kept, *ended)}) == 6
        assert storage.account != other.account
        assert all(answers(address) for address in (*kept, *ended))

    assert all(answers(address) for address in kept)
    assert not any(answers(address) for address in ended)


async def test_closing_what_never_started_does_nothing(
    azurite: tuple[Path, Path], authority: Authority
) -> None:
    storage = Storage(*azurite, authority)
    await storage.close()
    assert storage.process_id is None


async def test_azurite_that_does_not_end_in_time_is_killed(
    azurite: tuple[Path, Path], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.storage.azurite.CLOSE_SECONDS", 0.0)
    storage = Storage(*azurite, authority)
    await storage.start()
    process = storage._process

    await storage.close()

    assert process is not None
    assert process.returncode not in {None, 0}
    assert not answers(storage.blob_url)


async def test_a_start_that_fails_says_what_azurite_said(
    azurite: tuple[Path, Path], authority: Authority, tmp_path: Path
) -> None:
    missing = Authority(tmp_path / "missing")

    with pytest.raises(StorageFailed, match="ENOENT"):
        await Storage(*azurite, missing).start()


async def test_azurite_ends_when_its_parent_dies_without_a_word(
    azurite: tuple[Path, Path], authority: Authority
) -> None:
    """The parent leaves by os._exit: no clean-up of its own runs, as when it is killed."""
    arguments = [str(each) for each in (*azurite, authority.directory)]
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    address = (await parent.stdout.readline()).decode().strip()
    assert answers(address)

    parent.stdin.write(b"\n")
    await parent.communicate()
    assert parent.returncode == 9
    await until_silent(address)
