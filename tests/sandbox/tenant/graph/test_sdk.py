"""Microsoft's own client and models read every answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.generated.models.item_attachment import ItemAttachment
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.reference_attachment import ReferenceAttachment
from msgraph.generated.models.subscription import Subscription
from msgraph.graph_service_client import GraphServiceClient

from .conftest import IMMUTABLE, MAILBOX, Receiver, Service
from .samples import PDF, invoice, with_attachments
from .sdk import sdk_client

pytestmark = [
    pytest.mark.anyio,
    # The SDK warns of itself when its modules are imported.
    pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This class is deprecated:DeprecationWarning"),
]


@pytest.fixture
def client(graph: Service) -> GraphServiceClient:
    return sdk_client(graph)


def preferring_immutable_ids() -> RequestConfiguration[Any]:
    configuration: RequestConfiguration[Any] = RequestConfiguration()
    configuration.headers.add("Prefer", IMMUTABLE["Prefer"])
    return configuration


async def test_messages_mime_and_attachments(graph: Service, client: GraphServiceClient) -> None:
    mail = graph.tenant.deliver(MAILBOX, invoice())
    graph.tenant.add_reference_attachment(MAILBOX, mail.id, "Shared.xlsx", "application/vnd.ms-excel")
    builder = client.users.by_user_id(MAILBOX).messages.by_message_id(mail.id)
    message = await builder.get(preferring_immutable_ids())
    assert message is not None
    assert message.id == mail.immutable_id
    assert message.received_date_time == mail.received
    assert message.from_ is not None
    assert message.from_.email_address is not None
    assert message.from_.email_address.name == "Doe, Jörg"
    assert {name for name in message.additional_data if "@odata" not in name} == set()
    assert await builder.content.get() == invoice()
    listed = await builder.attachments.get()
    assert listed is not None
    kinds = [type(one) for one in listed.value or []]
    assert kinds == [FileAttachment, FileAttachment, ItemAttachment, ReferenceAttachment]
    assert listed.value is not None
    assert listed.value[1].id is not None
    single = await builder.attachments.by_attachment_id(listed.value[1].id).get()
    assert isinstance(single, FileAttachment)
    assert single.content_bytes == PDF


async def test_pages_of_attachments(graph: Service, client: GraphServiceClient) -> None:
    mail = graph.tenant.deliver(MAILBOX, with_attachments(30))
    builder = client.users.by_user_id(MAILBOX).messages.by_message_id(mail.id).attachments
    names: list[str | None] = []
    page = await builder.get()
    while page is not None:
        names += [one.name for one in page.value or []]
        page = await builder.with_url(page.odata_next_link).get() if page.odata_next_link else None
    assert names == [f"{index}.pdf" for index in range(30)]


async def test_folders(graph: Service, client: GraphServiceClient) -> None:
    graph.tenant.add_folder(MAILBOX, "inbox/Scans")
    folders = client.users.by_user_id(MAILBOX).mail_folders
    listed = await folders.get()
    inbox = await folders.by_mail_folder_id("inbox").get()
    below = await folders.by_mail_folder_id("inbox").child_folders.get()
    assert listed is not None
    assert inbox is not None
    assert below is not None
    assert inbox.display_name == (listed.value or [])[0].display_name == "Inbox"
    assert [one.display_name for one in below.value or []] == ["Scans"]


async def test_subscriptions(graph: Service, client: GraphServiceClient, receiver: Receiver) -> None:
    expires = graph.clock() + timedelta(minutes=10_000)
    wanted = Subscription(
        change_type="created",
        notification_url=receiver.url,
        lifecycle_notification_url=receiver.url,
        resource=f"users/{MAILBOX}/mailFolders/inbox/messages",
        expiration_date_time=expires,
        client_state="invoices.secret",
    )
    created = await client.subscriptions.post(wanted, preferring_immutable_ids())
    assert created is not None
    assert created.id is not None
    assert created.expiration_date_time == expires
    assert {name for name in created.additional_data if "@odata" not in name} == set()
    one = client.subscriptions.by_subscription_id(created.id)
    renewed = await one.patch(Subscription(expiration_date_time=expires + timedelta(minutes=5)))
    read = await one.get()
    listed = await client.subscriptions.get()
    assert renewed is not None
    assert read is not None
    assert listed is not None
    assert renewed.expiration_date_time == read.expiration_date_time == expires + timedelta(minutes=5)
    assert [subscription.id for subscription in listed.value or []] == [created.id]
    await one.reauthorize.post()
    with pytest.raises(ODataError) as twin:
        await client.subscriptions.post(wanted)
    assert twin.value.response_status_code == 409
    await one.delete()


async def test_refusals(graph: Service, client: GraphServiceClient) -> None:
    with pytest.raises(ODataError) as refused:
        await client.users.by_user_id(MAILBOX).messages.by_message_id("x").get()
    error = refused.value.error
    assert error is not None
    assert (error.code, error.message) == ("ErrorInvalidIdMalformed", "Id is malformed.")
    assert error.inner_error is not None
    assert error.inner_error.request_id is not None
