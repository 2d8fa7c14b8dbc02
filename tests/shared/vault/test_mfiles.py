"""M-Files over TLS: what is created, found and understood, and what each refusal means."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from sandbox.pki import Authority
from sandbox.serving import listening
from sandbox.vault.structure import ObjectClass
from shared.errors import ConfigurationFault, MailFault, Transient, Unavailable, VaultpostError
from shared.services import Services
from shared.staging_area import Missing
from shared.vault import mfiles
from shared.vault.mfiles import MFilesVault
from shared.vault.protocol import DataType, PropertyDef, PropertyValue, VaultObject

from ..clock import FakeClock
from ..key_vault import KeyVault
from .site import (
    FROM,
    KEY,
    MAIL,
    PURCHASE_ORDER,
    TITLE,
    Handler,
    Site,
    Source,
    at_once,
    body_of,
    configuration_of,
    created,
    error,
    new,
    refusing,
    serving,
)

pytestmark = pytest.mark.anyio
PASSWORD = "mfiles-password"
LOGIN, UPLOAD, CREATE, SEARCH = (
    "POST /server/authenticationtokens",
    "POST /files",
    "POST /objects/0",
    "GET /objects",
)
USED = ("PD.From", "PD.Received", "PD.Importance", "PD.Reference", "CL.Mail", "From", 1304, "1305")


@pytest.fixture
async def site(
    tmp_path: Path, authority: Authority, services: Services, key_vault: KeyVault
) -> AsyncIterator[Site]:
    async with serving(tmp_path / "vault", authority, services, key_vault, *USED) as running:
        yield running


def text_property(number: int, value: str) -> PropertyValue:
    return PropertyValue(number, DataType.TEXT, value)


# Structure


@pytest.mark.parametrize("reference", ["PD.From", "From", "from", "1302", 1302])
async def test_a_property_goes_by_alias_name_or_id(site: Site, reference: str | int) -> None:
    structure = await site.client.structure()

    assert structure.property(reference) == PropertyDef(FROM, "From", DataType.TEXT, None)


@pytest.mark.parametrize("reference", ["CL.Mail", "Mail", "MAIL", "207", 207])
async def test_a_class_goes_by_alias_name_or_id(site: Site, reference: str | int) -> None:
    structure = await site.client.structure()

    found = await structure.class_(reference)

    assert (found.id, found.name, found.name_property) == (MAIL, "Mail", TITLE)
    assert found.required == {TITLE}


async def test_a_class_tells_what_it_requires_and_is_asked_for_once(site: Site) -> None:
    structure = await site.client.structure()

    for _ in range(2):
        assert (await structure.class_("Purchase order")).required == {TITLE, FROM}

    assert site.count("GET /structure/classes/211") == 1


async def test_a_lookup_names_its_value_list_and_nothing_else_does(site: Site) -> None:
    """`ValueList` stands in every definition: only `BasedOnValueList` makes it count."""
    structure = await site.client.structure()

    assert structure.property("PD.Importance").value_list == 101
    assert structure.property("PD.Received") == PropertyDef(1309, "Received", DataType.TIMESTAMP, None)


@pytest.mark.parametrize("reference", ["PD.Reference", "PD.Unknown", "", 99, "99", "²"])
async def test_an_alias_that_two_have_and_an_unknown_one_are_faults(site: Site, reference: str | int) -> None:
    """One of two would be a guess. The text names what was written, and what to do."""
    structure = await site.client.structure()

    with pytest.raises(ConfigurationFault) as caught:
        structure.property(reference)
    assert f'"{reference}"' in caught.value.reason
    assert caught.value.remedy
    with pytest.raises(ConfigurationFault):
        await structure.class_(reference)


async def test_a_name_that_two_classes_have_is_a_fault_but_their_ids_are_not(site: Site) -> None:
    known = site.example.structure
    twin = ObjectClass(id=299, name="Mail")
    site.example.structure = replace(known, classes={**known.classes, 299: twin})
    structure = await site.client.structure()

    with pytest.raises(ConfigurationFault, match="2 of that name"):
        await structure.class_("Mail")

    assert (await structure.class_("299")).id == 299
    assert (await structure.class_("CL.Mail")).id == MAIL


async def test_a_class_of_another_object_type_is_no_class_for_documents(site: Site) -> None:
    structure = await site.client.structure()

    with pytest.raises(ConfigurationFault):
        await structure.class_("Customer")


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("Normal", 3),
        ("normal", 3),
        ("NORMAL", 3),
        ("3", 3),
        ("Unknown", None),
        ("", None),
        ("*", None),
        ("N?rmal", None),
        ("²", None),
    ],
)
async def test_an_item_of_a_value_list_goes_by_name_or_id(site: Site, text: str, item: int | None) -> None:
    """`*` and `?` are wildcards of the server's filter: an answer counts only if it is the name."""
    structure = await site.client.structure()

    assert await structure.item(101, text) == item


async def test_an_item_is_found_among_more_than_one_answer_holds(site: Site) -> None:
    known = site.example.structure
    many = replace(known.value_lists[101], items={number: f"Item {number}" for number in range(1, 1200)})
    site.example.structure = replace(known, value_lists={**known.value_lists, 101: many})
    structure = await site.client.structure()

    assert await structure.item(101, "ITEM 1199") == 1199


async def test_of_two_items_of_one_name_neither_is_taken(site: Site) -> None:
    known = site.example.structure
    two = replace(known.value_lists[101], items={2: "Same", 3: "same", 5: "Other"})
    site.example.structure = replace(known, value_lists={**known.value_lists, 101: two})
    structure = await site.client.structure()

    assert await structure.item(101, "SAME") is None
    assert await structure.item(101, "Other") == 5


async def test_the_structure_is_kept_for_15_minutes_unless_a_fresh_one_is_asked_for(
    site: Site, clock: FakeClock
) -> None:
    first = await site.client.structure()
    clock.advance(minutes=15)
    assert await site.client.structure() is first
    clock.advance(seconds=1)

    second = await site.client.structure()

    assert second is not first
    assert await site.client.structure(fresh=True) is not second
    assert site.count("GET /structure/properties") == 3


async def test_a_structure_that_cannot_be_read_is_an_outage_not_an_empty_one(site: Site) -> None:
    site.instead = refusing("GET /structure/properties", 400, error(400))

    with pytest.raises(Unavailable):
        await site.client.structure()


# Create and find


async def test_a_document_with_three_files_has_all_their_bytes(site: Site) -> None:
    files = [
        Source("message", hashlib.sha256(b"x").digest() * 100_000, "eml"),
        Source("größe 1", b"%PDF-"),
        Source("empty", b""),
    ]

    made = await created(site, *files)

    (found,) = site.example.objects()
    sizes = tuple(len(file.content) for file in files)
    moment = found.created.replace(microsecond=0)
    assert made == VaultObject(0, found.id, 1, False, sizes, created=moment, visible=True)
    assert [(one.title, one.extension, one.path.read_bytes()) for one in found.files] == [
        (file.title, file.extension, file.content) for file in files
    ]
    assert (found.class_name, found.title) == ("Mail", "Invoice 4711")
    assert found.values["Single file"] is False


async def test_a_document_with_one_file_is_a_single_file(site: Site) -> None:
    """Its file takes the document's title, as M-Files does it."""
    await created(site, Source("message", b"mime", "eml"))

    (found,) = site.example.objects()
    assert found.values["Single file"] is True
    assert [(one.title, one.extension) for one in found.files] == [("Invoice 4711", "eml")]


async def test_a_document_without_files_is_made_too(site: Site) -> None:
    made = await created(site)

    (found,) = site.example.objects()
    assert (made.sizes, found.files) == ((), ())
    assert found.values["Single file"] is False
    assert site.count(UPLOAD) == 0


async def test_values_of_every_data_type_arrive(site: Site) -> None:
    values = (
        text_property(FROM, 'Ada "<ä>" \U0001f4e7'),
        PropertyValue(1303, DataType.MULTI_LINE_TEXT, "one\r\ntwo"),
        PropertyValue(1308, DataType.TIMESTAMP, "2026-11-24T16:37:44Z"),
        PropertyValue(1310, DataType.DATE, "2026-11-24"),
        PropertyValue(1312, DataType.BOOLEAN, True),
        PropertyValue(1313, DataType.LOOKUP, 5),
        PropertyValue(1316, DataType.INTEGER, 7),
    )

    await site.client.create(new(*values), [], at_once)

    (found,) = site.example.objects()
    names = ("From", "To", "Sent", "Received date", "Has attachments", "Importance", "Attachment count")
    assert [found.values[name] for name in names] == [
        'Ada "<ä>" \U0001f4e7',
        "one\r\ntwo",
        "2026-11-24T16:37:44Z",
        "2026-11-24",
        True,
        "High",
        7,
    ]


async def test_files_go_first_then_the_mark_then_the_create(site: Site) -> None:
    """The mark says that a create is under way: an upload makes nothing."""
    at_mark: list[list[str]] = []

    async def mark() -> None:
        at_mark.append(site.paths)

    await site.client.create(new(), [Source("a", b"a").file(), Source("b", b"b").file()], mark)

    assert at_mark == [[LOGIN, UPLOAD, UPLOAD]]
    assert site.paths == [LOGIN, UPLOAD, UPLOAD, CREATE]


async def test_a_mark_that_cannot_be_set_creates_nothing(site: Site) -> None:
    async def stale() -> None:
        raise Transient("journal: another worker was first")

    with pytest.raises(Transient, match="another worker"):
        await site.client.create(new(), [Source("a", b"a").file()], stale)

    assert site.count(CREATE) == 0


async def test_a_file_is_sent_with_its_length_and_read_as_it_is_sent(site: Site) -> None:
    file = Source("large", b"x" * 9_000_000)

    await created(site, file)

    (upload,) = [request for request in site.requests if request.path == "/REST/files"]
    assert upload.content_length == 9_000_000
    assert upload.headers["Content-Type"] == "application/octet-stream"
    assert "Transfer-Encoding" not in upload.headers
    assert file.reads == 1


async def test_an_answer_without_its_files_is_asked_for_them(site: Site) -> None:
    """Whether filed is proven by their sizes; an answer may leave them out."""

    async def bare(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if not request.path.startswith("/REST/objects") or request.path.endswith("/files"):
            return answer
        said = body_of(answer)
        for version in said.get("Items", [said]):
            del version["Files"]
        return web.json_response(said)

    site.instead = bare

    made = await created(site, Source("a", b"abc"), Source("b", b""))

    assert made.sizes == (3, 0)
    assert list(await site.client.find(KEY, "0" * 32)) == [made]


async def test_a_log_in_lost_after_the_create_creates_no_second_time(site: Site) -> None:
    """Only the question for the files is asked again."""
    lost = [True]

    async def bare(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.endswith("/files") and request.method == "GET" and lost.pop():
            lost.append(False)
            site.example.expire_tokens()
        answer = await handler(request)
        if request.path != "/REST/objects/0":
            return answer
        said = body_of(answer)
        del said["Files"]
        return web.json_response(said)

    site.instead = bare

    made = await created(site, Source("a", b"abc"))

    assert made.sizes == (3,)
    assert site.count(CREATE) == 1
    assert len(site.example.objects()) == 1


@pytest.mark.parametrize("status", [400, 404])
async def test_files_that_cannot_be_listed_are_no_refusal_of_the_create(site: Site, status: int) -> None:
    async def bare(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.endswith("/files") and request.method == "GET":
            return web.json_response(error(status), status=status)
        answer = await handler(request)
        if request.path != "/REST/objects/0":
            return answer
        said = body_of(answer)
        del said["Files"]
        return web.json_response(said)

    site.instead = bare

    with pytest.raises(Unavailable):
        await created(site, Source("a", b"abc"))


@pytest.mark.parametrize("text", ["ä" * 101, "1" * 5000])
async def test_what_no_item_can_be_called_is_not_asked_for(site: Site, text: str) -> None:
    """A subject may be of any length, an address not; and such a number is none of Python's."""
    structure = await site.client.structure()
    before = len(site.requests)

    assert await structure.item(101, text) is None
    assert len(site.requests) == before


async def test_a_number_is_an_item_only_where_the_list_has_it(site: Site) -> None:
    structure = await site.client.structure()
    items = (await structure.item(101, "High"), await structure.item(101, "4711"))

    assert items[0] is not None
    assert await structure.item(101, str(items[0])) == items[0]
    assert items[1] is None


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_an_upload_may_be_answered_by_a_list_of_one(site: Site, number: int) -> None:
    async def listed(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if request.path != "/REST/files":
            return answer
        return web.json_response([body_of(answer)] * number)

    site.instead = listed

    if number == 1:
        assert (await created(site, Source("a", b"abc"))).sizes == (3,)
        return
    with pytest.raises(Unavailable):
        await created(site, Source("a", b"abc"))
    assert site.count(CREATE) == 0


async def test_a_create_that_is_not_answered_in_time_is_unavailable(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In time means within the 90 s of the journal's mark, with room to spare."""
    assert mfiles._CREATE_WITHIN < 80
    monkeypatch.setattr(mfiles, "_CREATE_WITHIN", 0.1)
    site.example.create_delay = 0.3

    with pytest.raises(Unavailable, match="in time"):
        await created(site, Source("a", b"abc"))

    assert len(await site.client.find(KEY, "0" * 32)) == 1


async def test_a_document_is_found_by_its_key_deleted_ones_too(site: Site) -> None:
    first = await created(site, Source("a", b"abc"), key="1" * 32)
    await created(site, key="2" * 32)
    assert list(await site.client.find(KEY, "1" * 32)) == [first]

    site.example.delete(first.id)

    assert list(await site.client.find(KEY, "1" * 32)) == [replace(first, deleted=True)]
    assert list(await site.client.find(KEY, "3" * 32)) == []


@pytest.mark.parametrize("value", ["a&b=c", "größe", "100%", "a b+c", "#x"])
async def test_a_search_is_for_the_text_as_it_is(site: Site, value: str) -> None:
    made = await created(site, key=value)
    await created(site, key="another")

    assert list(await site.client.find(KEY, value)) == [made]


async def test_a_document_whose_answer_was_lost_is_unavailable_and_can_be_found(site: Site) -> None:
    async def hang_up(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if request.path == "/REST/objects/0":
            assert request.transport is not None
            request.transport.abort()
        return answer

    site.instead = hang_up

    with pytest.raises(Unavailable, match="did not answer in full"):
        await created(site, Source("a", b"abc"))

    site.instead = None
    assert [one.sizes for one in await site.client.find(KEY, "0" * 32)] == [(3,)]
    assert site.count(CREATE) == 1


# What the files themselves can do


async def test_a_staged_file_that_is_missing_creates_nothing(site: Site) -> None:
    """It is noticed while it is sent; what was sent before is only a temporary file."""
    with pytest.raises(Missing):
        await created(site, Source("a", b"abc"), Source("b", b"x" * 1000, fault=Missing()))

    assert site.example.objects() == []
    assert (await created(site, Source("a", b"abc"))).sizes == (3,)


@pytest.mark.parametrize("size", [2, 4])
async def test_a_file_of_another_length_than_announced_creates_nothing(site: Site, size: int) -> None:
    with pytest.raises(Unavailable):
        await site.client.create(new(), [Source("a", b"abc").file(size)], at_once)

    assert site.count(CREATE) == 0


async def test_an_upload_that_the_vault_has_with_another_size_creates_nothing(site: Site) -> None:
    site.instead = refusing(UPLOAD, 200, {"UploadID": 1, "Size": 2, "FileInformationType": 0})

    with pytest.raises(Unavailable, match="another size"):
        await created(site, Source("a", b"abc"))

    assert site.count(CREATE) == 0


# Log-in


async def test_one_log_in_serves_many_requests(site: Site) -> None:
    await asyncio.gather(*(site.client.find(KEY, str(number)) for number in range(6)))
    await created(site, Source("a", b"a"))

    assert site.count(LOGIN) == 1


async def test_the_cookie_of_the_log_in_comes_back_with_every_request(site: Site) -> None:
    """Several servers behind one address: only the node that gave a token knows it."""
    await site.client.find(KEY, "x")
    await created(site, Source("a", b"a"))

    login, *others = site.requests
    nodes = {request.cookies.get("mfilesmsm") for request in others}
    assert "mfilesmsm" not in login.cookies
    assert len(nodes) == 1
    assert nodes != {None}


async def test_a_new_log_in_does_not_go_to_the_former_node(site: Site) -> None:
    """That node may be the one that is gone."""
    await site.client.find(KEY, "x")
    site.example.expire_tokens()

    await site.client.find(KEY, "x")

    logins = [request for request in site.requests if request.path.endswith("authenticationtokens")]
    assert len(logins) == 2
    assert all("mfilesmsm" not in request.cookies for request in logins)


async def test_a_token_that_has_expired_is_renewed_once_for_all_who_wait(site: Site) -> None:
    await site.client.find(KEY, "x")
    site.example.expire_tokens()

    await asyncio.gather(*(site.client.find(KEY, str(number)) for number in range(6)))

    assert site.count(LOGIN) == 2
    assert site.key_vault.reads[PASSWORD] == 1


@pytest.mark.parametrize("when", ["second upload", "create"])
async def test_a_token_that_expires_in_the_middle_begins_the_document_again(site: Site, when: str) -> None:
    """Uploads belong to the log-in that made them: all of them are sent again."""
    files = [Source("a", b"a" * 2_000_000), Source("b", b"b" * 2_000_000)]
    path, number = {"second upload": (UPLOAD, 2), "create": (CREATE, 1)}[when]
    marks = []

    async def mark() -> None:
        marks.append(1)

    async def expire(request: web.Request, handler: Handler) -> web.StreamResponse:
        if site.paths[-1] == path and site.count(path) == number and site.count(LOGIN) == 1:
            site.example.expire_tokens()
        return await handler(request)

    site.instead = expire

    made = await site.client.create(new(), [file.file() for file in files], mark)

    assert made.sizes == (2_000_000, 2_000_000)
    (found,) = site.example.objects()
    assert [one.path.read_bytes() for one in found.files] == [file.content for file in files]
    assert site.count(LOGIN) == 2
    assert files[0].reads == 2
    assert len(marks) == (2 if when == "create" else 1)


async def test_a_password_that_was_rotated_is_read_anew(site: Site) -> None:
    await site.client.find(KEY, "x")
    site.example.set_password("another")
    site.key_vault.secrets.set(PASSWORD, "another")

    await asyncio.gather(*(site.client.find(KEY, "x") for _ in range(4)))

    assert site.key_vault.reads[PASSWORD] == 2


async def test_a_wrong_password_is_transient_and_names_what_to_look_at(site: Site) -> None:
    """A token comes all the same, and the next call is refused; nobody tries on and on."""
    site.key_vault.secrets.set(PASSWORD, "wrong one")

    with pytest.raises(Transient, match=r"mfiles-username and mfiles-password .* vault\.guid") as caught:
        await site.client.find(KEY, "x")

    assert not isinstance(caught.value, Unavailable)
    assert "wrong one" not in str(caught.value)
    assert site.count(LOGIN) <= 3
    site.key_vault.secrets.set(PASSWORD, site.example.password)
    assert list(await site.client.find(KEY, "x")) == []


async def test_a_user_name_that_was_wrong_counts_once_it_is_mended(site: Site) -> None:
    site.key_vault.secrets.set("mfiles-username", "nobody")
    with pytest.raises(Transient):
        await site.client.find(KEY, "x")
    site.key_vault.secrets.set("mfiles-username", site.example.username)

    assert list(await site.client.find(KEY, "x")) == []


async def test_a_vault_of_another_guid_is_a_refused_log_in(site: Site, services: Services) -> None:
    guid = "{00000000-0000-0000-0000-000000000000}"
    other = MFilesVault(configuration_of(site.origin, guid), services.secrets, services.clock)
    await site.client.find(KEY, "x")

    with pytest.raises(Transient, match=r"vault\.guid"):
        await other.find(KEY, "x")
    await other.close()


async def test_a_guid_goes_with_or_without_its_braces(site: Site, services: Services) -> None:
    await site.client.find(KEY, "x")
    guid = site.example.guid.strip("{}").lower()
    other = MFilesVault(configuration_of(f"{site.origin}/", guid), services.secrets, services.clock)

    assert list(await other.find(KEY, "x")) == []
    await other.close()


async def test_without_the_secrets_nothing_is_sent(site: Site) -> None:
    site.key_vault.status = 403

    with pytest.raises(Unavailable, match="mfiles-"):
        await site.client.find(KEY, "x")

    assert site.requests == []


# Refusals


async def test_a_vault_that_is_down_is_unavailable_for_everything(site: Site) -> None:
    await site.client.structure()
    site.example.available = False

    for work in (
        site.client.structure(fresh=True),
        site.client.find(KEY, "x"),
        created(site, Source("a", b"a")),
    ):
        with pytest.raises(Unavailable, match="503"):
            await work

    site.example.available = True
    assert list(await site.client.find(KEY, "0" * 32)) == []


async def test_nobody_there_is_unavailable_at_once(services: Services) -> None:
    with listening() as sock:
        port = sock.getsockname()[1]
    vault = MFilesVault(
        configuration_of(f"https://127.0.0.1:{port}", "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"),
        services.secrets,
        services.clock,
    )
    began = time.monotonic()

    with pytest.raises(Unavailable):
        await vault.find(KEY, "x")
    await vault.close()

    assert time.monotonic() - began < 4


@pytest.mark.parametrize("status", [404, 413])
async def test_a_file_that_the_web_server_finds_too_large_is_a_fault_of_the_mail(
    site: Site, status: int
) -> None:
    """404 is the 404.13 of IIS, whose status line does not show its second half."""
    if status == 404:
        site.example.max_upload_bytes = 1_000_000
    else:
        site.instead = refusing(UPLOAD, status)

    with pytest.raises(MailFault, match="for its size") as caught:
        await created(site, Source("small", b"x" * 10), Source("large", b"x" * 2_000_000))

    assert "maxAllowedContentLength" in caught.value.remedy
    assert site.example.objects() == []


async def test_a_mandatory_property_without_a_value_is_a_fault_of_the_configuration(site: Site) -> None:
    """No plan of today's structure lacks one: the class has changed since."""
    with pytest.raises(ConfigurationFault, match=r'400 .* class "Purchase order" requires "From"') as caught:
        await created(site, Source("a", b"a"), class_id=PURCHASE_ORDER)
    assert "still in the vault" in caught.value.remedy
    assert site.example.objects() == []

    await site.client.create(new(text_property(FROM, "ada@b"), class_id=PURCHASE_ORDER), [], at_once)

    assert len(site.example.objects()) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error(400), MailFault),
        (404, error(404), ConfigurationFault),
        (403, error(403), ConfigurationFault),
        (401, error(401), ConfigurationFault),
        (405, None, ConfigurationFault),
        (302, None, ConfigurationFault),
        (408, None, Unavailable),
        (429, None, Unavailable),
        (500, error(500), Unavailable),
        (500, error(500, logged_in=False), Unavailable),
        (502, None, Unavailable),
        (503, error(503), Unavailable),
        (200, None, Unavailable),
        (200, {"no": "object version"}, Unavailable),
    ],
)
async def test_each_answer_to_a_create_has_its_meaning(
    site: Site, status: int, body: object, kind: type[VaultpostError]
) -> None:
    """After Unavailable the document may be there; after the others it is not."""
    site.instead = refusing(CREATE, status, body)

    with pytest.raises(kind) as caught:
        await created(site, Source("a", b"a"))

    assert isinstance(caught.value, kind)
    assert "4711" not in str(caught.value)
    assert site.count(CREATE) == 1


async def test_a_403_without_a_log_in_is_tried_with_new_ones_and_then_transient(site: Site) -> None:
    site.instead = refusing(CREATE, 403, error(403, logged_in=False))

    with pytest.raises(Transient, match="refuses the log-in"):
        await created(site, Source("a", b"a"))

    assert site.count(CREATE) == 2


async def test_retry_after_is_passed_on(site: Site) -> None:
    site.instead = refusing(SEARCH, 429, **{"Retry-After": "2.5"})

    with pytest.raises(Unavailable) as caught:
        await site.client.find(KEY, "x")

    assert caught.value.after == 2.5


@pytest.mark.parametrize("status", [400, 404])
async def test_a_search_that_is_refused_is_an_outage_not_an_empty_one(site: Site, status: int) -> None:
    """Taken for empty, it would create a second document."""
    site.instead = refusing(SEARCH, status, error(status))

    with pytest.raises(Unavailable):
        await site.client.find(KEY, "x")


async def test_an_address_without_the_web_service_is_a_fault_of_the_configuration(
    site: Site, services: Services
) -> None:
    await site.client.find(KEY, "x")
    other = MFilesVault(
        configuration_of(f"{site.origin}/elsewhere", site.example.guid), services.secrets, services.clock
    )

    with pytest.raises(ConfigurationFault, match=r"vault\.url") as caught:
        await other.find(KEY, "x")
    await other.close()

    assert "Classic Web" in caught.value.remedy
