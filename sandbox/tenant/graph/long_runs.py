"""Long files within a mail, which stay on disk while the mail is parsed.

A long run of base64 is replaced by a mark, one line that is base64 as well. No line of such a run can be a
boundary or a header, so that the mail without it has the same structure.
"""

from __future__ import annotations

import mmap
import re
import secrets
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 64 * 1024
LONG = 16
"""Blocks in a row that make a run worth taking out."""

ENCODED = (string.ascii_letters + string.digits + "+/=\r\n").encode()
"""The bytes of base64 in lines."""

PIECE = 256 * 1024


@dataclass(frozen=True)
class LongRuns:
    """What was taken out of the mail in `file`: start and end in bytes, by the mark in its place."""

    file: Path | None = None
    places: Mapping[bytes, tuple[int, int]] = field(default_factory=dict)

    def within(self, text: bytes) -> bool:
        """Whether something was taken out of this text."""
        return any(mark in text for mark in self.places)

    def restored(self, text: bytes) -> Iterator[bytes]:
        """`text` in pieces, each run in its place; its lines end as the line of its mark does."""
        if not self.within(text):
            yield text
            return
        marks = b"|".join(map(re.escape, self.places))
        done = 0
        for found in re.finditer(b"(?P<mark>" + marks + rb")(?P<end>\r?\n|)", text):
            yield text[done : found.start()]
            yield from self._run(*self.places[found["mark"]], found["end"])
            done = found.end()
        yield text[done:]

    def _run(self, start: int, end: int, line_end: bytes) -> Iterator[bytes]:
        assert self.file is not None
        with self.file.open("rb") as source:
            source.seek(start)
            while start < end:
                piece = source.read(min(PIECE, end - start))
                # A carriage return is never parted from its line feed: the piece ends before it.
                if piece.endswith(b"\r") and len(piece) > 1:
                    piece = piece[:-1]
                    source.seek(-1, 1)
                start += len(piece)
                yield _with_line_ends(piece, line_end, last=start >= end)


def _with_line_ends(piece: bytes, line_end: bytes, *, last: bool) -> bytes:
    """Lines that end as that of the mark. Where it has no end, being the last, the last of them has none."""
    if line_end:
        return piece.replace(b"\r\n", b"\n").replace(b"\n", line_end)
    return piece.removesuffix(b"\n").removesuffix(b"\r") if last else piece


NONE = LongRuns()


def lightened(file: Path) -> tuple[bytes, LongRuns]:
    """The mail in `file` with marks for its long runs, and these. Raises OSError."""
    if file.stat().st_size < BLOCK * LONG:
        return file.read_bytes(), NONE
    with file.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        places = {_new_mark(): place for place in _long_runs(raw)}
        pieces, done = [], 0
        for mark, (start, end) in places.items():
            line_end = b"\r\n" if raw[end - 2 : end] == b"\r\n" else b"\n"
            pieces += [raw[done:start], mark, line_end]
            done = end
        return b"".join([*pieces, raw[done:]]), LongRuns(file, places)


def _new_mark() -> bytes:
    return secrets.token_hex(24).encode()


def _long_runs(raw: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Start and end of each, at the beginnings of lines."""
    first = 0
    for start in range(0, len(raw) + BLOCK, BLOCK):
        if start < len(raw) and not raw[start : start + BLOCK].translate(None, ENCODED):
            continue
        if start - first >= BLOCK * LONG:
            yield from _whole_lines(raw, first, min(start, len(raw)))
        first = start + BLOCK


def _whole_lines(raw: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin, last = raw.find(b"\n", start, end) + 1, raw.rfind(b"\n", start, end) + 1
    # An empty line may part headers from what follows: it is left in the mail.
    while 0 < begin < last and raw[begin] in b"\r\n":
        begin += 1
    if 0 < begin < last:
        yield begin, last
