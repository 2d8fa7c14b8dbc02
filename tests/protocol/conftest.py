"""What the tests of the protocol share."""

from __future__ import annotations

import pytest


@pytest.fixture
def give_up_after(pytestconfig: pytest.Config) -> str:
    """How long a mail is tried, in words of the configuration: with `--long` as long as by default.

    What a test says of days holds of any such time that leaves a mail its twenty attempts.
    """
    return "3d" if pytestconfig.getoption("--long") else "12h"
