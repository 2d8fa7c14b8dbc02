"""Reading a mailbox: a message, its MIME, its attachments, and what its folder is called."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.users.item.mail_folders.item.mail_folder_item_request_builder import (
    MailFolderItemRequestBuilder,
)
from msgraph.generated.users.item.messages.item.attachments.attachments_request_builder import (
    AttachmentsRequestBuilder,
)
from msgraph.generated.users.item.messages.item.message_item_request_builder import MessageItemRequestBuilder

from shared.graph.answers import (
    ATTACHMENT_PROPERTIES,
    MESSAGE_PROPERTIES,
    Attachment,
    MailFolder,
    Message,
    OpenedMessage,
    Page,
)
from shared.graph.client import GraphClient, TooLarge
from shared.log import Events

_ATTACHMENT_BYTES = (
    "{+baseurl}/users/{user%2Did}/messages/{message%2Did}/attachments/{attachment%2Did}/$value"
)

EXPANDED = f"attachments($select={','.join(ATTACHMENT_PROPERTIES)})"
"""`$expand` of a message: its attachments, without their bytes."""
ASKED_FOR_ALONE = 20
"""Attachments from which on an expanded list may be cut: the only number on record is that of directory
objects (learn.microsoft.com/graph/query-parameters, $expand)."""
LARGEST_EXPANDED = 4 * 1024 * 1024
"""Bytes of a message with its attachments expanded, which each mail that is being staged may hold in memory.
Thousands of recipients and twenty attachments have fewer; what has more has the attachments' own bytes."""


class MailboxReader:
    """Reads messages by their immutable id, never by folder: a message may have moved on."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client
        self._folder_names: dict[tuple[str, str], str] = {}
        self._may_expand = True

    async def message(self, mailbox: str, message: str) -> Message:
        """The properties of a message that are used (learn.microsoft.com/graph/api/message-get).

        Raises NotFound, ConfigurationFault, Refused, Unavailable.
        """
        query = MessageItemRequestBuilder.MessageItemRequestBuilderGetQueryParameters(
            select=MESSAGE_PROPERTIES
        )
        request = self._message(mailbox, message).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        return await self._client.answer(request, Message, mailbox=mailbox)

    async def opened(self, mailbox: str, message: str) -> tuple[Message, list[Attachment]]:
        """A message and all its attachments without their bytes, in one request where they are few.

        Raises NotFound, ConfigurationFault, Refused, Unavailable: of the message, or of the list.
        """
        found, attachments = await self.expanded(mailbox, message)
        return found, await self.attachments(mailbox, message) if attachments is None else attachments

    async def expanded(self, mailbox: str, message: str) -> tuple[Message, list[Attachment] | None]:
        """A message, and all its attachments without their bytes; None where they must be asked for alone.

        `$expand` includes them all, and it is not said how many that can be
        (learn.microsoft.com/graph/api/message-list-attachments). Nor is it said that their bytes can be left
        out: where they are not, nothing is expanded again as long as this reader lives.
        Raises NotFound, ConfigurationFault, Refused, Unavailable: of the message.
        """
        if self._may_expand:
            try:
                return await self._expanded(mailbox, message)
            except TooLarge:
                self._may_expand = False
                Events("graph").warning("attachments-not-expanded", largest=LARGEST_EXPANDED)
        return await self.message(mailbox, message), None

    async def _expanded(self, mailbox: str, message: str) -> tuple[Message, list[Attachment] | None]:
        query = MessageItemRequestBuilder.MessageItemRequestBuilderGetQueryParameters(
            select=MESSAGE_PROPERTIES, expand=[EXPANDED]
        )
        request = self._message(mailbox, message).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        found = await self._client.answer(request, OpenedMessage, mailbox=mailbox, largest=LARGEST_EXPANDED)
        is_whole = found.attachments_next_link is None and len(found.attachments) < ASKED_FOR_ALONE
        return found, found.attachments if is_whole else None

    def mime(self, mailbox: str, message: str) -> AsyncGenerator[bytes, None]:
        """The message in MIME, made anew at each call (learn.microsoft.com/graph/outlook-get-mime-message).

        Raises NotFound, ConfigurationFault, Refused, Unavailable.
        """
        request = self._message(mailbox, message).content.to_get_request_information()
        return self._client.stream(request, mailbox=mailbox)

    async def attachments(self, mailbox: str, message: str) -> list[Attachment]:
        """All attachments of a message, all pages, without their bytes.

        `hasAttachments` is not trusted: it ignores inline ones
        (learn.microsoft.com/graph/api/resources/message).
        Raises NotFound, ConfigurationFault, Refused, Unavailable.
        """
        query = AttachmentsRequestBuilder.AttachmentsRequestBuilderGetQueryParameters(
            select=ATTACHMENT_PROPERTIES
        )
        request = self._message(mailbox, message).attachments.to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        found: list[Attachment] = []
        while True:
            page = await self._client.answer(request, Page[Attachment], mailbox=mailbox)
            found += page.value
            if page.next_link is None:
                return found
            request = self._client.page_after(page.next_link)

    def attachment_bytes(self, mailbox: str, message: str, attachment: str) -> AsyncGenerator[bytes, None]:
        """The bytes of an attachment (learn.microsoft.com/graph/api/attachment-get, $value).

        Those of an item are made at each call: MIME of a message, vCard of a contact, iCalendar of an event.
        A reference has none, which Graph refuses with 405.
        Raises NotFound, ConfigurationFault, Refused, Unavailable.
        """
        # The SDK has no builder for an attachment's $value: its path parameters with that path.
        builder = self._message(mailbox, message).attachments.by_attachment_id(attachment)
        request = RequestInformation(Method.GET, _ATTACHMENT_BYTES, builder.path_parameters)
        request.headers.try_add("Accept", "application/octet-stream, application/json")
        return self._client.stream(request, mailbox=mailbox)

    async def folder_name(self, mailbox: str, folder: str) -> str:
        """What the folder with that id is called (…/graph/api/mailfolder-get); asked for once.

        Raises NotFound, ConfigurationFault, Refused, Unavailable.
        """
        known = self._folder_names.get((mailbox, folder))
        if known is not None:
            return known
        query = MailFolderItemRequestBuilder.MailFolderItemRequestBuilderGetQueryParameters(
            select=["id", "displayName"]
        )
        folders = self._client.requests.users.by_user_id(mailbox).mail_folders
        request = folders.by_mail_folder_id(folder).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        answer = await self._client.answer(request, MailFolder, mailbox=mailbox)
        return self._folder_names.setdefault((mailbox, folder), answer.display_name or "")

    def _message(self, mailbox: str, message: str) -> MessageItemRequestBuilder:
        return self._client.requests.users.by_user_id(mailbox).messages.by_message_id(message)
