"""Table `subscriptions`: what the app has created; only these are its own to change (design, section 5)."""

from __future__ import annotations

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.storage_errors import storage_faults

TABLE = "subscriptions"


class SubscriptionRegister:
    """The ids of the app's subscriptions, by source."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(TABLE)

    async def add(self, source: str, subscription: str, resource: str, address: str) -> None:
        """Note a subscription that was created. Raises Unavailable."""
        entity = {"PartitionKey": source, "RowKey": subscription, "resource": resource, "address": address}
        with storage_faults("subscriptions"):
            try:
                await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)
            except ResourceNotFoundError:
                await self._create_table()
                await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def ids(self) -> set[str]:
        """All ids. Raises Unavailable."""
        try:
            with storage_faults("subscriptions"):
                return {entity["RowKey"] async for entity in self._table.list_entities(select=["RowKey"])}
        except ResourceNotFoundError:
            return set()

    async def _create_table(self) -> None:
        try:
            await self._table.create_table()
        except ResourceExistsError:
            return  # a twin was first, or infra made it
