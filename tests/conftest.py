"""What every test shares. The authority is made first: aiohttp reads SSL_CERT_FILE when it is imported."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from sandbox.pki import Authority

_DIRECTORY = Path(tempfile.mkdtemp(prefix="vaultpost-tests-"))
atexit.register(shutil.rmtree, _DIRECTORY, ignore_errors=True)
_AUTHORITY = Authority.create(_DIRECTORY / "pki")
if "VAULTPOST_LIVE" not in os.environ:  # what the live checks ask has certificates of public authorities
    os.environ.update(_AUTHORITY.environment())

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from sandbox.box import Sandbox  # noqa: E402
from sandbox.storage.azurite import Storage  # noqa: E402
from sandbox.storage.install import default_directory, ensure  # noqa: E402
from tests.shared.accounts import NUMBER, connection_string, many_accounts  # noqa: E402

# No test is timed: on a slow machine an example may take as long as it takes.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_HERE = Path(__file__).parent
_OPERATING, _WORKER = _HERE / "test_ops.py", _HERE / "worker"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long`: what the suite shortens runs in full."""
    parser.addoption(
        "--long",
        action="store_true",
        help="run in full what the suite runs in part (docs/development.md)",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long and would come last comes first: no process waits for the other one at the end."""
    items.sort(key=lambda item: not item.path.is_relative_to(_WORKER) and item.path != _OPERATING)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop of asyncio for the whole session, so that session fixtures can be asynchronous."""
    return "asyncio"


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The private authority that this process trusts."""
    return _AUTHORITY


@pytest.fixture(scope="session")
async def azurite() -> tuple[Path, Path]:
    """Node.js and Azurite, installed at the first run."""
    return await asyncio.to_thread(ensure, default_directory(), sys.executable)


@pytest.fixture(scope="session")
async def storage(azurite: tuple[Path, Path], authority: Authority) -> AsyncIterator[Storage]:
    """A storage account for all tests, its data in memory: a test uses names of its own."""
    async with Storage(*azurite, authority) as running:
        yield running


@pytest.fixture(scope="session")
async def accounts(azurite: tuple[Path, Path], authority: Authority) -> AsyncIterator[Iterator[str]]:
    """Connection strings, each of an account that nobody has used. One Azurite has too few for all tests."""
    async with (
        Storage(*azurite, authority, account=many_accounts()) as first,
        Storage(*azurite, authority, account=many_accounts()) as second,
    ):
        yield (connection_string(storage, number) for storage in (first, second) for number in range(NUMBER))


@pytest.fixture(scope="session")
async def box(
    azurite: tuple[Path, Path], authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sandbox]:
    """All services, for all tests: a test uses a mailbox and a source of its own."""
    # Graph itself waits longer before it repeats a notification, and the suite has to end.
    async with Sandbox(tmp_path_factory.mktemp("sandbox"), authority, *azurite, first_retry=2.0) as running:
        yield running
