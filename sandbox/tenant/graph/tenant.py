"""A tenant: its mailboxes, and what happens to the mail in them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.tenant.graph.arrival import ATTACHMENT_OVERHEAD, Mime, arrived, copies, linked
from sandbox.tenant.graph.delta_tokens import TokenLoss
from sandbox.tenant.graph.exchange import Exchange
from sandbox.tenant.graph.held import Delivered, Held, delivered, held
from sandbox.tenant.graph.ids import IdSource
from sandbox.tenant.graph.mailboxes import Mailboxes, detach, utc_now
from sandbox.tenant.graph.manner import RECEIVED, Link, Manner
from sandbox.tenant.graph.store import Attachment, AttachmentKind, Mailbox, Message, store
from sandbox.tenant.graph.subscriptions import Change, Subscriptions


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
        self.exchange = Exchange(lambda: self.now())
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` with every change of a message from now on."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[Change], None]) -> None:
        """No longer call `listener`."""
        self._listeners.remove(listener)

    def deliver(
        self,
        mailbox: str,
        mime: Mime,
        folder: str = "inbox",
        *,
        received: datetime | None = None,
        manner: Manner = RECEIVED,
    ) -> Delivered:
        """Put a mail into a folder and tell the subscriptions, without waiting for their answers.

        It was received now, or when `received` says; `manner` has what MIME cannot say. Raises LookupError
        for an unknown mailbox or folder, OSError when the file cannot be read.
        """
        box, target = self.mailbox(mailbox), self.folder(mailbox, folder)
        now = self._second()
        directory = box.directory / uuid.uuid4().hex
        message = arrived(self._ids, mime, directory, target, received or now, now, manner)
        box.add(message)
        self._tell(Change("created", box, message, target))
        return delivered(message)

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
        return [delivered(message) for message in made]

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
        return delivered(message)

    def mark_read(self, mailbox: str, message_id: str, read: bool = True) -> None:
        """Mark a message as read, or not. Raises LookupError for an unknown mailbox or message."""
        self.change(mailbox, message_id, is_read=read)

    def change(
        self,
        mailbox: str,
        message_id: str,
        is_read: bool | None = None,
        categories: tuple[str, ...] | None = None,
    ) -> None:
        """Change a message where it is; None leaves what it is of. The subscribers are told once.

        Raises LookupError for an unknown mailbox or message.
        """
        box = self.mailbox(mailbox)
        message = self._message(box, message_id)
        if is_read is not None:
            message.is_read = is_read
        if categories is not None:
            message.categories = categories
        self._changed(box, message)

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
        self, mailbox: str, message_id: str, name: str, content_type: str, url: str = ""
    ) -> Attachment:
        """A link to a file elsewhere, which MIME cannot carry. Raises LookupError for an unknown message."""
        message = self._message(self.mailbox(mailbox), message_id)
        attachment = linked(self._ids, Link(name, url, content_type), message.modified)
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
            file=store(path, [content]) if content is not None else None,
        )
        message.attachments.append(attachment)
        return attachment

    def withhold_content(self, mailbox: str, message_id: str, withheld: bool = True) -> None:
        """While Safe Attachments scans them, the attachments of a message have no bytes (Dynamic Delivery).

        That `$value` answers none is not on record. Raises LookupError for an unknown message.
        """
        for attachment in self._message(self.mailbox(mailbox), message_id).attachments:
            attachment.withheld = withheld

    def end_scan(self, mailbox: str, message_id: str) -> None:
        """The attachments of a message are there, in their list and in the MIME; the subscribers are told.

        That the message keeps its ids is not on record. Raises LookupError for an unknown message.
        """
        box = self.mailbox(mailbox)
        message = self._message(box, message_id)
        if message.coming is not None:
            message.mime, message.attachments = message.coming.mime, message.coming.attachments
            message.coming = None
        self.withhold_content(mailbox, message_id, False)
        self._changed(box, message)

    def regenerate_mime(self, mailbox: str, message_id: str, anew: bool = True) -> None:
        """Make the MIME of a message anew at each call, or give it as it was delivered.

        Raises LookupError for an unknown message.
        """
        self._message(self.mailbox(mailbox), message_id).regenerated = anew

    def messages(self, mailbox: str) -> list[Held]:
        """What Graph would answer for every message of a mailbox, the oldest first, with digests."""
        return [held(message) for message in self.mailbox(mailbox).messages()]

    def _message(self, box: Mailbox, message_id: str) -> Message:
        message = box.message(message_id)
        if message is None:
            raise LookupError(f"no message {message_id} in {box.address}")
        return message

    def _changed(self, box: Mailbox, message: Message) -> None:
        self._new_version(message)
        box.note_change(message)
        self._tell(Change("updated", box, message, message.folder))

    def _new_version(self, message: Message) -> None:
        message.change_key = self._ids.change_key()
        message.modified = self._second()

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)
