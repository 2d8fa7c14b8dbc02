"""What every test shares. The authority is made first: aiohttp reads SSL_CERT_FILE when it is imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from sandbox.pki import Authority

_DIRECTORY = Path(tempfile.mkdtemp(prefix="vaultpost-tests-"))
atexit.register(shutil.rmtree, _DIRECTORY, ignore_errors=True)
_AUTHORITY = Authority.create(_DIRECTORY / "pki")
os.environ.update(_AUTHORITY.environment())

import pytest  # noqa: E402


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop of asyncio for the whole session, so that session fixtures can be asynchronous."""
    return "asyncio"


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The private authority that this process trusts."""
    return _AUTHORITY
