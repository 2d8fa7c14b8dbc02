"""What can go wrong between the app and M-Files ends as the design says, in an administrator's words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest
from aiohttp import web

from sandbox.faults import Commit, Expire, Status
from sandbox.pki import Authority
from sandbox.vault import ExampleVault
from shared.errors import ConfigurationFault, MailFault, Transient, Unavailable
from shared.vault import answer_size, uploads
from shared.vault.answers import WebServiceError
from shared.vault.protocol import DataType, NewObject, PropertyValue

from .site import (
    FROM,
    KEY,
    MAIL,
    TITLE,
    Handler,
    Instead,
    ServedVault,
    Source,
    at_once,
    body_of,
    created,
    new,
    serving_alone,
)

pytestmark = pytest.mark.anyio
LOGIN, UPLOAD, CREATE, SEARCH = (
    "POST /server/authenticationtokens",
    "POST /files",
    "POST /objects/0",
    "GET /objects",
)
LIMIT = 100_000
DEPARTMENT, CUSTOMER_TYPE = 1324, 136


@pytest.fixture(scope="module")
async def served(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> AsyncIterator[ServedVault]:
    """One vault for all of these tests."""
    example = ExampleVault(tmp_path_factory.mktemp("vault"))
    async with serving_alone(example, authority, "PD.From", chunked_upload=True) as running:
        yield running


@pytest.fixture
async def site(served: ServedVault) -> AsyncIterator[ServedVault]:
    """It, without objects, faults and limits."""
    known = served.example.structure
    await served.client.structure()
    served.client._uploads = uploads.Uploads(served.client._session)
    served.requests.clear()
    yield served
    served.faults.clear()
    served.instead = None
    served.example.structure = known
    served.example.max_upload_bytes, served.example.oversize_status = None, 404
    served.example.available, served.example.broken = True, False


def key_of(number: int) -> str:
    return f"{number:032x}"


def of_key(site: ServedVault, key: str) -> list[Any]:
    return [one for one in site.example.objects() if one.values.get("Filing key") == key]


def page(path: str, status: int, text: str = "<html>") -> Instead:
    """Answer that request with a page, as a web server does."""

    async def instead(request: web.Request, handler: Handler) -> web.StreamResponse:
        if f"{request.method} {request.path.removeprefix('/REST')}" != path:
            return await handler(request)
        await request.read()
        return web.Response(status=status, text=text, content_type="text/html")

    return instead


# The log-in


async def test_a_token_that_expires_in_the_middle_of_a_mail_costs_one_log_in(site: ServedVault) -> None:
    """Uploads go with their token: what was sent is sent again."""
    site.faults.add(Expire(route="POST /REST/files", after=1))
    files = [Source("a", b"a" * 1000), Source("b", b"b" * 1000), Source("c", b"c" * 1000)]

    made = await created(site, *files, key=key_of(1))

    assert made.sizes == (1000, 1000, 1000)
    assert site.count(LOGIN) == 1
    assert [file.reads for file in files] == [2, 2, 1]
    assert len(of_key(site, key_of(1))) == 1


async def test_a_cookie_that_was_lost_costs_one_log_in(site: ServedVault) -> None:
    """Without it another node gets the request, which cannot read the token."""
    await site.client.find(KEY, key_of(2))
    assert site.client._session._http.cookies.get("mfilesmsm")
    site.client._session._http.cookies.clear()

    made = await created(site, Source("a", b"abc"), key=key_of(2))

    assert made.sizes == (3,)
    assert site.count(LOGIN) == 1


async def test_all_cookies_of_the_log_in_come_back(site: ServedVault) -> None:
    """Whichever name a load balancer has for its own."""

    async def balanced(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if request.path.endswith("authenticationtokens"):
            answer.set_cookie("ARRAffinity", "node-7", path="/", secure=True, httponly=True)
        return answer

    site.instead = balanced
    site.example.expire_tokens()
    await site.client.find(KEY, key_of(3))

    await created(site, Source("a", b"abc"), key=key_of(3))

    for request in site.requests[-2:]:
        assert request.cookies["ARRAffinity"] == "node-7"
        assert {"mfilesmsm", "ASP.NET_SessionId"} <= request.cookies.keys()


async def test_a_windows_account_logs_in_with_its_domain(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> None:
    example = ExampleVault(tmp_path_factory.mktemp("windows"), domain="CORP")
    async with serving_alone(example, authority, domain="CORP") as site:
        made = await created(site, Source("a", b"abc"))
        assert await site.client.is_own(made)
    async with serving_alone(example, authority, domain="OTHER") as site:
        with pytest.raises(Transient, match=r"vault\.domain"):
            await created(site, Source("a", b"abc"))


async def test_a_log_in_that_m_files_does_not_understand_is_a_fault_of_the_configuration(
    site: ServedVault,
) -> None:
    site.example.expire_tokens()
    site.faults.add(Status(400, route="POST /REST/server/authenticationtokens", times=1))

    with pytest.raises(ConfigurationFault, match=r"400 .* to the log-in itself") as caught:
        await site.client.find(KEY, key_of(4))

    assert "vault.domain" in caught.value.remedy


async def test_a_403_of_a_web_server_is_no_rejected_secret(site: ServedVault) -> None:
    """A firewall may refuse a file for what is in it; M-Files itself answers 403 in JSON."""
    site.instead = page(UPLOAD, 403)

    with pytest.raises(Unavailable, match="web server in front of M-Files answers 403") as caught:
        await created(site, Source("a", b"abc"), key=key_of(5))

    assert not caught.value.rejected
    assert caught.value.origin == "vault"
    assert site.count(LOGIN) == 1
    assert site.count(CREATE) == 0


# What is down


@pytest.mark.parametrize("route", ["POST /REST/files", "POST /REST/objects/0", "GET /REST/objects"])
async def test_a_503_asks_to_come_again(site: ServedVault, route: str) -> None:
    site.faults.add(Status(503, retry_after="7", route=route))

    async def found_or_created() -> None:
        await site.client.find(KEY, key_of(6))
        await created(site, Source("a", b"abc"), key=key_of(6))

    with pytest.raises(Unavailable, match="M-Files answered 503") as caught:
        await found_or_created()

    assert (caught.value.origin, caught.value.after) == ("vault", 7.0)


async def test_a_page_of_500_is_an_outage_whatever_was_asked(site: ServedVault) -> None:
    site.example.broken = True

    for work in (
        created(site, Source("a", b"abc")),
        site.client.find(KEY, key_of(7)),
        site.client.structure(fresh=True),
    ):
        with pytest.raises(Unavailable, match="M-Files answered 500"):
            await work


async def test_a_500_of_m_files_itself_says_which_exception(site: ServedVault) -> None:
    """A refusal may come as one: it is tried again, and the journal shows what was met."""
    said = 'Property "Department" of "Invoice 4711" must have a value.'
    site.faults.add(Status(500, code="COMException", message=said, route="POST /REST/objects/0"))

    with pytest.raises(Unavailable, match="M-Files answered 500 COMException") as caught:
        await created(site, Source("a", b"abc"), key=key_of(8))

    assert 'Property "Department" of "…" must have a value.' in str(caught.value)
    assert caught.value.origin == "vault"


async def test_a_create_that_commits_and_is_not_answered_is_found_by_its_key(site: ServedVault) -> None:
    site.faults.add(Commit(route="POST /REST/objects/0", times=1))

    with pytest.raises(Unavailable, match="did not answer in full"):
        await created(site, Source("a", b"abc"), key=key_of(9))

    (found,) = await site.client.find(KEY, key_of(9))
    assert found.sizes == (3,)
    assert site.count(CREATE) == 1


# What is too large


@pytest.mark.parametrize("status", [404, 413, 500])
async def test_a_file_over_the_servers_limit_names_what_to_set(site: ServedVault, status: int) -> None:
    """404.13 of IIS, 413 of a proxy, the page of ASP.NET."""
    site.example.max_upload_bytes, site.example.oversize_status = LIMIT, status

    with pytest.raises(MailFault, match=r"a file of this mail for its size \(0\.1 MB\)") as caught:
        await created(site, Source("small", b"x"), Source("large", b"x" * (LIMIT + 1)), key=key_of(10))

    for setting in ("maxAllowedContentLength", "maxRequestLength", "proxy", "vault.chunked-upload"):
        assert setting in caught.value.remedy
    assert site.count(CREATE) == 0


async def test_a_404_to_a_small_file_is_no_limit(site: ServedVault) -> None:
    site.instead = page(UPLOAD, 404)

    with pytest.raises(Unavailable, match="small file"):
        await created(site, Source("a", b"abc"))


async def test_values_may_be_too_large_as_well(site: ServedVault) -> None:
    """The whole body of a mail in a multi-line text goes with the create, not with an upload."""
    site.example.max_upload_bytes = LIMIT
    body = PropertyValue(1328, DataType.MULTI_LINE_TEXT, "x" * (LIMIT + 1))

    with pytest.raises(MailFault, match="for its size"):
        await site.client.create(new(body), [], at_once)


@pytest.mark.parametrize("size", [LIMIT + 1, 2 * 65536, 3 * 65536, 3 * 65536 + 1, 300_000])
async def test_a_file_that_is_refused_for_its_size_goes_in_parts(
    site: ServedVault, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Parts of equal size, the last as long as what is left, and their number as it comes out."""
    monkeypatch.setattr(uploads, "CHUNK", 65536)
    site.client._uploads = uploads.Uploads(site.client._session, in_chunks=True)
    site.example.max_upload_bytes = LIMIT
    content = (bytes(range(251)) * (size // 251 + 1))[:size]
    files = [Source("small", b"abc"), Source("large", content), Source("again", content)]

    made = await created(site, *files, key=key_of(size))

    assert made.sizes == (3, size, size)
    (found,) = of_key(site, key_of(size))
    assert [one.path.read_bytes() for one in found.files] == [b"abc", content, content]
    sent = [request for request in site.requests if request.path.startswith("/REST/files/upload/")]
    parts = -(-size // 65536)
    assert [request.query["resumableTotalChunks"] for request in sent] == [str(parts)] * 2 * parts
    assert sum(request.content_length or 0 for request in sent) == 2 * size
    # Once is enough to know the limit.
    assert [file.reads for file in files] == [1, 2, 1]


async def test_parts_are_sent_again_after_a_new_log_in(
    site: ServedVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "CHUNK", 65536)
    site.client._uploads = uploads.Uploads(site.client._session, in_chunks=True)
    site.example.max_upload_bytes = LIMIT
    site.faults.add(Expire(route="POST /REST/files/upload/", after=2))

    made = await created(site, Source("large", b"x" * 300_000), key=key_of(11))

    assert made.sizes == (300_000,)


async def test_a_server_without_parts_is_told_from_one_with_a_limit(site: ServedVault) -> None:
    site.client._uploads = uploads.Uploads(site.client._session, in_chunks=True)
    site.example.max_upload_bytes = LIMIT
    site.faults.add(Status(404, route="POST /REST/files/upload"))

    with pytest.raises(MailFault, match="neither at once, for its size, nor in parts"):
        await created(site, Source("large", b"x" * (LIMIT + 1)))


@pytest.mark.parametrize("size", [299_999, 300_001])
async def test_a_file_in_parts_of_another_length_than_announced_creates_nothing(
    site: ServedVault, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(uploads, "CHUNK", 65536)
    site.client._uploads = uploads.Uploads(site.client._session, in_chunks=True)
    site.example.max_upload_bytes = LIMIT

    with pytest.raises(Unavailable, match="another length"):
        await site.client.create(new(), [Source("a", b"x" * 300_000).file(size)], at_once)

    assert site.count(CREATE) == 0


# What the vault refuses


async def test_a_filing_key_that_is_gone_is_an_outage_once_and_then_a_fault_of_the_configuration(
    site: ServedVault,
) -> None:
    """A search that is refused must not be taken for empty; what it asked for is looked up anew."""
    properties = {n: one for n, one in site.example.structure.properties.items() if n != KEY}
    site.example.structure = replace(site.example.structure, properties=properties)

    with pytest.raises(Unavailable, match="cannot be searched"):
        await site.client.ping()
    with pytest.raises(ConfigurationFault, match=r"PD\.FilingKey"):
        await site.client.ping()


async def test_a_class_that_is_gone_is_a_fault_of_the_configuration(site: ServedVault) -> None:
    classes = {number: one for number, one in site.example.structure.classes.items() if number != MAIL}
    site.example.structure = replace(site.example.structure, classes=classes)

    with pytest.raises(ConfigurationFault, match='class "207": the vault has none') as caught:
        await created(site, Source("a", b"abc"))

    assert "still in the vault" in caught.value.remedy


async def test_a_property_that_is_gone_is_a_fault_of_the_configuration(site: ServedVault) -> None:
    properties = {n: one for n, one in site.example.structure.properties.items() if n != 1303}
    site.example.structure = replace(site.example.structure, properties=properties)
    value = PropertyValue(1303, DataType.MULTI_LINE_TEXT, "x")

    with pytest.raises(ConfigurationFault, match='property "1303": the vault has none'):
        await site.client.create(new(value), [], at_once)


async def test_a_mandatory_property_that_was_added_since_is_named(site: ServedVault) -> None:
    with pytest.raises(ConfigurationFault, match='class "Contract mail" requires "Department"'):
        await created(site, Source("a", b"abc"), class_id=214)


async def test_a_lookup_that_is_refused_is_a_refused_mail_in_m_files_words(site: ServedVault) -> None:
    """Whether it is the mail's own fault shows when it is planned anew: the structure is read for that."""
    structure = await site.client.structure()

    with pytest.raises(MailFault, match=r"400 ArgumentException.*1324.*there is no item 999") as caught:
        await site.client.create(new(PropertyValue(DEPARTMENT, DataType.LOOKUP, 999)), [], at_once)

    assert await site.client.structure() is not structure
    assert caught.value.remedy


async def test_what_m_files_repeats_of_a_mail_is_taken_out_of_its_words(site: ServedVault) -> None:
    said = 'The value "Ada Lovelace <ada@contoso.com>" of property "From" in "Invoice 4711.pdf" is too long.'
    site.faults.add(Status(400, code="SomeException", message=said, route="POST /REST/objects/0"))
    of_ada = PropertyValue(FROM, DataType.TEXT, "Ada Lovelace <ada@contoso.com>")

    with pytest.raises(MailFault) as caught:
        await site.client.create(new(of_ada), [Source("Invoice 4711", b"x").file()], at_once)

    assert '400 SomeException, "The value "…" of property "From" in "…' in caught.value.reason
    for word in ("Ada", "Lovelace", "contoso", "4711"):
        assert word not in str(caught.value)


async def test_a_title_that_the_vault_makes_itself_says_so(site: ServedVault) -> None:
    body = {"Status": 401, "Message": "The title is automatic.", "IsLoggedToVault": True}

    async def instead(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_create = request.path == "/REST/objects/0"
        return web.json_response(body, status=401) if is_create else await handler(request)

    site.instead = instead

    with pytest.raises(ConfigurationFault, match="sets a value of this document itself"):
        await created(site)


# Other object types


async def test_an_object_of_another_type_is_created_found_and_deleted_as_that(site: ServedVault) -> None:
    """One that can have no files is not told whether it has one."""
    title = PropertyValue(TITLE, DataType.TEXT, "Contoso")
    domain = PropertyValue(1340, DataType.TEXT, "types.example")

    made = await site.client.create(NewObject(215, (title, domain), CUSTOMER_TYPE), [], at_once)

    assert (made.type, made.sizes) == (CUSTOMER_TYPE, ())
    assert list(await site.client.find(1340, "types.example", CUSTOMER_TYPE)) == [made]
    assert list(await site.client.find(1340, "types.example")) == []
    assert await site.client.is_own(made)
    await site.client.mark_deleted(made)
    assert list(await site.client.find(1340, "types.example", CUSTOMER_TYPE)) == [replace(made, deleted=True)]


async def test_workflow_state_further_classes_and_comment_go_with_the_create(site: ServedVault) -> None:
    values = (
        PropertyValue(38, DataType.LOOKUP, 110),
        PropertyValue(39, DataType.LOOKUP, 150),
        PropertyValue(36, DataType.MULTI_SELECT_LOOKUP, (213,)),
        PropertyValue(33, DataType.MULTI_LINE_TEXT, "Filed from a mail"),
        PropertyValue(1311, DataType.TIME, "08:05:00"),
        PropertyValue(1317, DataType.FLOATING, 1.5),
    )

    await site.client.create(new(*values, key=key_of(12)), [], at_once)

    (found,) = of_key(site, key_of(12))
    assert [found.values[name] for name in ("Workflow", "State", "Received time", "Size in megabytes")] == [
        "Mail processing",
        "New",
        "08:05:00",
        1.5,
    ]


# How many at once


@pytest.fixture
async def narrow(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> AsyncIterator[ServedVault]:
    """A vault that this instance sends two requests to at once, at most."""
    example = ExampleVault(tmp_path_factory.mktemp("narrow"))
    async with serving_alone(example, authority, at_once=2) as running:
        yield running


async def test_no_more_requests_are_under_way_than_the_setting_says(narrow: ServedVault) -> None:
    """The streams of uploads count."""
    under_way, most = 0, 0

    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        try:
            return await handler(request)
        finally:
            under_way -= 1

    narrow.instead = counted
    mails = [created(narrow, Source("a", b"a" * 1000), key=key_of(number)) for number in range(5)]

    await asyncio.gather(*mails, *(narrow.client.find(KEY, key_of(number)) for number in range(5)))

    assert most == 2
    assert len(narrow.example.objects()) == 5


async def test_a_create_has_its_place_before_its_mark_is_set(narrow: ServedVault) -> None:
    """Else it waits for uploads of other mails, and the mark that it is under way grows old."""
    await narrow.client.structure()
    marked, go = asyncio.Event(), asyncio.Event()
    order: list[str] = []

    async def mark() -> None:
        marked.set()
        await go.wait()
        order.append("marked")

    async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
        order.append(f"{request.method} {request.path}")
        return await handler(request)

    creating = asyncio.create_task(narrow.client.create(new(), [], mark))
    await marked.wait()
    narrow.instead = noted
    finding = [asyncio.create_task(narrow.client.find(KEY, "x")) for _ in range(3)]
    await asyncio.sleep(0.1)
    go.set()
    await asyncio.gather(creating, *finding)

    # The one other place was enough for them, and none of them was in the way of the create.
    after = order[order.index("marked") + 1 :]
    assert after[0] == "POST /REST/objects/0"


# The shapes of errors


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"ExceptionName": "A", "Message": "m", "IsLoggedToVault": True}, ("A", "m", True)),
        ({"Exception": {"Name": "A", "Message": "m"}, "Stack": "text"}, ("A", "m", False)),
        (
            {"Exception": {"Name": "A", "Stack": [{"LineNumber": 1}]}, "Stack": [{}], "Message": "m"},
            ("A", "m", False),
        ),
        ({"Message": "m", "ErrorCode": "wrong", "Exception": None}, ("", "m", False)),
        ({"Message": None, "Exception": "text"}, ("", "", False)),
        ([{"Message": "m"}], ("", "m", False)),
        ({"error": "of a gateway"}, None),
        ([], None),
        ("text", None),
        (None, None),
    ],
)
def test_an_error_is_read_in_whatever_shape_it_comes(
    answer: object, error: tuple[str, str, bool] | None
) -> None:
    found = WebServiceError.of(answer)

    assert (None if found is None else (found.name, found.message, found.is_logged_to_vault)) == error


async def test_json_that_is_none_of_m_files_is_of_what_stands_before_it(site: ServedVault) -> None:
    async def gateway(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.json_response({"error": "no route"}, status=HTTPStatus.NOT_FOUND)

    site.instead = gateway

    with pytest.raises(ConfigurationFault, match="not as M-Files does"):
        await site.client.find(KEY, "x")


async def test_answers_keep_what_is_not_asked_of_them(site: ServedVault) -> None:
    """A field more, or one of another type, breaks nothing."""

    async def more(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if request.path != "/REST/objects/0":
            return answer
        return web.json_response({**body_of(answer), "New": {"Field": [1]}, "CreatedUtc": "soon"})

    site.instead = more

    assert (await created(site, Source("a", b"abc"), key=key_of(13))).created is None


# Answers without end


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """A megabyte: more takes longer, and shows nothing else."""
    monkeypatch.setattr(answer_size, "LARGEST", 1024 * 1024)
    return 1024 * 1024


def endless(path: str) -> Instead:
    """Let the vault do what that request asks for, then answer it for ever."""

    async def instead(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if f"{request.method} {request.path.removeprefix('/REST')}" != path:
            return answer
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        await stream.prepare(request)
        with suppress(ConnectionError):
            while True:
                await stream.write(b'{"Items": []}' + b" " * 50_000)
        return stream

    return instead


@pytest.mark.parametrize("path", [SEARCH, "GET /structure/properties"])
async def test_an_answer_without_end_is_given_up_and_says_where_it_came_from(
    site: ServedVault, limit: int, path: str
) -> None:
    site.instead = endless(path)

    with pytest.raises(ConfigurationFault) as caught:
        await (site.client.find(KEY, "x") if path == SEARCH else site.client.structure(fresh=True))

    assert caught.value.reason == f"What answers at {site.origin}/REST sent over 1 MiB to one request."
    assert "Look at vault.url" in caught.value.remedy


async def test_a_create_that_is_answered_without_end_may_have_been_done(
    site: ServedVault, limit: int
) -> None:
    site.instead = endless(CREATE)

    with pytest.raises(Unavailable, match=r"over 1 MiB to one request\. Look at vault\.url"):
        await created(site, Source("a", b"abc"), key=key_of(14))

    assert len(await site.client.find(KEY, key_of(14))) == 1


async def test_a_log_in_that_is_answered_without_end_is_no_wrong_password(
    site: ServedVault, limit: int
) -> None:
    site.faults.add(Expire())
    site.instead = endless(LOGIN)

    with pytest.raises(Unavailable, match="over 1 MiB"):
        await site.client.find(KEY, "x")


async def test_a_refusal_without_end_is_judged_by_its_beginning(site: ServedVault, limit: int) -> None:
    site.instead = page(SEARCH, 503, "x" * (limit + 200_000))

    with pytest.raises(Unavailable, match="M-Files answered 503"):
        await site.client.find(KEY, "x")


@pytest.mark.parametrize("beyond", [0, 1])
async def test_the_largest_answer_is_read_and_no_byte_more(
    site: ServedVault, limit: int, beyond: int
) -> None:
    async def padded(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        return web.Response(body=json.dumps(body_of(answer)).encode().ljust(limit + beyond))

    site.instead = padded

    if beyond:
        with pytest.raises(ConfigurationFault, match="over 1 MiB"):
            await site.client.find(KEY, "x")
    else:
        assert await site.client.find(KEY, "x") == []


async def test_answers_may_be_compressed_also_those_that_refuse(site: ServedVault) -> None:
    """As IIS does, if it is set up so."""

    async def compressed(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        answer.enable_compression(web.ContentCoding.gzip)
        return answer

    site.instead = compressed
    made = await created(site, Source("a", b"abc"), key=key_of(15))
    assert [one.id for one in await site.client.find(KEY, key_of(15))] == [made.id]
    site.faults.add(Status(500, route="GET /REST/objects"))

    with pytest.raises(Unavailable, match=r"M-Files answered 500 Exception"):
        await site.client.find(KEY, "x")
