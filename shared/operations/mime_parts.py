"""The parts of a mail in a file, read as its lines pass by, without keeping what is attached.

Time is proportional to the size of the file, and memory does not grow with it. Nothing raises: what is
malformed is read as it stands (RFC 2045, 2046).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shared.body.headers import Value, content_type, identifier, shown, value_of
from shared.body.transfer_encoding import transfer_encoding
from shared.operations.part_content import PartContent

LONGEST_LINE = 64 * 1024
"""Bytes that are read as one line."""
MOST_PARTS, _DEEPEST = 5_000, 50
_LONGEST_HEADER, _LONGEST_HEADERS = 64 * 1024, 256 * 1024
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")


@dataclass(frozen=True)
class MimePart:
    """A part without parts: its headers by their names in lower case, the first of each, and its content."""

    headers: Mapping[str, bytes]
    kind: str
    content: PartContent

    @cached_property
    def type(self) -> Value:
        """The Content-Type with its parameters."""
        return value_of(self.headers.get("content-type", b""))

    @cached_property
    def disposition(self) -> Value:
        """The Content-Disposition with its parameters."""
        return value_of(self.headers.get("content-disposition", b""))

    @property
    def name(self) -> str:
        """The file name that it says; empty where it says none."""
        named = self.disposition.parameters.get("filename") or self.type.parameters.get("name") or ""
        return shown(named.encode("utf-8", errors="replace"))

    @property
    def content_id(self) -> str:
        """Its Content-ID without brackets."""
        return identifier(self.headers.get("content-id", b""))


class _Headers:
    """The headers of a mail or a part, up to a limit; what is beyond is passed over."""

    def __init__(self) -> None:
        self._fields: list[tuple[str, bytearray]] = []
        self._left = _LONGEST_HEADERS
        self._last: bytearray | None = None

    @property
    def is_empty(self) -> bool:
        return not self._fields

    def begin(self, name: bytes, value: bytes) -> None:
        self._last = bytearray()
        self._fields.append((name.decode("ascii"), self._last))
        self.go_on(value)

    def go_on(self, piece: bytes) -> None:
        """A folded line, or the rest of a long one."""
        if self._last is not None:
            most = max(0, min(self._left, _LONGEST_HEADER - len(self._last)))
            self._last += piece[:most]
            self._left -= min(len(piece), most)
            if self._left <= 0:
                self._last = None

    @property
    def is_full(self) -> bool:
        return self._left <= 0

    def all(self) -> list[tuple[str, bytes]]:
        return [(name, bytes(value)) for name, value in self._fields]

    def by_name(self) -> dict[str, bytes]:
        """The first of each name, in lower case."""
        return {name.lower(): value for name, value in reversed(self.all())}


class PartReader:
    """Takes the lines of a mail, each with its end; `finish`, then `headers` and `parts` are whole."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, bytes]] = []
        self.parts: list[MimePart] = []
        self.is_cut = False
        self._open: list[tuple[bytes, str]] = []
        self._delimiters: dict[bytes, tuple[int, bool]] = {}
        self._reading: _Headers | None = _Headers()
        self._content: PartContent | None = None
        self._is_root = True
        self._at_start = True

    def feed(self, line: bytes) -> None:
        """A line, or a piece of one that is too long."""
        at_start, self._at_start = self._at_start, line.endswith(b"\n")
        if at_start and line.startswith(b"--") and self._is_delimiter(line):
            return
        if self._reading is None:
            self._feed_content(line)
        elif not self._is_header(line, self._reading, at_start):
            self._begin_content(self._reading)
            if line.strip(b"\r\n"):  # not a header, and no end of them: the content has begun
                self._feed_content(line)

    def finish(self) -> None:
        """The mail has ended."""
        self._end_part(at_delimiter=False)
        if self._is_root and self._reading is not None:
            self._begin_content(self._reading)
            self._end_part(at_delimiter=False)

    def _feed_content(self, line: bytes) -> None:
        if self._content is not None:
            self._content.feed(line)

    def _is_header(self, line: bytes, headers: _Headers, at_start: bool) -> bool:
        if not at_start or line[:1] in (b" ", b"\t"):
            headers.go_on(line)
            return True
        if not line.strip(b"\r\n"):
            return False
        found = _FIELD.match(line)
        if found:
            if not headers.is_full:
                headers.begin(found[1], line[found.end() :])
            return True
        # The line before a mail in a mailbox file (RFC 4155).
        return self._is_root and headers.is_empty and line.startswith((b"From ", b">From "))

    def _is_delimiter(self, line: bytes) -> bool:
        """Those of outer multiparts count within inner ones (RFC 2046, 5.1.2)."""
        found = self._delimiters.get(line[2:].rstrip(b" \t\r\n"))
        if found is None:
            return False
        level, is_last = found
        self._end_part(at_delimiter=True)
        if is_last or level + 1 < len(self._open):
            del self._open[level + (not is_last) :]
            self._look_for_delimiters()
        self._reading = None if is_last else _Headers()
        return True

    def _look_for_delimiters(self) -> None:
        """Those of inner multiparts come last, and win."""
        self._delimiters = {}
        for level, (boundary, _) in enumerate(self._open):
            self._delimiters[boundary + b"--"] = level, True
        for level, (boundary, _) in enumerate(self._open):
            self._delimiters[boundary] = level, False

    def _begin_content(self, headers: _Headers) -> None:
        self._reading = None
        if self._is_root:
            self._is_root, self.headers = False, headers.all()
        named = headers.by_name()
        default = "message/rfc822" if self._open and self._open[-1][1] == "multipart/digest" else "text/plain"
        type_ = value_of(named.get("content-type", b""))
        kind = content_type(type_, default)
        boundary = type_.parameters.get("boundary", "").rstrip().encode("utf-8", errors="replace")
        if kind.startswith("multipart/") and boundary and len(self._open) < _DEEPEST:
            self._open.append((boundary, kind))
            self._look_for_delimiters()
        elif len(self.parts) >= MOST_PARTS:
            self.is_cut = True
        else:
            encoding = transfer_encoding(value_of(named.get("content-transfer-encoding", b"")).main)
            self._content = PartContent(encoding)
            # A multipart in which no part can be found is text.
            shown_kind = "text/plain" if kind.startswith("multipart/") else kind
            self.parts.append(MimePart(named, shown_kind, self._content))

    def _end_part(self, *, at_delimiter: bool) -> None:
        if self._reading is not None and not self._reading.is_empty:
            self._begin_content(self._reading)
        content, self._content = self._content, None
        if content is not None:
            content.end(at_delimiter=at_delimiter)
