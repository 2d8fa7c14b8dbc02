"""Messages and their MIME."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from sandbox.tenant.graph import Delivered

from .conftest import IMMUTABLE, MAILBOX, Service, refusal
from .published import PublishedTypes
from .samples import PDF, PICTURE, invoice, plain

pytestmark = pytest.mark.anyio


@pytest.fixture
def mail(graph: Service) -> Delivered:
    return graph.tenant.deliver(MAILBOX, invoice())


async def test_a_message_has_the_properties_of_its_mail(graph: Service, mail: Delivered) -> None:
    message = await graph.json(f"/messages/{mail.id}")
    assert message["subject"] == "Überweisung №1"
    assert message["from"] == {"emailAddress": {"name": "Doe, Jörg", "address": "joerg@example.org"}}
    assert message["sender"] == {"emailAddress": {"name": "Office", "address": "office@example.org"}}
    assert [one["emailAddress"]["address"] for one in message["toRecipients"]] == [
        "invoices@example.com",
        "second@example.com",
    ]
    assert message["ccRecipients"][0]["emailAddress"] == {
        "name": "third@example.com",
        "address": "third@example.com",
    }
    assert message["replyTo"][0]["emailAddress"]["address"] == "answers@example.org"
    assert message["bccRecipients"] == []
    assert message["receivedDateTime"] == "2026-11-24T09:30:15Z"
    assert message["sentDateTime"] == "2026-11-24T09:30:00Z"
    assert message["internetMessageId"] == "<1@example.org>"
    assert message["importance"] == "high"
    assert message["hasAttachments"] is True
    assert message["body"]["contentType"] == "html"
    assert "<b>HTML</b>" in message["body"]["content"]
    assert message["bodyPreview"] == "As HTML"
    assert message["isRead"] is False
    assert message["@odata.etag"] == f'W/"{message["changeKey"]}"'
    assert message["@odata.context"].endswith("/messages/$entity")


async def test_headers_come_only_when_they_are_selected(graph: Service, mail: Delivered) -> None:
    assert "internetMessageHeaders" not in await graph.json(f"/messages/{mail.id}")
    message = await graph.json(f"/messages/{mail.id}?$select=internetMessageHeaders")
    assert {"name": "X-Ticket", "value": "4711"} in message["internetMessageHeaders"]
    assert set(message) == {"@odata.context", "@odata.etag", "id", "internetMessageHeaders"}


async def test_select_brings_what_is_named_and_the_id(graph: Service, mail: Delivered) -> None:
    message = await graph.json(f"/messages/{mail.id}?$select=subject,from")
    assert set(message) == {"@odata.context", "@odata.etag", "id", "subject", "from"}
    assert message["@odata.context"].endswith("/messages(subject,from)/$entity")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("$select=nothing", "Could not find a property named 'nothing' on type 'microsoft.graph.message'"),
        ("$select=Subject", "'Subject'"),
        ("$select=attachments", "'attachments'"),
        ("$select=", "''"),
        ("select=subject", "'select' is not supported"),
        ("$filter=isRead%20eq%20false", "'$filter' is not supported"),
        ("$select=id&$select=subject", "more than once"),
        ("$expand=extensions", "'extensions'"),
        ("$expand=attachments($top=1)", "not valid"),
        ("$expand=attachments($select=contentBytes)", "'contentBytes' on type 'microsoft.graph.attachment'"),
    ],
)
async def test_an_unknown_option_or_property_is_refused(
    graph: Service, mail: Delivered, options: str, words: str
) -> None:
    answer = await graph.get(f"/messages/{mail.id}?{options}")
    assert words in refusal(answer, 400, "BadRequest")


async def test_attachments_can_be_expanded_within_the_message(
    graph: Service, mail: Delivered, published: PublishedTypes
) -> None:
    message = await graph.json(f"/messages/{mail.id}?$select=subject&$expand=attachments($select=name,size)")
    assert [one["name"] for one in message["attachments"]] == [
        "logo.png",
        "Rechnung ä.pdf",
        "A mail within",
    ]
    assert set(message["attachments"][1]) == {"@odata.type", "id", "name", "size"}
    assert message["attachments@odata.context"].endswith("/attachments(name,size)")
    whole = await graph.json(f"/messages/{mail.id}?$expand=attachments")
    assert base64.b64decode(whole["attachments"][1]["contentBytes"]) == PDF
    assert published.faults(whole, "message") == []


async def test_every_property_of_a_message_is_published(
    graph: Service, mail: Delivered, published: PublishedTypes
) -> None:
    usual = await graph.json(f"/messages/{mail.id}")
    rare = "conversationIndex,internetMessageHeaders,uniqueBody"
    assert published.faults(usual, "message") == []
    assert published.faults(await graph.json(f"/messages/{mail.id}?$select={rare}"), "message") == []
    assert published.faults({**usual, "sizeInBytes": 1}, "message") == ["/sizeInBytes"]


async def test_mime_is_what_was_delivered(graph: Service, mail: Delivered) -> None:
    answer = await graph.get(f"/messages/{mail.id}/$value")
    assert answer.content == invoice()
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["Content-Length"] == str(len(invoice()))
    assert answer.headers["request-id"]


async def test_mime_of_many_megabytes_is_streamed_whole(graph: Service) -> None:
    large = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 200_000
    mail = graph.tenant.deliver(MAILBOX, large)
    answer = await graph.get(f"/messages/{mail.id}/$value")
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(large).digest()


async def test_mime_takes_no_query_options(graph: Service, mail: Delivered) -> None:
    refusal(await graph.get(f"/messages/{mail.id}/$value?$select=id"), 400, "BadRequest")


async def test_both_kinds_of_ids_reach_a_message_and_the_header_decides_which_is_answered(
    graph: Service, mail: Delivered
) -> None:
    for used in (mail.id, mail.immutable_id):
        assert (await graph.json(f"/messages/{used}"))["id"] == mail.id
        answer = await graph.get(f"/messages/{used}", **IMMUTABLE)
        assert answer.json()["id"] == mail.immutable_id
        assert answer.headers["Preference-Applied"] == 'IdType="ImmutableId"'
    assert (await graph.json(f"/messages/{mail.id}", Prefer="IdType=ImmutableId"))["id"] == mail.id


async def test_an_id_in_the_wrong_case_is_no_id(graph: Service, mail: Delivered) -> None:
    message = refusal(await graph.get(f"/messages/{mail.id.lower()}"), 400, "ErrorInvalidIdMalformed")
    assert message == "Id is malformed."
    for known in (mail.id, mail.immutable_id):
        swapped = known[:20] + known[20:].swapcase()
        message = refusal(await graph.get(f"/messages/{swapped}"), 404, "ErrorItemNotFound")
        assert message == "The specified object was not found in the store."


@pytest.mark.parametrize("text", ["x", "AAMk", "AAMkA" + "!" * 40, "a" * 4_000])
async def test_what_cannot_be_an_id_is_malformed(graph: Service, text: str) -> None:
    refusal(await graph.get(f"/messages/{text}"), 400, "ErrorInvalidIdMalformed")


async def test_a_move_changes_the_regular_id_alone(graph: Service, mail: Delivered) -> None:
    before = await graph.json(f"/messages/{mail.id}")
    moved = graph.tenant.move(MAILBOX, mail.immutable_id, "archive")
    assert (moved.immutable_id, moved.received) == (mail.immutable_id, mail.received)
    assert moved.id != mail.id
    refusal(await graph.get(f"/messages/{mail.id}"), 404, "ErrorItemNotFound")
    after = await graph.json(f"/messages/{mail.immutable_id}")
    assert after["id"] == moved.id
    assert after["parentFolderId"] == (await graph.json("/mailFolders/archive"))["id"]
    assert after["changeKey"] != before["changeKey"]


async def test_a_message_is_reached_by_its_own_folder_alone(graph: Service, mail: Delivered) -> None:
    inbox = (await graph.json("/mailFolders/inbox"))["id"]
    for folder in ("inbox", "Inbox", inbox):
        assert (await graph.json(f"/mailFolders/{folder}/messages/{mail.id}"))["id"] == mail.id
    assert (await graph.get(f"/mailFolders/inbox/messages/{mail.id}/$value")).content == invoice()
    refusal(await graph.get(f"/mailFolders/drafts/messages/{mail.id}"), 404, "ErrorItemNotFound")


async def test_a_mailbox_is_reached_by_address_in_any_case_and_by_object_id(
    graph: Service, mail: Delivered
) -> None:
    for user in (MAILBOX.upper(), graph.tenant.mailbox(MAILBOX).id):
        answer = await graph.client.get(f"{graph.root}/users/{user}/messages/{mail.id}")
        assert answer.json()["id"] == mail.id


async def test_the_mail_of_another_mailbox_is_not_found(graph: Service, mail: Delivered) -> None:
    graph.tenant.add_mailbox("other@example.com")
    answer = await graph.client.get(f"{graph.root}/users/other@example.com/messages/{mail.id}")
    refusal(answer, 404, "ErrorItemNotFound")


async def test_an_unknown_user_is_not_found(graph: Service, mail: Delivered) -> None:
    answer = await graph.client.get(f"{graph.root}/users/nobody@example.com/messages/{mail.id}")
    assert refusal(answer, 404, "ErrorInvalidUser") == "The requested user 'nobody@example.com' is invalid."
    answer = await graph.client.get(
        f"{graph.root}/users/11111111-0000-4000-8000-000000000000/messages/{mail.id}"
    )
    refusal(answer, 404, "ResourceNotFound")


async def test_a_mail_without_any_header_is_delivered(graph: Service, published: PublishedTypes) -> None:
    mail = graph.tenant.deliver(MAILBOX, b"")
    message = await graph.json(f"/messages/{mail.id}")
    assert (message["from"], message["subject"], message["toRecipients"]) == (None, None, [])
    assert message["sentDateTime"] == message["receivedDateTime"]
    assert message["internetMessageId"].startswith("<")
    assert published.faults(message, "message") == []


async def test_the_tenant_tells_what_graph_would_answer(graph: Service, tmp_path: Path) -> None:
    source = tmp_path / "one.eml"
    source.write_bytes(invoice())
    mail = graph.tenant.deliver(MAILBOX, source)
    graph.tenant.deliver(MAILBOX, plain().as_bytes(), "archive")
    held, other = graph.tenant.messages(MAILBOX)
    assert (held.immutable_id, held.received, held.source) == (mail.immutable_id, mail.received, source)
    assert (held.mime.size, held.mime.sha256) == (len(invoice()), hashlib.sha256(invoice()).hexdigest())
    files, within = held.files[:2], held.files[2]
    assert [(one.name, one.file.size) for one in files] == [
        ("logo.png", len(PICTURE)),
        ("Rechnung ä.pdf", len(PDF)),
    ]
    assert (within.name, within.file.path.read_bytes()) == (
        "A mail within",
        plain("A mail within").as_bytes(),
    )
    assert held.files[1].file.sha256 == hashlib.sha256(PDF).hexdigest()
    assert (other.source, other.files) == (None, ())


async def test_delivery_to_what_is_not_there_fails(graph: Service) -> None:
    for mailbox, folder in (("nobody@example.com", "inbox"), (MAILBOX, "inbox/Missing")):
        with pytest.raises(LookupError):
            graph.tenant.deliver(mailbox, b"", folder)
    with pytest.raises(ValueError, match="exists"):
        graph.tenant.add_mailbox(MAILBOX.upper())
