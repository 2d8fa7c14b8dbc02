"""Who can prove one source gets nothing of another: not its mail, and no address of his own choice."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

import pytest

from sandbox.box import Sandbox
from shared.graph.faults import NotFound
from shared.identities import client_state
from shared.notification import Arrival, items_in, judge
from shared.services import Services

pytestmark = pytest.mark.anyio
KEY = "notification key"


async def test_an_id_of_another_mailbox_opens_nothing(box: Sandbox, services: Services) -> None:
    """A client state proves a source; what it announces is looked for in the mailbox of that source alone."""
    names = (f"{uuid.uuid4().hex}@example.com" for _ in range(2))
    mine, theirs = (box.tenant.add_mailbox(name).address for name in names)
    secret = box.tenant.deliver(theirs, b"Subject: not mine\r\n\r\nNot mine.").immutable_id

    assert (await services.mailboxes.message(theirs, secret)).id == secret
    with pytest.raises(NotFound):
        await services.mailboxes.message(mine, secret)
    with pytest.raises(NotFound):
        await anext(services.mailboxes.mime(mine, secret))


def test_whatever_else_an_item_says_its_mail_is_one_of_the_source_that_it_proves() -> None:
    item = {
        "subscriptionId": str(uuid.uuid4()),
        "clientState": client_state("mine", KEY),
        "changeType": "created",
        "tenantId": str(uuid.uuid4()),
        "resource": "https://attacker.example/v1.0/users/theirs@example.com/messages/AAMk",
        "resourceData": {"id": "AAMk", "@odata.id": "https://attacker.example/Users/theirs/Messages/AAMk"},
        "source": "theirs",
        "mailbox": "theirs@example.com",
    }
    body = json.dumps({"value": [item]}).encode()

    judgement = judge(items_in(body), [KEY], {"mine", "theirs"}, datetime.now(UTC))

    assert judgement.arrivals == [Arrival("mine", "AAMk")]


def test_the_proof_of_one_source_with_the_name_of_another_is_none() -> None:
    proof = client_state("mine", KEY).partition(".")[2]
    item = {"clientState": f"theirs.{proof}", "changeType": "created", "resourceData": {"id": "AAMk"}}
    body = json.dumps({"value": [item]}).encode()

    judgement = judge(items_in(body), [KEY], {"mine", "theirs"}, datetime.now(UTC))

    assert judgement.arrivals == []
    assert judgement.dropped.total() == 1
