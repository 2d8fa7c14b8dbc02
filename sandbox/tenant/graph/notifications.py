"""What notifications say: learn.microsoft.com/graph/api/resources/changenotification"""

from __future__ import annotations

import uuid
from typing import Any

from sandbox.tenant.graph.forms import USUAL, Form, seven_decimals
from sandbox.tenant.graph.subscriptions import Change, LifecycleEvent, Subscription


def notification(
    change: Change, subscription: Subscription, tenant_id: str, form: Form = USUAL
) -> dict[str, Any]:
    """One item of a collection. Its `id` is optional, and mail's own examples have none."""
    message_id = change.ids.shown(subscription.immutable_ids)
    names = {"mailbox": change.mailbox.id, "tenant": tenant_id, "message": message_id}
    item = {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": form.end(subscription.expires),
        "changeType": change.kind,
        "resource": form.resource.format(**names),
        "resourceData": {
            "@odata.type": form.odata_type,
            "@odata.id": form.odata_id.format(**names),
            "@odata.etag": f'W/"{change.message.change_key}"',
            "id": message_id,
        },
        "clientState": subscription.client_state,
        "tenantId": tenant_id,
    }
    return {"id": str(uuid.uuid4()), **item} if form.has_id else item


def lifecycle_notification(
    subscription: Subscription, event: LifecycleEvent, tenant_id: str
) -> dict[str, Any]:
    """One item about the subscription itself, which has no resource and no kind of change.

    learn.microsoft.com/graph/change-notifications-lifecycle-events
    """
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": seven_decimals(subscription.expires),
        "tenantId": tenant_id,
        "clientState": subscription.client_state,
        "lifecycleEvent": event,
    }
