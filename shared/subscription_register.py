"""Table `subscriptions`: what the app has created; only these are its own to change (design, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.missing_table import made_if_missing
from shared.storage_errors import storage_faults
from shared.subscription_plan import Registered

TABLE = "subscriptions"


class SubscriptionRegister:
    """The app's subscriptions."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(TABLE)

    async def add(self, row: Registered) -> None:
        """Note a subscription that was created. Raises Unavailable."""
        entity: dict[str, str | datetime] = {
            "PartitionKey": row.source,
            "RowKey": row.subscription,
            "resource": row.resource,
            "address": row.address,
            "key_version": row.key_version,
        }
        times = {"until": row.until, "renewed": row.renewed}
        entity.update({name: moment for name, moment in times.items() if moment is not None})
        with storage_faults("subscriptions"):
            await made_if_missing(
                self._table, lambda: self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)
            )

    async def remove(self, source: str, subscription: str) -> None:
        """Forget a subscription of a source, if it is noted. Raises Unavailable."""
        with storage_faults("subscriptions"), suppress(ResourceNotFoundError):
            await self._table.delete_entity(source, subscription)

    async def rows(self, source: str | None = None) -> list[Registered]:
        """The subscriptions that are noted, of one source or of all. Raises Unavailable."""
        try:
            with storage_faults("subscriptions"):
                if source is None:
                    found = self._table.list_entities()
                else:
                    found = self._table.query_entities(
                        "PartitionKey eq @source", parameters={"source": source}
                    )
                return [_row(entity) async for entity in found]
        except ResourceNotFoundError:
            return []


def _row(entity: Mapping[str, Any]) -> Registered:
    """A row of a former version has no `key_version`: it is no version, so that it is replaced."""
    return Registered(
        source=entity["PartitionKey"],
        subscription=entity["RowKey"],
        resource=str(entity.get("resource", "")),
        address=str(entity.get("address", "")),
        key_version=str(entity.get("key_version", "")),
        until=_moment(entity.get("until")),
        renewed=_moment(entity.get("renewed")),
    )


def _moment(value: object) -> datetime | None:
    """A time as a plain one: the client's own type, which has seven decimals, equals none."""
    return datetime.fromtimestamp(value.timestamp(), UTC) if isinstance(value, datetime) else None
