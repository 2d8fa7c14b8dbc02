"""The delta query: rounds, links, tokens, and what it refuses."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from sandbox.tenant.graph import TokenLoss

from .conftest import IMMUTABLE, MAILBOX, Service, refusal
from .published import PublishedTypes
from .samples import plain

pytestmark = pytest.mark.anyio

INBOX = "/mailFolders/inbox/messages/delta"
NEXT, DELTA = "@odata.nextLink", "@odata.deltaLink"
OTHER = "other@example.com"


def preferring(size: int) -> dict[str, str]:
    return {"Prefer": f'odata.maxpagesize={size}, IdType="ImmutableId"'}


async def followed(graph: Service, link: str, **headers: str) -> Any:
    answer = await graph.client.get(link, headers=headers or IMMUTABLE)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def rounded(graph: Service, link: str, **headers: str) -> tuple[list[Any], str]:
    """All entries of a round from this link on, and the link to the next one."""
    entries = []
    while True:
        page = await followed(graph, link, **headers)
        entries += page["value"]
        if DELTA in page:
            assert NEXT not in page
            return entries, page[DELTA]
        link = page[NEXT]


def kinds(entries: list[Any]) -> dict[str, str]:
    return {one["id"]: one["@removed"]["reason"] if "@removed" in one else "here" for one in entries}


def deliver(graph: Service, folder: str = "inbox", **changed: Any) -> str:
    return graph.tenant.deliver(MAILBOX, plain().as_bytes(), folder, **changed).immutable_id


async def test_a_first_round_lists_the_folder_and_ends_with_a_delta_link(
    graph: Service, published: PublishedTypes
) -> None:
    mails = {deliver(graph) for _ in range(25)}
    deliver(graph, "archive")
    answer = await graph.get(INBOX, **IMMUTABLE)
    page = answer.json()
    assert answer.headers["Preference-Applied"] == 'IdType="ImmutableId", odata.track-changes'
    assert page["@odata.context"].endswith("/$metadata#Collection(message)")
    assert len(page["value"]) == 10
    for one in page["value"]:
        assert one["@odata.type"] == "#microsoft.graph.message"
        assert one["@odata.etag"].startswith('W/"')
        assert published.faults(one, "message") == []
    entries, _ = await rounded(graph, page[NEXT])
    assert set(kinds(page["value"] + entries)) == mails
    assert len(entries) == 15


async def test_links_have_the_form_of_the_documentation(graph: Service) -> None:
    deliver(graph)
    deliver(graph)
    first = await graph.json(INBOX, Prefer="odata.maxpagesize=1")
    second = await followed(graph, first[NEXT], Prefer="odata.maxpagesize=1")
    folder = (await graph.json("/mailFolders/inbox"))["id"].replace("=", "%3D")
    for link, option in ((first[NEXT], "$skiptoken"), (second[DELTA], "$deltatoken")):
        parts = urlsplit(link)
        assert parts.path == f"/v1.0/users/{MAILBOX}/mailfolders('{folder}')/messages/delta"
        assert [name for name, _ in parse_qsl(parts.query)] == [option]


@pytest.mark.parametrize("written", ["/delta", "/delta()"])
async def test_the_function_is_found_with_and_without_parentheses(graph: Service, written: str) -> None:
    assert (await graph.json(f"/mailFolders/inbox/messages{written}"))["value"] == []


async def test_each_request_says_for_itself_how_large_its_page_is(graph: Service) -> None:
    """The token does not hold the page size: without the preference it is Outlook's ten."""
    for _ in range(25):
        deliver(graph)
    answer = await graph.get(INBOX, **preferring(12))
    assert "odata.maxpagesize=12" in answer.headers["Preference-Applied"]
    page = answer.json()
    assert len(page["value"]) == 12
    assert len((await followed(graph, page[NEXT]))["value"]) == 10


async def test_later_rounds_tell_what_has_changed_since(graph: Service) -> None:
    first, read, moved, gone = (deliver(graph) for _ in range(4))
    _, link = await rounded(graph, f"{graph.user}{INBOX}")
    assert await rounded(graph, link) == ([], (await followed(graph, link))[DELTA])
    new, there = deliver(graph), deliver(graph, "archive")
    graph.tenant.mark_read(MAILBOX, read)
    graph.tenant.move(MAILBOX, moved, "archive")
    graph.tenant.delete(MAILBOX, gone)
    graph.tenant.move(MAILBOX, there, "inbox")
    entries, later = await rounded(graph, link)
    assert kinds(entries) == {read: "here", moved: "changed", gone: "deleted", new: "here", there: "here"}
    assert first not in kinds(entries)
    assert (await rounded(graph, later))[0] == []
    assert kinds((await rounded(graph, link))[0]) == kinds(entries), "a link can be used again"


async def test_an_entry_shows_the_message_as_it_is_now(graph: Service) -> None:
    mail = deliver(graph)
    graph.clock.advance(minutes=5)
    graph.tenant.mark_read(MAILBOX, mail)
    (entry,), _ = await rounded(graph, f"{graph.user}{INBOX}?$select=isRead,lastModifiedDateTime")
    assert entry["isRead"] is True
    assert entry["lastModifiedDateTime"] == "2026-11-24T09:35:15Z"
    assert {name for name in entry if "@" not in name} == {"id", "isRead", "lastModifiedDateTime"}


@pytest.mark.parametrize(
    ("change_type", "seen"), [("created", {"new"}), ("updated", {"read"}), ("deleted", {"moved", "gone"})]
)
async def test_a_round_can_be_of_one_kind_of_change(graph: Service, change_type: str, seen: set[str]) -> None:
    """It is said in the first request only: the token holds it."""
    mails = {name: deliver(graph) for name in ("read", "moved", "gone")}
    _, link = await rounded(graph, f"{graph.user}{INBOX}?changeType={change_type}")
    mails["new"] = deliver(graph)
    graph.tenant.mark_read(MAILBOX, mails["new"])
    graph.tenant.mark_read(MAILBOX, mails["read"])
    graph.tenant.move(MAILBOX, mails["moved"], "archive")
    graph.tenant.delete(MAILBOX, mails["gone"])
    entries, _ = await rounded(graph, link)
    assert set(kinds(entries)) == {mails[name] for name in seen}


async def test_what_came_is_listed_by_a_first_round_for_new_mail_though_it_has_changed(
    graph: Service,
) -> None:
    mail = deliver(graph)
    graph.tenant.mark_read(MAILBOX, mail)
    entries, _ = await rounded(graph, f"{graph.user}{INBOX}?changeType=created")
    assert kinds(entries) == {mail: "here"}


async def test_what_happens_during_a_first_round_is_within_it(graph: Service) -> None:
    """`@removed` may occur in a first round: of what has left since it began, not of what left before."""
    before, left, stays = deliver(graph), deliver(graph), deliver(graph)
    graph.tenant.delete(MAILBOX, before)
    page = await graph.json(INBOX, **preferring(1))
    new = deliver(graph)
    graph.tenant.delete(MAILBOX, left)
    entries, _ = await rounded(graph, page[NEXT], **preferring(1))
    assert kinds(page["value"]) == {left: "here"}
    assert kinds(entries) == {stays: "here", new: "here", left: "deleted"}


async def test_a_message_that_went_and_came_back_is_here(graph: Service) -> None:
    mail = deliver(graph)
    _, link = await rounded(graph, f"{graph.user}{INBOX}")
    graph.tenant.move(MAILBOX, mail, "archive")
    graph.tenant.move(MAILBOX, mail, "inbox")
    assert kinds((await rounded(graph, link))[0]) == {mail: "here"}


async def test_both_kinds_of_ids_work_with_one_link(graph: Service) -> None:
    """A removed message is known by the id under which it was shown, though a move has given it another."""
    mail = graph.tenant.deliver(MAILBOX, plain().as_bytes())
    entries, link = await rounded(graph, f"{graph.user}{INBOX}", Accept="*/*")
    assert set(kinds(entries)) == {mail.id}
    graph.tenant.move(MAILBOX, mail.id, "archive")
    assert kinds((await rounded(graph, link, Accept="*/*"))[0]) == {mail.id: "changed"}
    assert kinds((await rounded(graph, link))[0]) == {mail.immutable_id: "changed"}


async def test_a_filter_by_time_counts_for_every_round(graph: Service) -> None:
    old = graph.clock() - timedelta(days=2)
    deliver(graph, received=old)
    at, after = deliver(graph), deliver(graph, received=graph.clock() + timedelta(seconds=1))
    since = graph.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    entries, link = await rounded(graph, f"{graph.user}{INBOX}?$filter=receivedDateTime ge {since}")
    assert set(kinds(entries)) == {at, after}
    entries, _ = await rounded(graph, f"{graph.user}{INBOX}?$filter=receivedDateTime gt {since}")
    assert set(kinds(entries)) == {after}
    deliver(graph, received=old)
    graph.tenant.delete(MAILBOX, at)
    new = deliver(graph)
    assert kinds((await rounded(graph, link))[0]) == {new: "here", at: "deleted"}


async def test_a_filter_lists_five_thousand_messages_at_most(graph: Service) -> None:
    graph.tenant.fill(MAILBOX, plain().as_bytes(), 5_100)
    filtered = f"{graph.user}{INBOX}?$select=id&$filter=receivedDateTime ge 2026-01-01T00:00:00Z"
    entries, link = await rounded(graph, filtered, **preferring(999))
    assert len(entries) == 5_000
    assert (await rounded(graph, link))[0] == []
    everything, _ = await rounded(graph, f"{graph.user}{INBOX}?$select=id", **preferring(1000))
    assert len(everything) == 5_100


async def test_the_newest_come_first_where_it_is_asked_for(graph: Service) -> None:
    now = graph.clock()
    mails = [deliver(graph, received=now + timedelta(minutes=minute)) for minute in (3, 1, 4, 1, 5, 9, 2, 6)]
    ordered = f"{graph.user}{INBOX}?$orderby=receivedDateTime desc"
    entries, link = await rounded(graph, ordered, **preferring(3))
    times = [one["receivedDateTime"] for one in entries]
    assert times == sorted(times, reverse=True)
    assert sorted(kinds(entries)) == sorted(mails)
    new = deliver(graph)
    assert kinds((await rounded(graph, link))[0]) == {new: "here"}


@pytest.mark.parametrize(
    "options",
    [
        "$search=x",
        "$top=5",
        "$skip=1",
        "$expand=attachments",
        "$count=true",
        "$filter=isRead eq false",
        "$filter=receivedDateTime le 2026-01-01T00:00:00Z",
        "$filter=receivedDateTime ge 2026-01-01",
        "$filter=receivedDateTime ge 2026-13-01T00:00:00Z",
        "$filter=receivedDateTime ge 2026-01-01T00:00:00Z and isRead eq true",
        "$orderby=receivedDateTime",
        "$orderby=receivedDateTime asc",
        "$orderby=subject desc",
        "$select=nothing",
        "changeType=created,updated",
        "changeType=moved",
        "changeType=",
    ],
)
async def test_other_options_are_refused(graph: Service, options: str) -> None:
    answer = await graph.get(f"{INBOX}?{options}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("BadRequest", "ErrorInvalidUrlQueryFilter")


async def test_bodies_are_not_for_basic_permissions(graph: Service) -> None:
    graph.client.headers.update(graph.authorization("Mail.ReadBasic.All"))
    refusal(await graph.get(f"{INBOX}?$select=body"), 403, "ErrorAccessDenied")
    deliver(graph)
    (entry,) = (await graph.json(INBOX))["value"]
    assert "body" not in entry
    graph.client.headers.update(graph.authorization("User.Read.All"))
    refusal(await graph.get(INBOX), 403, "ErrorAccessDenied")


async def links(graph: Service) -> tuple[str, str]:
    """A link to a next page, and one to a next round."""
    for _ in range(2):
        deliver(graph)
    page = await graph.json(INBOX, Prefer="odata.maxpagesize=1")
    return page[NEXT], (await rounded(graph, page[NEXT]))[1]


async def test_a_token_that_is_none_is_refused(graph: Service) -> None:
    following, later = await links(graph)
    path, _, token = later.partition("?$deltatoken=")
    swapped = token[:-8] + token[-8:].swapcase()
    for wrong in (
        f"{path}?$deltatoken={text}" for text in ("latest", "x", swapped, token[:-4], token + "AAAA")
    ):
        assert "Badly formed token" in refusal(await graph.client.get(wrong), 400, "BadRequest")
    for wrong in (later.replace("$deltatoken", "$skiptoken"), following.replace("$skiptoken", "$deltatoken")):
        refusal(await graph.client.get(wrong), 400, "BadRequest")


async def test_a_token_stands_alone(graph: Service) -> None:
    """It holds the options of its round already."""
    following, later = await links(graph)
    for link in (following, later):
        for option in (
            "$select=id",
            "changeType=created",
            "$filter=receivedDateTime ge 2026-01-01T00:00:00Z",
        ):
            refusal(await graph.client.get(f"{link}&{option}"), 400, "BadRequest")
    refusal(await graph.client.get(f"{following}&{urlsplit(later).query}"), 400, "BadRequest")


async def test_a_token_is_of_its_folder_and_mailbox(graph: Service) -> None:
    graph.tenant.add_mailbox(OTHER)
    _, later = await links(graph)
    query = urlsplit(later).query
    refusal(await graph.get(f"/mailFolders/archive/messages/delta?{query}"), 410, "SyncStateInvalid")
    elsewhere = f"{graph.root}/users/{OTHER}{INBOX}?{query}"
    refusal(await graph.client.get(elsewhere), 410, "SyncStateInvalid")
    assert (await graph.get(f"{INBOX}?{query}")).status_code == 200


@pytest.mark.parametrize("loss", TokenLoss)
async def test_tokens_expire_in_every_form_on_record(graph: Service, loss: TokenLoss) -> None:
    """A 410 says where to begin anew."""
    graph.tenant.add_mailbox(OTHER)
    other = (await followed(graph, f"{graph.root}/users/{OTHER}{INBOX}"))[DELTA]
    graph.tenant.expire_delta_tokens(MAILBOX, loss)
    fresh = await links(graph)
    graph.tenant.expire_delta_tokens(MAILBOX, loss)
    status, code = loss.value
    for link in fresh:
        answer = await graph.client.get(link)
        refusal(answer, status, code)
        assert ("Location" in answer.headers) == (status == 410)
    if status == 410:
        entries, _ = await rounded(graph, answer.headers["Location"])
        assert len(entries) == 2
    assert (await graph.client.get(other)).status_code == 200


async def test_all_tokens_expire_at_once(graph: Service) -> None:
    graph.tenant.add_mailbox(OTHER)
    kept = [(await followed(graph, f"{graph.root}/users/{one}{INBOX}"))[DELTA] for one in (MAILBOX, OTHER)]
    graph.tenant.expire_delta_tokens()
    for link in kept:
        refusal(await graph.client.get(link), 410, "SyncStateNotFound")


async def test_a_migrated_mailbox_has_new_ids_and_knows_no_token(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, plain().as_bytes(), received=graph.clock() - timedelta(days=1))
    _, link = await rounded(graph, f"{graph.user}{INBOX}")
    folder = (await graph.json("/mailFolders/inbox"))["id"]
    graph.tenant.migrate_mailbox(MAILBOX)
    refusal(await graph.client.get(link), 410, "SyncStateNotFound")
    (entry,), _ = await rounded(graph, f"{graph.user}{INBOX}")
    assert entry["id"] not in (mail.immutable_id, mail.id)
    assert entry["receivedDateTime"] == "2026-11-23T09:30:15Z"
    assert entry["createdDateTime"] == entry["lastModifiedDateTime"] == "2026-11-24T09:30:15Z"
    for former in (mail.immutable_id, mail.id):
        refusal(await graph.get(f"/messages/{former}"), 404, "ErrorItemNotFound")
    assert (await graph.json("/mailFolders/inbox"))["id"] == folder
    graph.tenant.migrate_mailbox(MAILBOX, folders=True)
    refusal(await graph.client.get(link), 404, "ErrorItemNotFound")


async def test_a_folder_that_was_deleted_has_no_rounds(graph: Service) -> None:
    graph.tenant.add_folder(MAILBOX, "inbox/Scans")
    folder = graph.tenant.folder(MAILBOX, "inbox/Scans").id
    mail = deliver(graph, "inbox/Scans")
    _, link = await rounded(graph, f"{graph.user}/mailFolders/{folder}/messages/delta")
    graph.tenant.remove_folder(MAILBOX, "inbox/Scans")
    refusal(await graph.client.get(link), 404, "ErrorItemNotFound")
    refusal(await graph.get(f"/messages/{mail}"), 404, "ErrorItemNotFound")


async def test_an_unruly_service_repeats_itself_and_sends_empty_pages_and_removals(graph: Service) -> None:
    """All that the documentation allows: what a client must bear."""
    mails = [deliver(graph) for _ in range(6)]
    graph.tenant.make_delta_unruly(MAILBOX)
    link, pages = f"{graph.user}{INBOX}?changeType=created", []
    page: Any = {}
    while DELTA not in page:
        page = await followed(graph, link, **preferring(3))
        pages.append(set(kinds(page["value"])))
        link = page.get(NEXT, page.get(DELTA))
    assert set().union(*pages) == set(mails)
    assert sum(not one for one in pages) == len(pages) // 2
    full = [one for one in pages if one]
    assert all(earlier & later for earlier, later in pairwise(full))
    graph.tenant.delete(MAILBOX, mails[0])
    new = deliver(graph)
    entries, _ = await rounded(graph, link)
    assert kinds(entries) == {mails[-1]: "here", mails[0]: "deleted", new: "here"}


async def test_changes_of_one_mail_are_announced_to_subscribers(graph: Service) -> None:
    told: list[tuple[str, str]] = []
    graph.tenant.listen(lambda change: told.append((change.kind, change.ids.immutable)))
    mail = deliver(graph)
    graph.tenant.mark_read(MAILBOX, mail)
    graph.tenant.delete(MAILBOX, mail)
    assert told == [("created", mail), ("updated", mail), ("deleted", mail)]


async def test_a_head_request_is_refused(graph: Service) -> None:
    answer: httpx.Response = await graph.client.head(f"{graph.user}{INBOX}")
    assert answer.status_code == 405
