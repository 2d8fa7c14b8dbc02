"""A mail in a file as Graph would show it, as far as its MIME tells; it is never whole in memory.

What Exchange makes of a mail is not documented in every detail: docs/operations.md says where it may differ.
"""

from __future__ import annotations

import asyncio
import email.utils
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from shared.attachments import type_of_item
from shared.body.charsets import decoded
from shared.body.headers import shown
from shared.body.reader import Body, BodyReader
from shared.errors import VaultpostError
from shared.file_extensions import extension_of
from shared.graph.answers import Attachment, EmailAddress, InternetMessageHeader, Message, Recipient
from shared.mail_content import BodyContent
from shared.manifest import EMPTY, ITEM, MESSAGE_NAME, StagedFile, attachment_path
from shared.mime_head import HEAD_SIZE
from shared.operations.mime_parts import LONGEST_LINE, MimePart, PartReader

_PIECE = 256 * 1024
_MAILS = frozenset({"message/rfc822", "message/global"})
_MEETINGS = frozenset({"request", "reply", "cancel"})
_IMPORTANCE = {
    **dict.fromkeys(("high", "urgent", "1", "2"), "high"),
    **dict.fromkeys(("low", "non-urgent", "4", "5"), "low"),
}
_FILE, _ITEM = "#microsoft.graph.fileAttachment", "#microsoft.graph.itemAttachment"
_LENIENT: dict[str, Any] = {"strict": False} if hasattr(email.utils, "supports_strict_parsing") else {}
"""Newer releases of Python drop all addresses of a list that has one damaged."""


class Unreadable(VaultpostError):
    """The file of a mail cannot be read, or has no bytes."""


@dataclass(frozen=True)
class MailFile:
    """What a file says: `files` are the message and its attachments, `head` the beginning of the MIME."""

    path: Path
    message: Message
    attachments: tuple[Attachment, ...]
    files: tuple[StagedFile, ...]
    head: bytes
    is_cut: bool = False


def read_mail_file(path: Path, received: datetime | None = None) -> MailFile:
    """The mail in a file; `received` wins over what its headers say of that.

    Raises Unreadable.
    """
    reader, sha256, head = PartReader(), hashlib.sha256(), bytearray()
    size = 0
    with _opened(path) as file:
        for line in iter(partial(file.readline, LONGEST_LINE), b""):
            reader.feed(line)
            sha256.update(line)
            size += len(line)
            head += line[: HEAD_SIZE - len(head)]
    if not size:
        raise Unreadable(f"{path}: has no bytes")
    reader.finish()
    whole = StagedFile(MESSAGE_NAME, "message", size, sha256.hexdigest(), type="message/rfc822")
    pairs = [_attached(part, number) for number, part in enumerate(attached_parts(reader.parts), 1)]
    return MailFile(
        path=path,
        message=_message(reader, received),
        attachments=tuple(attachment for attachment, _ in pairs),
        files=(whole, *(file for _, file in pairs)),
        head=bytes(head),
        is_cut=reader.is_cut,
    )


def attached_parts(parts: Sequence[MimePart]) -> list[MimePart]:
    """The parts that are no text of the mail, and no meeting that it is."""
    texts = [part for part in parts if part.kind in ("text/html", "text/plain") and not _is_named(part)]
    html = [part for part in texts if part.kind == "text/html"]
    body = (html or texts)[:1]
    return [part for part in parts if part not in body and not is_meeting(part) and _is_attached(part)]


def is_meeting(part: MimePart) -> bool:
    """Whether it makes the mail a meeting request, or an answer to one (RFC 6047)."""
    method = part.type.parameters.get("method", "").lower()
    return part.kind == "text/calendar" and method in _MEETINGS and part.disposition.main != "attachment"


def _is_attached(part: MimePart) -> bool:
    return not part.kind.startswith("text/") or _is_named(part) or bool(part.content_id)


def _is_named(part: MimePart) -> bool:
    return part.disposition.main == "attachment" or bool(part.name)


def _attached(part: MimePart, number: int) -> tuple[Attachment, StagedFile]:
    """An attachment as Graph lists it, and as it would be staged."""
    content, is_item = part.content, part.kind in _MAILS
    name = part.name or f"ATT{number:05}.{extension_of(part.kind)}"
    if is_item:
        name = _subject(bytes(content.beginning)) or name
    disposition = part.disposition.main
    inline = not is_item and (disposition == "inline" or (not disposition and bool(part.content_id)))
    attachment = Attachment(
        odata_type=_ITEM if is_item else _FILE,
        name=name,
        content_type=None if is_item else part.kind,
        size=content.size,
        is_inline=inline,
    )
    file = StagedFile(
        attachment_path(number),
        "file",
        content.size,
        content.sha256,
        name=name,
        type=type_of_item(content.beginning) if is_item else part.kind,
        inline=inline,
        attached_as=ITEM if is_item else "file",
        note="" if content.size else EMPTY,
    )
    return attachment, file


def _subject(beginning: bytes) -> str:
    """The subject of a mail within the mail: it is called by that."""
    reader = PartReader()
    for line in beginning.splitlines(keepends=True):
        reader.feed(line)
    reader.finish()
    return _HeaderTexts(reader.headers).text("subject")


def _message(reader: PartReader, received: datetime | None) -> Message:
    named = _HeaderTexts(reader.headers)
    author = named.recipients("from")[:1]
    sender = named.recipients("sender")[:1] or author
    came = received or named.received() or named.moment("date")
    sent = named.moment("date")
    return Message(
        odata_type="#microsoft.graph.eventMessage" if any(map(is_meeting, reader.parts)) else "",
        subject=named.text("subject"),
        from_=next(iter(author), None),
        sender=next(iter(sender), None),
        to_recipients=named.recipients("to"),
        cc_recipients=named.recipients("cc"),
        bcc_recipients=named.recipients("bcc"),
        reply_to=named.recipients("reply-to"),
        received_date_time=_in_utc(came),
        sent_date_time=_in_utc(sent),
        importance=named.importance(),
        internet_message_id=named.text("message-id"),
        internet_message_headers=[
            InternetMessageHeader(name, shown(value)) for name, value in reader.headers
        ],
    )


class _HeaderTexts:
    """What the headers of a mail say; what is damaged says nothing."""

    def __init__(self, headers: Sequence[tuple[str, bytes]]) -> None:
        self._headers = headers

    def _all(self, name: str) -> Iterator[bytes]:
        return (value for key, value in self._headers if key.lower() == name)

    def text(self, name: str) -> str:
        return shown(next(self._all(name), b""))

    def recipients(self, name: str) -> list[Recipient]:
        """Addresses are taken apart before names are decoded: a decoded name may hold a comma."""
        lists = [" ".join(decoded(value).split()) for value in self._all(name)]
        try:
            pairs = email.utils.getaddresses(lists, **_LENIENT)
        except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
            return []  # comments nested a thousand times, and the like
        return [
            Recipient(EmailAddress(_shown(name) or _shown(address), _shown(address)))
            for name, address in pairs
            if address
        ]

    def importance(self) -> str:
        for name in ("importance", "x-priority", "x-msmail-priority", "priority"):
            word = self.text(name).partition(" ")[0].lower()
            if word in _IMPORTANCE:
                return _IMPORTANCE[word]
        return "normal"

    def received(self) -> datetime | None:
        """When the last server took it (RFC 5321, 4.4): each writes its header above the others."""
        return _moment(self.text("received").rpartition(";")[2])

    def moment(self, name: str) -> datetime | None:
        return _moment(self.text(name))


def _shown(text: str) -> str:
    return shown(text.encode("utf-8", errors="replace"))


def _moment(text: str) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, LookupError):
        return None


def _in_utc(moment: datetime | None) -> str:
    """As Graph writes it, in whole seconds."""
    if moment is None:
        return ""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


class FileContent(BodyContent):
    """The text of a mail in a file, read when it is first asked for. Reading raises Unreadable."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def _read(self) -> Body:
        return await asyncio.to_thread(_body_of, self._path)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror})") from None


def _body_of(path: Path) -> Body:
    reader = BodyReader()
    with _opened(path) as file:
        for piece in iter(partial(file.read, _PIECE), b""):
            reader.feed(piece)
    return reader.finish()
