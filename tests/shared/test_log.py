"""Logs are events with fields."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from shared.log import Events, quieten_clients


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


@pytest.mark.parametrize("name", ["azure.core.pipeline", "httpx", "httpcore.http11", "msal.application"])
def test_of_the_clients_only_warnings_are_kept(name: str) -> None:
    """Their own logs name addresses, and ids of mail."""
    quieten_clients()

    assert logging.getLogger(name).getEffectiveLevel() >= logging.WARNING
