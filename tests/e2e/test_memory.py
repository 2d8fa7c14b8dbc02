"""Large mail passes through in pieces: the app's memory does not grow with it, and all bytes agree."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.app import App
from sandbox.box import Sandbox
from tests.e2e.estate import Estate, estate, until
from tests.e2e.test_filing import mail

pytestmark = pytest.mark.anyio
MB = 1000 * 1000
_STATUS = Path("/proc/self/status")
SMALL_MAILS = 5
_HEAD = (
    b"From: Ada <ada@example.com>\r\nSubject: Large\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nSee the plans.\r\n"
    b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=plans.pdf\r\n\r\n"
)
_BLOCK = 57 * 18_000
"""Bytes: base64 makes whole lines of them."""


@pytest.fixture(autouse=True)
def only_where_memory_is_told() -> None:
    """Linux tells a process's peak."""
    if not _STATUS.exists() or "VmHWM" not in _STATUS.read_text(encoding="utf-8"):
        pytest.skip("the peak of a process's memory is read from /proc/PID/status: only on Linux")


def peak(app: App) -> float:
    """The most memory that the app's process has had, in MB."""
    status = Path(f"/proc/{app.process.pid}/status").read_text(encoding="utf-8")
    (kibibytes,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kibibytes) * 1024 / MB


def large_mail(file: Path, size: int) -> Path:
    """A mail of about `size` bytes with one attachment, unlike any other."""
    block = bytearray(random.Random(size).randbytes(_BLOCK))
    with file.open("wb") as out:
        out.write(_HEAD)
        while out.tell() < size:
            block[:16] = random.randbytes(16)
            out.write(base64.encodebytes(block).replace(b"\n", b"\r\n"))
        out.write(b"\r\n--b--\r\n")
    return file


async def growth(ground: Estate, app: App, sizes: list[int], seconds: float) -> float:
    """By how many MB the app's peak grows when mails of these sizes come at once, after small ones.

    All of them are filed with all their bytes.
    """
    files = [
        await asyncio.to_thread(large_mail, ground.place / f"{number}.eml", size)
        for number, size in enumerate(sizes)
    ]
    await ground.subscribed(app)
    for number in range(SMALL_MAILS):
        ground.box.tenant.deliver(ground.mailbox, mail(f"Small-{number}", a_pdf=b"%PDF-"))
    await until(lambda: ground.all_ended(SMALL_MAILS), 60.0, app)
    before = peak(app)
    for file in files:
        await asyncio.to_thread(ground.box.tenant.deliver, ground.mailbox, file)
    await until(lambda: ground.all_ended(SMALL_MAILS + len(sizes)), seconds, app)
    grown = peak(app) - before
    print(f"{before:.0f} MB for small mail; {grown:.1f} MB more for {len(sizes)} large ones")
    assert await ground.faults(SMALL_MAILS + len(sizes)) == []
    return grown


async def test_a_large_mail_takes_little_more_memory_than_a_small_one(
    box: Sandbox, accounts: Iterator[str], tmp_path: Path
) -> None:
    async with (
        estate(box, next(accounts), tmp_path, "large") as ground,
        ground.host() as app,
    ):
        assert await growth(ground, app, [24 * MB], 60.0) < 14.0


async def test_many_large_mails_at_once_keep_to_the_budget(
    box: Sandbox,
    accounts: Iterator[str],
    tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    """Two functions work on a dozen of them each."""
    if not pytestconfig.getoption("--long"):
        pytest.skip("takes minutes: python3 dev.py test --long tests/e2e/test_memory.py")
    async with (
        estate(box, next(accounts), tmp_path, "heavy") as ground,
        ground.host() as app,
    ):
        assert await growth(ground, app, [150 * MB, *[40 * MB] * 12], 1800.0) < 200.0
