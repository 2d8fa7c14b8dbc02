"""The parts of a mail: which is its text, and which Exchange keeps as attachments."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.generator import BytesGenerator
from email.message import Message as MimePart
from email.parser import BytesParser
from email.policy import compat32
from io import BytesIO

from sandbox.tenant.graph.text import bare_text, guarded, header_text

BODY_TYPES = ("text/html", "text/plain")
PARAMETRIZED = ("content-type", "content-disposition")
ENCAPSULATED = ("message/rfc822", "message/global")

MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")

# Without the tables of this machine: a name must not depend on where the sandbox runs.
KNOWN_TYPES = mimetypes.MimeTypes()


@dataclass(frozen=True)
class AttachedPart:
    """One attachment as it stands in the mail; an `item` is a mail within the mail, `content` its MIME."""

    item: bool
    name: str
    content_type: str | None
    inline: bool
    content_id: str | None
    content_location: str | None
    content: bytes


def parse(raw: bytes) -> MimePart:
    """The structure of a mail; an empty one when there is none to be found."""
    root = guarded(lambda: BytesParser(policy=compat32).parsebytes(raw), MimePart())
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


def part_bytes(part: MimePart) -> bytes:
    """The decoded bytes of a leaf; for a report (`message/delivery-status`) its text as it stands."""
    content = part.get_payload()
    if isinstance(content, list):
        return b"".join(_flattened(child) for child in content if isinstance(child, MimePart))
    decoded = guarded(lambda: part.get_payload(decode=True), None)
    return decoded if isinstance(decoded, bytes) else b""


def attached_parts(root: MimePart) -> Iterator[AttachedPart]:
    """The attachments, in the order of the mail."""
    body = guarded(lambda: text_part(root), None)
    number = 0
    for part in guarded(lambda: list(leaves(root)), ()):
        if part is body or not _is_attachment(part):
            continue
        number += 1
        yield _item(part, number) if part.get_content_type() in ENCAPSULATED else _file(part, number)


def _may_be_body(part: MimePart) -> bool:
    return shown_type(part) in BODY_TYPES and _disposition(part) != "attachment" and not _name(part)


def _is_attachment(part: MimePart) -> bool:
    if not shown_type(part).startswith("text/"):
        return True
    return _disposition(part) == "attachment" or bool(_name(part)) or _content_id(part) is not None


def _file(part: MimePart, number: int) -> AttachedPart:
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
        content=part_bytes(part),
    )


def _item(part: MimePart, number: int) -> AttachedPart:
    content = _encapsulated(part)
    return AttachedPart(
        item=True,
        name=_header(parse(content), "Subject") or _name(part) or f"ATT{number:05}.eml",
        content_type=None,
        inline=False,
        content_id=None,
        content_location=None,
        content=content,
    )


def _encapsulated(part: MimePart) -> bytes:
    content = part.get_payload()
    if not isinstance(content, list):
        return part_bytes(part)
    flat = b"".join(_flattened(child) for child in content if isinstance(child, MimePart))
    # RFC 2046 forbids to encode a mail within a mail; it is done all the same.
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() != "base64":
        return flat
    try:
        return base64.b64decode(b"".join(flat.split()), validate=True)
    except (binascii.Error, ValueError):
        return flat


def _flattened(part: MimePart) -> bytes:
    return guarded(lambda: _generated(part), b"")


def _generated(part: MimePart) -> bytes:
    target = BytesIO()
    BytesGenerator(target, mangle_from_=False, maxheaderlen=0, policy=compat32).flatten(part)
    return target.getvalue()


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
