"""The delta query over TLS, against the sandbox and against answers that it does not give by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from sandbox.box import Sandbox
from sandbox.faults import Status
from sandbox.pki import Authority
from sandbox.tenant.graph import TokenLoss
from shared.errors import ConfigurationFault, Unavailable
from shared.graph.answers import Entry
from shared.graph.delta import DeltaReader
from shared.graph.faults import NotFound, Refused, TokenLost, is_token_loss
from shared.graph.folders import FolderReader
from shared.services import Services

from ..made import unique_name
from .samples import mail
from .stub import answering, client_of

pytestmark = pytest.mark.anyio
ADDRESS = "invoices@example.com"
NEXT, DELTA = "@odata.nextLink", "@odata.deltaLink"


@pytest.fixture
def mailbox(box: Sandbox) -> str:
    """A mailbox of the test's own."""
    address = f"{unique_name('delta')}@example.com"
    box.tenant.add_mailbox(address)
    return address


@pytest.fixture
def reader(services: Services) -> DeltaReader:
    """As the app builds it, with pages small enough to have several."""
    return DeltaReader(services.graph, page_size=3)


@pytest.fixture
async def inbox(services: Services, mailbox: str) -> str:
    return (await FolderReader(services.graph).resolve(mailbox, "inbox")).id


async def rounded(
    reader: DeltaReader, mailbox: str, folder: str, link: str | None = None
) -> tuple[list[Entry], str]:
    """All entries of a round, and the link to the next one."""
    entries: list[Entry] = []
    while True:
        page = await reader.page(mailbox, folder, link)
        entries += page.entries
        if page.delta_link is not None:
            assert page.next_link is None
            return entries, page.delta_link
        link = page.next_link


async def test_a_round_brings_every_message_under_its_immutable_id(
    box: Sandbox, reader: DeltaReader, mailbox: str, inbox: str
) -> None:
    delivered = {box.tenant.deliver(mailbox, mail(str(n))).immutable_id for n in range(8)}
    entries, link = await rounded(reader, mailbox, inbox)
    assert {one.id for one in entries} == delivered
    assert await rounded(reader, mailbox, inbox, link) == (
        [],
        (await reader.page(mailbox, inbox, link)).delta_link,
    )
    new = box.tenant.deliver(mailbox, mail("new")).immutable_id
    assert [one.id for one in (await rounded(reader, mailbox, inbox, link))[0]] == [new]


async def test_every_page_has_the_size_that_was_asked_for(
    box: Sandbox, reader: DeltaReader, mailbox: str, inbox: str
) -> None:
    """A link does not hold it: without the preference later pages would have ten."""
    box.tenant.fill(mailbox, mail("many"), 20)
    sizes, link = [], None
    while True:
        page = await reader.page(mailbox, inbox, link)
        sizes.append(len(page.entries))
        link = page.next_link
        if link is None:
            break
    assert sizes == [3, 3, 3, 3, 3, 3, 2]


async def test_an_entry_has_what_a_sweep_needs(
    box: Sandbox, reader: DeltaReader, mailbox: str, inbox: str
) -> None:
    received = datetime(2020, 5, 17, 12, tzinfo=UTC)
    delivered = box.tenant.deliver(mailbox, mail("old", message_id="<1@example.org>"), received=received)
    (entry,), _ = await rounded(reader, mailbox, inbox)
    assert entry.id == delivered.immutable_id
    assert entry.received == received
    assert entry.created is not None
    assert entry.created > received
    assert entry.last_modified == entry.created
    assert entry.internet_message_id == "<1@example.org>"
    assert entry.is_draft is False
    assert not entry.removed


async def test_only_what_came_is_told(box: Sandbox, reader: DeltaReader, mailbox: str, inbox: str) -> None:
    """Moved in is come; what changes where it is, or goes, is not."""
    read, moved, gone = (box.tenant.deliver(mailbox, mail(str(n))).immutable_id for n in range(3))
    there = box.tenant.deliver(mailbox, mail("there"), "archive").immutable_id
    _, link = await rounded(reader, mailbox, inbox)
    box.tenant.mark_read(mailbox, read)
    box.tenant.move(mailbox, moved, "archive")
    box.tenant.delete(mailbox, gone)
    box.tenant.move(mailbox, there, "inbox")
    assert [one.id for one in (await rounded(reader, mailbox, inbox, link))[0]] == [there]


async def test_a_service_that_does_all_it_may_is_borne(
    box: Sandbox, reader: DeltaReader, mailbox: str, inbox: str
) -> None:
    """Empty pages, repeated entries, removals."""
    delivered = [box.tenant.deliver(mailbox, mail(str(n))).immutable_id for n in range(7)]
    box.tenant.make_delta_unruly(mailbox)
    entries, link = await rounded(reader, mailbox, inbox)
    assert {one.id for one in entries} == set(delivered)
    assert len(entries) > 7
    box.tenant.delete(mailbox, delivered[0])
    entries, _ = await rounded(reader, mailbox, inbox, link)
    removed = [one for one in entries if one.removed]
    assert [(one.id, one.received, one.last_modified) for one in removed] == [(delivered[0], None, None)]


@pytest.mark.parametrize("loss", TokenLoss)
async def test_a_lost_token_is_known_in_every_form(
    box: Sandbox, reader: DeltaReader, mailbox: str, inbox: str, loss: TokenLoss
) -> None:
    box.tenant.fill(mailbox, mail("many"), 4)
    following = (await reader.page(mailbox, inbox, None)).next_link
    _, later = await rounded(reader, mailbox, inbox)
    box.tenant.expire_delta_tokens(mailbox, loss)
    for link in (following, later):
        with pytest.raises(TokenLost, match=str(loss.value[0])):
            await reader.page(mailbox, inbox, link)
    assert len((await rounded(reader, mailbox, inbox))[0]) == 4


async def test_a_migrated_mailbox_loses_its_tokens_and_ids(
    box: Sandbox, reader: DeltaReader, mailbox: str, inbox: str
) -> None:
    former = box.tenant.deliver(mailbox, mail("moved house")).immutable_id
    _, link = await rounded(reader, mailbox, inbox)
    box.tenant.migrate_mailbox(mailbox)
    with pytest.raises(TokenLost):
        await reader.page(mailbox, inbox, link)
    (entry,), _ = await rounded(reader, mailbox, inbox)
    assert entry.id != former


async def test_a_token_of_another_folder_counts_as_lost(
    box: Sandbox, services: Services, reader: DeltaReader, mailbox: str, inbox: str
) -> None:
    archive = (await FolderReader(services.graph).resolve(mailbox, "archive")).id
    _, link = await rounded(reader, mailbox, inbox)
    quoted_inbox, quoted_archive = inbox.replace("=", "%3D"), archive.replace("=", "%3D")
    assert quoted_inbox in link
    with pytest.raises(TokenLost):
        await reader.page(mailbox, inbox, link.replace(quoted_inbox, quoted_archive))


async def test_a_link_that_is_no_token_at_all_is_a_refusal(
    reader: DeltaReader, mailbox: str, inbox: str
) -> None:
    _, link = await rounded(reader, mailbox, inbox)
    with pytest.raises(Refused, match="400 BadRequest"):
        await reader.page(mailbox, inbox, f"{link}AAAA")


async def test_a_folder_or_mailbox_that_is_gone_is_not_found(
    box: Sandbox, services: Services, reader: DeltaReader, mailbox: str
) -> None:
    box.tenant.add_folder(mailbox, "inbox/Scans")
    folder = (await FolderReader(services.graph).resolve(mailbox, "inbox/Scans")).id
    _, link = await rounded(reader, mailbox, folder)
    box.tenant.remove_folder(mailbox, "inbox/Scans")
    for one in (None, link):
        with pytest.raises(NotFound) as caught:
            await reader.page(mailbox, folder, one)
        assert caught.value.code == "ErrorItemNotFound"
    with pytest.raises(NotFound) as caught:
        await reader.page("nobody@example.com", folder, None)
    assert caught.value.code == "ErrorInvalidUser"


@pytest.mark.parametrize(
    ("status", "fault"),
    [(401, Unavailable), (403, ConfigurationFault), (429, Unavailable), (503, Unavailable)],
)
async def test_other_faults_are_those_of_every_request(
    box: Sandbox, reader: DeltaReader, mailbox: str, inbox: str, status: int, fault: type[Exception]
) -> None:
    _, link = await rounded(reader, mailbox, inbox)
    box.faults.graph.add(
        Status(status, code="syncStateNotFound" if status >= 429 else "X", route=f"GET {mailbox}", times=1)
    )
    with pytest.raises(fault, match=str(status)):
        await reader.page(mailbox, inbox, link)


async def test_without_a_token_none_is_lost(authority: Authority) -> None:
    """A first request that is answered so is refused: it would be made again at once, for ever."""

    async def gone(_: web.Request) -> web.Response:
        return web.json_response({"error": {"code": "syncStateNotFound"}}, status=410)

    async with answering(authority, gone) as origin, client_of(origin) as client:
        with pytest.raises(Refused, match="410"):
            await DeltaReader(client).page(ADDRESS, "F", None)
        with pytest.raises(TokenLost):
            await DeltaReader(client).page(ADDRESS, "F", f"{origin}/v1.0/x")


@pytest.mark.parametrize(
    ("status", "code", "lost"),
    [
        (410, "", True),
        (410, "Gone", True),
        (400, "SYNCSTATENOTFOUND", True),
        (404, "ErrorSyncStateNotFound", True),
        (409, "ResyncRequired", True),
        (400, "invalidSyncStateData", True),
        (400, "ErrorInvalidIdMalformed", False),
        (404, "ErrorItemNotFound", False),
        (400, "", False),
        (503, "syncStateNotFound", False),
    ],
)
def test_what_says_that_a_token_is_lost(status: int, code: str, lost: bool) -> None:
    """A 410, or one of the codes in any case with a status of 4xx; never the text of a message."""
    assert is_token_loss(status, code) is lost


def page(**said: Any) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"value": [], **said})

    return answer


async def test_the_first_request_says_what_is_wanted(authority: Authority) -> None:
    asked: list[web.Request] = []

    async def note(request: web.Request) -> web.Response:
        asked.append(request)
        return web.json_response({"value": [], DELTA: f"{request.url.origin()}/v1.0/later"})

    async with answering(authority, note) as origin, client_of(origin) as client:
        await DeltaReader(client).page("o'hara@example.com", "AQ-_==", None)

    (request,) = asked
    assert request.path == "/v1.0/users/o'hara@example.com/mailFolders/AQ-_==/messages/delta()"
    assert dict(request.query) == {
        "changeType": "created",
        "$select": "id,receivedDateTime,createdDateTime,lastModifiedDateTime,internetMessageId,isDraft",
    }
    preferences = {one.strip() for value in request.headers.getall("Prefer") for one in value.split(",")}
    assert preferences == {'IdType="ImmutableId"', "odata.maxpagesize=200"}


async def test_a_link_is_used_as_it_is(authority: Authority) -> None:
    """Whatever stands in it, also a delta link with a `$skiptoken`, as one was printed."""
    asked: list[str] = []
    tail = "/v1.0/me/mailfolders('AQMk%3D')/messages/delta?$skiptoken=GwcBo%2Fa+b_c-d.e~f%20g=&x=%24y"

    async def note(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        return web.json_response({"value": [], DELTA: f"{request.url.origin()}/v1.0/later"})

    async with answering(authority, note) as origin, client_of(origin) as client:
        found = await DeltaReader(client).page(ADDRESS, "F", f"{origin}{tail}")
        assert found.delta_link == f"{origin}/v1.0/later"

    assert asked == [tail]


async def test_a_kept_link_to_another_host_is_lost_and_gets_no_token(authority: Authority) -> None:
    """GRAPH_ENDPOINT was changed: a new round begins."""
    stolen: list[web.Request] = []

    async def thief(request: web.Request) -> web.Response:
        stolen.append(request)
        return web.json_response({"value": []})

    async with (
        answering(authority, thief) as elsewhere,
        answering(authority, page()) as origin,
        client_of(origin) as client,
    ):
        for link in (f"{elsewhere}/v1.0/x", "", "/v1.0/x", f"{origin}@example.com/v1.0", "https://[::1"):
            with pytest.raises(TokenLost, match="another host"):
                await DeltaReader(client).page(ADDRESS, "F", link)

    assert stolen == []


@pytest.mark.parametrize("name", [NEXT, DELTA])
async def test_a_link_of_an_answer_to_another_host_is_refused(authority: Authority, name: str) -> None:
    """Before anybody keeps it."""
    answer = page(**{name: "https://graph.example.com/v1.0/users"})
    async with answering(authority, answer) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="another host"):
            await DeltaReader(client).page(ADDRESS, "F", None)


async def test_an_answer_that_leads_nowhere_is_unavailable(authority: Authority) -> None:
    """No link at all, or the one that was followed: a round over it would not end."""
    async with answering(authority, page()) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="no further"):
            await DeltaReader(client).page(ADDRESS, "F", None)

    async def itself(request: web.Request) -> web.Response:
        return web.json_response({"value": [], NEXT: str(request.url)})

    async with answering(authority, itself) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="no further"):
            await DeltaReader(client).page(ADDRESS, "F", f"{origin}/v1.0/x?y=z")


@pytest.mark.parametrize("entry", [{}, {"id": None}, {"id": ""}, {"id": 3.5}, "x"])
async def test_an_entry_without_an_id_spoils_its_page(authority: Authority, entry: Any) -> None:
    """Passed over, it would be a mail that is never filed."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"value": [entry], DELTA: f"{request.url.origin()}/v1.0/later"})

    async with answering(authority, answer) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="cannot be read"):
            await DeltaReader(client).page(ADDRESS, "F", None)


async def test_times_that_cannot_be_read_spoil_nothing(authority: Authority) -> None:
    entry = {
        "id": "A",
        "receivedDateTime": "soon",
        "lastModifiedDateTime": None,
        "createdDateTime": "2026-01-01T00:00:00",
    }

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"value": [entry], DELTA: f"{request.url.origin()}/v1.0/later"})

    async with answering(authority, answer) as origin, client_of(origin) as client:
        (found,) = (await DeltaReader(client).page(ADDRESS, "F", None)).entries

    assert (found.received, found.last_modified, found.created) == (None, None, None)
