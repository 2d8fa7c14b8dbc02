"""The manifest: the facts of a mail and of its staged files, and no decision (design, section 3)."""

from __future__ import annotations

from typing import Literal

import msgspec

from shared.mail import Mail

MESSAGE_NAME = "message.eml"
VERSION = 1
FileKind = Literal["message", "file"]
_ATTACHMENTS = "attachments/"
ITEM, REFERENCE = "item", "reference"
"""What `attached_as` says of an attachment that is no file (…/graph/api/resources/attachment)."""
EMPTY, PLACEHOLDER, NO_ADDRESS = "empty", "placeholder", "no-address"
"""What `note` says: no bytes came; they hold the place of others; nobody says where a link leads."""


class StagedFile(msgspec.Struct, frozen=True):
    """One staged file: `path` is below the run's folder; `name` and `type` are what the mail says.

    `attached_as` is the kind of the attachment, `note` what is to be known of its content. The `type` of an
    item is that of its bytes: the mail says none. Both are text, so that a former version reads what a later
    one has written, and takes it for a file. `derived` says that the message is signed, and that this is what
    Graph makes of its content: the message itself is the truth.
    """

    path: str
    kind: FileKind
    size: int
    sha256: str
    name: str = ""
    type: str = ""
    inline: bool = False
    attached_as: str = "file"
    note: str = ""
    derived: bool = False

    @property
    def number(self) -> int:
        """The attachment's number in Graph's list, from 1; 0 for the message."""
        return int(self.path.removeprefix(_ATTACHMENTS)) if self.path.startswith(_ATTACHMENTS) else 0


class LeftOut(msgspec.Struct, frozen=True):
    """An attachment that stands within the message only, by its number in Graph's list."""

    number: int
    kind: str
    name: str = ""


class Manifest(msgspec.Struct, frozen=True):
    """Everything that filing needs to know of a mail; filing never asks Graph."""

    source: str
    key: str
    message: str
    run: str
    mail: Mail
    files: tuple[StagedFile, ...]
    left_out: tuple[LeftOut, ...] = ()
    fingerprint: str = ""
    v: int = VERSION

    @property
    def attachment_names(self) -> tuple[str, ...]:
        """What the mail calls its attachments, in their order; also those within the message only."""
        attached = [(file.number, file.name) for file in self.files if file.kind == "file"]
        names = sorted(attached + [(left.number, left.name) for left in self.left_out])
        return tuple(name for _, name in names)


def attachment_path(number: int) -> str:
    """Where the attachment with that number in Graph's list stands, below the run's folder."""
    return f"{_ATTACHMENTS}{number:04d}"
