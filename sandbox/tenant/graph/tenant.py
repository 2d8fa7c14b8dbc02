"""A tenant: its mailboxes, and what happens to the mail in them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.tenant.graph.arrival import ATTACHMENT_OVERHEAD, arrived, copies
from sandbox.tenant.graph.delta_tokens import TokenLoss
from sandbox.tenant.graph.ids import IdSource
from sandbox.tenant.graph.mailboxes import Mailboxes, detach, utc_now
from sandbox.tenant.graph.store import (
    Attachment,
    AttachmentKind,
    Mailbox,
    Message,
    StoredFile,
    store,
)
from sandbox.tenant.graph.subscriptions import Change, Subscriptions


@dataclass(frozen=True)
class Delivered:
    """A mail that has arrived: its ids in both spaces and when."""

    id: str
    immutable_id: str
    received: datetime


@dataclass(frozen=True)
class HeldFile:
    """An attachment with bytes, a file or an item, as Graph answers it."""

    immutable_id: str
    name: str
    file: StoredFile


@dataclass(frozen=True)
class Held:
    """A message as Graph answers it; `source` is the file that was delivered, where there was one."""

    immutable_id: str
    received: datetime
    source: Path | None
    mime: StoredFile
    files: tuple[HeldFile, ...]


class Tenant(Mailboxes):
    """The mailboxes, their mail, and the subscriptions on it.

    Mail may be delivered from any thread.
    """

    def __init__(
        self,
        directory: Path,
        tenant_id: str,
        *,
        now: Callable[[], datetime] = utc_now,
        ids: IdSource | None = None,
    ) -> None:
        super().__init__(directory, now, ids or IdSource())
        self.tenant_id = tenant_id
        self.subscriptions = Subscriptions(now)
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` with every change of a message from now on."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[Change], None]) -> None:
        """No longer call `listener`."""
        self._listeners.remove(listener)

    def deliver(
        self, mailbox: str, mime: bytes | Path, folder: str = "inbox", *, received: datetime | None = None
    ) -> Delivered:
        """Put a mail into a folder and tell the subscriptions, without waiting for their answers.

        It was received now, or when `received` says. Raises LookupError for an unknown mailbox or folder,
        OSError when the file cannot be read.
        """
        box, target = self.mailbox(mailbox), self.folder(mailbox, folder)
        now = self._second()
        message = arrived(self._ids, mime, box.directory / uuid.uuid4().hex, target, received or now, now)
        box.add(message)
        self._tell(Change("created", box, message, target))
        return _delivered(message)

    def fill(
        self,
        mailbox: str,
        mime: bytes,
        number: int,
        folder: str = "inbox",
        *,
        received: datetime | None = None,
        step: timedelta = timedelta(0),
    ) -> list[Delivered]:
        """Put `number` mails with the same bytes into a folder, each `step` later than the one before.

        Nobody is told, as of an import. Only their ids differ, and the Message-ID that Graph shows.
        """
        box, target = self.mailbox(mailbox), self.folder(mailbox, folder)
        now = self._second()
        first = arrived(self._ids, mime, box.directory / uuid.uuid4().hex, target, received or now, now)
        made = list(copies(self._ids, first, number, step))
        for message in made:
            box.add(message)
        return [_delivered(message) for message in made]

    def move(self, mailbox: str, message_id: str, folder: str) -> Delivered:
        """Move a message: its regular id is new, its immutable one stays.

        Raises LookupError for an unknown mailbox, message or folder.
        """
        box, target = self.mailbox(mailbox), self.folder(mailbox, folder)
        message = self._message(box, message_id)
        left = Change("deleted", box, message, message.folder, message.ids)
        for attachment in message.attachments:
            attachment.ids = self._ids.moved(attachment.ids)
        self._new_version(message)
        box.move(message, target, self._ids.moved(message.ids))
        self._tell(left)
        self._tell(Change("created", box, message, target))
        return _delivered(message)

    def mark_read(self, mailbox: str, message_id: str, read: bool = True) -> None:
        """Change a message where it is. Raises LookupError for an unknown mailbox or message."""
        box = self.mailbox(mailbox)
        message = self._message(box, message_id)
        message.is_read = read
        self._new_version(message)
        box.note_change(message)
        self._tell(Change("updated", box, message, message.folder))

    def delete(self, mailbox: str, message_id: str) -> None:
        """Delete a message for good; to delete it as a person does, move it to `deleteditems`.

        Raises LookupError for an unknown mailbox or message.
        """
        box = self.mailbox(mailbox)
        message = self._message(box, message_id)
        box.remove(message)
        self._tell(Change("deleted", box, message, message.folder))

    def remove_folder(self, mailbox: str, path: str) -> None:
        """Delete a folder and all it holds for good. Raises LookupError; ValueError for a well-known one."""
        folder, box = self.own_folder(mailbox, path), self.mailbox(mailbox)
        detach(folder)
        for one in folder.below():
            for message in one.log.messages():
                self.delete(box.address, message.ids.immutable)

    def migrate_mailbox(
        self, mailbox: str, loss: TokenLoss = TokenLoss.NOT_FOUND, *, folders: bool = False
    ) -> None:
        """As after a migration or a restore: every message has new ids, in both spaces.

        Its time of receipt stays, those of creation and change are now; delta tokens are lost. Nobody is
        told. With `folders` these have new ids too.
        """
        box = self.mailbox(mailbox)
        box.renew(self._ids.item)
        for message in box.messages():
            message.created = self._second()
            self._new_version(message)
        if folders:
            for folder in box.folders():
                folder.id = self._ids.folder()
        self.expire_delta_tokens(mailbox, loss)

    def add_reference_attachment(
        self, mailbox: str, message_id: str, name: str, content_type: str
    ) -> Attachment:
        """A link to a file elsewhere, which MIME cannot carry. Raises LookupError for an unknown message."""
        message = self._message(self.mailbox(mailbox), message_id)
        attachment = Attachment(
            ids=self._ids.item(),
            kind=AttachmentKind.REFERENCE,
            name=name,
            content_type=content_type,
            size=ATTACHMENT_OVERHEAD + len(name.encode()),
            inline=False,
            modified=message.modified,
        )
        message.attachments.append(attachment)
        return attachment

    def add_item_attachment(
        self, mailbox: str, message_id: str, name: str, content: bytes | None
    ) -> Attachment:
        """An item that MIME cannot carry: a contact as vCard, an event as iCalendar.

        Without `content` it is of a type that has no raw form. Raises LookupError for an unknown message.
        """
        box = self.mailbox(mailbox)
        message = self._message(box, message_id)
        path = box.directory / uuid.uuid4().hex / "item"
        attachment = Attachment(
            ids=self._ids.item(),
            kind=AttachmentKind.ITEM,
            name=name,
            content_type=None,
            size=len(content or b"") + ATTACHMENT_OVERHEAD + len(name.encode()),
            inline=False,
            modified=message.modified,
            file=store(path, content) if content is not None else None,
        )
        message.attachments.append(attachment)
        return attachment

    def withhold_content(self, mailbox: str, message_id: str, withheld: bool = True) -> None:
        """While Safe Attachments scans them, the attachments of a message have no bytes (Dynamic Delivery).

        That `$value` answers none is not on record. Raises LookupError for an unknown message.
        """
        for attachment in self._message(self.mailbox(mailbox), message_id).attachments:
            attachment.withheld = withheld

    def messages(self, mailbox: str) -> list[Held]:
        """What Graph would answer for every message of a mailbox, the oldest first, with digests."""
        return [
            Held(
                immutable_id=message.ids.immutable,
                received=message.received,
                source=message.source,
                mime=message.mime,
                files=tuple(
                    HeldFile(one.ids.immutable, one.name, one.file)
                    for one in message.attachments
                    if one.file is not None
                ),
            )
            for message in self.mailbox(mailbox).messages()
        ]

    def _message(self, box: Mailbox, message_id: str) -> Message:
        message = box.message(message_id)
        if message is None:
            raise LookupError(f"no message {message_id} in {box.address}")
        return message

    def _new_version(self, message: Message) -> None:
        message.change_key = self._ids.change_key()
        message.modified = self._second()

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)


def _delivered(message: Message) -> Delivered:
    return Delivered(message.ids.regular, message.ids.immutable, message.received)
