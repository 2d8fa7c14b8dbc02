"""MIME that is made anew at each call, since Outlook does not keep it.

learn.microsoft.com/graph/outlook-get-mime-message

Other boundaries, another order and folding of the headers; the content is the same. What is signed, and what
stands within it, is kept as it came: Exchange keeps it whole.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from email.message import Message as MimePart
from pathlib import Path

from sandbox.tenant.graph.long_runs import lightened
from sandbox.tenant.graph.parts import parse
from sandbox.tenant.graph.text import guarded

HEADER = re.compile(rb"(?P<name>[!-9;-~]+):[^\n]*\n(?:[ \t][^\n]*\n)*")
ENVELOPE = re.compile(rb"From [^\n]*\n")
FOLDED = re.compile(rb"\r?\n(?= [^ \t\r\n])")
ODDLY_FOLDED = re.compile(rb"\n(?:\t|[ \t]+(?:[ \t]|\r?\n))")
FOLD_HERE = re.compile(rb"(?<=[;,]) (?=[^ \t\r\n])")


def regenerated(file: Path, generation: int) -> Iterator[bytes]:
    """The MIME in `file` as the call of that number gives it, in pieces. Raises OSError."""
    text, runs = lightened(file)
    return runs.restored(anew(text, generation))


def anew(mime: bytes, generation: int) -> bytes:
    """The same mail in other bytes: two successive generations differ, unless it has but one header."""
    root, made = parse(mime), mime
    for boundary in guarded(lambda: list(_boundaries(root)), ()):
        made = _with_other_boundary(made, boundary, f"_{generation:03}_{secrets.token_hex(16)}_".encode())
    content = _content(root)
    # Of a damaged mail this may have made another: it keeps what cannot be changed.
    kept = made if _content(parse(made)) == content else mime
    moved = _with_other_headers(kept, generation)
    return moved if _content(parse(moved)) == content else kept


def _content(part: MimePart) -> object:
    content = part.get_payload()
    if isinstance(content, list):
        return [_content(child) for child in content if isinstance(child, MimePart)]
    return guarded(part.get_content_type, ""), content


def _boundaries(part: MimePart) -> Iterator[bytes]:
    content = part.get_payload()
    if not isinstance(content, list) or part.get_content_type() == "multipart/signed":
        return
    boundary = part.get_boundary()
    if part.get_content_maintype() == "multipart" and boundary and boundary.isascii():
        yield boundary.encode()
    for child in content:
        if isinstance(child, MimePart):
            yield from _boundaries(child)


def _with_other_boundary(mime: bytes, old: bytes, new: bytes) -> bytes:
    escaped = re.escape(old)
    named = (
        rb"(?im)^(Content-Type[ \t]*:(?:[^\r\n]|\r?\n[ \t])*?boundary=)(\"?)"
        + escaped
        + rb"\2(?=[ \t;\r\n]|$)"
    )
    mime = re.sub(named, lambda match: match[1] + b'"' + new + b'"', mime)
    return re.sub(rb"(?m)^--" + escaped + rb"(?=(?:--)?[ \t]*\r?$)", b"--" + new, mime)


def _with_other_headers(mime: bytes, generation: int) -> bytes:
    """Names take turns in being the first; those with the same name keep their order."""
    start = ENVELOPE.match(mime)
    begin = end = start.end() if start else 0
    headers = []
    while found := HEADER.match(mime, end):
        headers.append(found)
        end = found.end()
    if headers and mime[end : end + 1] in (b" ", b"\t"):
        # The mail ends within its last header, which stays the last.
        end = headers.pop().start()
    names = list(dict.fromkeys(found["name"].lower() for found in headers))
    turn = generation % max(len(names), 1)
    order = {name: place for place, name in enumerate(names[turn:] + names[:turn])}
    moved = sorted(headers, key=lambda found: order[found["name"].lower()])
    shown = [_folded(found[0], wide=generation % 2 == 0) for found in moved]
    return b"".join([mime[:begin], *shown, mime[end:]])


def _folded(header: bytes, *, wide: bool) -> bytes:
    """A header folded otherwise, or not at all if `wide`.

    One with quoted text or parameters, or whose white space could be read in two ways, stays as it is.
    """
    if b'"' in header or not header.isascii() or header.lower().startswith(b"content-"):
        return header
    if ODDLY_FOLDED.search(header):
        return header
    line = FOLDED.sub(b"", header)
    line_end = b"\r\n" if header.endswith(b"\r\n") else b"\n"
    return line if wide else FOLD_HERE.sub(line_end + b" ", line)
