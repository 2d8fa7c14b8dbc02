"""A table that is made when it is first written to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables.aio import TableClient

_T = TypeVar("_T")


async def made_if_missing(table: TableClient, write: Callable[[], Awaitable[_T]]) -> _T:
    """What `write` gives; where the table is missing it is made, and written to again. Raises as they do."""
    try:
        return await write()
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # a twin was first, or infra made it
            await table.create_table()
        return await write()
