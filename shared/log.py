"""Logs are events with fields. Nothing out of a mail is a field; a source or configured mailbox may be."""

from __future__ import annotations

import logging
from typing import Any

LIBRARIES = (
    "aiohttp",
    "anyio",
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
_ROOT = "vaultpost"


class Events:
    """Writes events of one part of the app, with fields that are bound once."""

    def __init__(self, part: str, **fields: object) -> None:
        self._logger = logging.getLogger(f"{_ROOT}.{part}")
        self._part = part
        self._fields = fields

    def bind(self, **fields: object) -> Events:
        """The same, with more fields on every event."""
        return Events(self._part, **{**self._fields, **fields})

    def info(self, event: str, **fields: object) -> None:
        """Something happened as it should."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something happened that an operator may want to know."""
        self._write(logging.WARNING, event, fields)

    def failure(self, event: str, **fields: object) -> None:
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
    """
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    # In debug mode it warns of slow steps, with the beginning of what these were called with, or have given.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
