"""Changing, moving and deleting messages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.tenant.graph import Delivered

from .conftest import IMMUTABLE, MAILBOX, Receiver, Service, refusal
from .published import PublishedTypes
from .samples import invoice, plain

pytestmark = pytest.mark.anyio
DELTA = "/mailFolders/{}/messages/delta?$select=id"


@pytest.fixture
def mail(graph: Service) -> Delivered:
    graph.client.headers.update(graph.authorization("Mail.Read", "Mail.ReadWrite"))
    return graph.tenant.deliver(MAILBOX, invoice())


async def changed(graph: Service, path: str, **body: Any) -> httpx.Response:
    return await graph.client.patch(f"{graph.user}{path}", json=body, headers=IMMUTABLE)


async def moved(graph: Service, message: str, target: object) -> httpx.Response:
    address = f"{graph.user}/messages/{message}/move"
    return await graph.client.post(address, json={"destinationId": target}, headers=IMMUTABLE)


async def new_in(graph: Service, folder: str, link: str | None) -> tuple[dict[str, str], str]:
    """What a delta query shows of a folder since `link`, and the next link."""
    answer = await graph.client.get(link or f"{graph.user}{DELTA.format(folder)}", headers=IMMUTABLE)
    page = answer.json()
    entries = {one["id"]: one["@removed"]["reason"] if "@removed" in one else "here" for one in page["value"]}
    return entries, page["@odata.deltaLink"]


@pytest.mark.parametrize("roles", [("Mail.Read",), ("Mail.ReadBasic.All",), ()])
async def test_a_change_needs_the_permission_to_write(
    graph: Service, mail: Delivered, roles: tuple[str, ...]
) -> None:
    graph.client.headers.update(graph.authorization(*roles))
    address = f"{graph.user}/messages/{mail.id}"
    for answer in (
        await graph.client.patch(address, json={"isRead": True}),
        await graph.client.post(f"{address}/move", json={"destinationId": "archive"}),
        await graph.client.delete(address),
    ):
        refusal(answer, 403, "ErrorAccessDenied")
    message = graph.tenant.mailbox(MAILBOX).message(mail.id)
    assert message is not None
    assert (message.is_read, message.folder.well_known) == (False, "inbox")


async def test_a_patch_marks_a_message_and_replaces_its_categories(
    graph: Service, mail: Delivered, published: PublishedTypes
) -> None:
    path = f"/messages/{mail.immutable_id}"
    before = await graph.json(path)

    answer = await changed(graph, path, isRead=True, categories=["Red", "Filed"])
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == 'IdType="ImmutableId"'
    assert published.faults(answer.json(), "message") == []
    assert (answer.json()["isRead"], answer.json()["categories"]) == (True, ["Red", "Filed"])
    assert answer.json()["changeKey"] != before["changeKey"]

    await changed(graph, path, categories=["Blue"])
    after = await graph.json(f"{path}?$select=isRead,categories")
    assert (after["isRead"], after["categories"]) == (True, ["Blue"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"isread": True}, "'isread' does not exist on type 'microsoft.graph.message'"),
        ({"id": "x"}, "'id' does not exist"),
        ({"isRead": "true"}, "'Edm.Boolean'"),
        ({"isRead": None}, "'Edm.Boolean'"),
        ({"categories": "Red"}, "'Collection(Edm.String)'"),
        ({"categories": [1]}, "'Collection(Edm.String)'"),
    ],
)
async def test_a_patch_that_graph_cannot_read_changes_nothing(
    graph: Service, mail: Delivered, body: dict[str, Any], words: str
) -> None:
    before = await graph.json(f"/messages/{mail.id}")
    answer = await graph.client.patch(f"{graph.user}/messages/{mail.id}", json=body)
    assert words in refusal(answer, 400, "RequestBodyRead")
    answer = await graph.client.patch(f"{graph.user}/messages/{mail.id}", content=b"{}")
    refusal(answer, 400, "BadRequest")
    assert await graph.json(f"/messages/{mail.id}") == before


@pytest.mark.parametrize("target", ["archive", "Archive", "by id"])
async def test_a_moved_message_keeps_its_immutable_id_alone(
    graph: Service, mail: Delivered, target: str
) -> None:
    folder = graph.tenant.folder(MAILBOX, "archive")
    _, in_inbox = await new_in(graph, "inbox", None)
    _, in_archive = await new_in(graph, "archive", None)

    answer = await moved(graph, mail.id, folder.id if target == "by id" else target)

    assert answer.status_code == 201
    assert (answer.json()["id"], answer.json()["parentFolderId"]) == (mail.immutable_id, folder.id)
    refusal(await graph.get(f"/messages/{mail.id}"), 404, "ErrorItemNotFound")
    assert (await graph.get(f"/messages/{mail.immutable_id}/$value")).status_code == 200
    assert (await new_in(graph, "inbox", in_inbox))[0] == {mail.immutable_id: "changed"}
    assert (await new_in(graph, "archive", in_archive))[0] == {mail.immutable_id: "here"}


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("Filed", 400, "ErrorInvalidIdMalformed"),
        ("clutter", 404, "ErrorItemNotFound"),
        ("AQMkA" + "a" * 40, 404, "ErrorItemNotFound"),
        ("", 400, "ErrorInvalidParameter"),
        (None, 400, "ErrorInvalidParameter"),
    ],
)
async def test_a_move_to_no_folder_is_refused(
    graph: Service, mail: Delivered, target: object, status: int, code: str
) -> None:
    refusal(await moved(graph, mail.id, target), status, code)
    assert await graph.json(f"/messages/{mail.id}")


async def test_a_deleted_message_is_found_no_more(graph: Service, mail: Delivered) -> None:
    _, link = await new_in(graph, "inbox", None)
    address = f"{graph.user}/messages/{mail.immutable_id}"
    refusal(await graph.client.request("DELETE", address, content=b"x"), 400, "BadRequest")

    assert (await graph.client.delete(address)).status_code == 204

    for answer in (
        await graph.client.get(address),
        await graph.client.delete(address),
        await changed(graph, f"/messages/{mail.immutable_id}", isRead=True),
        await moved(graph, mail.immutable_id, "archive"),
    ):
        refusal(answer, 404, "ErrorItemNotFound")
    assert (await new_in(graph, "inbox", link))[0] == {mail.immutable_id: "deleted"}


async def test_subscribers_are_told_once_of_each_change(graph: Service, receiver: Receiver) -> None:
    for folder in ("inbox", "archive"):
        resource = f"users/{MAILBOX}/mailFolders/{folder}/messages"
        created = await graph.subscribe(
            receiver.url, IMMUTABLE, resource=resource, changeType="created,updated,deleted"
        )
        assert created.status_code == 201
    mail = graph.tenant.deliver(MAILBOX, plain().as_bytes())
    await receiver.wait_for(1)
    graph.client.headers.update(graph.authorization("Mail.Read", "Mail.ReadWrite"))

    await changed(graph, f"/messages/{mail.immutable_id}", isRead=True, categories=["Filed"])
    await moved(graph, mail.immutable_id, "archive")

    items = await receiver.wait_for(4)
    assert [one["changeType"] for one in items][:2] == ["created", "updated"]
    assert {one["changeType"] for one in items[2:]} == {"created", "deleted"}
    assert {one["resourceData"]["id"] for one in items} == {mail.immutable_id}


async def test_a_message_is_changed_by_its_folder_only_where_it_is(graph: Service, mail: Delivered) -> None:
    assert (await changed(graph, f"/mailFolders/inbox/messages/{mail.id}", isRead=True)).status_code == 200
    elsewhere = await changed(graph, f"/mailFolders/archive/messages/{mail.id}", isRead=False)
    refusal(elsewhere, 404, "ErrorItemNotFound")
