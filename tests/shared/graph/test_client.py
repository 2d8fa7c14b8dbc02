"""Graph, over TLS: what it holds arrives whole, and every refusal means something to the app."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from aiohttp import web
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from sandbox.box import Sandbox
from sandbox.faults import Latency, Status
from sandbox.pki import Authority
from sandbox.serving import listening
from sandbox.tenant.graph import Manner
from shared.answers import Unreadable, decoded
from shared.errors import ConfigurationFault, Transient, Unavailable, VaultpostError
from shared.graph.answers import Message, OpenedMessage
from shared.graph.client import IMMUTABLE_IDS, GraphClient
from shared.graph.faults import Conflict, NotFound, Refused
from shared.graph.mailbox import ASKED_FOR_ALONE, LARGEST_EXPANDED, MailboxReader
from shared.services import Services

from ..key_vault import KeyVault
from ..made import unique_name
from .stub import FixedToken, answering, client_of, saying

pytestmark = pytest.mark.anyio
ADDRESS = "invoices@example.com"
SECRET = "graph-client-secret"


@pytest.fixture
def mailbox(box: Sandbox) -> str:
    """A mailbox of the test's own."""
    address = f"{unique_name('graph')}@example.com"
    box.tenant.add_mailbox(address)
    return address


@pytest.fixture
def reader(services: Services) -> MailboxReader:
    """As the app builds it: with the client secret out of Key Vault."""
    return MailboxReader(services.graph)


def mail(subject: str, *files: bytes) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Ada <ada@contoso.com>", "invoices@example.com", subject
    made["Importance"] = "high"
    made.set_content("Hello")
    for number, content in enumerate(files, 1):
        made.add_attachment(content, "application", "pdf", filename=f"file {number:02}.pdf")
    return made.as_bytes(policy=SMTP)


async def joined(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


async def asked(client: GraphClient, mailbox: str = ADDRESS, message: str = "AAA=") -> Message:
    return await MailboxReader(client).message(mailbox, message)


async def test_a_message_is_read_under_its_immutable_id(
    box: Sandbox, reader: MailboxReader, mailbox: str
) -> None:
    """Whichever id it was asked by: the answer's is the one that counts."""
    delivered = box.tenant.deliver(mailbox, mail("Größe <1>"))

    found = [await reader.message(mailbox, one) for one in (delivered.immutable_id, delivered.id)]

    assert delivered.id != delivered.immutable_id
    for message in found:
        assert message.id == delivered.immutable_id
        assert message.subject == "Größe <1>"
        assert message.importance == "high"
        assert message.from_ is not None
        assert message.from_.email_address is not None
        assert message.from_.email_address.address == "ada@contoso.com"
        headers = {header.name: header.value for header in message.internet_message_headers or ()}
        assert headers["To"] == "invoices@example.com"


async def test_a_message_says_where_it_is_and_whether_it_is_a_draft(
    box: Sandbox, reader: MailboxReader, mailbox: str
) -> None:
    folder = box.tenant.add_folder(mailbox, "inbox/Größe")
    delivered = [
        box.tenant.deliver(mailbox, mail("Hello"), folder.id, manner=Manner(draft=draft))
        for draft in (True, False)
    ]

    found = [await reader.message(mailbox, one.immutable_id) for one in delivered]

    assert [(one.parent_folder_id, one.is_draft) for one in found] == [(folder.id, True), (folder.id, False)]


async def test_a_folder_has_the_name_that_people_see(
    box: Sandbox, reader: MailboxReader, mailbox: str
) -> None:
    folder = box.tenant.add_folder(mailbox, "inbox/Größe").id

    assert await reader.folder_name(mailbox, folder) == "Größe"
    box.tenant.remove_folder(mailbox, "inbox/Größe")
    assert await reader.folder_name(mailbox, folder) == "Größe", "it is asked for once"


async def test_the_name_of_a_folder_that_is_gone_cannot_be_had(reader: MailboxReader, mailbox: str) -> None:
    with pytest.raises((NotFound, Refused)):
        await reader.folder_name(mailbox, "AAA=")


async def test_a_message_that_has_moved_is_still_found(
    box: Sandbox, reader: MailboxReader, mailbox: str
) -> None:
    delivered = box.tenant.deliver(mailbox, mail("Moved"))
    box.tenant.move(mailbox, delivered.immutable_id, "archive")

    assert (await reader.message(mailbox, delivered.immutable_id)).id == delivered.immutable_id


async def test_mime_has_the_bytes_that_were_delivered(
    box: Sandbox, reader: MailboxReader, mailbox: str
) -> None:
    raw = mail("Large", hashlib.sha256(b"x").digest() * 50_000)
    delivered = box.tenant.deliver(mailbox, raw)

    pieces = [piece async for piece in reader.mime(mailbox, delivered.immutable_id)]

    assert b"".join(pieces) == raw
    assert len(pieces) > 1


async def test_attachments_come_over_all_pages_with_all_their_bytes(
    box: Sandbox, reader: MailboxReader, mailbox: str
) -> None:
    contents = [bytes([number]) * number * 100 for number in range(30)]
    delivered = box.tenant.deliver(mailbox, mail("Thirty", *contents))

    found = await reader.attachments(mailbox, delivered.immutable_id)

    assert [(one.name, one.kind) for one in found] == [
        (f"file {number:02}.pdf", "file") for number in range(1, 31)
    ]
    assert len({one.id for one in found}) == 30
    read = await asyncio.gather(
        *(joined(reader.attachment_bytes(mailbox, delivered.immutable_id, one.id)) for one in found)
    )
    assert read == contents


async def test_attachments_of_every_kind_are_told_apart(
    box: Sandbox, reader: MailboxReader, mailbox: str
) -> None:
    outer, inner = EmailMessage(), EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("Hello")
    outer["Subject"] = "outer"
    outer.set_content("See below")
    outer.add_attachment(inner)
    outer.add_attachment(b"picture", "image", "png", filename="a.png", disposition="inline", cid="<1>")
    delivered = box.tenant.deliver(mailbox, outer.as_bytes(policy=SMTP))
    box.tenant.add_reference_attachment(mailbox, delivered.immutable_id, "link", "text/html")

    found = await reader.attachments(mailbox, delivered.immutable_id)

    assert [one.kind for one in found] == ["item", "file", "reference"]
    assert [one.is_inline for one in found] == [False, True, False]
    assert found[2].source_url is None
    within = await joined(reader.attachment_bytes(mailbox, delivered.immutable_id, found[0].id))
    assert within.splitlines() == inner.as_bytes(policy=SMTP).splitlines()
    with pytest.raises(Refused) as refused:
        await joined(reader.attachment_bytes(mailbox, delivered.immutable_id, found[2].id))
    assert refused.value.status == 405


@pytest.mark.parametrize(("number", "requests"), [(0, 1), (3, 1), (19, 1), (20, 3), (30, 4)])
async def test_a_message_and_its_attachments_come_in_one_request_where_they_are_few(
    box: Sandbox, reader: MailboxReader, mailbox: str, number: int, requests: int
) -> None:
    """How many an expanded list has at most is not documented: many are asked for alone, page by page."""
    delivered = box.tenant.deliver(mailbox, mail("Some", *([b"x"] * number)))
    sent = box.faults.graph.add(Latency(seconds=0.0, route=f"GET /users/{mailbox}/"))

    message, attachments = await reader.opened(mailbox, delivered.immutable_id)

    box.faults.graph.clear()
    assert sent.seen == requests
    assert (message.id, message.subject) == (delivered.immutable_id, "Some")
    assert attachments == await reader.attachments(mailbox, delivered.immutable_id)
    assert len(attachments) == number


async def test_a_message_whose_attachments_are_not_told_is_no_answer() -> None:
    """Without the list, it is not taken for a mail without attachments."""
    with pytest.raises(Unreadable):
        decoded(b'{"id": "A", "subject": "x"}', OpenedMessage)
    found = decoded(
        b'{"id": "A", "attachments": [], "attachments@odata.nextLink": "https://x"}', OpenedMessage
    )
    assert found.attachments_next_link == "https://x"


@pytest.mark.parametrize("tells_its_length", [True, False])
async def test_bytes_that_come_within_a_message_are_not_read_and_not_asked_for_again(
    authority: Authority, tells_its_length: bool
) -> None:
    """That `$select` within `$expand` leaves them out is not documented: 150 MB would be one body."""
    asked_for, sent = [], 0
    listed = [{"id": f"A{number}", "name": f"{number}.pdf"} for number in range(3)]

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        asked_for.append(request.path.rpartition("/")[2] + ("+" if "$expand" in request.query else ""))
        if request.path.endswith("/attachments"):
            return web.json_response({"value": listed})
        if "$expand" not in request.query:
            return web.json_response({"id": "AAA=", "subject": "Large"})
        response = web.StreamResponse()
        if tells_its_length:
            response.content_length = 100 * LARGEST_EXPANDED
        await response.prepare(request)
        with suppress(ConnectionError):
            for _ in range(100 * LARGEST_EXPANDED // 65536):
                await response.write(b"A" * 65536)
                sent += 65536
        return response

    async with answering(authority, answer) as origin, client_of(origin) as client:
        reader = MailboxReader(client)
        found = [await reader.opened(ADDRESS, "AAA=") for _ in range(2)]

    assert asked_for == ["AAA=+", "AAA=", "attachments", "AAA=", "attachments"]
    assert sent < 10 * LARGEST_EXPANDED
    for message, attachments in found:
        assert (message.id, message.subject) == ("AAA=", "Large")
        assert [(one.id, one.name) for one in attachments] == [(one["id"], one["name"]) for one in listed]


@pytest.mark.parametrize(("more", "is_alone"), [(0, False), (1, True)])
async def test_a_message_with_its_attachments_may_have_as_many_bytes_as_are_said(
    authority: Authority, more: int, is_alone: bool
) -> None:
    """As far as that, bytes of attachments do no harm: they are passed over."""
    head, tail = b'{"id": "A", "attachments": [{"id": "B", "contentBytes": "', b'"}]}'
    body = head + b"A" * (LARGEST_EXPANDED - len(head) - len(tail) + more) + tail

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity" or "$expand" not in request.query
        return web.Response(body=body if "$expand" in request.query else b'{"id": "A"}')

    async with answering(authority, answer) as origin, client_of(origin) as client:
        message, attachments = await MailboxReader(client).expanded(ADDRESS, "A")

    assert message.id == "A"
    assert (attachments is None) == is_alone


@pytest.mark.parametrize("number", [ASKED_FOR_ALONE - 1, ASKED_FOR_ALONE])
async def test_a_list_that_is_refused_tells_from_a_message_that_is(
    box: Sandbox, reader: MailboxReader, mailbox: str, number: int
) -> None:
    """Who stages a mail asks for the list by itself: the message has come."""
    delivered = box.tenant.deliver(mailbox, mail("Some", *([b"x"] * number)))
    box.faults.graph.add(
        Status(404, code="ErrorItemNotFound", route=f"GET /users/{mailbox}/messages/[^/]+/attachments")
    )

    message, attachments = await reader.expanded(mailbox, delivered.immutable_id)

    assert message.id == delivered.immutable_id
    assert (attachments is None) == (number == ASKED_FOR_ALONE)
    if attachments is None:
        with pytest.raises(NotFound):
            await reader.opened(mailbox, delivered.immutable_id)
    box.faults.graph.clear()


async def test_a_mail_without_attachments_has_none(box: Sandbox, reader: MailboxReader, mailbox: str) -> None:
    delivered = box.tenant.deliver(mailbox, b"Subject: x\r\n\r\nHello")

    assert await reader.attachments(mailbox, delivered.immutable_id) == []


async def test_ids_heed_their_case(box: Sandbox, reader: MailboxReader, mailbox: str) -> None:
    delivered = box.tenant.deliver(mailbox, mail("Case"))
    wrong = delivered.immutable_id[:8] + delivered.immutable_id[8:].swapcase()

    with pytest.raises(NotFound) as caught:
        await reader.message(mailbox, wrong)
    assert caught.value.code == "ErrorItemNotFound"
    with pytest.raises(Refused) as refused:
        await reader.message(mailbox, delivered.immutable_id.lower())
    assert refused.value.code == "ErrorInvalidIdMalformed"


async def test_mail_that_is_gone_is_not_found_by_any_call(reader: MailboxReader, mailbox: str) -> None:
    gone = "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AdSFc_6I2P0OpDkxsAAAA="

    for work in (
        reader.message(mailbox, gone),
        reader.attachments(mailbox, gone),
        joined(reader.mime(mailbox, gone)),
        joined(reader.attachment_bytes(mailbox, gone, gone)),
    ):
        with pytest.raises(NotFound) as caught:
            await work
        assert caught.value.code == "ErrorItemNotFound"


async def test_an_unknown_mailbox_is_not_found_with_another_code(reader: MailboxReader) -> None:
    with pytest.raises(NotFound) as caught:
        await reader.message("nobody@example.com", "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A")

    assert caught.value.code == "ErrorInvalidUser"


async def test_without_the_permission_it_is_a_fault_of_the_configuration(
    box: Sandbox, services: Services, mailbox: str
) -> None:
    """It names the mailbox: a scope can leave out a single one."""
    delivered = box.tenant.deliver(mailbox, mail("Forbidden"))
    graph = services.settings.graph
    audience = graph.endpoint.removesuffix("/v1.0")
    token = box.issuer.issue("0" * 8, audience, [], timedelta(minutes=5))
    client = GraphClient(graph, FixedToken(token))

    with pytest.raises(ConfigurationFault, match=mailbox) as caught:
        await asked(client, mailbox, delivered.immutable_id)
    await client.close()

    assert "Mail.Read" in caught.value.remedy


async def test_a_token_that_graph_does_not_take_is_a_transient_fault(
    services: Services, mailbox: str
) -> None:
    client = GraphClient(services.settings.graph, FixedToken("no token at all"))

    with pytest.raises(Unavailable, match="401 InvalidAuthenticationToken"):
        await asked(client, mailbox)
    await client.close()


async def test_a_wrong_client_secret_names_the_settings(
    reader: MailboxReader, key_vault: KeyVault, mailbox: str
) -> None:
    key_vault.secrets.enable(SECRET, enabled=False)  # a former version that works would serve
    key_vault.secrets.set(SECRET, "wrong")

    with pytest.raises(Transient, match=r"graph-client-secret.*GRAPH_CLIENT_ID.*AADSTS7000215") as caught:
        await reader.message(mailbox, "AAkALgAA=")

    assert "wrong" not in str(caught.value)
    assert key_vault.reads[SECRET] == 3  # it was read, read anew, and looked for among its versions


async def test_a_client_secret_that_was_rotated_is_read_anew(
    box: Sandbox, services: Services, reader: MailboxReader, key_vault: KeyVault, mailbox: str
) -> None:
    """The old one is cached for up to 15 minutes; Entra ID's refusal ends that at once."""
    delivered = box.tenant.deliver(mailbox, mail("Rotated"))
    key_vault.secrets.set(SECRET, "the one before")
    assert await services.secrets.get(SECRET) == "the one before"
    secret = box.secrets.get(SECRET)
    assert secret is not None
    key_vault.secrets.set(SECRET, secret.value)

    assert (await reader.message(mailbox, delivered.immutable_id)).id == delivered.immutable_id

    assert key_vault.reads[SECRET] == 2


async def test_without_the_secret_nothing_is_sent(
    reader: MailboxReader, key_vault: KeyVault, mailbox: str
) -> None:
    key_vault.status = 404

    with pytest.raises(Unavailable, match=SECRET):
        await reader.message(mailbox, "AAkALgAA=")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (ServiceRequestError("no route to ada@example.com"), Unavailable),
        (ClientAuthenticationError("AADSTS50034: no account ada@example.com"), Transient),
        (Unavailable("Key Vault did not give secret x"), Unavailable),
    ],
)
async def test_without_a_token_it_is_transient_and_says_no_more_than_a_code(
    authority: Authority, fault: Exception, kind: type[Exception]
) -> None:
    async def never(_: web.Request) -> web.Response:
        raise AssertionError

    async with answering(authority, never) as origin, client_of(origin, FixedToken(fault=fault)) as client:
        with pytest.raises(kind) as caught:
            await asked(client)

    assert "ada@example.com" not in str(caught.value)


async def test_every_request_asks_for_immutable_ids_and_brings_the_token(authority: Authority) -> None:
    seen: list[web.Request] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"id": "A", "value": []})

    async with answering(authority, note) as origin, client_of(origin) as client:
        reader = MailboxReader(client)
        await reader.message("ada+x@example.com", "AA-_=")
        await reader.attachments("ada+x@example.com", "AA-_=")
        await joined(reader.mime("ada+x@example.com", "AA-_="))
        await joined(reader.attachment_bytes("ada+x@example.com", "AA-_=", "BB-_="))

    assert all(request.headers["Prefer"] == IMMUTABLE_IDS for request in seen)
    assert all(request.headers["Authorization"] == "Bearer a token" for request in seen)
    base = "/v1.0/users/ada+x@example.com/messages/AA-_="
    assert [request.path for request in seen] == [
        base,
        f"{base}/attachments",
        f"{base}/$value",
        f"{base}/attachments/BB-_=/$value",
    ]


async def test_throttling_tells_how_long_and_nobody_sleeps(authority: Authority) -> None:
    """Retrying is ours: the SDK's own middleware would hold the function, and hit the limit again."""
    requests: list[str] = []

    async def throttled(request: web.Request) -> web.Response:
        requests.append(request.path)
        return web.json_response(
            {"error": {"code": "ApplicationThrottled", "message": "x"}},
            status=429,
            headers={"Retry-After": "30.128"},
        )

    began = time.monotonic()
    async with answering(authority, throttled) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="429 ApplicationThrottled") as caught:
            await asked(client)

    assert caught.value.after == 30.128
    assert len(requests) == 1
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, Unavailable),
        (403, ConfigurationFault),
        (404, NotFound),
        (408, Unavailable),
        (409, Conflict),
        (410, Refused),
        (423, Unavailable),
        (425, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
async def test_each_status_has_its_meaning(
    authority: Authority, status: int, kind: type[VaultpostError]
) -> None:
    body = {"error": {"code": "SomeCode", "message": "of a mail"}}

    async def refuse(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    async with answering(authority, refuse) as origin, client_of(origin) as client:
        with pytest.raises(kind, match=f"{status} SomeCode") as caught:
            await asked(client)

    assert type(caught.value) is kind
    assert "of a mail" not in str(caught.value)
    assert getattr(caught.value, "after", None) is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff", b"[" * 60_000, b'{"error": null}', b'{"error": {}}']
)
async def test_a_status_has_its_meaning_whatever_the_body(authority: Authority, body: bytes) -> None:
    """A proxy answers in its own words."""

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=404 if request.path.endswith("$value") else 503, body=body)

    async with answering(authority, refuse) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="503"):
            await asked(client)
        with pytest.raises(NotFound) as caught:
            await joined(MailboxReader(client).mime(ADDRESS, "AAA="))

    assert caught.value.code == ""


async def test_an_error_of_endless_length_is_not_read_to_its_end(authority: Authority) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=503)
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    async with answering(authority, endless) as origin, client_of(origin) as client:
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable, match="503"):
                await asked(client)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"id": [1]}'])
async def test_an_answer_that_cannot_be_read_is_unavailable(authority: Authority, body: bytes) -> None:
    async def unreadable(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with answering(authority, unreadable) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="cannot be read"):
            await asked(client)


@pytest.mark.parametrize("damaged", [b"a\\ud83db", b"a\xffb"])
async def test_damaged_text_is_read_all_the_same(authority: Authority, damaged: bytes) -> None:
    """Mail can hold it, and JSON carry it: such a mail must not wait for ever."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b'{"id": "A", "subject": "' + damaged + b'"}')

    async with answering(authority, answer) as origin, client_of(origin) as client:
        message = await asked(client)

    assert message.id == "A"
    assert message.subject is not None
    assert message.subject.encode()
    assert (message.subject[0], message.subject[-1], len(message.subject)) == ("a", "b", 3)


async def test_a_next_page_on_another_host_is_refused_and_gets_no_token(authority: Authority) -> None:
    stolen: list[web.Request] = []

    async def thief(request: web.Request) -> web.Response:
        stolen.append(request)
        return web.json_response({"value": []})

    async with answering(authority, thief) as elsewhere:

        async def leads_there(_: web.Request) -> web.Response:
            return web.json_response({"value": [], "@odata.nextLink": f"{elsewhere}/v1.0/next"})

        async with answering(authority, leads_there) as origin, client_of(origin) as client:
            with pytest.raises(Unavailable, match="another host"):
                await MailboxReader(client).attachments(ADDRESS, "AAA=")

    assert stolen == []


@pytest.mark.parametrize(
    "link",
    ["http://127.0.0.1/v1.0", "https://127.0.0.1.example.com/", "//x", "", "/v1.0/next", "https://[::1"],
)
async def test_a_next_page_that_is_no_address_of_graph_is_refused(authority: Authority, link: str) -> None:
    async def leads_there(_: web.Request) -> web.Response:
        return web.json_response({"value": [], "@odata.nextLink": link})

    async with answering(authority, leads_there) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable):
            await MailboxReader(client).attachments(ADDRESS, "AAA=")


async def test_a_redirection_is_not_followed(authority: Authority) -> None:
    """The token goes to Graph alone."""
    stolen: list[web.Request] = []

    async def thief(request: web.Request) -> web.Response:
        stolen.append(request)
        return web.json_response({"id": "A"})

    async with answering(authority, thief) as elsewhere:

        async def redirect(_: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": f"{elsewhere}/v1.0"})

        async with answering(authority, redirect) as origin, client_of(origin) as client:
            with pytest.raises(Refused, match="307"):
                await asked(client)

    assert stolen == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH\r\n",
        b"",
    ],
)
async def test_an_answer_that_is_cut_short_is_never_taken_for_whole(
    authority: Authority, answer: bytes
) -> None:
    """The framing of HTTP tells; a mail without its end must not be filed."""
    async with saying(authority, answer) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="did not answer in full"):
            await joined(MailboxReader(client).mime(ADDRESS, "AAA="))
        with pytest.raises(Unavailable, match="did not answer in full"):
            await asked(client)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_stream_whose_cut_nobody_could_tell_is_no_answer(authority: Authority, version: str) -> None:
    """Where the end of the connection is that of the answer, half a mail looks like a whole one."""
    answer = f"HTTP/{version} 200 OK\r\nContent-Type: text/plain\r\n\r\nhalf".encode()
    async with saying(authority, answer) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="where it ends"):
            await joined(MailboxReader(client).mime(ADDRESS, "AAA="))


async def test_a_stream_is_asked_for_without_compression(authority: Authority) -> None:
    """A compressed piece could become any size in memory."""
    asked_for: list[str] = []

    async def note(request: web.Request) -> web.Response:
        asked_for.append(request.headers["Accept-Encoding"])
        return web.Response(body=b"whole")

    async with answering(authority, note) as origin, client_of(origin) as client:
        assert await joined(MailboxReader(client).mime(ADDRESS, "AAA=")) == b"whole"

    assert asked_for == ["identity"]


@pytest.mark.parametrize(
    "framing", ["Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
)
async def test_a_stream_without_bytes_is_whole(authority: Authority, framing: str) -> None:
    async with (
        saying(authority, f"HTTP/1.1 200 OK\r\n{framing}".encode()) as origin,
        client_of(origin) as client,
    ):
        assert await joined(MailboxReader(client).attachment_bytes(ADDRESS, "AAA=", "BBB=")) == b""


async def test_what_came_before_the_cut_is_given_and_then_the_fault(authority: Authority) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"
    async with saying(authority, answer) as origin, client_of(origin) as client:
        stream = MailboxReader(client).mime(ADDRESS, "AAA=")
        assert await anext(stream) == b"half"
        with pytest.raises(Unavailable):
            await anext(stream)


async def test_an_error_that_is_cut_short_is_unavailable(authority: Authority) -> None:
    answer = b'HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\n{"error": {"code": "Err'
    async with saying(authority, answer) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="did not answer in full"):
            await asked(client)


async def test_nobody_there_is_unavailable_at_once(mailbox: str) -> None:
    with listening() as sock:
        port = sock.getsockname()[1]
    began = time.monotonic()

    async with client_of(f"https://127.0.0.1:{port}") as client:
        with pytest.raises(Unavailable):
            await asked(client)

    assert time.monotonic() - began < 4


async def test_a_server_whose_certificate_is_not_trusted_gets_no_token(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    seen: list[web.Request] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({})

    stranger = Authority.create(tmp_path_factory.mktemp("stranger"))
    async with answering(stranger, note) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable):
            await asked(client)

    assert seen == []


class Crowd:
    """Counts the requests that are under way at one time, by mailbox and in all."""

    def __init__(self, expected: int = 1) -> None:
        """The first ones are held until `expected` are under way, however slow the machine is."""
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self._expected = expected
        self._gathered = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        user = request.path.split("/")[3].casefold()
        for name in (user, "all"):
            self.now[name] += 1
            self.most[name] = max(self.most[name], self.now[name])
        if self.now["all"] >= self._expected:
            self._gathered.set()
        await asyncio.wait_for(self._gathered.wait(), 20)
        await asyncio.sleep(0.05)  # one too many would come in now
        self.now.subtract((user, "all"))
        return web.json_response({"id": "A"})


async def test_one_mailbox_gets_four_requests_at_once_at_most(authority: Authority) -> None:
    """An address is the same in any case; another mailbox has four of its own."""
    crowd = Crowd(expected=8)
    async with answering(authority, crowd.handle) as origin, client_of(origin) as client:
        await asyncio.gather(
            *(asked(client, ("one@example.com", "ONE@example.com")[n % 2]) for n in range(12)),
            *(asked(client, "two@example.com") for _ in range(12)),
        )

    assert (crowd.most["one@example.com"], crowd.most["two@example.com"]) == (4, 4)
    assert crowd.most["all"] == 8


async def test_a_stream_that_is_given_up_frees_its_place(authority: Authority) -> None:
    crowd = Crowd()
    async with answering(authority, crowd.handle) as origin, client_of(origin) as client:
        for _ in range(5):
            stream = MailboxReader(client).mime(ADDRESS, "AAA=")
            await anext(stream)
            await stream.aclose()
        async with asyncio.timeout(5):
            await asked(client)


async def test_a_request_that_is_cancelled_frees_its_place(authority: Authority) -> None:
    crowd = Crowd()
    async with answering(authority, crowd.handle) as origin, client_of(origin) as client:
        tasks = [asyncio.create_task(asked(client)) for _ in range(10)]
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(5):
            await asyncio.gather(*(asked(client) for _ in range(8)))
