"""What becomes of a mail when it arrives: a message with its attachments, their bytes on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import Message as MimePart
from pathlib import Path
from typing import BinaryIO, TypeAlias

from sandbox.tenant.graph.ids import IdSource
from sandbox.tenant.graph.long_runs import PIECE, LongRuns, lightened
from sandbox.tenant.graph.mail import MailContent, read_mail
from sandbox.tenant.graph.manner import RECEIVED, Link, Manner, Scan
from sandbox.tenant.graph.meetings import read_meeting
from sandbox.tenant.graph.parts import KNOWN_TYPES, AttachedPart, attached_parts, meeting_part, parse
from sandbox.tenant.graph.scanning import NAME, placeholder, with_placeholder
from sandbox.tenant.graph.store import Attachment, AttachmentKind, Folder, Message, Scanned, store

# What Exchange adds to the length of a file; the true amount varies, and is never nothing.
ATTACHMENT_OVERHEAD = 146

Mime: TypeAlias = bytes | Path | BinaryIO
"""A mail: its bytes, a file, or one that is open and read to its end."""


def arrived(
    ids: IdSource,
    mime: Mime,
    directory: Path,
    folder: Folder,
    received: datetime,
    created: datetime,
    manner: Manner = RECEIVED,
) -> Message:
    """The message of a mail, not yet in its folder. Raises OSError when its file cannot be read."""
    stored = store(directory / "message.eml", _pieces(mime))
    text, runs = lightened(stored.path)
    root, made = parse(text), ids.item()
    meeting = meeting_part(root)
    message = Message(
        ids=made,
        folder=folder,
        change_key=ids.change_key(),
        received=received,
        created=created,
        modified=created,
        content=_with_message_id(read_mail(root, runs), made.immutable),
        mime=stored,
        source=mime if isinstance(mime, Path) else None,
        attachments=[],
        is_read=manner.draft,
        is_draft=manner.draft,
        meeting=read_meeting(meeting) if meeting is not None else None,
        regenerated=manner.regenerated,
    )
    parts = attached_parts(root, runs, outlook_items=manner.outlook_items)
    for number, part in enumerate(parts, 1):
        message.attachments.append(_attachment(ids, part, directory / f"{number:04}", created))
    message.attachments += [linked(ids, link, created) for link in manner.links]
    _scan(ids, message, manner.scan, root, runs)
    return message


def _pieces(mime: Mime) -> Iterator[bytes]:
    if isinstance(mime, bytes):
        yield mime
    elif isinstance(mime, Path):
        with closing(mime.open("rb")) as source:
            yield from _pieces(source)
    else:
        while piece := mime.read(PIECE):
            yield piece


def _with_message_id(content: MailContent, immutable_id: str) -> MailContent:
    """A mail that comes without a Message-ID is given one by Exchange, another at each delivery.

    Whether its MIME has it is not on record: here it has not.
    """
    if content.internet_message_id:
        return content
    made = f"<{immutable_id[-32:].strip('=')}@example.outlook.com>"
    return replace(content, internet_message_id=made, headers=(*content.headers, ("Message-ID", made)))


def _scan(ids: IdSource, message: Message, scan: Scan, root: MimePart, runs: LongRuns) -> None:
    if scan is Scan.WITHHELD:
        for attachment in message.attachments:
            attachment.withheld = True
    if scan is not Scan.PLACEHOLDER or not message.attachments:
        return
    directory = message.mime.path.parent
    message.coming = Scanned(message.mime, message.attachments)
    message.mime = store(directory / "scanning.eml", [with_placeholder(root, runs)])
    part = AttachedPart(
        item=True,
        name=NAME,
        content_type=None,
        inline=False,
        content_id=None,
        content_location=None,
        pieces=[placeholder()],
        is_message=True,
    )
    message.attachments = [_attachment(ids, part, directory / "placeholder", message.created)]


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


def linked(ids: IdSource, link: Link, modified: datetime) -> Attachment:
    """A link as an attachment; its size is that of what is known of it, since there are no bytes."""
    known = len(link.name.encode()) + len(link.url.encode())
    return Attachment(
        ids=ids.item(),
        kind=AttachmentKind.REFERENCE,
        name=link.name,
        content_type=link.content_type or KNOWN_TYPES.guess_type(link.name)[0],
        size=ATTACHMENT_OVERHEAD + known,
        inline=link.inline,
        modified=modified,
    )


def _attachment(ids: IdSource, part: AttachedPart, path: Path, modified: datetime) -> Attachment:
    file = store(path, part.pieces)
    return Attachment(
        ids=ids.item(),
        kind=AttachmentKind.ITEM if part.item else AttachmentKind.FILE,
        name=part.name,
        content_type=part.content_type,
        size=file.size + ATTACHMENT_OVERHEAD + len(part.name.encode()),
        inline=part.inline,
        modified=modified,
        content_id=part.content_id,
        content_location=part.content_location,
        file=file,
        is_message=part.is_message,
    )
