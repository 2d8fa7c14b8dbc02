"""The structure of a mail, read as its bytes pass by, without keeping its attachments.

Kept are the text parts and the pictures with an id, up to a limit, whatever the size of the mail. Time is
proportional to that size. Nothing raises: what is malformed is read as it stands (RFC 2045, 2046).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.body.headers import content_type, identifier, value_of
from shared.body.transfer_encoding import transfer_encoding

MIB = 1024 * 1024
LONGEST_LINE = 16 * 1024
"""Bytes of a line that are looked at together: a delimiter is far shorter (RFC 2046, 5.1.1)."""
_LONGEST_HEADER = 64 * 1024
_SHOWN = frozenset({"from", "to", "cc", "date", "subject"})
_OF_A_PART = frozenset(
    {"content-type", "content-transfer-encoding", "content-disposition", "content-id", "content-location"}
)
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")


@dataclass(frozen=True)
class Limits:
    """What is kept of a mail, in bytes as they stand in it, and how much of its structure is followed."""

    text: int = 2 * MIB
    pictures: int = 6 * MIB
    depth: int = 50
    parts: int = 5_000
    effort: int = 1_000_000
    """Lines of headers, and lines that begin as a delimiter does."""


@dataclass
class Part:
    """A part whose content may be of use for the body, or a multipart with those."""

    kind: str = "text/plain"
    parameters: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    content_id: str = ""
    location: str = ""
    has_name: bool = False
    content: bytearray = field(default_factory=bytearray)
    is_cut: bool = False
    was_divided: bool = False
    """Whether a delimiter of it has been met."""
    children: list[Part] = field(default_factory=list)

    @property
    def is_multipart(self) -> bool:
        """Whether it consists of parts."""
        return self.kind.startswith("multipart/")

    @property
    def is_picture(self) -> bool:
        """Whether HTML may refer to it."""
        return self.kind.startswith("image/")


@dataclass(frozen=True)
class Scanned:
    """What is kept of a mail. `headers` has the names in lower case; `is_cut`: there was more to keep."""

    root: Part
    headers: Mapping[str, bytes]
    is_cut: bool


class Scanner:
    """Takes a mail in pieces of any size."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._left = {"text": self._limits.text, "pictures": self._limits.pictures}
        self._pending = bytearray()
        self._at_line_start = True
        self._open: list[tuple[bytes, Part]] = []
        self._root: Part | None = None
        self._keeps: Part | None = None
        self._headers: dict[str, bytearray] | None = {}
        self._last: bytearray | None = None
        self._is_first_line = True
        self._of_mail: Mapping[str, bytes] = {}
        self._parts = 0
        self._is_cut = False
        self._delimiters: dict[bytes, tuple[int, bool]] = {}
        self._effort = self._limits.effort

    def feed(self, piece: bytes) -> None:
        """The next bytes of the mail."""
        if self._effort < 0:
            return
        self._pending += piece
        if b"\n" in piece or len(self._pending) > LONGEST_LINE:
            done = self._lines(bytes(self._pending))
            del self._pending[:done]

    def finish(self) -> Scanned:
        """The mail has ended."""
        if self._pending and self._effort >= 0:
            self._line(bytes(self._pending))
        self._pending.clear()
        if self._headers is not None:
            self._begin_content()
        self._end_part(at_delimiter=False)
        return Scanned(self._root or Part(), self._of_mail, self._is_cut)

    def _lines(self, data: bytes) -> int:
        """How much of `data` is done: whole lines, and what is too long to be looked at as one."""
        at = 0
        while self._effort >= 0:
            if self._headers is None and self._at_line_start:
                at = self._content(data, at)
            end = data.find(b"\n", at) + 1
            if not end and len(data) - at <= LONGEST_LINE:
                return at
            end = min(end or len(data), at + LONGEST_LINE)
            self._line(data[at:end])
            at = end
        return len(data)

    def _content(self, data: bytes, at: int) -> int:
        """Keeps what comes before the next line that may be a delimiter, and tells where that begins."""
        if data.startswith(b"--", at):
            return at
        found = data.find(b"\n--", at)
        end = (found if found >= 0 else data.rfind(b"\n", at)) + 1
        if end:
            self._keep(data[at:end])
        return end or at

    def _line(self, line: bytes) -> None:
        """A line, or a piece of one that is too long. What looks like structure without end is an attack."""
        at_start = self._at_line_start
        self._at_line_start = line.endswith(b"\n")
        if self._headers is None and not at_start:
            self._keep(line)
            return
        self._effort -= 1
        if self._effort < 0:
            self._is_cut = True
        elif not (at_start and line.startswith(b"--") and self._is_delimiter(line)):
            if self._headers is not None:
                self._header_line(line, self._headers, at_start)
            else:
                self._keep(line)

    def _is_delimiter(self, line: bytes) -> bool:
        """Whether it separates parts: those of outer multiparts count within inner ones (RFC 2046, 5.1.2)."""
        found = self._delimiters.get(line[2:].rstrip(b" \t\r\n"))
        if found is None:
            return False
        level, is_last = found
        self._end_part(at_delimiter=True)
        self._drop_preamble(self._open[level][1])
        if is_last or level + 1 < len(self._open):
            del self._open[level + (not is_last) :]
            self._look_for_delimiters()
        self._headers = None if is_last else {}
        self._last = None
        return True

    def _look_for_delimiters(self) -> None:
        """Those of inner multiparts come last, and win."""
        self._delimiters = {}
        for level, (boundary, _) in enumerate(self._open):
            self._delimiters[boundary + b"--"] = level, True
        for level, (boundary, _) in enumerate(self._open):
            self._delimiters[boundary] = level, False

    def _end_part(self, *, at_delimiter: bool) -> None:
        """The line break before a delimiter belongs to the delimiter (RFC 2046, 5.1.1)."""
        if self._headers is not None and self._headers:
            self._begin_content()
        part, self._keeps = self._keeps, None
        if part is not None and at_delimiter and not part.is_cut:
            for end in (b"\n", b"\r"):
                if part.content.endswith(end):
                    del part.content[-1:]

    def _drop_preamble(self, multipart: Part) -> None:
        self._left["text"] += len(multipart.content)
        multipart.content = bytearray()
        multipart.is_cut, multipart.was_divided = False, True

    def _header_line(self, line: bytes, headers: dict[str, bytearray], at_start: bool) -> None:
        is_first, self._is_first_line = self._is_first_line, False
        if not at_start or line[:1] in (b" ", b"\t"):
            if self._last is not None and len(self._last) < _LONGEST_HEADER:
                self._last += line
        elif not line.strip(b"\r\n"):
            self._begin_content()
        elif found := _FIELD.match(line):
            self._last = None
            name = found[1].decode("ascii").lower()
            wanted = _OF_A_PART if self._root is not None else _OF_A_PART | _SHOWN
            if name in wanted and name not in headers:
                self._last = headers[name] = bytearray(line[found.end() :])
        elif not (is_first and line.startswith((b"From ", b">From "))):
            self._begin_content()
            self._keep(line)

    def _begin_content(self) -> None:
        headers = {name: bytes(value) for name, value in (self._headers or {}).items()}
        self._headers, self._last = None, None
        parent = self._open[-1][1] if self._open else None
        part, is_attachment = _part(headers, parent)
        if parent is None:
            self._root, self._of_mail = part, headers
            is_attachment = False
        self._parts += 1
        if self._parts > self._limits.parts:
            self._is_cut, self._effort = True, -1
            return
        if is_attachment or not _is_of_use(part, is_root=parent is None):
            return
        self._keeps = part
        if parent is not None:
            parent.children.append(part)
        if part.is_multipart:
            self._open_multipart(part)

    def _open_multipart(self, part: Part) -> None:
        boundary = part.parameters.get("boundary", "").rstrip().encode("utf-8")
        if len(self._open) >= self._limits.depth:
            self._keeps, self._is_cut = None, True
        elif boundary:
            self._open.append((boundary, part))
            self._look_for_delimiters()

    def _keep(self, line: bytes) -> None:
        part = self._keeps
        if part is None:
            return
        budget = "pictures" if part.is_picture else "text"
        if len(line) <= self._left[budget]:
            part.content += line
            self._left[budget] -= len(line)
            return
        part.is_cut, self._keeps = True, None
        if part.is_picture:
            self._left[budget] += len(part.content)
            part.content = bytearray()
        else:
            part.content += line[: self._left[budget]]
            self._left[budget] = 0
            self._is_cut = True


def _part(headers: Mapping[str, bytes], parent: Part | None) -> tuple[Part, bool]:
    """A part as its headers describe it, and whether it is an attachment."""
    default = "message/rfc822" if parent and parent.kind == "multipart/digest" else "text/plain"
    type_value = value_of(headers.get("content-type", b""))
    disposition = value_of(headers.get("content-disposition", b""))
    part = Part(
        content_type(type_value, default),
        type_value.parameters,
        transfer_encoding(value_of(headers.get("content-transfer-encoding", b"")).main),
        identifier(headers.get("content-id", b"")),
        identifier(headers.get("content-location", b"")),
        has_name="name" in type_value.parameters or "filename" in disposition.parameters,
    )
    return part, disposition.main == "attachment" and not part.is_picture


def _is_of_use(part: Part, *, is_root: bool) -> bool:
    if part.is_picture:
        return bool(part.content_id or part.location)
    if part.is_multipart or part.kind in ("text/plain", "text/html"):
        return True
    return is_root and part.kind.startswith("text/")
