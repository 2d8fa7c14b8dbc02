"""Logs are events with fields. Nothing out of a mail is a field; a source or configured mailbox may be."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

LIBRARIES = (
    "aiohttp",
    "anyio",
    "asyncio",
    "azure",
    "charset_normalizer",
    "h2",
    "hpack",
    "httpcore",
    "httpx",
    "jinja2",
    "kiota_abstractions",
    "kiota_http",
    "msal",
    "msal_extensions",
    "opentelemetry",
    "requests",
    "urllib3",
    "werkzeug",
)
"""Loggers of what the app brings with it: their records name addresses, ids of mail, headers, tokens."""
Field = str | int | float | Mapping[str, int] | None
"""What can be a field: no value that holds others, whose text may say more than its writer has thought of."""
_ROOT = "vaultpost"


class Events:
    """Writes events of one part of the app, with fields that are bound once."""

    def __init__(self, part: str, **fields: Field) -> None:
        self._logger = logging.getLogger(f"{_ROOT}.{part}")
        self._part = part
        self._fields = fields

    def bind(self, **fields: Field) -> Events:
        """The same, with more fields on every event."""
        return Events(self._part, **{**self._fields, **fields})

    def info(self, event: str, **fields: Field) -> None:
        """Something happened as it should."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Field) -> None:
        """Something happened that an operator may want to know."""
        self._write(logging.WARNING, event, fields)

    def failure(self, event: str, **fields: Field) -> None:
        """Something happened that an operator must look at."""
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: str, fields: dict[str, Any]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        facts = {**self._fields, **fields}
        text = " ".join((event, *(f"{name}={value}" for name, value in facts.items())))
        self._logger.log(level, "%s", text, extra={"event": event, "facts": facts})


def quieten_clients() -> None:
    """Keep the libraries' own records of requests, answers and tokens out of the log, at any root level.

    A level that is set on a logger holds for all below it, and stays when somebody sets the root's to DEBUG.
    Warnings are left out as well: azure.identity's repeat the whole answer of Entra ID, urllib3's name
    addresses, and in debug mode asyncio's show the beginning of what a slow step was called with, or has
    given. What a warning is of comes to the app as an exception, and is told in its own words.
    """
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
