"""Logs are events with fields."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, PackagePath
from importlib.metadata import files as files_of
from pathlib import Path
from typing import Any, cast

import pytest

from shared.log import LIBRARIES, Events, quieten_clients

ROOT = Path(__file__).parents[2]


def facts(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    return cast(Any, record).event, cast(Any, record).facts


def test_an_event_has_its_name_and_fields(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vaultpost")

    Events("filing", source="invoices").info("filed", object=17, seconds=1.5)

    (record,) = caplog.records
    assert facts(record) == ("filed", {"source": "invoices", "object": 17, "seconds": 1.5})
    assert record.name == "vaultpost.filing"
    assert record.getMessage() == "filed source=invoices object=17 seconds=1.5"


@pytest.mark.parametrize(
    ("method", "level"), [("info", logging.INFO), ("warning", logging.WARNING), ("failure", logging.ERROR)]
)
def test_each_kind_of_event_has_its_level(method: str, level: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "vaultpost")

    getattr(Events("webhook"), method)("something")

    assert [record.levelno for record in caplog.records] == [level]


def test_bound_fields_are_on_every_event_and_only_there(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vaultpost")
    log = Events("staging", source="invoices")
    bound = log.bind(key="c0cd", source="orders")

    bound.info("staged")
    bound.info("staged", key="ffff")
    log.info("begun")

    assert [facts(record) for record in caplog.records] == [
        ("staged", {"source": "orders", "key": "c0cd"}),
        ("staged", {"source": "orders", "key": "ffff"}),
        ("begun", {"source": "invoices"}),
    ]


def test_a_percent_sign_in_a_field_is_only_text(caplog: pytest.LogCaptureFixture) -> None:
    Events("vault").failure("refused", why="100 %s %(x)d")

    assert caplog.records[0].getMessage() == "refused why=100 %s %(x)d"


@pytest.fixture
def root_at_debug() -> Iterator[None]:
    """As `PYTHON_ENABLE_DEBUG_LOGGING` has it."""
    root = logging.getLogger()
    former = root.level
    root.setLevel(logging.DEBUG)
    yield
    root.setLevel(former)


@pytest.mark.usefixtures("root_at_debug")
@pytest.mark.parametrize("name", ["azure.identity.aio._internal", "httpx", "httpcore.http11", "asyncio"])
def test_what_libraries_log_stays_out_even_when_the_root_is_at_debug(name: str) -> None:
    """Their own records name addresses, ids of mail, answers and tokens."""
    quieten_clients()

    assert logging.getLogger(name).getEffectiveLevel() == logging.ERROR


def test_every_library_that_logs_is_kept_quiet() -> None:
    """One that comes with a later pin, too: its logger is that of its package."""
    found: dict[str, str] = {}
    for pin in _PIN.findall((ROOT / "requirements.txt").read_text(encoding="utf-8")):
        for file in _sources(pin):
            for called in _LOGGER.findall(Path(file.locate()).read_text(encoding="utf-8", errors="replace")):
                found[(called or file.parts[0]).split(".")[0]] = file.as_posix()

    assert {"azure", "msal", "httpx", "aiohttp"} <= found.keys()
    assert {name: file for name, file in found.items() if name not in {*LIBRARIES, *_EXAMPLES}} == {}


_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==", re.MULTILINE)
_LOGGER = re.compile(r"""\bgetLogger\((?:__name__|["']([\w.]+)["'])\)""")
_EXAMPLES = {"spam"}
"""Names in a docstring."""


def _sources(distribution: str) -> list[PackagePath]:
    """Its modules, less the thousands that are generated from Graph's description, which log nothing."""
    try:
        files = files_of(distribution)
    except PackageNotFoundError:  # it is for another Python
        return []
    return [file for file in files or () if file.suffix == ".py" and "generated" not in file.parts]
