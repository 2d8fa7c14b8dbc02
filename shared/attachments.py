"""Attachments: from the mailbox to the staging area, each as Graph can give it.

File      its bytes
item      a message as MIME, with all that is nested in it; a contact as vCard; an event as iCalendar
reference a shortcut of ours: there are no bytes to be had

What Graph cannot give stands within the message alone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from shared.awaiting import is_placeholder, lacks_content, look_again_after
from shared.blob_container import Written
from shared.errors import NotYet, Unavailable
from shared.graph.answers import Attachment, Message
from shared.graph.faults import Refused
from shared.graph.mailbox import MailboxReader
from shared.internet_shortcut import CONTENT_TYPE, internet_shortcut
from shared.manifest import (
    EMPTY,
    ITEM,
    NO_ADDRESS,
    PLACEHOLDER,
    REFERENCE,
    LeftOut,
    StagedFile,
    attachment_path,
)
from shared.staging_area import StagingArea, file_name

REFUSED_FOR_GOOD_AFTER = 5
"""Attempts until an item that Graph refuses is taken for one that it cannot give."""
_ENOUGH = 64
_TYPES = {b"begin:vcard": "text/vcard", b"begin:vcalendar": "text/calendar"}


@dataclass(frozen=True)
class Place:
    """Where attachments come from and go to: the mailbox, the message, and a run of the staging area."""

    mailbox: str
    message: Message
    source: str
    key: str
    run: str


@dataclass(frozen=True)
class Patience:
    """How long the mail has waited, and how often it was tried."""

    waited: timedelta
    attempts: int


@dataclass(frozen=True)
class AttachmentFetcher:
    """Stages the attachments of a message."""

    mailboxes: MailboxReader
    area: StagingArea

    async def fetch(
        self, place: Place, attachments: Sequence[Attachment], patience: Patience
    ) -> tuple[list[StagedFile], list[LeftOut]]:
        """Stage them one after the other, each under its number in Graph's list.

        Raises NotYet while content may still come, and what `MailboxReader` and `StagingArea` raise.
        """
        await_content(attachments, patience)
        files, left_out = [], []
        for number, attachment in enumerate(attachments, 1):
            file = await self._staged(place, number, attachment, patience)
            if file is None:
                left_out.append(LeftOut(number, attachment.kind, attachment.name or ""))
            else:
                files.append(file)
        return files, left_out

    async def _staged(
        self, place: Place, number: int, attachment: Attachment, patience: Patience
    ) -> StagedFile | None:
        if attachment.kind == REFERENCE:
            return await self._link(place, number, attachment)
        beginning = bytearray()
        try:
            content = noting(self._content(place, attachment), beginning, _ENOUGH)
            written = await self._write(place, number, content, attachment.size)
        except Refused as fault:
            if _is_for_good(fault, attachment, patience):
                return None
            raise
        if lacks_content(attachment, written.size, patience.waited):
            _wait(patience)
        is_item = attachment.kind == ITEM
        return _file(
            number,
            attachment,
            written,
            content_type=type_of_item(beginning) if is_item else attachment.content_type or "",
            attached_as=ITEM if is_item else "file",
            note=PLACEHOLDER if is_placeholder(attachment) else "" if written.size else EMPTY,
        )

    def _content(self, place: Place, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        if not attachment.id:
            raise Unavailable("Graph's list has an attachment without an id", origin="graph")
        return self.mailboxes.attachment_bytes(place.mailbox, place.message.id, attachment.id)

    async def _link(self, place: Place, number: int, attachment: Attachment) -> StagedFile | None:
        """A shortcut: to where the reference leads, else to the mail, where it can be followed from."""
        leads = internet_shortcut(attachment.source_url)
        content = leads or internet_shortcut(place.message.web_link)
        if content is None:
            return None
        written = await self._write(place, number, _one_piece(content), len(content))
        note = "" if leads else NO_ADDRESS
        return _file(number, attachment, written, content_type=CONTENT_TYPE, attached_as=REFERENCE, note=note)

    async def _write(
        self, place: Place, number: int, content: AsyncGenerator[bytes, None], expected: int | None
    ) -> Written:
        name = file_name(place.source, place.key, place.run, attachment_path(number))
        return await self.area.write(name, content, expected)


def type_of_item(beginning: bytes | bytearray) -> str:
    """The content type of an item, by its first bytes: Graph's list says `null`, and not what is in it.

    Source of the three: learn.microsoft.com/graph/api/attachment-get, $value.
    """
    line = bytes(beginning).removeprefix(b"\xef\xbb\xbf").lstrip().splitlines()[:1]
    return _TYPES.get(line[0].strip().lower(), "message/rfc822") if line else "message/rfc822"


def _file(
    number: int, attachment: Attachment, written: Written, *, content_type: str, attached_as: str, note: str
) -> StagedFile:
    return StagedFile(
        attachment_path(number),
        "file",
        written.size,
        written.sha256,
        name=attachment.name or "",
        type=content_type,
        inline=bool(attachment.is_inline),
        attached_as=attached_as,
        note=note,
    )


def _is_for_good(fault: Refused, attachment: Attachment, patience: Patience) -> bool:
    """405 says that such an attachment has no bytes. No other answer about one is documented."""
    if fault.status == HTTPStatus.METHOD_NOT_ALLOWED:
        return True
    return attachment.kind != "file" and patience.attempts >= REFUSED_FOR_GOOD_AFTER


def await_content(attachments: Sequence[Attachment], patience: Patience) -> None:
    """Raises NotYet where a placeholder stands for attachments, unless the mail has waited long enough."""
    if any(map(is_placeholder, attachments)):
        _wait(patience)


def _wait(patience: Patience) -> None:
    """Raises NotYet, unless the mail has waited long enough."""
    after = look_again_after(patience.waited)
    if after is not None:
        raise NotYet("the content of an attachment is not there yet", after=after)


async def noting(
    content: AsyncGenerator[bytes, None], beginning: bytearray, most: int
) -> AsyncGenerator[bytes, None]:
    """`content`, with its first bytes noted on the way, at most so many."""
    async with aclosing(content):
        async for piece in content:
            beginning += piece[: most - len(beginning)]
            yield piece


async def _one_piece(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content
