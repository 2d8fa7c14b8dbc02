"""The least that acknowledging can cost: the same bodies decoded, the same messages put by the same client.

Nothing is checked: neither the client state, nor the subscription, nor what was announced before.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from functools import cache

import azure.functions as func
import msgspec
from azure.storage.queue.aio import QueueClient

from shared.settings import StorageSettings
from shared.storage_clients import queue_service

STORAGE, _QUEUE = "AzureWebJobsStorage", "mail-arrived"
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class _ResourceData(msgspec.Struct):
    id: str


class _Item(msgspec.Struct, rename="camel"):
    client_state: str
    resource_data: _ResourceData


class _Collection(msgspec.Struct):
    value: list[_Item]


app = func.FunctionApp()


@cache
def _queue() -> QueueClient:
    storage = StorageSettings(connection_string=os.environ[STORAGE])
    return queue_service(storage, None).get_queue_client(_QUEUE)


@app.function_name("notifications")
@app.route(route="notifications", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def notifications(req: func.HttpRequest) -> func.HttpResponse:
    """Queue what is announced."""
    items = msgspec.json.decode(req.get_body(), type=_Collection).value
    noticed = datetime.now(UTC).isoformat()
    messages = [
        {
            "v": 1,
            "source": item.client_state.partition(".")[0],
            "revived": 0,
            "traceparent": _TRACE,
            "message": item.resource_data.id,
            "cause": "notification",
            "noticed": noticed,
        }
        for item in items
    ]
    queue = _queue()
    await asyncio.gather(
        *(queue.send_message(msgspec.json.encode(one).decode(), time_to_live=-1) for one in messages)
    )
    return func.HttpResponse(status_code=202)
