"""The mailboxes of a tenant, and the arrival of mail in them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.tenant.graph.ids import IdSource
from sandbox.tenant.graph.mail import read_mail
from sandbox.tenant.graph.parts import AttachedPart, attached_parts, parse
from sandbox.tenant.graph.store import (
    Attachment,
    AttachmentKind,
    Folder,
    Mailbox,
    Message,
    StoredFile,
    store,
)
from sandbox.tenant.graph.subscriptions import Change, Subscriptions

ROOT = "msgfolderroot"
WELL_KNOWN = {
    "inbox": "Inbox",
    "drafts": "Drafts",
    "sentitems": "Sent Items",
    "deleteditems": "Deleted Items",
    "junkemail": "Junk Email",
    "archive": "Archive",
    "outbox": "Outbox",
}

# What Exchange adds to the length of a file; the true amount varies, and is never nothing.
ATTACHMENT_OVERHEAD = 146


@dataclass(frozen=True)
class Delivered:
    """A mail that has arrived: its ids in both spaces and when."""

    id: str
    immutable_id: str
    received: datetime


@dataclass(frozen=True)
class HeldFile:
    """A file attachment as Graph answers it."""

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


def utc_now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)


class Tenant:
    """Mailboxes by address or object id, with the subscriptions on them.

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
        self.tenant_id = tenant_id
        self.now = now
        self.subscriptions = Subscriptions(now)
        self._directory = directory
        self._ids = ids or IdSource()
        self._mailboxes: dict[str, Mailbox] = {}
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` with every change of a message from now on."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[Change], None]) -> None:
        """No longer call `listener`."""
        self._listeners.remove(listener)

    def add_mailbox(self, address: str) -> Mailbox:
        """A new mailbox with the folders that every mailbox has. Raises ValueError for a known address."""
        if address.lower() in self._mailboxes:
            raise ValueError(f"mailbox {address} exists")
        mailbox_id = str(uuid.uuid4())
        root = Folder(self._ids.folder(), "Top of Information Store", None, ROOT)
        for well_known, name in WELL_KNOWN.items():
            root.children.append(Folder(self._ids.folder(), name, root, well_known))
        mailbox = Mailbox(mailbox_id, address, self._directory / mailbox_id, root)
        self._mailboxes[address.lower()] = mailbox
        self._mailboxes[mailbox_id] = mailbox
        return mailbox

    def mailbox(self, user: str) -> Mailbox:
        """The mailbox of an address or object id, in any case. Raises LookupError when there is none."""
        try:
            return self._mailboxes[user.lower()]
        except KeyError:
            raise LookupError(f"no mailbox {user}") from None

    def add_folder(self, mailbox: str, path: str) -> Folder:
        """The folder at `path`, made with those above it where missing, e.g. `inbox/Scans`."""
        folder = self.mailbox(mailbox).root
        for step in path.split("/"):
            folder = _child(folder, step) or self._new_child(folder, step)
        return folder

    def folder(self, mailbox: str, path: str) -> Folder:
        """The folder with this id or at this path. Raises LookupError when there is none."""
        box = self.mailbox(mailbox)
        folder: Folder | None = box.folder(path)
        if folder is not None:
            return folder
        folder = box.root
        for step in path.split("/"):
            folder = _child(folder, step)
            if folder is None:
                raise LookupError(f"no folder {path} in {mailbox}")
        return folder

    def deliver(self, mailbox: str, mime: bytes | Path, folder: str = "inbox") -> Delivered:
        """Put a mail into a folder and tell the subscriptions, without waiting for their answers.

        Raises LookupError for an unknown mailbox or folder, OSError when the file cannot be read.
        """
        box, target = self.mailbox(mailbox), self.folder(mailbox, folder)
        raw = mime.read_bytes() if isinstance(mime, Path) else mime
        received = self.now().astimezone(UTC).replace(microsecond=0)
        directory = box.directory / uuid.uuid4().hex
        structure = parse(raw)
        message = Message(
            ids=self._ids.item(),
            folder=target,
            change_key=self._ids.change_key(),
            received=received,
            modified=received,
            content=read_mail(structure),
            mime=store(directory / "message.eml", raw),
            source=mime if isinstance(mime, Path) else None,
            attachments=[],
        )
        for number, part in enumerate(attached_parts(structure), 1):
            message.attachments.append(self._attachment(part, directory / f"{number:04}", received))
        box.add(message)
        self._tell(Change("created", box, message, target))
        return Delivered(message.ids.regular, message.ids.immutable, received)

    def move(self, mailbox: str, message_id: str, folder: str) -> Delivered:
        """Move a message: its regular id is new, its immutable one stays.

        Raises LookupError for an unknown mailbox, message or folder.
        """
        box, target = self.mailbox(mailbox), self.folder(mailbox, folder)
        message = self._message(box, message_id)
        left = Change("deleted", box, message, message.folder, message.ids)
        message.ids = self._ids.moved(message.ids)
        for attachment in message.attachments:
            attachment.ids = self._ids.moved(attachment.ids)
        message.folder = target
        message.change_key = self._ids.change_key()
        message.modified = self.now().astimezone(UTC).replace(microsecond=0)
        self._tell(left)
        self._tell(Change("created", box, message, target))
        return Delivered(message.ids.regular, message.ids.immutable, message.received)

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
                    if one.kind is AttachmentKind.FILE and one.file is not None
                ),
            )
            for message in self.mailbox(mailbox).messages()
        ]

    def _message(self, box: Mailbox, message_id: str) -> Message:
        message = box.message(message_id)
        if message is None:
            raise LookupError(f"no message {message_id} in {box.address}")
        return message

    def _new_child(self, folder: Folder, name: str) -> Folder:
        child = Folder(self._ids.folder(), name, folder)
        folder.children.append(child)
        return child

    def _attachment(self, part: AttachedPart, path: Path, received: datetime) -> Attachment:
        return Attachment(
            ids=self._ids.item(),
            kind=AttachmentKind.ITEM if part.item else AttachmentKind.FILE,
            name=part.name,
            content_type=part.content_type,
            size=len(part.content) + ATTACHMENT_OVERHEAD + len(part.name.encode()),
            inline=part.inline,
            modified=received,
            content_id=part.content_id,
            content_location=part.content_location,
            file=store(path, part.content),
        )

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)


def _child(folder: Folder, step: str) -> Folder | None:
    for child in folder.children:
        if step.lower() == child.well_known or step == child.name:
            return child
    return None
