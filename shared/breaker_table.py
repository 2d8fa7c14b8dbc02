"""Table `breakers`, shared by all: PartitionKey `service` or `source`, RowKey `name` or `name.scope`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol, cast, get_args

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.breaker import (
    Admission,
    Breaker,
    BreakerKey,
    Kind,
    Pass,
    Probe,
    Scope,
    State,
    Step,
    admission,
    is_probed_by,
    paused,
    probing,
    put_back,
    resumed,
    stops,
    waits_for,
)
from shared.clock import Clock
from shared.errors import Stale
from shared.journal_row import shortened
from shared.missing_table import made_if_missing
from shared.storage_errors import storage_faults

TABLE = "breakers"
CACHED_FOR = timedelta(seconds=5)
_TRIES = 8


class BreakerTablePort(Protocol):
    """Where breakers are kept: `BreakerTable`, or `shared.testing.breaker_table.InMemoryBreakerTable`."""

    async def read_all(self) -> Mapping[BreakerKey, Breaker]:
        """All that were ever written, with their ETags. Raises Unavailable."""

    async def write(self, breaker: Breaker) -> Breaker:
        """Write one that was read as `breaker.etag`, or add one without; answers it with its new ETag.

        Raises Stale when another worker has written it since, and Unavailable.
        """


class BreakerTable:
    """The table, which is made where it is missing."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(TABLE)

    async def read_all(self) -> Mapping[BreakerKey, Breaker]:
        """All that were ever written, with their ETags, in one query.

        Raises Unavailable.
        """
        try:
            with storage_faults("breakers"):
                found = [
                    breaker_of(entity, entity.metadata["etag"] or "")
                    async for entity in self._table.list_entities()
                ]
        except ResourceNotFoundError:
            return {}
        return {breaker.key: breaker for breaker in found if breaker is not None}

    async def write(self, breaker: Breaker) -> Breaker:
        """Write one that was read as `breaker.etag`, or add one without; answers it with its new ETag.

        Raises Stale when another worker has written it since, and Unavailable.
        """
        entity = entity_of(breaker)
        with storage_faults("breakers"):
            answer = await (self._update(entity, breaker.etag) if breaker.etag else self._insert(entity))
        return replace(breaker, etag=answer["etag"])

    async def _insert(self, entity: Mapping[str, Any]) -> Mapping[str, Any]:
        return await made_if_missing(self._table, lambda: self._table.create_entity(entity))

    async def _update(self, entity: Mapping[str, Any], etag: str) -> Mapping[str, Any]:
        try:
            return await self._table.update_entity(
                entity, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
            )
        except ResourceNotFoundError:
            raise Stale("breakers: the row is gone") from None


class Breakers:
    """The breakers as one worker sees them: all in one query, at most `CACHED_FOR` old."""

    def __init__(self, table: BreakerTablePort, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._known: Mapping[BreakerKey, Breaker] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def all(self, *, fresh: bool = False) -> Mapping[BreakerKey, Breaker]:
        """Every breaker that was ever written; with `fresh`, as the table has them now.

        Raises Unavailable.
        """
        async with self._reading:
            if fresh or self._is_old():
                began = self._clock.monotonic()
                self._known, self._read_at = await self._table.read_all(), began
            return self._known

    async def admit(
        self,
        step: Step,
        source: str,
        owner: str,
        jitter: float,
        *,
        needs_secrets: bool = True,
        holds_secrets: bool = False,
    ) -> Admission:
        """What becomes of a message of `source`. With a Probe, `owner` has its lease.

        `owner` is a name of this one run, `jitter` is random, from 0 to 1; what the step needs of Key Vault
        is as `shared.breaker` takes it. Raises Unavailable, and Stale.
        """
        now = self._clock.now()
        known = await self.all()
        keys = waits_for(step, source, needs_secrets=needs_secrets)
        shut = [known[key] for key in keys if key in known and known[key].is_shut]
        answer = admission(shut, now, jitter, holds_secrets=holds_secrets)
        if not isinstance(answer, Probe):
            return answer
        taken = await self.change(answer.breaker.key, lambda breaker: probing(breaker, owner, now))
        if is_probed_by(taken, owner, now):
            return Probe(taken)
        # Another worker looks: who is not stopped by this one is told by the others alone.
        others = [breaker for breaker in shut if breaker.key != taken.key]
        if stops(taken, holds_secrets=holds_secrets) or others:
            return put_back(now, jitter)
        return Pass()

    async def change(
        self, key: BreakerKey, transition: Callable[[Breaker], Breaker], *, fresh: bool = False
    ) -> Breaker:
        """Apply a transition of `shared.breaker`, anew if another worker was first; answers what then is.

        What changes nothing is not written, and judged by what is known already, unless `fresh`.
        Raises Unavailable, and Stale if others are first each time.
        """
        for number in range(_TRIES):
            known = await self.all(fresh=fresh or number > 0)
            before = known.get(key, Breaker(key))
            after = transition(before)
            if after == before:
                return before
            try:
                written = await self._table.write(after)
            except Stale:
                continue
            # Those that were given before stay as they were: who has them may be looking at them.
            self._known = {**self._known, key: written}
            return written
        raise Stale(f"breakers: other workers were first {_TRIES} times")

    async def pause(self, kind: Kind, name: str, reason: str) -> Breaker:
        """Stop a service or a source until `resume`. Raises Unavailable, and Stale."""
        now = self._clock.now()
        return await self.change(
            BreakerKey(kind, name), lambda breaker: paused(breaker, reason, now), fresh=True
        )

    async def resume(self, kind: Kind, name: str) -> tuple[Breaker, ...]:
        """End whatever has shut a service or a source; answers what was shut, as it was.

        Raises Unavailable, and Stale.
        """
        known = await self.all(fresh=True)
        shut = [one for one in known.values() if one.key[:2] == (kind, name) and one.is_shut]
        for breaker in shut:
            await self.change(breaker.key, resumed)
        return tuple(shut)

    def _is_old(self) -> bool:
        return self._read_at is None or self._clock.monotonic() - self._read_at >= CACHED_FOR.total_seconds()


def entity_of(breaker: Breaker) -> dict[str, Any]:
    """The row of a breaker: no string in it is over 4 KB."""
    kind, name, scope = breaker.key
    facts = {
        "PartitionKey": kind,
        "RowKey": name if scope == "all" else f"{name}.{scope}",
        "state": breaker.state,
        "suspects": shortened("\n".join(breaker.suspects)) or None,
        "since": breaker.since,
        "reason": shortened(breaker.reason) or None,
        "remedy": shortened(breaker.remedy) or None,
        "asks_operator": breaker.asks_operator,
        "probe_owner": shortened(breaker.probe_owner) or None,
        "probe_until": breaker.probe_until,
        "probed_at": breaker.probed_at,
        "proved": breaker.proved,
    }
    return {name: value for name, value in facts.items() if value is not None}


def breaker_of(entity: Mapping[str, Any], etag: str) -> Breaker | None:
    """The breaker of a row, or None for a row that is none of this version's.

    A state that this version does not know is read as closed: the next fault writes the row anew.
    """
    kind, (name, scope) = entity["PartitionKey"], _name_and_scope(entity["RowKey"])
    if kind not in get_args(Kind) or scope not in get_args(Scope):
        return None
    key = BreakerKey(kind, name, cast(Scope, scope))
    if entity.get("state") not in get_args(State):
        return Breaker(key, etag=etag)
    return Breaker(
        key,
        entity["state"],
        suspects=tuple(str(entity.get("suspects") or "").split()),
        since=entity.get("since"),
        reason=str(entity.get("reason") or ""),
        remedy=str(entity.get("remedy") or ""),
        asks_operator=bool(entity.get("asks_operator")),
        probe_owner=str(entity.get("probe_owner") or ""),
        probe_until=entity.get("probe_until"),
        probed_at=entity.get("probed_at"),
        proved=entity.get("proved"),
        etag=etag,
    )


def _name_and_scope(row: str) -> tuple[str, str]:
    name, dot, scope = row.partition(".")  # no name has a dot
    return (name, scope) if dot else (name, "all")
