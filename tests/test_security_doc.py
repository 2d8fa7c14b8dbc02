"""docs/security.md, held against the tree: each test that it names exists, nothing open is missing."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

from shared.settings_graph import CredentialKind
from shared.staging_area import CONTAINER, KEPT
from shared.step_secrets import every_secret
from shared.sweep_state import CONTAINER as STATE

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", GUIDE)))
ROUTE = re.compile(r'route="(\w+)"')


def section(heading: str) -> str:
    return GUIDE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(heading: str) -> list[list[str]]:
    """The rows of the table of a section, without its head."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def functions_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[test for _, test in NAMED])
def test_a_test_that_is_named_exists(file: str, test: str) -> None:
    assert test in functions_in(ROOT / file)


def test_every_threat_has_what_stands_against_it_and_a_test() -> None:
    threats = rows("Threats")

    assert len(threats) > 30
    assert [row[0] for row in threats if len(row) != 3 or not row[1] or "::test_" not in row[2]] == []


def test_every_test_is_written_so_that_it_is_looked_for() -> None:
    assert GUIDE.count("::test_") == len(re.findall(r"`tests/[\w/]+\.py::test_\w+`", GUIDE))


@pytest.mark.parametrize("credential", get_args(CredentialKind))
def test_every_secret_of_the_app_is_in_the_table(credential: CredentialKind) -> None:
    first = " ".join(row[0] for row in rows("Secrets, keys, tokens, identities"))

    assert [name for name in every_secret(credential) if f"`{name}`" not in first] == []


def test_every_function_that_listens_is_named_with_who_may_call_it() -> None:
    where = " ".join(row[1] for row in rows("Who may send what"))
    routes = [
        route
        for file in sorted((ROOT / "handlers").glob("*.py"))
        for route in ROUTE.findall(file.read_text(encoding="utf-8"))
    ]

    assert len(routes) >= 4
    assert [route for route in routes if f"/api/{route}`" not in where] == []


@pytest.mark.parametrize("container", [CONTAINER, KEPT, STATE])
def test_every_container_is_in_the_drawing(container: str) -> None:
    assert re.search(rf"\b{container}\b", section("Where one trusts another"))
