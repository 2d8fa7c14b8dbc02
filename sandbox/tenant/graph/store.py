"""What a mailbox holds: folders, messages, attachments, and their bytes on disk."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path

from sandbox.tenant.graph.delta_tokens import TokenLoss
from sandbox.tenant.graph.folder_log import FolderLog
from sandbox.tenant.graph.ids import ItemId
from sandbox.tenant.graph.long_runs import PIECE
from sandbox.tenant.graph.mail import MailContent
from sandbox.tenant.graph.meetings import Meeting


class AttachmentKind(Enum):
    """The three types of attachment, by the names that Graph gives them."""

    FILE = "fileAttachment"
    ITEM = "itemAttachment"
    REFERENCE = "referenceAttachment"


@dataclass(frozen=True)
class StoredFile:
    """Bytes on disk, with their size in bytes and SHA-256 (lower-case hex)."""

    path: Path
    size: int
    sha256: str

    def pieces(self) -> Iterator[bytes]:
        """The bytes in pieces."""
        with self.path.open("rb") as source:
            while piece := source.read(PIECE):
                yield piece


def store(path: Path, content: Iterable[bytes]) -> StoredFile:
    """Write `content`, in pieces, to a new file. Raises FileExistsError when there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as target:
        for piece in content:
            target.write(piece)
            digest.update(piece)
            size += len(piece)
    return StoredFile(path, size, digest.hexdigest())


@dataclass(eq=False)
class Folder:
    """A mail folder; `well_known` is its name in every language, for those that have one.

    Its `log` is read and written under the lock of its mailbox.
    """

    id: str
    name: str
    parent: Folder | None
    well_known: str | None = None
    children: list[Folder] = field(default_factory=list)
    hidden: bool = False
    log: FolderLog = field(default_factory=FolderLog)

    def below(self) -> Iterator[Folder]:
        """This folder and all below it."""
        waiting = [self]
        while waiting:
            folder = waiting.pop(0)
            yield folder
            waiting.extend(folder.children)


@dataclass(eq=False)
class Attachment:
    """An attachment; `size` is Exchange's, in bytes, above that of the file.

    A reference has no `file`, nor has an item of a type that has no raw form. The file of an item that
    `is_message` is MIME. One that is `withheld` is still scanned: its bytes are not given yet.
    """

    ids: ItemId
    kind: AttachmentKind
    name: str
    content_type: str | None
    size: int
    inline: bool
    modified: datetime
    content_id: str | None = None
    content_location: str | None = None
    file: StoredFile | None = None
    withheld: bool = False
    is_message: bool = False


@dataclass(frozen=True)
class Scanned:
    """What comes when a scan has ended: the MIME and the attachments."""

    mime: StoredFile
    attachments: list[Attachment]


@dataclass(eq=False)
class Message:
    """A message in its folder; `source` is the file that was delivered, where there was one.

    `coming` takes the place of MIME and attachments when their scan has ended. If `regenerated`, the MIME is
    made anew at each call, which `generation` counts.
    """

    ids: ItemId
    folder: Folder
    change_key: str
    received: datetime
    created: datetime
    modified: datetime
    content: MailContent
    mime: StoredFile
    source: Path | None
    attachments: list[Attachment]
    is_read: bool = False
    is_draft: bool = False
    categories: tuple[str, ...] = ()
    meeting: Meeting | None = None
    coming: Scanned | None = None
    regenerated: bool = False
    generation: int = 0

    def next_generation(self) -> int:
        """The number of a call for MIME that is made anew."""
        self.generation += 1
        return self.generation

    @property
    def has_attachments(self) -> bool:
        """Without those that stand in the text, as Exchange counts."""
        return any(not attachment.inline for attachment in self.attachments)

    def attachment(self, text: str) -> Attachment | None:
        """The attachment with this id, of either space."""
        found = (one for one in self.attachments if text in (one.ids.regular, one.ids.immutable))
        return next(found, None)


@dataclass(eq=False)
class Mailbox:
    """One mailbox; `id` is its user's object id.

    Delta tokens of an earlier `sync_generation` are refused as `token_loss` says. `unruly_delta`: the delta
    query does all that the documentation allows it to.
    """

    id: str
    address: str
    directory: Path
    root: Folder
    lock: threading.RLock = field(default_factory=threading.RLock)
    sync_generation: int = 0
    token_loss: TokenLoss = TokenLoss.NOT_FOUND
    unruly_delta: bool = False
    _messages: dict[str, Message] = field(default_factory=dict)

    def add(self, message: Message) -> None:
        """Make a message known by its immutable id."""
        with self.lock:
            self._messages[message.ids.immutable] = message
            message.folder.log.came(message)

    def move(self, message: Message, folder: Folder, ids: ItemId) -> None:
        """Put a message into another folder, under its new ids."""
        with self.lock:
            message.folder.log.left(message, "changed")
            message.ids, message.folder = ids, folder
            folder.log.came(message)

    def note_change(self, message: Message) -> None:
        """A message has changed where it is."""
        with self.lock:
            message.folder.log.changed(message)

    def remove(self, message: Message) -> None:
        """Forget a message."""
        with self.lock:
            del self._messages[message.ids.immutable]
            message.folder.log.left(message, "deleted")

    def renew(self, ids: Callable[[], ItemId]) -> None:
        """Give every message and attachment new ids; no folder knows what has happened in it."""
        with self.lock:
            for folder in self.folders():
                folder.log = FolderLog()
            messages, self._messages = self.messages(), {}
            for message in messages:
                message.ids = ids()
                for attachment in message.attachments:
                    attachment.ids = ids()
                self.add(message)

    def messages(self) -> list[Message]:
        """Every message, the oldest first; a copy, since mail may arrive meanwhile."""
        return list(self._messages.values())

    def message(self, text: str) -> Message | None:
        """The message with this id, of either space."""
        known = self._messages.get(text)
        if known is not None:
            return known
        return next((one for one in self.messages() if one.ids.regular == text), None)

    def folders(self) -> Iterator[Folder]:
        """Every folder, the root first."""
        return self.root.below()

    def folder(self, text: str) -> Folder | None:
        """The folder with this id, or with this well-known name in any case."""
        for folder in self.folders():
            if text == folder.id or text.lower() == folder.well_known:
                return folder
        return None
