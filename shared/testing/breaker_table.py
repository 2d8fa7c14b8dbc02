"""Breakers kept in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.breaker import Breaker, BreakerKey
from shared.breaker_table import breaker_of, entity_of
from shared.errors import Stale


class InMemoryBreakerTable:
    """What `BreakerTable` does, for one process. Each access is counted, and lets others go first."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self._rows: dict[tuple[str, str], tuple[Mapping[str, Any], str]] = {}
        self._numbers = itertools.count(1)

    async def read_all(self) -> Mapping[BreakerKey, Breaker]:
        """All that were ever written, with their ETags."""
        await asyncio.sleep(0)
        self.reads += 1
        found = [breaker_of(entity, etag) for entity, etag in self._rows.values()]
        return {breaker.key: breaker for breaker in found if breaker is not None}

    async def write(self, breaker: Breaker) -> Breaker:
        """Write one that was read as `breaker.etag`, or add one without; answers it with its new ETag.

        Raises Stale when another worker has written it since.
        """
        await asyncio.sleep(0)
        entity = entity_of(breaker)
        row = (entity["PartitionKey"], entity["RowKey"])
        if self._rows.get(row, ({}, ""))[1] != breaker.etag:
            raise Stale("breakers: another worker was first")
        self.writes += 1
        etag = f'W/"{next(self._numbers)}"'
        self._rows[row] = (entity, etag)
        return replace(breaker, etag=etag)
