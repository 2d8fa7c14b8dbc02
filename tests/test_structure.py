"""The layout of the design, as a rule that is checked."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from handlers import MODULES

ROOT = Path(__file__).parents[1]
SHARED = sorted((ROOT / "shared").rglob("*.py"))
HANDLERS = sorted((ROOT / "handlers").glob("*.py"))
APP = ROOT / "function_app.py"


def imported(file: Path) -> set[str]:
    """The modules that `file` imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = f"{'.' * node.level}{node.module or ''}"
            found.update({module, *(f"{module}.{name.name}" for name in node.names)})
    return found


def of(file: Path, *packages: str) -> set[str]:
    """What `file` imports out of these packages."""
    return {
        module
        for module in imported(file)
        for package in packages
        if module == package or module.startswith(f"{package}.")
    }


def lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_there_is_something_to_check() -> None:
    assert len(SHARED) > 30
    assert len(HANDLERS) > 5


@pytest.mark.parametrize("file", SHARED, ids=named)
def test_the_domain_knows_nothing_of_azure_functions(file: Path) -> None:
    assert of(file, "azure.functions", "handlers", "function_app") == set()


@pytest.mark.parametrize("file", [*SHARED, *HANDLERS, APP, ROOT / "ops.py"], ids=named)
def test_the_product_imports_nothing_of_sandbox_and_tests(file: Path) -> None:
    assert of(file, "sandbox", "tests", "pytest", "hypothesis", "trustme") == set()


@pytest.mark.parametrize("file", SHARED, ids=named)
def test_the_sdks_models_are_not_used(file: Path) -> None:
    """The first message that they parse costs seconds and megabytes (design, section 9)."""
    assert of(file, "msgraph.generated.models") == set()


@pytest.mark.parametrize(
    "module",
    [
        "breaker",
        "configuration",
        "errors",
        "file_names",
        "identities",
        "mail",
        "manifest",
        "notification",
        "outcome",
        "plan",
        "queue_messages",
        "retry_after",
        "retrying",
        "settings",
        "subscription_plan",
        "templates",
        "tracing",
        "vault/protocol",
        "vault/typed_values",
    ],
)
def test_pure_modules_have_no_way_out(module: str) -> None:
    """No network, no storage, no clock of their own."""
    out = (
        "azure",
        "httpx",
        "aiohttp",
        "msgraph",
        "msgraph_core",
        "socket",
        "asyncio",
        "time",
        "shared.clock",
    )

    assert of(ROOT / "shared" / f"{module}.py", *out) == set()


@pytest.mark.parametrize("file", HANDLERS, ids=named)
def test_a_handler_is_under_60_lines(file: Path) -> None:
    """It decodes, calls one thing, maps the result."""
    assert lines(file) < 60


def test_the_function_app_is_under_40_lines() -> None:
    assert lines(APP) < 40


@pytest.mark.parametrize("file", [file for file in HANDLERS if file.name != "__init__.py"], ids=named)
def test_each_handler_is_registered(file: Path) -> None:
    assert f"handlers.{file.stem}" in {module.__name__ for module in MODULES}
