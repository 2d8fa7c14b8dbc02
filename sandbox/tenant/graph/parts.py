"""The parts of a mail: which is its text, and which Exchange keeps as attachments."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message as MimePart
from email.parser import BytesParser

from sandbox.tenant.graph.contents import AS_THEY_STAND, encapsulated, part_bytes, part_pieces
from sandbox.tenant.graph.long_runs import NONE, LongRuns
from sandbox.tenant.graph.meetings import CALENDAR, is_meeting_part
from sandbox.tenant.graph.text import bare_text, decode_bytes, guarded, header_text

BODY_TYPES = ("text/html", "text/plain")
PARAMETRIZED = ("content-type", "content-disposition")
ENCAPSULATED = ("message/rfc822", "message/global")
VCARDS = ("text/vcard", "text/x-vcard")

HEAD = 256 * 1024
"""Bytes of a mail within a mail that its subject is looked for in."""

MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")

# Without the tables of this machine: a name must not depend on where the sandbox runs.
KNOWN_TYPES = mimetypes.MimeTypes()


@dataclass(frozen=True)
class AttachedPart:
    """One attachment as it stands in the mail; the `pieces` of its bytes are given once.

    An `item` is a mail within the mail, its bytes the MIME, or a contact or an event.
    """

    item: bool
    name: str
    content_type: str | None
    inline: bool
    content_id: str | None
    content_location: str | None
    pieces: Iterable[bytes]
    is_message: bool = False


def parse(raw: bytes) -> MimePart:
    """The structure of a mail; an empty one when there is none to be found."""
    root = guarded(lambda: BytesParser(policy=AS_THEY_STAND).parsebytes(raw), MimePart())
    guarded(lambda: _decode_parameters(root), None)
    return root


def leaves(root: MimePart) -> Iterator[MimePart]:
    """The parts without parts, in the order of the mail. A mail within the mail is one of them."""
    open_parts = [root]
    while open_parts:
        part = open_parts.pop()
        content = part.get_payload()
        if part.get_content_maintype() == "message" or not isinstance(content, list):
            yield part
        else:
            open_parts.extend(child for child in reversed(content) if isinstance(child, MimePart))


def _decode_parameters(root: MimePart) -> None:
    """Many senders write file names in bare UTF-8, of which the library makes question marks."""
    for part in leaves(root):
        for name, value in part.raw_items():
            if name.lower() in PARAMETRIZED and not str(value).isascii():
                part.replace_header(name, bare_text(str(value)))


def text_part(root: MimePart) -> MimePart | None:
    """The part that Exchange shows as the body: the first HTML, else the first plain text."""
    texts = [part for part in leaves(root) if _may_be_body(part)]
    for wanted in BODY_TYPES:
        for part in texts:
            if shown_type(part) == wanted:
                return part
    return None


def shown_type(part: MimePart) -> str:
    """The type of a leaf. A multipart in which no part was found is plain text."""
    return "text/plain" if part.get_content_maintype() == "multipart" else part.get_content_type()


def meeting_part(root: MimePart) -> MimePart | None:
    """The part that makes an event message of a mail."""
    return next((part for part in guarded(lambda: list(leaves(root)), ()) if is_meeting_part(part)), None)


def attached_parts(
    root: MimePart, runs: LongRuns = NONE, *, outlook_items: bool = False
) -> Iterator[AttachedPart]:
    """The attachments, in the order of the mail.

    With `outlook_items` a vCard or an iCalendar is one. Else it is a file, as of any sender but Outlook.
    """
    body, meeting = guarded(lambda: text_part(root), None), meeting_part(root)
    number = 0
    for part in guarded(lambda: list(leaves(root)), ()):
        if part is body or part is meeting or not _is_attachment(part):
            continue
        number += 1
        declared = part.get_content_type()
        if declared in ENCAPSULATED:
            yield _mail(part, number, runs)
        elif outlook_items and (declared in VCARDS or declared == CALENDAR):
            yield _outlook_item(part, number, runs)
        else:
            yield _file(part, number, runs)


def _may_be_body(part: MimePart) -> bool:
    return shown_type(part) in BODY_TYPES and _disposition(part) != "attachment" and not _name(part)


def _is_attachment(part: MimePart) -> bool:
    if not shown_type(part).startswith("text/"):
        return True
    return _disposition(part) == "attachment" or bool(_name(part)) or _content_id(part) is not None


def _file(part: MimePart, number: int, runs: LongRuns) -> AttachedPart:
    declared = part.get_content_type()
    content_type = declared if MEDIA_TYPE.fullmatch(declared) else "application/octet-stream"
    extension = KNOWN_TYPES.guess_extension(content_type) or ".bin"
    content_id = _content_id(part)
    disposition = _disposition(part)
    return AttachedPart(
        item=False,
        name=_name(part) or f"ATT{number:05}{extension}",
        content_type=content_type,
        inline=disposition == "inline" or (disposition is None and content_id is not None),
        content_id=content_id,
        content_location=_header(part, "Content-Location"),
        pieces=part_pieces(part, runs),
    )


def _mail(part: MimePart, number: int, runs: LongRuns) -> AttachedPart:
    head = b""
    for piece in encapsulated(part, runs):
        head += piece[:HEAD]
        if len(head) >= HEAD:
            break
    name = _header(parse(head), "Subject") or _name(part) or f"ATT{number:05}.eml"
    return _as_item(name, encapsulated(part, runs), is_message=True)


def _outlook_item(part: MimePart, number: int, runs: LongRuns) -> AttachedPart:
    """Outlook shows a contact by its name, an event by its subject."""
    content = part_bytes(part, runs)
    shown = "SUMMARY" if part.get_content_type() == CALENDAR else "FN"
    found = re.search(rf"(?im)^{shown}(?:;[^:\r\n]*)?:(.+?)\r?$", decode_bytes(content, "utf-8"))
    return _as_item(found[1].strip() if found else _name(part) or f"ATT{number:05}", [content])


def _as_item(name: str, pieces: Iterable[bytes], *, is_message: bool = False) -> AttachedPart:
    return AttachedPart(
        item=True,
        name=name,
        content_type=None,
        inline=False,
        content_id=None,
        content_location=None,
        pieces=pieces,
        is_message=is_message,
    )


def _disposition(part: MimePart) -> str | None:
    return guarded(part.get_content_disposition, None) or None


def _name(part: MimePart) -> str | None:
    return guarded(lambda: header_text(part.get_filename() or ""), "") or None


def _content_id(part: MimePart) -> str | None:
    return (_header(part, "Content-ID") or "").strip("<> ") or None


def _header(part: MimePart, name: str) -> str | None:
    for key, value in part.raw_items():
        if key.lower() == name.lower():
            return header_text(str(value)) or None
    return None
