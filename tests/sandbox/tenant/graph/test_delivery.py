"""What a mail's MIME cannot say, and its delivery does: contacts, events, links, scans."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from sandbox.tenant.graph import Link, Manner, Scan
from sandbox.tenant.graph.subscriptions import Change

from .conftest import MAILBOX, Service, refusal
from .published import PublishedTypes
from .samples import PDF, invoice, plain, with_attachments

pytestmark = pytest.mark.anyio

VCARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN;CHARSET=utf-8:Ada Lovel\xc3\xa0ce\r\nEND:VCARD\r\n"
EVENT = (
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY;LANGUAGE=en:Review: two\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
LINKS = (
    Link("Plan.pdf", "https://contoso.example/plan"),
    Link("Folder", "https://contoso.example/" + "x" * 300, inline=True),
)


def with_contact_and_event() -> bytes:
    mail = plain("Contacts")
    mail.add_attachment(VCARD, "text", "vcard", filename="a.vcf")
    mail.add_attachment(EVENT, "text", "calendar", filename="e.ics")
    mail.add_attachment(b"BEGIN:VCARD\r\n", "text", "x-vcard", filename="nameless.vcf")
    return mail.as_bytes()


async def test_a_contact_and_an_event_of_outlook_are_items(graph: Service, published: PublishedTypes) -> None:
    mail = graph.tenant.deliver(MAILBOX, with_contact_and_event(), manner=Manner(outlook_items=True))
    path = f"/messages/{mail.id}/attachments"

    listed = (await graph.json(path))["value"]

    assert [one["name"] for one in listed] == ["Ada Lovelàce", "Review: two", "nameless.vcf"]
    for one, content in zip(listed, (VCARD, EVENT, b"BEGIN:VCARD\r\n"), strict=True):
        assert (one["@odata.type"], one["contentType"]) == ("#microsoft.graph.itemAttachment", None)
        assert published.faults(one, "attachment") == []
        assert one["size"] > len(content)
        assert (await graph.get(f"{path}/{one['id']}/$value")).content == content


async def test_the_same_parts_of_any_other_sender_are_files(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, with_contact_and_event())

    listed = (await graph.json(f"/messages/{mail.id}/attachments?$select=name,contentType"))["value"]

    assert [(one["name"], one["contentType"]) for one in listed[:2]] == [
        ("a.vcf", "text/vcard"),
        ("e.ics", "text/calendar"),
    ]
    assert {one["@odata.type"] for one in listed} == {"#microsoft.graph.fileAttachment"}


async def test_mails_within_mails_are_one_item_to_any_depth(graph: Service) -> None:
    """Only the outermost is an attachment: the others stand in its MIME."""
    mail = plain("depth 12")
    mail.add_attachment(PDF, "application", "pdf", filename="deep.pdf")
    for depth in range(11, -1, -1):
        outer = plain(f"depth {depth}")
        outer.add_attachment(mail)
        mail = outer
    delivered = graph.tenant.deliver(MAILBOX, mail.as_bytes())
    path = f"/messages/{delivered.id}/attachments"

    (item,) = (await graph.json(path))["value"]
    content = (await graph.get(f"{path}/{item['id']}/$value")).content

    assert item["name"] == "depth 1"
    within = next(iter(mail.iter_attachments())).get_content()
    assert isinstance(within, EmailMessage)
    assert content == within.as_bytes()
    assert content.count(b"message/rfc822") == 11


async def test_links_are_listed_last_and_lead_nowhere_in_this_version(
    graph: Service, published: PublishedTypes
) -> None:
    mail = graph.tenant.deliver(MAILBOX, invoice(), manner=Manner(links=LINKS))
    path = f"/messages/{mail.id}/attachments"

    plan, folder = (await graph.json(path))["value"][-2:]

    assert (plan["name"], plan["contentType"], plan["isInline"]) == ("Plan.pdf", "application/pdf", False)
    assert (folder["name"], folder["contentType"], folder["isInline"]) == ("Folder", None, True)
    assert 0 < plan["size"] < folder["size"] - 200, "it is that of what is known of the link"
    assert published.faults(plan, "attachment") == []
    refusal(await graph.get(f"{path}/{plan['id']}/$value"), 405, "ErrorInvalidRequest")
    refusal(await graph.get(f"{path}?$select=sourceUrl"), 400, "BadRequest")


async def test_a_mail_is_whole_before_anybody_is_told(graph: Service) -> None:
    seen: list[tuple[int, bool]] = []

    def told(change: Change) -> None:
        seen.append((len(change.message.attachments), change.message.is_draft))

    graph.tenant.listen(told)
    graph.tenant.deliver(MAILBOX, plain().as_bytes(), manner=Manner(links=LINKS, draft=True))

    assert seen == [(2, True)]


async def test_250_attachments_come_in_pages(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, with_attachments(250))
    link: str | None = f"{graph.user}/messages/{mail.id}/attachments?$select=name&$top=100"
    pages = []
    while link is not None:
        answer = (await graph.client.get(link)).json()
        pages.append([one["name"] for one in answer["value"]])
        link = answer.get("@odata.nextLink")
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [name for page in pages for name in page] == [f"{index}.pdf" for index in range(250)]


async def test_a_placeholder_stands_for_what_is_scanned_until_it_is_there(graph: Service) -> None:
    changes: list[str] = []
    mail = graph.tenant.deliver(MAILBOX, invoice(), manner=Manner(scan=Scan.PLACEHOLDER, links=LINKS))
    graph.tenant.listen(lambda change: changes.append(change.kind))
    path = f"/messages/{mail.id}"
    before = await graph.json(path)

    (item,) = (await graph.json(f"{path}/attachments"))["value"]
    within = (await graph.get(f"{path}/attachments/{item['id']}/$value")).content
    mime = (await graph.get(f"{path}/$value")).content

    assert (item["@odata.type"], item["name"]) == (
        "#microsoft.graph.itemAttachment",
        "ATP Scan In Progress",
    )
    assert before["hasAttachments"] is True
    assert within.rstrip() in mime
    assert b"X-Ticket: 4711" in mime
    assert b"<b>HTML</b>" in mime
    assert b"Rechnung" not in mime
    assert graph.tenant.messages(MAILBOX)[0].mime.size == len(mime)

    graph.tenant.end_scan(MAILBOX, mail.id)

    after = await graph.json(path)
    assert (after["id"], after["changeKey"] == before["changeKey"]) == (before["id"], False)
    assert changes == ["updated"]
    listed = (await graph.json(f"{path}/attachments"))["value"]
    assert len(listed) == 5
    assert item["id"] not in [one["id"] for one in listed]
    refusal(await graph.get(f"{path}/attachments/{item['id']}"), 404, "ErrorItemNotFound")
    assert (await graph.get(f"{path}/attachments/{listed[1]['id']}/$value")).content == PDF
    assert (await graph.get(f"{path}/$value")).content == invoice()


async def test_what_is_withheld_at_delivery_is_there_after_the_scan(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, invoice(), manner=Manner(scan=Scan.WITHHELD))
    path = f"/messages/{mail.id}/attachments"
    _, pdf, _ = (await graph.json(path))["value"]
    assert (await graph.get(f"{path}/{pdf['id']}/$value")).content == b""
    assert pdf["size"] > len(PDF)

    graph.tenant.end_scan(MAILBOX, mail.id)

    assert (await graph.get(f"{path}/{pdf['id']}/$value")).content == PDF


async def test_a_mail_without_attachments_is_not_scanned(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, plain().as_bytes(), manner=Manner(scan=Scan.PLACEHOLDER))
    assert (await graph.json(f"/messages/{mail.id}/attachments"))["value"] == []
    with pytest.raises(LookupError):
        graph.tenant.end_scan(MAILBOX, "AAMk")
