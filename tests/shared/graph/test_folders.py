"""Folders and the messages in them, over TLS, against the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from sandbox.box import Sandbox
from sandbox.faults import Status
from sandbox.pki import Authority
from shared.errors import ConfigurationFault, Unavailable
from shared.graph import folders
from shared.graph.faults import NotFound
from shared.graph.folders import Folder, FolderReader
from shared.services import Services

from ..made import unique_name
from .samples import mail
from .stub import answering, client_of

pytestmark = pytest.mark.anyio
ADDRESS = "invoices@example.com"
START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def mailbox(box: Sandbox) -> str:
    """A mailbox of the test's own."""
    address = f"{unique_name('folders')}@example.com"
    box.tenant.add_mailbox(address)
    return address


@pytest.fixture
def reader(services: Services) -> FolderReader:
    """As the app builds it."""
    return FolderReader(services.graph)


async def names(reader: FolderReader, mailbox: str, reference: str) -> list[str]:
    top = await reader.resolve(mailbox, reference)
    return [one.name async for one in reader.below(mailbox, top)]


@pytest.mark.parametrize("reference", ["inbox", "Inbox", "INBOX", "/inbox/", " inbox "])
async def test_a_well_known_name_counts_in_any_case(
    box: Sandbox, reader: FolderReader, mailbox: str, reference: str
) -> None:
    found = await reader.resolve(mailbox, reference)
    assert found == Folder(box.tenant.folder(mailbox, "inbox").id, "Inbox")


async def test_a_folder_is_found_by_its_id_and_by_a_path_below_one(
    box: Sandbox, reader: FolderReader, mailbox: str
) -> None:
    scans = box.tenant.add_folder(mailbox, "inbox/Scans")
    deep = box.tenant.add_folder(mailbox, "inbox/Scans/Straße 2026")
    for reference in ("inbox/Scans", "Inbox/scans", "inbox / SCANS", scans.id, "msgfolderroot/inbox/scans"):
        assert (await reader.resolve(mailbox, reference)).id == scans.id
    for reference in ("inbox/scans/STRASSE 2026", f"{scans.id}/straße 2026", deep.id):
        assert (await reader.resolve(mailbox, reference)).id == deep.id


async def test_a_name_is_the_same_however_its_letters_are_composed(
    box: Sandbox, reader: FolderReader, mailbox: str
) -> None:
    folder = box.tenant.add_folder(mailbox, "inbox/Bu\u0308ro")
    assert (await reader.resolve(mailbox, "inbox/b\u00fcro")).id == folder.id


async def test_a_folder_on_a_later_page_is_found(
    box: Sandbox, reader: FolderReader, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "FOLDERS_AT_ONCE", 3)
    for number in range(8):
        box.tenant.add_folder(mailbox, f"inbox/{number}")
    assert (await reader.resolve(mailbox, "inbox/7")).name == "7"
    assert await names(reader, mailbox, "inbox") == [str(number) for number in range(8)]


@pytest.mark.parametrize(
    "reference", ["Posteingang", "inbox/Scans", "clutter", "inbox//x", "inbox/Hidden", "AQMkA" + "A" * 80]
)
async def test_a_folder_that_is_not_there_is_a_fault_of_the_configuration(
    box: Sandbox, reader: FolderReader, mailbox: str, reference: str
) -> None:
    box.tenant.add_folder(mailbox, "inbox/Hidden", hidden=True)
    with pytest.raises(ConfigurationFault) as caught:
        await reader.resolve(mailbox, reference)
    assert f'"{reference}"' in caught.value.reason
    assert mailbox in caught.value.reason
    assert "folders" in caught.value.remedy


async def test_an_id_counts_in_its_own_case(box: Sandbox, reader: FolderReader, mailbox: str) -> None:
    folder = box.tenant.add_folder(mailbox, "inbox/Scans").id
    with pytest.raises(ConfigurationFault):
        await reader.resolve(mailbox, folder[:20] + folder[20:].swapcase())


async def test_a_mailbox_that_is_not_there_is_no_missing_folder(reader: FolderReader) -> None:
    with pytest.raises(NotFound) as caught:
        await reader.resolve("nobody@example.com", "inbox")
    assert caught.value.code == "ErrorInvalidUser"


async def test_a_service_that_is_down_is_no_missing_folder(
    box: Sandbox, reader: FolderReader, mailbox: str
) -> None:
    box.faults.graph.add(Status(503, route=f"GET {mailbox}", times=1))
    with pytest.raises(Unavailable):
        await reader.resolve(mailbox, "inbox")


async def test_all_that_is_below_is_listed_to_every_depth(
    box: Sandbox, reader: FolderReader, mailbox: str
) -> None:
    for path in ("inbox/A/B/C/D", "inbox/A/E", "inbox/F", "archive/G"):
        box.tenant.add_folder(mailbox, path)
    box.tenant.add_folder(mailbox, "inbox/Hidden", hidden=True)
    assert sorted(await names(reader, mailbox, "inbox")) == ["A", "B", "C", "D", "E", "F"]
    assert await names(reader, mailbox, "inbox/A/B") == ["C", "D"]
    assert await names(reader, mailbox, "inbox/F") == []


async def test_folders_come_move_and_go_under_the_same_id(
    box: Sandbox, reader: FolderReader, mailbox: str
) -> None:
    box.tenant.add_folder(mailbox, "inbox/A/B")
    top = await reader.resolve(mailbox, "inbox")
    before = {one.name: one.id async for one in reader.below(mailbox, top)}
    box.tenant.rename_folder(mailbox, "inbox/A/B", "C")
    box.tenant.move_folder(mailbox, "inbox/A/C", "inbox")
    box.tenant.remove_folder(mailbox, "inbox/A")
    box.tenant.add_folder(mailbox, "inbox/D")
    after = {one.name: one.id async for one in reader.below(mailbox, top)}
    assert after == {"C": before["B"], "D": after["D"]}


async def test_a_folder_that_goes_while_the_others_are_listed_is_left_out(
    box: Sandbox, reader: FolderReader, mailbox: str
) -> None:
    for path in ("inbox/A/B", "inbox/C/D"):
        box.tenant.add_folder(mailbox, path)
    found = []
    async for one in reader.below(mailbox, await reader.resolve(mailbox, "inbox")):
        found.append(one.name)
        if one.name == "C":
            box.tenant.remove_folder(mailbox, "inbox/A")
    assert found == ["A", "C", "D"]


async def test_a_folder_that_is_gone_has_nothing_below_it(
    box: Sandbox, reader: FolderReader, mailbox: str
) -> None:
    box.tenant.add_folder(mailbox, "inbox/A")
    top = await reader.resolve(mailbox, "inbox/A")
    box.tenant.remove_folder(mailbox, "inbox/A")
    with pytest.raises(NotFound):
        _ = [one async for one in reader.below(mailbox, top)]


async def test_folders_that_hold_each_other_are_listed_once(authority: Authority) -> None:
    """No mailbox has them; a client that met them would never end."""

    async def circle(request: web.Request) -> web.Response:
        inner = "B" if "/A/" in request.path else "A"
        folder = {"id": inner, "displayName": inner, "childFolderCount": 1}
        search = {"@odata.type": "#microsoft.graph.mailSearchFolder", "id": "S", "displayName": "S"}
        return web.json_response({"value": [folder, search]})

    async with answering(authority, circle) as origin, client_of(origin) as client:
        found = [one.id async for one in FolderReader(client).below(ADDRESS, Folder("A", "A"))]

    assert found == ["B"]


async def listed(reader: FolderReader, mailbox: str, since: datetime = START) -> list[str]:
    folder = await reader.resolve(mailbox, "inbox")
    return [one.id async for one in reader.messages(mailbox, folder.id, since)]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "ENTRIES_AT_ONCE", 4)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("step", [timedelta(0), timedelta(milliseconds=300), timedelta(seconds=1), MINUTE])
async def test_messages_since_a_time_come_once_each_and_in_order(
    box: Sandbox, reader: FolderReader, mailbox: str, step: timedelta
) -> None:
    """However many share a second, which is all that Graph tells of a time."""
    box.tenant.deliver(mailbox, mail("old"), received=START - timedelta(seconds=1))
    box.tenant.deliver(mailbox, mail("elsewhere"), "archive", received=START)
    made = box.tenant.fill(mailbox, mail("many"), 23, received=START, step=step)
    found = await listed(reader, mailbox)
    assert len(found) == 23
    assert set(found) == {one.immutable_id for one in made}
    assert await listed(reader, mailbox, START + timedelta(days=1)) == []
    if step >= timedelta(seconds=1):
        assert found == [one.immutable_id for one in made]
        later = await listed(reader, mailbox, START + 5 * step)
        assert later == found[5:]


@pytest.mark.usefixtures("small_pages")
async def test_mail_that_is_moved_away_meanwhile_takes_no_other_with_it(
    box: Sandbox, reader: FolderReader, mailbox: str
) -> None:
    """What was filed is moved meanwhile: Graph's pages, which count messages, would pass over others."""
    made = box.tenant.fill(mailbox, mail("many"), 20, received=START, step=MINUTE)
    folder = await reader.resolve(mailbox, "inbox")
    found = []
    async for entry in reader.messages(mailbox, folder.id, START):
        found.append(entry.id)
        box.tenant.move(mailbox, entry.id, "archive")
    assert found == [one.immutable_id for one in made]


async def test_a_list_asks_for_what_it_needs(authority: Authority) -> None:
    asked: list[dict[str, str]] = []

    async def note(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        return web.json_response({"value": []})

    since = datetime(2026, 3, 1, 1, 30, 0, 999_999, tzinfo=UTC)
    async with answering(authority, note) as origin, client_of(origin) as client:
        assert [one async for one in FolderReader(client).messages(ADDRESS, "F", since)] == []

    assert asked == [
        {
            "$select": "id,receivedDateTime,createdDateTime,lastModifiedDateTime,internetMessageId,isDraft",
            "$filter": "receivedDateTime ge 2026-03-01T01:30:00Z",
            "$orderby": "receivedDateTime asc",
            "$top": "500",
        }
    ]


async def test_a_list_whose_times_cannot_be_read_follows_the_links(authority: Authority) -> None:
    async def answer(request: web.Request) -> web.Response:
        number = int(request.query.get("page", "0"))
        body: dict[str, Any] = {"value": [{"id": f"M{number}", "receivedDateTime": "soon"}] if number else []}
        if number < 3:
            body["@odata.nextLink"] = f"{request.url.origin()}/v1.0/x?page={number + 1}"
        return web.json_response(body)

    async with answering(authority, answer) as origin, client_of(origin) as client:
        found = [one.id async for one in FolderReader(client).messages(ADDRESS, "F", START)]

    assert found == ["M1", "M2", "M3"]


async def test_a_list_that_leads_to_another_host_is_refused(authority: Authority) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"value": [], "@odata.nextLink": "https://graph.example.com/v1.0/x"})

    async with answering(authority, answer) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="another host"):
            _ = [one async for one in FolderReader(client).messages(ADDRESS, "F", START)]
        with pytest.raises(Unavailable, match="another host"):
            _ = [one async for one in FolderReader(client).below(ADDRESS, Folder("A", "A"))]
