"""What of Graph's answers the app uses, as small structs. Every property may be absent or null.

What says a mail is read as far as it can be (`Lenient`): one odd property must not keep all of it unread.

Source of names and types: learn.microsoft.com/graph/api/resources/message, attachment, mailfolder,
subscription.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from shared.answers import Lenient
from shared.mail import Address, Header, Mail

_T = TypeVar("_T")
Id = Annotated[str, msgspec.Meta(min_length=1)]
Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class EmailAddress(Lenient):
    """An `emailAddress`."""

    name: str | None = None
    address: str | None = None


class Recipient(Lenient, rename="camel"):
    """A `recipient`."""

    email_address: EmailAddress | None = None


class InternetMessageHeader(Lenient):
    """An `internetMessageHeader`."""

    name: str | None = None
    value: str | None = None


class Message(Lenient, rename="camel"):
    """A `message`: the properties in `MESSAGE_PROPERTIES`, and of which type it is, a message by default."""

    id: str = ""
    odata_type: str = msgspec.field(name="@odata.type", default="")
    subject: str | None = None
    sender: Recipient | None = None
    from_: Recipient | None = msgspec.field(name="from", default=None)
    to_recipients: list[Recipient] | None = None
    cc_recipients: list[Recipient] | None = None
    bcc_recipients: list[Recipient] | None = None
    reply_to: list[Recipient] | None = None
    received_date_time: str | None = None
    sent_date_time: str | None = None
    importance: str | None = None
    internet_message_id: str | None = None
    conversation_id: str | None = None
    categories: list[str | None] | None = None
    internet_message_headers: list[InternetMessageHeader] | None = None
    web_link: str | None = None
    parent_folder_id: str | None = None
    is_draft: bool | None = None


MESSAGE_PROPERTIES = [
    field.encode_name for field in msgspec.structs.fields(Message) if not field.encode_name.startswith("@")
]
"""What is asked for of a message: only what is decoded. The type comes without being asked for."""


class Attachment(Lenient, rename="camel"):
    """An `attachment` of any kind; `size` is Exchange's, not the file's.

    `source_url` is where a reference leads to: only the beta version has it, so it can't be asked for.
    """

    id: str = ""
    odata_type: str = msgspec.field(name="@odata.type", default="")
    name: str | None = None
    content_type: str | None = None
    size: Size | None = None
    is_inline: bool | None = None
    source_url: str | None = None

    @property
    def kind(self) -> str:
        """`file`, `item`, `reference`, or what else Graph says; one without a type is taken for a file."""
        return self.odata_type.rpartition(".")[2].casefold().removesuffix("attachment") or "file"


ATTACHMENT_PROPERTIES = ["id", "name", "contentType", "size", "isInline"]
"""What is asked for of an attachment: not its bytes."""


class OpenedMessage(Message, rename="camel", kw_only=True):
    """A `message` with its attachments expanded. One without the whole list of them is no answer.

    Whatever stands for the next link, the list has been cut.
    """

    attachments: list[Attachment]
    attachments_next_link: Any = msgspec.field(name="attachments@odata.nextLink", default=None)


class Removed(Lenient):
    """Why an entry of a delta query is of a message that is in the folder no more."""

    reason: str | None = None


class Entry(Lenient, rename="camel"):
    """A `message` of a list or a delta query, without what it says. One without an id is no answer."""

    id: Id
    received_date_time: str | None = None
    created_date_time: str | None = None
    last_modified_date_time: str | None = None
    internet_message_id: str | None = None
    is_draft: bool | None = None
    removed_because: Removed | None = msgspec.field(name="@removed", default=None)

    @property
    def received(self) -> datetime | None:
        """When the message was received; None where Graph's text cannot be read."""
        return _moment(self.received_date_time)

    @property
    def created(self) -> datetime | None:
        """When the message came into being in its mailbox; None where Graph's text cannot be read."""
        return _moment(self.created_date_time)

    @property
    def last_modified(self) -> datetime | None:
        """When the message was last changed or moved; None where Graph's text cannot be read."""
        return _moment(self.last_modified_date_time)

    @property
    def removed(self) -> bool:
        """Whether it has left the folder: such an entry has nothing but its id."""
        return self.removed_because is not None


ENTRY_PROPERTIES = [
    "id",
    "receivedDateTime",
    "createdDateTime",
    "lastModifiedDateTime",
    "internetMessageId",
    "isDraft",
]
"""What is asked for of a message in a list."""


class DeltaAnswer(msgspec.Struct):
    """A page of a delta query. One without the list is none."""

    value: list[Entry]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    delta_link: str | None = msgspec.field(name="@odata.deltaLink", default=None)


class MailFolder(msgspec.Struct, rename="camel"):
    """A `mailFolder`: the properties in `FOLDER_PROPERTIES`. One without an id is no answer."""

    id: Id
    odata_type: str = msgspec.field(name="@odata.type", default="")
    display_name: str | None = None
    child_folder_count: int | None = None


FOLDER_PROPERTIES = ["id", "displayName", "childFolderCount"]
"""What is asked for of a folder."""


class Subscription(msgspec.Struct, gc=False, rename="camel"):
    """A `subscription`; a list hides its client state."""

    id: str = ""
    resource: str | None = None
    change_type: str | None = None
    notification_url: str | None = None
    lifecycle_notification_url: str | None = None
    expiration_date_time: str | None = None

    @property
    def expires(self) -> datetime | None:
        """When it ends, with its zone; None where Graph's text cannot be read."""
        return _moment(self.expiration_date_time)


class Page(msgspec.Struct, Generic[_T]):
    """A page of a collection. One without the list is no page: it is not taken for an empty one."""

    value: list[_T]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class ErrorAnswer(msgspec.Struct):
    """The body of an answer that is an error."""

    error: _Error = msgspec.field(default_factory=_Error)


def mail_of(message: Message, folder: str = "") -> Mail:
    """The facts of a message that a manifest keeps, but for its nature. `folder` is its folder's name."""
    return Mail(
        subject=message.subject or "",
        sender=_address(message.sender),
        from_=_address(message.from_),
        to=_addresses(message.to_recipients),
        cc=_addresses(message.cc_recipients),
        bcc=_addresses(message.bcc_recipients),
        reply_to=_addresses(message.reply_to),
        received=message.received_date_time or "",
        sent=message.sent_date_time or "",
        importance=message.importance or "",
        message_id=message.internet_message_id or "",
        conversation_id=message.conversation_id or "",
        categories=tuple(category for category in message.categories or () if category),
        headers=tuple(
            Header(header.name, header.value or "")
            for header in message.internet_message_headers or ()
            if header.name
        ),
        folder=folder,
        link=message.web_link or "",
    )


def _moment(text: str | None) -> datetime | None:
    """A time in UTC; None where Graph's text cannot be read."""
    try:
        moment = datetime.fromisoformat(text or "")
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _address(recipient: Recipient | None) -> Address:
    email = recipient.email_address if recipient else None
    return Address(email.name or "", email.address or "") if email else Address()


def _addresses(recipients: list[Recipient] | None) -> tuple[Address, ...]:
    return tuple(_address(recipient) for recipient in recipients or () if recipient.email_address)
