"""Changing mail, over TLS, against the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from sandbox.box import Sandbox
from sandbox.faults import Latency, Status
from sandbox.pki import Authority
from sandbox.tenant.graph.store import Message
from shared.errors import ConfigurationFault, Transient, Unavailable
from shared.graph.changing import KNOWN_FOR, MailboxWriter, MessageState
from shared.graph.client import GraphClient
from shared.graph.faults import NotFound
from shared.graph.folders import FolderReader
from shared.settings import GraphSettings

from ..clock import FakeClock
from ..made import unique_name
from .samples import mail
from .stub import FixedToken, answering, client_of

pytestmark = pytest.mark.anyio


def token_of(box: Sandbox, *roles: str) -> FixedToken:
    """A token of the app with these permissions."""
    address = urlsplit(box.addresses.graph)
    audience = f"{address.scheme}://{address.netloc}"
    return FixedToken(box.issuer.issue(box.registration.client_id, audience, roles, timedelta(hours=1)))


@pytest.fixture
async def graph(box: Sandbox) -> AsyncIterator[GraphClient]:
    """The app's client, with the permission to write."""
    settings = GraphSettings(box.addresses.graph, box.addresses.entra, "client-secret", "tenant", "client")
    client = GraphClient(settings, token_of(box, "Mail.Read", "Mail.ReadWrite"))
    yield client
    await client.close()
    box.faults.graph.clear()


@pytest.fixture
def writer(graph: GraphClient, clock: FakeClock) -> MailboxWriter:
    """As the app builds it."""
    return MailboxWriter(graph, FolderReader(graph), clock)


@pytest.fixture
def mailbox(box: Sandbox) -> str:
    """A mailbox of the test's own."""
    address = f"{unique_name('changing')}@example.com"
    box.tenant.add_mailbox(address)
    return address


@pytest.fixture
def message(box: Sandbox, mailbox: str) -> str:
    """The immutable id of a mail in its inbox."""
    delivered = box.tenant.deliver(mailbox, mail("Hello"))
    box.tenant.change(mailbox, delivered.id, categories=("Red",))
    return delivered.immutable_id


def held(box: Sandbox, mailbox: str, message: str) -> Message:
    found = box.tenant.mailbox(mailbox).message(message)
    assert found is not None
    return found


async def test_a_message_is_read_marked_and_moved_under_one_id(
    box: Sandbox, writer: MailboxWriter, mailbox: str, message: str
) -> None:
    filed = box.tenant.add_folder(mailbox, "inbox/Filed")
    state = await writer.state(mailbox, message)
    assert state == MessageState(["Red"], False, box.tenant.folder(mailbox, "inbox").id)

    await writer.update(mailbox, message, {"isRead": True, "categories": ["Red", "Größe"]})
    await writer.move(mailbox, message, filed.id)

    assert await writer.state(mailbox, message) == MessageState(["Red", "Größe"], True, filed.id)
    assert held(box, mailbox, message).folder is filed


async def test_a_deleted_message_is_gone(writer: MailboxWriter, mailbox: str, message: str) -> None:
    await writer.delete(mailbox, message)

    assert await writer.state(mailbox, message) is None
    with pytest.raises(NotFound, match="ErrorItemNotFound"):
        await writer.update(mailbox, message, {"isRead": True})
    with pytest.raises(NotFound, match="ErrorItemNotFound"):
        await writer.delete(mailbox, message)


async def test_a_mailbox_that_is_not_there_is_no_mail_that_is_gone(
    writer: MailboxWriter, message: str
) -> None:
    with pytest.raises(ConfigurationFault, match=r"nobody@example\.com"):
        await writer.state("nobody@example.com", message)


@pytest.mark.parametrize(
    "name", ["inbox/Filed", "INBOX/filed", "Elsewhere", "elsewhere/2026", "Archive", "id"]
)
async def test_a_target_is_named_as_a_watched_folder_or_by_its_name_at_the_top(
    box: Sandbox, writer: MailboxWriter, mailbox: str, name: str
) -> None:
    for path in ("inbox/Filed", "Elsewhere/2026"):
        box.tenant.add_folder(mailbox, path)
    folder = box.tenant.folder(mailbox, "inbox/filed" if name == "id" else name.lower())

    assert await writer.target(mailbox, folder.id if name == "id" else name) == folder.id


@pytest.mark.parametrize("name", ["inbox/Missing", "Missing", "clutter", "AQMkA" + "a" * 40])
async def test_a_target_that_is_missing_is_a_fault_of_the_configuration(
    writer: MailboxWriter, mailbox: str, name: str
) -> None:
    with pytest.raises(ConfigurationFault, match=f'no folder "{name}" to move mail to.*move-to'):
        await writer.target(mailbox, name)


async def test_a_target_is_looked_up_once_a_minute(
    box: Sandbox, writer: MailboxWriter, clock: FakeClock, mailbox: str
) -> None:
    former = box.tenant.add_folder(mailbox, "inbox/Filed")
    asked = box.faults.graph.add(Latency(seconds=0.0, route=f"* /users/{mailbox}/"))
    assert {await writer.target(mailbox, "inbox/Filed") for _ in range(5)} == {former.id}
    assert asked.struck == 2

    box.tenant.remove_folder(mailbox, "inbox/Filed")
    present = box.tenant.add_folder(mailbox, "inbox/Filed")
    clock.advance(seconds=KNOWN_FOR)
    assert await writer.target(mailbox, "inbox/Filed") == present.id


async def test_a_target_that_has_just_gone_is_looked_up_again(
    box: Sandbox, writer: MailboxWriter, mailbox: str, message: str
) -> None:
    """Graph's answer is that of a mail that is gone, so it is no end: a new look tells which it was."""
    box.tenant.add_folder(mailbox, "inbox/Filed")
    target = await writer.target(mailbox, "inbox/Filed")
    box.tenant.remove_folder(mailbox, "inbox/Filed")

    with pytest.raises(Transient, match="just gone"):
        await writer.move(mailbox, message, target)

    with pytest.raises(ConfigurationFault, match="no folder"):
        await writer.target(mailbox, "inbox/Filed")
    assert await writer.state(mailbox, message)


@pytest.mark.parametrize("call", ["update", "move", "delete"])
async def test_the_missing_permission_is_named(box: Sandbox, mailbox: str, message: str, call: str) -> None:
    settings = GraphSettings(box.addresses.graph, box.addresses.entra, "client-secret", "tenant", "client")
    client = GraphClient(settings, token_of(box, "Mail.Read"))
    writer = MailboxWriter(client, FolderReader(client), FakeClock())
    done = {
        "update": lambda: writer.update(mailbox, message, {"isRead": True}),
        "move": lambda: writer.move(mailbox, message, "archive"),
        "delete": lambda: writer.delete(mailbox, message),
    }
    try:
        assert await writer.state(mailbox, message)
        with pytest.raises(ConfigurationFault) as fault:
            await done[call]()
    finally:
        await client.close()

    assert f"mailbox {mailbox}: Graph answered 403 ErrorAccessDenied" in fault.value.reason
    assert "Mail.ReadWrite" in fault.value.remedy


async def test_deleted_mail_is_known_by_its_folder(box: Sandbox, writer: MailboxWriter, mailbox: str) -> None:
    """The sandbox has no recoverable items: that a folder is missing is no fault here."""
    deleted, inbox = (box.tenant.folder(mailbox, name).id for name in ("deleteditems", "inbox"))
    assert await writer.has_deleted(mailbox, deleted)
    assert not await writer.has_deleted(mailbox, inbox)
    assert not await writer.has_deleted(mailbox, None)


async def test_a_fault_of_graph_is_told_as_one(
    box: Sandbox, writer: MailboxWriter, mailbox: str, message: str
) -> None:
    box.faults.graph.add(Status(429, retry_after="7", times=1, route=r"PATCH /messages/"))
    with pytest.raises(Unavailable) as throttled:
        await writer.update(mailbox, message, {"isRead": True})
    assert (throttled.value.origin, throttled.value.after) == ("mailbox", 7.0)
    assert not held(box, mailbox, message).is_read


async def test_categories_that_cannot_be_read_are_not_taken_for_none(authority: Authority) -> None:
    """They are replaced as a whole: what was not read would be lost."""
    for categories in ('"Red"', "[1]", "{}"):

        async def odd(request: web.Request, text: str = categories) -> web.Response:
            body = f'{{"isRead": false, "parentFolderId": "a", "categories": {text}}}'
            return web.Response(text=body, content_type="application/json")

        async with answering(authority, odd) as origin, client_of(origin) as client:
            with pytest.raises(Unavailable, match="cannot be read"):
                await MailboxWriter(client, FolderReader(client), FakeClock()).state("a@example.com", "AAA=")
