"""Attachments: their list, their properties, their bytes."""

from __future__ import annotations

import base64
import email

import pytest

from sandbox.tenant.graph import Delivered

from .conftest import IMMUTABLE, MAILBOX, Service, refusal
from .published import PublishedTypes
from .samples import PDF, PICTURE, invoice, plain, with_attachments

pytestmark = pytest.mark.anyio


@pytest.fixture
def mail(graph: Service) -> Delivered:
    return graph.tenant.deliver(MAILBOX, invoice())


async def test_a_list_has_files_with_their_bytes_and_mails_without(graph: Service, mail: Delivered) -> None:
    picture, pdf, within = (await graph.json(f"/messages/{mail.id}/attachments"))["value"]
    assert picture["@odata.type"] == pdf["@odata.type"] == "#microsoft.graph.fileAttachment"
    assert within["@odata.type"] == "#microsoft.graph.itemAttachment"
    assert (picture["isInline"], picture["contentId"]) == (True, "logo")
    assert (pdf["isInline"], pdf["contentId"], pdf["contentLocation"]) == (False, None, None)
    assert (pdf["name"], pdf["contentType"]) == ("Rechnung ä.pdf", "application/pdf")
    assert base64.b64decode(pdf["contentBytes"]) == PDF
    assert (within["name"], within["contentType"], within["isInline"]) == ("A mail within", None, False)
    assert "contentBytes" not in within


async def test_the_size_is_above_that_of_the_file(graph: Service, mail: Delivered) -> None:
    """Exchange counts what it stores with the file."""
    _, pdf, _ = (await graph.json(f"/messages/{mail.id}/attachments"))["value"]
    assert len(PDF) < pdf["size"] < len(PDF) + 1000


async def test_select_leaves_the_bytes_out_and_names_those_of_a_file_with_its_type(
    graph: Service, mail: Delivered
) -> None:
    path = f"/messages/{mail.id}/attachments"
    _, pdf, _ = (await graph.json(f"{path}?$select=id,name,contentType,size,isInline"))["value"]
    assert set(pdf) == {"@odata.type", "id", "name", "contentType", "size", "isInline"}
    select = "name,microsoft.graph.fileAttachment/contentId"
    picture, _, within = (await graph.json(f"{path}?$select={select}"))["value"]
    assert set(picture) == {"@odata.type", "id", "name", "contentId"}
    assert set(within) == {"@odata.type", "id", "name"}
    for name in ("contentBytes", "contentId", "subject"):
        message = refusal(await graph.get(f"{path}?$select={name}"), 400, "BadRequest")
        assert f"'{name}' on type 'microsoft.graph.attachment'" in message


async def test_thirty_attachments_come_in_pages_that_are_linked(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, with_attachments(30))
    link: str | None = f"{graph.user}/messages/{mail.id}/attachments?$select=name"
    pages = []
    while link is not None:
        answer = (await graph.client.get(link)).json()
        assert all(set(one) == {"@odata.type", "id", "name"} for one in answer["value"])
        pages.append([one["name"] for one in answer["value"]])
        link = answer.get("@odata.nextLink")
    assert [len(page) for page in pages] == [10, 10, 10]
    assert [name for page in pages for name in page] == [f"{index}.pdf" for index in range(30)]


async def test_top_gives_the_size_of_a_page(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, with_attachments(4))
    first = await graph.json(f"/messages/{mail.id}/attachments?$top=3")
    assert len(first["value"]) == 3
    second = (await graph.client.get(first["@odata.nextLink"])).json()
    assert len(second["value"]) == 1
    assert "@odata.nextLink" not in second
    for options in ("$top=0", "$top=-1", "$top=x", "$top=1001", "$skip=x", "$count=true", "top=3"):
        refusal(await graph.get(f"/messages/{mail.id}/attachments?{options}"), 400, "BadRequest")


async def test_one_attachment_and_its_bytes(graph: Service, mail: Delivered) -> None:
    path = f"/messages/{mail.id}/attachments"
    listed = (await graph.json(path))["value"]
    for attachment in listed:
        single = await graph.json(f"{path}/{attachment['id']}")
        assert single.pop("@odata.context").endswith("/attachments/$entity")
        assert single == attachment
    picture, pdf, within = [await graph.get(f"{path}/{one['id']}/$value") for one in listed]
    assert (picture.content, picture.headers["Content-Type"]) == (PICTURE, "image/png")
    assert (pdf.content, pdf.headers["Content-Type"]) == (PDF, "application/pdf")
    assert pdf.headers["Content-Length"] == str(len(PDF))
    assert within.headers["Content-Type"] == "text/plain"
    assert email.message_from_bytes(within.content)["Subject"] == "A mail within"


async def test_a_link_has_no_bytes(graph: Service, mail: Delivered, published: PublishedTypes) -> None:
    graph.tenant.add_reference_attachment(MAILBOX, mail.id, "Shared.xlsx", "application/vnd.ms-excel")
    path = f"/messages/{mail.id}/attachments"
    listed = (await graph.json(path))["value"]
    assert listed[-1]["@odata.type"] == "#microsoft.graph.referenceAttachment"
    assert [fault for one in listed for fault in published.faults(one, "attachment")] == []
    answer = await graph.get(f"{path}/{listed[-1]['id']}/$value")
    assert "only supported for File Attachments" in refusal(answer, 405, "ErrorInvalidRequest")


async def test_ids_of_attachments_are_of_both_kinds_and_outlive_a_move_when_immutable(
    graph: Service, mail: Delivered
) -> None:
    regular = (await graph.json(f"/messages/{mail.id}/attachments"))["value"][1]["id"]
    stable = (await graph.json(f"/messages/{mail.id}/attachments", **IMMUTABLE))["value"][1]["id"]
    assert regular != stable
    for used in (regular, stable):
        single = await graph.json(f"/messages/{mail.immutable_id}/attachments/{used}", **IMMUTABLE)
        assert single["id"] == stable
    graph.tenant.move(MAILBOX, mail.id, "archive")
    path = f"/messages/{mail.immutable_id}/attachments"
    assert (await graph.get(f"{path}/{stable}/$value")).content == PDF
    refusal(await graph.get(f"{path}/{regular}"), 404, "ErrorItemNotFound")
    refusal(await graph.get(f"{path}/{stable[:20]}{stable[20:].swapcase()}"), 404, "ErrorItemNotFound")
    refusal(await graph.get(f"{path}/1"), 400, "ErrorInvalidIdMalformed")


async def test_a_mail_with_pictures_in_its_text_alone_has_no_attachments_by_its_own_word(
    graph: Service,
) -> None:
    """`hasAttachments` ignores what is inline; the list does not."""
    mail = plain()
    mail.add_alternative("<img src='cid:a'>", subtype="html")
    mail.add_attachment(PICTURE, maintype="image", subtype="png", cid="<a>", disposition="inline")
    delivered = graph.tenant.deliver(MAILBOX, mail.as_bytes())
    assert (await graph.json(f"/messages/{delivered.id}"))["hasAttachments"] is False
    listed = (await graph.json(f"/messages/{delivered.id}/attachments"))["value"]
    assert [(one["name"], one["isInline"]) for one in listed] == [("ATT00001.png", True)]


async def test_contact_and_event_are_items_with_a_form_of_their_own(
    graph: Service, published: PublishedTypes
) -> None:
    mail = graph.tenant.deliver(MAILBOX, plain().as_bytes())
    contents = [b"BEGIN:VCARD\r\nEND:VCARD\r\n", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"]
    for name, content in zip(("Ada", "Meeting"), contents, strict=True):
        graph.tenant.add_item_attachment(MAILBOX, mail.id, name, content)
    path = f"/messages/{mail.id}/attachments"

    listed = (await graph.json(path))["value"]

    assert [(one["@odata.type"], one["contentType"]) for one in listed] == [
        ("#microsoft.graph.itemAttachment", None)
    ] * 2
    assert [fault for one in listed for fault in published.faults(one, "attachment")] == []
    assert [(await graph.get(f"{path}/{one['id']}/$value")).content for one in listed] == contents
    assert [one.file.path.read_bytes() for one in graph.tenant.messages(MAILBOX)[0].files] == contents


async def test_an_item_without_a_raw_form_is_refused_as_a_link_is(graph: Service) -> None:
    mail = graph.tenant.deliver(MAILBOX, plain().as_bytes())
    item = graph.tenant.add_item_attachment(MAILBOX, mail.id, "A task", None)

    answer = await graph.get(f"/messages/{mail.id}/attachments/{item.ids.regular}/$value")

    refusal(answer, 405, "ErrorInvalidRequest")
    assert graph.tenant.messages(MAILBOX)[0].files == ()


async def test_what_is_scanned_has_its_size_but_no_bytes_yet(graph: Service, mail: Delivered) -> None:
    path = f"/messages/{mail.id}/attachments"
    before = (await graph.json(path))["value"]
    graph.tenant.withhold_content(MAILBOX, mail.id)

    withheld = (await graph.json(path))["value"]

    assert [one["size"] for one in withheld] == [one["size"] for one in before]
    assert [one["contentBytes"] for one in withheld if "contentBytes" in one] == ["", ""]
    for one in withheld:
        answer = await graph.get(f"{path}/{one['id']}/$value")
        assert (answer.status_code, answer.content) == (200, b"")
    graph.tenant.withhold_content(MAILBOX, mail.id, False)
    assert (await graph.json(path))["value"] == before
