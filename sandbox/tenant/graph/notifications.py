"""What a change notification says: learn.microsoft.com/graph/api/resources/changenotification"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.tenant.graph.subscriptions import Change, Subscription


def notification(change: Change, subscription: Subscription, tenant_id: str) -> dict[str, Any]:
    """One item of a collection. It has no `id`: that is optional, and mail's own examples have none."""
    message_id = change.ids.shown(subscription.immutable_ids)
    resource = f"Users/{change.mailbox.id}/Messages/{message_id}"
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": seven_decimals(subscription.expires),
        "changeType": change.kind,
        "resource": resource,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": resource,
            "@odata.etag": f'W/"{change.message.change_key}"',
            "id": message_id,
        },
        "clientState": subscription.client_state,
        "tenantId": tenant_id,
    }


def seven_decimals(moment: datetime) -> str:
    """A time as notifications print it: with seven decimals and an offset instead of Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")
