"""Mail folders, by well-known name, id and parent."""

from __future__ import annotations

import pytest

from .conftest import MAILBOX, Service, refusal
from .published import PublishedTypes
from .samples import plain

pytestmark = pytest.mark.anyio

NAMES = ["Inbox", "Drafts", "Sent Items", "Deleted Items", "Junk Email", "Archive", "Outbox"]


async def test_a_mailbox_has_its_folders(graph: Service, published: PublishedTypes) -> None:
    folders = await graph.json("/mailFolders")
    assert [folder["displayName"] for folder in folders["value"]] == NAMES
    assert folders["@odata.context"].endswith("/mailFolders")
    assert [fault for one in folders["value"] for fault in published.faults(one, "mailFolder")] == []
    root = await graph.json("/mailFolders/msgfolderroot")
    assert {folder["parentFolderId"] for folder in folders["value"]} == {root["id"]}


async def test_folders_below_folders_are_found_by_their_parent(graph: Service) -> None:
    scans = graph.tenant.add_folder(MAILBOX, "inbox/Scans/2026")
    assert graph.tenant.add_folder(MAILBOX, "Inbox/Scans/2026") is scans
    graph.tenant.deliver(MAILBOX, plain().as_bytes(), "inbox/Scans/2026")
    inbox = await graph.json("/mailFolders/inbox")
    assert (inbox["childFolderCount"], inbox["totalItemCount"]) == (1, 0)
    below = await graph.json("/mailFolders/inbox/childFolders?$select=displayName")
    assert [set(one) for one in below["value"]] == [{"id", "displayName"}]
    deepest = (await graph.json(f"/mailFolders/{below['value'][0]['id']}/childFolders"))["value"]
    assert [(one["displayName"], one["totalItemCount"]) for one in deepest] == [("2026", 1)]
    assert (await graph.json(f"/mailFolders/{scans.id}"))["unreadItemCount"] == 1


async def test_folders_come_in_pages(graph: Service) -> None:
    for number in range(12):
        graph.tenant.add_folder(MAILBOX, f"inbox/{number}")
    first = await graph.json("/mailFolders/inbox/childFolders")
    second = (await graph.client.get(first["@odata.nextLink"])).json()
    assert [one["displayName"] for one in first["value"] + second["value"]] == [str(n) for n in range(12)]


async def test_what_is_no_folder_is_refused(graph: Service) -> None:
    refusal(await graph.get("/mailFolders/Posteingang"), 400, "ErrorInvalidIdMalformed")
    refusal(await graph.get("/mailFolders/clutter"), 404, "ErrorItemNotFound")
    inbox = (await graph.json("/mailFolders/inbox"))["id"]
    swapped = inbox[:20] + inbox[20:].swapcase()
    refusal(await graph.get(f"/mailFolders/{swapped}"), 404, "ErrorItemNotFound")
    refusal(await graph.get("/mailFolders/inbox?$select=sizeInBytes"), 400, "BadRequest")
    refusal(await graph.get("/mailFolders?includeHiddenFolders=true"), 400, "BadRequest")
