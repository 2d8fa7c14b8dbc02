"""Telling webhooks what happens in a tenant."""

from __future__ import annotations

from sandbox.tenant.graph.notifications import lifecycle_notification, notification
from sandbox.tenant.graph.notifier import Notifier
from sandbox.tenant.graph.subscriptions import Change, LifecycleEvent, Subscription
from sandbox.tenant.graph.tenant import Tenant


class Announcer:
    """Has `notify` send what the subscriptions of a tenant are told of, in the way that `push` says."""

    def __init__(self, tenant: Tenant, notify: Notifier) -> None:
        self._tenant = tenant
        self._subscriptions = tenant.subscriptions
        self._notify = notify
        notify.push = tenant.subscriptions.push

    def start(self) -> None:
        """Announce from now on."""
        self._tenant.listen(self._changed)
        self._subscriptions.listen(self._happened)

    def stop(self) -> None:
        """Announce nothing more."""
        self._tenant.forget(self._changed)
        self._subscriptions.forget(self._happened)

    def _changed(self, change: Change) -> None:
        for one in self._subscriptions.wanting(change):
            item = notification(change, one, self._tenant.tenant_id, self._subscriptions.push.form())
            self._notify.send(one.notification_url, item)

    def _happened(self, subscription: Subscription, event: LifecycleEvent) -> None:
        if subscription.lifecycle_url is not None:
            item = lifecycle_notification(subscription, event, self._tenant.tenant_id)
            self._notify.send(subscription.lifecycle_url, item)
