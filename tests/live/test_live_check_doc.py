"""docs/live-check.md names every fact that is looked at, as the checks have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.every_check import CHECKS
from tests.live.fact import LiveCheck
from tests.live.results import table

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "live-check.md").read_text(encoding="utf-8")


def test_the_guide_has_the_table_of_the_checks() -> None:
    assert table(check.fact for check in CHECKS) in GUIDE


def test_every_fact_has_a_name_of_its_own_in_a_known_area() -> None:
    names = [check.fact.name for check in CHECKS]

    assert len(set(names)) == len(names)
    assert {check.fact.area for check in CHECKS} == {"graph", "vault", "keyvault", "identity", "app"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.fact.name)
def test_what_depends_on_a_fact_is_there(check: LiveCheck) -> None:
    assert check.fact.depends
    assert [name for name in check.fact.depends if not (ROOT / name).exists()] == []
