"""Graph's own printed examples, read by what the app reads its answers with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.graph.answers import (
    ATTACHMENT_PROPERTIES,
    MESSAGE_PROPERTIES,
    Attachment,
    ErrorAnswer,
    Message,
    Page,
    Subscription,
    mail_of,
)
from shared.identities import client_state
from shared.mail import Address, Header, Mail, vocabulary
from shared.mail_facts import clues_of
from shared.mail_kinds import AttachmentClue, Clues, nature_of
from shared.notification import Arrival, Care, items_in, judge

EXAMPLES = Path(__file__).parents[4] / "shared" / "reference" / "graph-examples"
KEY = "a secret of the tests"
BEFORE_ALL = datetime(2015, 1, 1, tzinfo=UTC)
"""No printed subscription has ended then."""
KINDS = {
    "message": Message,
    "messages": Page[Message],
    "attachment": Attachment,
    "attachments": Page[Attachment],
    "subscription": Subscription,
    "subscriptions": Page[Subscription],
    "error": ErrorAnswer,
}


def kind_of(data: Any, name: str) -> str | None:
    """What a printed body is, from the body itself and, where it does not say, from the page it is on."""
    if not isinstance(data, dict):
        return None
    items = data.get("value")
    if isinstance(items, list):
        if "validationTokens" in data or any("clientState" in item and "id" not in item for item in items):
            return "notifications"
        if name.startswith("webhooks"):
            return "notifications"
        single = kind_of(items[0], name) if items else None
        return f"{single}s" if single in ("message", "attachment", "subscription") else None
    if set(data) == {"error"}:
        return "error"
    if "subscriptionId" in data:
        return "notification"
    if str(data.get("@odata.type", "")).endswith("Attachment"):
        return "attachment"
    if "notificationUrl" in data or set(data) == {"expirationDateTime"}:
        return "subscription"
    return "message" if {"subject", "internetMessageHeaders"} & set(data) else None


def examples() -> Iterator[tuple[str, bytes, str]]:
    """File, body and kind of each printed body that the app can meet; nothing where they are not beside."""
    if not (EXAMPLES / "index.json").is_file():
        return
    for one in json.loads((EXAMPLES / "index.json").read_text(encoding="utf-8"))["examples"]:
        if one["valid_json"]:
            body = (EXAMPLES / one["file"]).read_bytes()
            kind = kind_of(json.loads(body), one["file"])
            if kind is not None:
                yield one["file"], body, kind


def of_kinds(*kinds: str) -> list[Any]:
    """The examples of these kinds, as parameters of a test."""
    found = [pytest.param(body, kind, id=file) for file, body, kind in examples() if kind in kinds]
    why = pytest.mark.skip(reason="Graph's printed examples are not beside the checkout")
    return found or [pytest.param(b"", "", id="none", marks=why)]


SELECTED = {
    "message": {"message_get_01", "message_get_02", "single_value_prop_01"},
    "messages": {
        "message_delta_01",
        "folder_messages_01",
        "user_messages_01",
        "delta_messages2021_01",
        "delta_messages2021_02",
        "delta_messages2021_03",
    },
    "attachment": {"attachment_get_01", "attachment_get_02", "attachment_get_03", "attachment_get_05"},
    "attachments": {"attachments_list_01"},
    "subscription": {
        "subscription_create_01",
        "subscription_create_02",
        "subscription_get_01",
        "subscription_update_01",
        "subscription_update_02",
        "webhooks_01",
        "webhooks_02",
        "lifecycle2021_01",
        "lifecycle2021_05",
        "rich_01",
        "rich_02",
    },
    "subscriptions": {"subscription_list_01"},
    "notification": {"res_changenotification_01"},
    "notifications": {
        "res_changenotificationcollection_01",
        "webhooks_03",
        "lifecycle2021_02",
        "lifecycle2021_03",
        "eventhub_01",
    },
    "error": {"error_01", "error_02", "error_access_policy_01", "delta_overview_01"},
}
"""Each printed body that the app can meet."""
OF_OTHER_KINDS = {
    "batch_01",
    "batch_02",
    "batch_03",
    "error_03",
    "eventhub_02",
    "res_encryptedcontent_01",
    "res_resourcedata_01",
    "translate_ids_01",
    "translate_ids_02",
}
"""Batches, the inside of an error or of a notification, a body of an event hub, translated ids."""


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="Graph's printed examples are not beside the checkout")
def test_no_example_is_forgotten() -> None:
    """A change of their form must not let the tests below run on less."""
    selected: dict[str, set[str]] = {}
    for file, _, kind in examples():
        selected.setdefault(kind, set()).add(file.removesuffix(".json"))

    assert selected == SELECTED
    printed = {file.stem for file in EXAMPLES.glob("*.json")} - {"index"}
    assert printed == set().union(*SELECTED.values()) | OF_OTHER_KINDS


@pytest.mark.parametrize(("body", "kind"), of_kinds(*KINDS))
def test_a_printed_answer_is_decoded(body: bytes, kind: str) -> None:
    answer = msgspec.json.decode(body, type=KINDS[kind], strict=False)
    if isinstance(answer, Message):
        assert answer.id
        assert isinstance(mail_of(answer), Mail)
    if isinstance(answer, Page):
        assert answer.value
    if isinstance(answer, ErrorAnswer):
        assert answer.error.code == json.loads(body)["error"].get("code")
    if isinstance(answer, Subscription):
        assert answer.expires


@pytest.mark.parametrize(("body", "kind"), of_kinds("notifications", "notification"))
def test_a_printed_notification_of_another_sender_is_dropped_and_breaks_nothing(
    body: bytes, kind: str
) -> None:
    data = json.loads(body)
    collection = {"value": [data]} if kind == "notification" else data
    judgement = judge(items_in(json.dumps(collection).encode()), [KEY], ["invoices"], BEFORE_ALL)
    assert judgement.arrivals == []
    assert judgement.cares == []
    assert dict(judgement.dropped) == (
        {"client-state": len(collection["value"])} if collection["value"] else {}
    )


@pytest.mark.parametrize(("body", "kind"), of_kinds("notifications", "notification"))
def test_a_printed_notification_with_true_ids_and_client_state_is_taken(body: bytes, kind: str) -> None:
    """The placeholders of the page are filled in; all else stays as printed."""
    data = json.loads(body)
    items = [data] if kind == "notification" else data["value"]
    for item in items:
        item["clientState"] = client_state("invoices", KEY)
        item["subscriptionId"] = "76222963-cc7b-42d2-882d-8aaa69cb2ba3"
        if "lifecycleEvent" not in item:
            item["changeType"] = "created"
            item["resourceData"]["id"] = "AAMkAGUwNjQ4ZjIxLTQ3Y2YtNDViMi1iZjc4LTMA="
    judgement = judge(items_in(json.dumps({"value": items}).encode()), [KEY], ["invoices"], BEFORE_ALL)
    assert len(judgement.arrivals) + len(judgement.cares) == len(items)
    assert set(judgement.arrivals) <= {Arrival("invoices", "AAMkAGUwNjQ4ZjIxLTQ3Y2YtNDViMi1iZjc4LTMA=")}
    assert {care.subscription for care in judgement.cares} <= {"76222963-cc7b-42d2-882d-8aaa69cb2ba3"}
    assert all(isinstance(care, Care) for care in judgement.cares)
    assert not judgement.dropped


def test_only_what_is_decoded_is_asked_for() -> None:
    assert MESSAGE_PROPERTIES == [
        "id",
        "subject",
        "sender",
        "from",
        "toRecipients",
        "ccRecipients",
        "bccRecipients",
        "replyTo",
        "receivedDateTime",
        "sentDateTime",
        "importance",
        "internetMessageId",
        "conversationId",
        "categories",
        "internetMessageHeaders",
        "webLink",
        "parentFolderId",
        "isDraft",
    ]
    assert ATTACHMENT_PROPERTIES == ["id", "name", "contentType", "size", "isInline"]


@pytest.mark.parametrize(
    ("odata_type", "kind"),
    [
        ("#microsoft.graph.fileAttachment", "file"),
        ("microsoft.graph.itemAttachment", "item"),
        ("#Microsoft.Graph.ReferenceAttachment", "reference"),
        ("#microsoft.graph.newAttachment", "new"),
        ("#microsoft.graph.attachment", "file"),
        ("", "file"),
    ],
)
def test_the_kind_of_an_attachment_is_told_in_any_case(odata_type: str, kind: str) -> None:
    assert Attachment(odata_type=odata_type).kind == kind


@pytest.mark.parametrize("body", [b"{}", json.dumps(dict.fromkeys(MESSAGE_PROPERTIES[1:])).encode()])
def test_a_message_without_anything_is_an_empty_mail(body: bytes) -> None:
    """A draft has no sender, a bounce may have no From: Graph leaves them out, or says null."""
    assert mail_of(msgspec.json.decode(body, type=Message)) == Mail()


def test_null_within_a_message_is_left_out_or_empty() -> None:
    message = {
        "from": {"emailAddress": None},
        "sender": {"emailAddress": {"name": None, "address": "a@example.com"}},
        "toRecipients": [{"emailAddress": None}, {"emailAddress": {"name": "B"}}, {}],
        "categories": [None, "Blue", ""],
        "internetMessageHeaders": [{"name": None, "value": "x"}, {"name": "X-Empty", "value": None}],
    }
    mail = mail_of(msgspec.convert(message, Message))
    assert mail.from_ == Address()
    assert mail.sender == Address("", "a@example.com")
    assert mail.to == (Address("B", ""),)
    assert mail.categories == ("Blue",)
    assert [header.name for header in mail.headers] == ["X-Empty"]
    assert mail.header("x-empty") == ""


def test_where_a_message_stands_and_what_opens_it_are_facts_of_its_mail() -> None:
    mail = mail_of(Message(web_link="https://outlook.example/A", parent_folder_id="F"), "Inbox")

    assert (mail.folder, mail.link) == ("Inbox", "https://outlook.example/A")


def test_the_nature_of_a_message_is_told_from_what_graph_says() -> None:
    body = {
        "@odata.type": "#microsoft.graph.eventMessageRequest",
        "isDraft": "true",
        "from": {"emailAddress": {"address": "ada@example.com"}},
        "sender": None,
        "internetMessageHeaders": [{"name": "X-A", "value": None}, {"name": None, "value": "x"}],
    }
    message = msgspec.json.decode(json.dumps(body).encode(), type=Message, strict=False)

    clues = clues_of(
        mail_of(message),
        message,
        [Attachment(name=None, content_type="text/x")],
        frozenset({"a@example.com"}),
    )

    assert clues == Clues(
        headers=(Header("X-A", ""),),
        odata_type="#microsoft.graph.eventMessageRequest",
        is_draft=True,
        attachments=(AttachmentClue("", "text/x"),),
        senders=("ada@example.com", ""),
        own=frozenset({"a@example.com"}),
    )
    assert nature_of(clues).kind == "draft"
    assert nature_of(replace(clues, is_draft=False)).kind == "meeting"


def _perhaps(values: some.SearchStrategy[Any]) -> some.SearchStrategy[Any]:
    return some.none() | values


def _partly(**fields: some.SearchStrategy[Any]) -> some.SearchStrategy[dict[str, Any]]:
    """Objects in which each property may be absent, or null."""
    return some.fixed_dictionaries({}, optional={name: _perhaps(values) for name, values in fields.items()})


_texts = some.text(max_size=20)
_recipients = _partly(emailAddress=_partly(name=_texts, address=_texts))
_headers = _partly(name=_texts, value=_texts)
_messages = _partly(
    **{"from": _recipients},
    subject=_texts,
    sender=_recipients,
    toRecipients=some.lists(_recipients, max_size=3),
    ccRecipients=some.lists(_recipients, max_size=3),
    bccRecipients=some.lists(_recipients, max_size=3),
    replyTo=some.lists(_recipients, max_size=3),
    receivedDateTime=_texts,
    categories=some.lists(_perhaps(_texts), max_size=3),
    internetMessageHeaders=some.lists(_headers, max_size=3),
    body=_partly(content=_texts),
)


@given(_messages)
def test_whatever_is_absent_or_null_a_message_becomes_a_mail(data: dict[str, Any]) -> None:
    mail = mail_of(msgspec.json.decode(json.dumps(data).encode(), type=Message))

    assert msgspec.json.decode(msgspec.json.encode(mail), type=Mail) == mail
    assert mail.subject == (data.get("subject") or "")
    assert len(mail.to) <= len(data.get("toRecipients") or ())
    names = vocabulary(mail, (), "invoices", "invoices@example.com")
    assert all(isinstance(str(value), str) for value in names.values())


def test_booleans_and_numbers_that_come_as_text_are_read() -> None:
    """Graph's delta pages have printed `"isRead": "true"`."""
    body = b'{"id": "1", "isInline": "true", "size": "42"}'
    attachment = msgspec.json.decode(body, type=Attachment, strict=False)
    assert (attachment.is_inline, attachment.size) == (True, 42)


@pytest.mark.parametrize(
    ("odata_type", "kind"),
    [
        ("#microsoft.graph.fileAttachment", "file"),
        ("microsoft.graph.fileAttachment", "file"),
        ("#microsoft.graph.itemAttachment", "item"),
        ("#microsoft.graph.referenceAttachment", "reference"),
        ("", "file"),
    ],
)
def test_the_kind_of_an_attachment_is_that_of_its_type(odata_type: str, kind: str) -> None:
    assert Attachment(odata_type=odata_type).kind == kind


@pytest.mark.parametrize(
    ("text", "expires"),
    [
        ("2016-11-20T18:23:45.9356913Z", datetime(2016, 11, 20, 18, 23, 45, 935691, UTC)),
        ("2016-11-20T18:23:45Z", datetime(2016, 11, 20, 18, 23, 45, 0, UTC)),
        ("2016-11-20T23:23:45+05:00", datetime(2016, 11, 20, 18, 23, 45, 0, UTC)),
        ("2016-11-20T18:23:45", None),
        ("NA", None),
        ("", None),
        (None, None),
    ],
)
def test_the_end_of_a_subscription_is_read_with_its_zone(text: str | None, expires: datetime | None) -> None:
    assert Subscription(expiration_date_time=text).expires == expires
