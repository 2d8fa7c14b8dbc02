"""Lists of the messages in a folder, and folders that come, change and go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import IMMUTABLE, MAILBOX, Service, refusal
from .published import PublishedTypes
from .samples import plain

pytestmark = pytest.mark.anyio

LIST = "/mailFolders/inbox/messages"
RECEIVED = "receivedDateTime"


def deliver(graph: Service, minutes: float = 0, folder: str = "inbox") -> str:
    received = graph.clock() + timedelta(minutes=minutes)
    return graph.tenant.deliver(MAILBOX, plain().as_bytes(), folder, received=received).immutable_id


async def ids(graph: Service, path: str) -> list[str]:
    return [one["id"] for one in (await graph.json(path, **IMMUTABLE))["value"]]


async def test_a_list_has_the_messages_of_its_folder(graph: Service, published: PublishedTypes) -> None:
    mails = [deliver(graph, minute) for minute in (0, 2, 1)]
    deliver(graph, folder="archive")
    answer = await graph.json(LIST, **IMMUTABLE)
    assert [one["id"] for one in answer["value"]] == [mails[1], mails[2], mails[0]]
    folder = (await graph.json("/mailFolders/inbox"))["id"].replace("=", "%3D")
    assert answer["@odata.context"].endswith(f"/mailFolders('{folder}')/messages")
    for one in answer["value"]:
        assert one["@odata.etag"].startswith('W/"')
        assert published.faults(one, "message") == []
        assert one["parentFolderId"].replace("=", "%3D") == folder


async def test_a_list_can_begin_at_a_time_and_be_sorted(graph: Service) -> None:
    early, at, late = (deliver(graph, minute) for minute in (-1, 0, 1))
    since = f"$filter={RECEIVED} ge {graph.clock():%Y-%m-%dT%H:%M:%SZ}"
    assert await ids(graph, f"{LIST}?{since}&$orderby={RECEIVED} asc") == [at, late]
    assert await ids(graph, f"{LIST}?{since}&$orderby={RECEIVED} desc") == [late, at]
    assert await ids(graph, f"{LIST}?{since.replace('ge', 'gt')}") == [late]
    assert await ids(graph, f"{LIST}?$orderby={RECEIVED}") == [early, at, late]
    offset = f"$filter={RECEIVED} ge 2026-11-24T15:00:15.0000000%2B05:30"
    assert await ids(graph, f"{LIST}?{offset}&$orderby={RECEIVED}") == [at, late]


async def test_pages_count_messages_so_that_one_that_leaves_moves_the_others_up(graph: Service) -> None:
    """As in the real service: a client that follows links while mail is moved away misses some."""
    mails = [deliver(graph, minute) for minute in range(25)]
    page = await graph.json(f"{LIST}?$top=10&$orderby={RECEIVED}&$select=id", **IMMUTABLE)
    assert [one["id"] for one in page["value"]] == mails[:10]
    graph.tenant.move(MAILBOX, mails[0], "archive")
    following: Any = (await graph.client.get(page["@odata.nextLink"], headers=IMMUTABLE)).json()
    assert [one["id"] for one in following["value"]] == mails[11:21]


@pytest.mark.parametrize(
    "options",
    [
        "$search=x",
        "$expand=attachments",
        "$count=true",
        "$top=0",
        "$top=1001",
        "$filter=isRead eq false",
        f"$filter={RECEIVED} ge 'yesterday'",
        f"$orderby={RECEIVED} up",
        "$orderby=subject",
        "$select=nothing",
    ],
)
async def test_other_options_are_refused(graph: Service, options: str) -> None:
    assert (await graph.get(f"{LIST}?{options}")).status_code == 400


async def test_a_list_needs_permission_and_a_folder(graph: Service) -> None:
    refusal(await graph.get("/mailFolders/clutter/messages"), 404, "ErrorItemNotFound")
    graph.client.headers.update(graph.authorization("Mail.ReadBasic"))
    refusal(await graph.get(f"{LIST}?$select=bodyPreview"), 403, "ErrorAccessDenied")
    assert await ids(graph, LIST) == []


async def test_hidden_folders_show_only_where_they_are_asked_for(graph: Service) -> None:
    graph.tenant.add_folder(MAILBOX, "inbox/Scans")
    hidden = graph.tenant.add_folder(MAILBOX, "inbox/Yammer", hidden=True)
    children = "/mailFolders/inbox/childFolders?$select=displayName,isHidden"
    assert [one["displayName"] for one in (await graph.json(children))["value"]] == ["Scans"]
    both = (await graph.json(f"{children}&includeHiddenFolders=true"))["value"]
    assert {one["displayName"]: one["isHidden"] for one in both} == {"Scans": False, "Yammer": True}
    assert (await graph.json("/mailFolders/inbox"))["childFolderCount"] == 1
    assert (await graph.json(f"/mailFolders/{hidden.id}"))["isHidden"] is True
    refusal(await graph.get(f"{children}&includeHiddenFolders=yes"), 400, "BadRequest")


async def test_a_folder_keeps_its_id_and_mail_when_it_is_renamed_or_moved(graph: Service) -> None:
    folder = graph.tenant.add_folder(MAILBOX, "inbox/Scans/2026").parent
    assert folder is not None
    mail = deliver(graph, folder="inbox/Scans")
    graph.tenant.rename_folder(MAILBOX, "inbox/Scans", "Papers")
    graph.tenant.move_folder(MAILBOX, "inbox/Papers", "archive")
    shown = await graph.json(f"/mailFolders/{folder.id}")
    archive = await graph.json("/mailFolders/archive")
    assert (shown["displayName"], shown["parentFolderId"]) == ("Papers", archive["id"])
    assert (shown["childFolderCount"], shown["totalItemCount"]) == (1, 1)
    assert await ids(graph, f"/mailFolders/{folder.id}/messages") == [mail]
    assert (await graph.json("/mailFolders/inbox/childFolders"))["value"] == []


async def test_a_folder_goes_with_all_that_is_in_it(graph: Service) -> None:
    below = graph.tenant.add_folder(MAILBOX, "inbox/Scans/2026")
    mail = deliver(graph, folder="inbox/Scans/2026")
    graph.tenant.remove_folder(MAILBOX, "inbox/Scans")
    refusal(await graph.get(f"/mailFolders/{below.id}"), 404, "ErrorItemNotFound")
    refusal(await graph.get(f"/messages/{mail}"), 404, "ErrorItemNotFound")
    assert graph.tenant.messages(MAILBOX) == []


async def test_the_folders_of_every_mailbox_stay(graph: Service) -> None:
    graph.tenant.add_folder(MAILBOX, "inbox/Scans/2026")
    with pytest.raises(ValueError, match="every mailbox"):
        graph.tenant.remove_folder(MAILBOX, "inbox")
    with pytest.raises(ValueError, match="every mailbox"):
        graph.tenant.rename_folder(MAILBOX, "inbox", "In")
    with pytest.raises(ValueError, match="below"):
        graph.tenant.move_folder(MAILBOX, "inbox/Scans", "inbox/Scans/2026")
    with pytest.raises(LookupError):
        graph.tenant.remove_folder(MAILBOX, "inbox/Nothing")


async def test_names_of_folders_count_in_any_case(graph: Service) -> None:
    assert graph.tenant.add_folder(MAILBOX, "inbox/Scans") is graph.tenant.add_folder(MAILBOX, "INBOX/scans")


async def test_mail_that_was_read_counts_no_longer(graph: Service) -> None:
    mail = deliver(graph)
    deliver(graph)
    graph.tenant.mark_read(MAILBOX, mail)
    inbox = await graph.json("/mailFolders/inbox")
    assert (inbox["totalItemCount"], inbox["unreadItemCount"]) == (2, 1)
