"""One mail from its notification to its document, for each way in which the app proves itself to Graph."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from sandbox.app_credentials import SECRET
from shared.endpoint import Answer
from shared.identities import client_state
from shared.services import Services
from shared.settings import CREDENTIALS, CredentialKind

from .graph_apps import GraphApp, app
from .whole_way import WholeWay

__all__ = ["app"]
pytestmark = pytest.mark.anyio
MAIL = b"From: someone@example.net\r\nSubject: Whole way\r\nMessage-ID: <1@example.net>\r\n\r\nText.\r\n"


@pytest.mark.parametrize("kind", CREDENTIALS)
async def test_a_mail_is_filed_with_each_kind(
    app: GraphApp, services: Services, kind: CredentialKind
) -> None:
    """All secrets come from Key Vault by the identity of that kind; tokens live for two seconds."""
    app.box.lifetimes.entra = app.box.lifetimes.identity = timedelta(seconds=2)
    settings = app.settings(kind)
    if kind != "client-secret":
        app.key_vault.secrets.enable(SECRET, enabled=False)
    way = WholeWay(app.box, services, app.clock, settings)
    try:
        delivered = way.deliver("mail", MAIL)
        await announce(way, app, delivered.message)
        await way.run()
        await way.settle()

        assert await way.faults([delivered]) == []
        assert await way.open_mails() == 0
    finally:
        await way.services.close()


async def announce(way: WholeWay, app: GraphApp, message: str) -> None:
    """Graph notifies the app of a mail."""
    key = app.key_vault.secrets.get("notification-key")
    assert key is not None
    item = {
        "subscriptionId": "11111111-2222-3333-4444-555555555555",
        "subscriptionExpirationDateTime": "2026-11-30T00:00:00Z",
        "tenantId": app.box.tenant_id,
        "clientState": client_state(way.name, key.value),
        "changeType": "created",
        "resource": f"Users/{way.mailbox}/Messages/{message}",
        "resourceData": {"id": message},
    }
    answer = await way.services.webhook.take(json.dumps({"value": [item]}).encode())
    assert answer == Answer.QUEUED
