"""Notifications as Graph sends them, made here, so that what announces a mail costs the sandbox nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import aiohttp

from bench.world import Bench

HEADERS = {"Content-Type": "application/json"}
_TRIES = 5


def body(app: Bench, messages: Sequence[str]) -> bytes:
    """A body that announces these messages (learn.microsoft.com/graph/api/resources/changenotification)."""
    expires = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    user, subscription, state = str(uuid.uuid4()), str(uuid.uuid4()), app.client_state
    items = []
    for message in messages:
        resource = f"Users/{user}/Messages/{message}"
        items.append(
            {
                "subscriptionId": subscription,
                "subscriptionExpirationDateTime": expires,
                "changeType": "created",
                "resource": resource,
                "resourceData": {
                    "@odata.type": "#Microsoft.Graph.Message",
                    "@odata.id": resource,
                    "@odata.etag": 'W/"CQAAABYAAAB4"',
                    "id": message,
                },
                "clientState": state,
                "tenantId": app.box.tenant_id,
            }
        )
    return json.dumps({"value": items}).encode()


async def post(session: aiohttp.ClientSession, app: Bench, content: bytes) -> None:
    """Send one, and again where it is not taken, as Graph does. Raises BenchFailed when it never is."""
    address, status = f"{app.app.address}/api/notifications", 0
    for _ in range(_TRIES):
        async with session.post(address, data=content, headers=HEADERS) as answer:
            status = answer.status
        if status == HTTPStatus.ACCEPTED:
            return
    raise app.failed(f"notifications were answered with {status}")
