"""Drafts, meetings, journal reports, and mail with and without a Message-ID."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from msgraph.generated.models.event_message import EventMessage
from msgraph.generated.models.event_message_request import EventMessageRequest
from msgraph.generated.models.event_message_response import EventMessageResponse
from msgraph.generated.models.meeting_message_type import MeetingMessageType
from msgraph.generated.models.message import Message

from sandbox.tenant.graph import Manner

from .conftest import MAILBOX, Service, refusal
from .published import PublishedTypes
from .samples import invoice, meeting, plain
from .sdk import sdk_client

pytestmark = pytest.mark.anyio


async def test_a_draft_says_so_and_has_no_headers_of_its_way(
    graph: Service, published: PublishedTypes
) -> None:
    draft = graph.tenant.deliver(MAILBOX, invoice(), "drafts", manner=Manner(draft=True))

    message = await graph.json(f"/messages/{draft.id}")
    selected = await graph.json(f"/messages/{draft.id}?$select=isDraft,internetMessageHeaders")

    assert (message["isDraft"], message["isRead"]) == (True, True)
    assert message["parentFolderId"] == (await graph.json("/mailFolders/drafts"))["id"]
    assert published.faults(message, "message") == []
    assert set(selected) == {"@odata.context", "@odata.etag", "id", "isDraft"}
    received = graph.tenant.deliver(MAILBOX, invoice())
    assert (await graph.json(f"/messages/{received.id}"))["isDraft"] is False


@pytest.mark.parametrize(
    ("method", "partstat", "model", "kind"),
    [
        ("REQUEST", "NEEDS-ACTION", EventMessageRequest, MeetingMessageType.MeetingRequest),
        ("CANCEL", "NEEDS-ACTION", EventMessage, MeetingMessageType.MeetingCancelled),
        ("REPLY", "ACCEPTED", EventMessageResponse, MeetingMessageType.MeetingAccepted),
        ("REPLY", "TENTATIVE", EventMessageResponse, MeetingMessageType.MeetingTenativelyAccepted),
        ("REPLY", "DECLINED", EventMessageResponse, MeetingMessageType.MeetingDeclined),
    ],
)
async def test_a_meeting_is_of_its_own_type_as_microsofts_client_reads_it(
    graph: Service,
    method: str,
    partstat: str,
    model: type[EventMessage],
    kind: MeetingMessageType,
) -> None:
    mail = graph.tenant.deliver(MAILBOX, meeting(method, partstat))
    builder = sdk_client(graph).users.by_user_id(MAILBOX).messages.by_message_id(mail.id)

    message = await builder.get()
    attachments = await builder.attachments.get()

    assert type(message) is model
    assert message.meeting_message_type == kind
    assert {name for name in message.additional_data if "@odata" not in name} == set()
    assert message.start_date_time is not None
    assert message.start_date_time.date_time == "2026-12-01T09:00:00.0000000"
    assert (message.has_attachments, message.subject) == (False, "Review")
    assert attachments is not None
    assert attachments.value == []


async def test_the_type_of_a_meeting_shows_wherever_the_message_does(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, meeting("REQUEST"))
    typed = {"@odata.type": "#microsoft.graph.eventMessageRequest"}

    selected = await graph.json(f"/messages/{mail.id}?$select=subject")
    (listed,) = (await graph.json("/mailFolders/inbox/messages?$select=id"))["value"]
    (changed,) = (await graph.json("/mailFolders/inbox/messages/delta?$select=id"))["value"]

    assert selected.items() >= typed.items()
    assert listed.items() >= typed.items()
    assert changed.items() >= typed.items()
    assert set(selected) == {"@odata.context", "@odata.type", "@odata.etag", "id", "subject"}
    answer = await graph.get(f"/messages/{mail.id}?$select=meetingMessageType")
    assert "'meetingMessageType'" in refusal(answer, 400, "BadRequest")


@pytest.mark.parametrize("named", ["attachment", "without a method"])
async def test_a_calendar_that_invites_nobody_is_a_file(graph: Service, named: str) -> None:
    mail = plain()
    disposition = "attachment" if named == "attachment" else "inline"
    mail.add_attachment("BEGIN:VCALENDAR", subtype="calendar", filename="x.ics", disposition=disposition)
    if named == "attachment":
        *_, part = mail.iter_attachments()
        part.set_param("method", "REQUEST")
    delivered = graph.tenant.deliver(MAILBOX, mail.as_bytes())

    message = await graph.json(f"/messages/{delivered.id}")
    (listed,) = (await graph.json(f"/messages/{delivered.id}/attachments"))["value"]

    assert "@odata.type" not in message
    assert (listed["name"], listed["contentType"]) == ("x.ics", "text/calendar")


async def test_a_journal_report_is_a_mail_with_the_reported_one_as_an_item(graph: Service) -> None:
    report = EmailMessage()
    report["From"] = "Microsoft Exchange <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.com>"
    report["Sender"] = "<MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.com>"
    report["X-MS-Journal-Report"] = ""
    report["Subject"] = "Hello"
    report.set_content("Sender: a@example.org\nSubject: Hello\nMessage-Id: <1@example.org>\n")
    report.add_attachment(plain())
    mail = graph.tenant.deliver(MAILBOX, report.as_bytes())

    message = await graph.json(f"/messages/{mail.id}?$select=from,sender,internetMessageHeaders")
    (reported,) = (await graph.json(f"/messages/{mail.id}/attachments"))["value"]

    address = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.com"
    assert message["from"]["emailAddress"] == {"name": "Microsoft Exchange", "address": address}
    assert message["sender"]["emailAddress"]["address"] == address
    assert {"name": "X-MS-Journal-Report", "value": ""} in message["internetMessageHeaders"]
    assert (reported["@odata.type"], reported["name"]) == ("#microsoft.graph.itemAttachment", "Hello")
    content = await graph.get(f"/messages/{mail.id}/attachments/{reported['id']}/$value")
    assert content.content == plain().as_bytes()


async def test_a_mail_from_nobody_has_no_author(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, b"From: <>\r\nSubject: Undeliverable\r\n\r\n")

    message = await sdk_client(graph).users.by_user_id(MAILBOX).messages.by_message_id(mail.id).get()

    assert isinstance(message, Message)
    assert (message.from_, message.sender) == (None, None)


async def test_a_mail_without_a_message_id_is_given_another_at_each_delivery(graph: Service) -> None:
    path = "?$select=internetMessageId,internetMessageHeaders"
    mails = [graph.tenant.deliver(MAILBOX, plain().as_bytes()) for _ in range(2)]

    messages = [await graph.json(f"/messages/{mail.id}{path}") for mail in mails]

    assert len({one["internetMessageId"] for one in messages}) == 2
    for one in messages:
        given = {"name": "Message-ID", "value": one["internetMessageId"]}
        assert given in one["internetMessageHeaders"]
    mime = await graph.get(f"/messages/{mails[0].id}/$value")
    assert mime.content == plain().as_bytes()
    graph.tenant.move(MAILBOX, mails[0].immutable_id, "archive")
    moved = await graph.json(f"/messages/{mails[0].immutable_id}{path}")
    assert moved["internetMessageId"] == messages[0]["internetMessageId"]


async def test_the_same_message_id_comes_twice(graph: Service) -> None:
    """It is unique nowhere: a mail to two lists arrives once by each."""
    mails = [graph.tenant.deliver(MAILBOX, invoice()) for _ in range(2)]

    messages = [await graph.json(f"/messages/{mail.id}") for mail in mails]

    assert [one["internetMessageId"] for one in messages] == ["<1@example.org>"] * 2
    assert messages[0]["id"] != messages[1]["id"]
    assert datetime.fromisoformat(messages[0]["receivedDateTime"]).tzinfo == UTC
