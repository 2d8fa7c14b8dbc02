"""Ordering sweeps: messages only, made from the configuration and from what was swept before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.breaker_table import Breakers
from shared.configuration import Source, folder_name
from shared.folder_register import FolderRegister
from shared.queue_messages import FOLDER_SWEEP, FolderSweep
from shared.queues import QueuesPort
from shared.tracing import traceparent
from shared.watched_folders import is_watched


@dataclass(frozen=True)
class Ordered:
    """A folder whose sweep was ordered: by the name that the configuration has for it, or by its id."""

    source: str
    folder: str


@dataclass(frozen=True)
class Orders:
    """Sends them. A subfolder that no sweep has met yet is met by the timer's."""

    register: FolderRegister
    queues: QueuesPort
    breakers: Breakers

    async def order(self, source: Source) -> AsyncIterator[Ordered]:
        """Order a sweep of each folder of a source. Raises Unavailable."""
        for folder in await self._folders(source):
            order = FolderSweep(source=source.key_name, traceparent=traceparent(), folder=folder)
            await self.queues.send(FOLDER_SWEEP, order)
            yield Ordered(source.key_name, folder)

    async def waiting(self, source: str) -> str:
        """Why sweeps of a source are not done before it is resumed; empty where they are."""
        known = await self.breakers.all(fresh=True)
        for key, breaker in known.items():
            is_its_own = key.kind == "source" and key.name == source and key.scope in ("all", "staging")
            if is_its_own and breaker.waits_for_operator:
                return breaker.reason
        return ""

    async def _folders(self, source: Source) -> list[str]:
        configured = list(dict.fromkeys(map(folder_name, source.folders)))
        swept = [row async for row in self.register.rows(source.key_name)]
        below = [row.name for row in swept if row.above and is_watched(source, row.name, row.above)]
        return list(dict.fromkeys([*configured, *below]))
