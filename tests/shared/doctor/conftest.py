"""The set-up that the tests break: made once for each module, since each break is mended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox.box import Sandbox

from .set_up import SetUp, set_up


@pytest.fixture(scope="module")
async def ready(
    box: Sandbox, accounts: Iterator[str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SetUp]:
    """All is well in it; what a test breaks, it mends."""
    identity = box.identities.environment(box.addresses.identity)
    directory: Path = tmp_path_factory.mktemp("doctor")
    with pytest.MonkeyPatch.context() as patched:
        for name, value in identity.items():
            patched.setenv(name, value)
        async with set_up(box, next(accounts), directory) as made:
            yield made
