"""The manifest: the facts of a mail and of its staged files, and no decision (design, section 3)."""

from __future__ import annotations

from typing import Literal

import msgspec

from shared.mail import Mail

MESSAGE_NAME = "message.eml"
VERSION = 1
FileKind = Literal["message", "file"]


class StagedFile(msgspec.Struct, frozen=True):
    """One staged file: `path` is below the run's folder; `name` and `type` are what the mail says."""

    path: str
    kind: FileKind
    size: int
    sha256: str
    name: str = ""
    type: str = ""
    inline: bool = False


class LeftOut(msgspec.Struct, frozen=True):
    """An attachment that stands within the message only, by its number in Graph's list."""

    number: int
    kind: str


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
        """What the mail calls its attached files, in their order."""
        return tuple(file.name for file in self.files if file.kind == "file")


def attachment_path(number: int) -> str:
    """Where the attachment with that number in Graph's list stands, below the run's folder."""
    return f"attachments/{number:04d}"
