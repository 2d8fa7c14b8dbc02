"""What becomes of a mail when it arrives: a message with its attachments, their bytes on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.tenant.graph.ids import IdSource
from sandbox.tenant.graph.mail import read_mail
from sandbox.tenant.graph.parts import AttachedPart, attached_parts, parse
from sandbox.tenant.graph.store import Attachment, AttachmentKind, Folder, Message, store

# What Exchange adds to the length of a file; the true amount varies, and is never nothing.
ATTACHMENT_OVERHEAD = 146


def arrived(
    ids: IdSource, mime: bytes | Path, directory: Path, folder: Folder, received: datetime, created: datetime
) -> Message:
    """The message of a mail, not yet in its folder. Raises OSError when its file cannot be read."""
    raw = mime.read_bytes() if isinstance(mime, Path) else mime
    structure = parse(raw)
    message = Message(
        ids=ids.item(),
        folder=folder,
        change_key=ids.change_key(),
        received=received,
        created=created,
        modified=created,
        content=read_mail(structure),
        mime=store(directory / "message.eml", raw),
        source=mime if isinstance(mime, Path) else None,
        attachments=[],
    )
    for number, part in enumerate(attached_parts(structure), 1):
        message.attachments.append(_attachment(ids, part, directory / f"{number:04}", created))
    return message


def copies(ids: IdSource, message: Message, number: int, step: timedelta) -> Iterator[Message]:
    """`number` messages that share the bytes of one, each received `step` later than the one before."""
    for index in range(number):
        made = ids.item()
        yield replace(
            message,
            ids=made,
            change_key=ids.change_key(),
            received=message.received + index * step,
            content=replace(message.content, internet_message_id=f"<{made.immutable[-24:]}@example.org>"),
            attachments=[replace(one, ids=ids.item()) for one in message.attachments],
        )


def _attachment(ids: IdSource, part: AttachedPart, path: Path, modified: datetime) -> Attachment:
    return Attachment(
        ids=ids.item(),
        kind=AttachmentKind.ITEM if part.item else AttachmentKind.FILE,
        name=part.name,
        content_type=part.content_type,
        size=len(part.content) + ATTACHMENT_OVERHEAD + len(part.name.encode()),
        inline=part.inline,
        modified=modified,
        content_id=part.content_id,
        content_location=part.content_location,
        file=store(path, part.content),
    )
