"""Paragraphs of text/plain; format=flowed put together again (RFC 3676, section 4)."""

from __future__ import annotations

import io
from collections.abc import Iterator

_SIGNATURE = "-- "


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """`text` with each paragraph in one line. `delete_space` is the parameter DelSp=yes."""
    # No lists of lines: an empty line takes 60 bytes there.
    out = io.StringIO()
    depth, is_within, is_first = 0, False, True
    for raw in _lines(text):
        quotes, line = _unquoted(raw)
        if not (is_within and quotes == depth and line != _SIGNATURE):
            out.write(_begun(quotes, is_first=is_first))
        is_first, depth = False, quotes
        is_within = line.endswith(" ") and line != _SIGNATURE
        out.write(line[:-1] if is_within and delete_space else line)
    return out.getvalue()


def _lines(text: str) -> Iterator[str]:
    at = 0
    while (end := text.find("\n", at)) >= 0:
        yield text[at:end]
        at = end + 1
    yield text[at:]


def _begun(depth: int, *, is_first: bool) -> str:
    """What stands before the first line of a paragraph."""
    return ("" if is_first else "\n") + (f"{'>' * depth} " if depth else "")


def _unquoted(line: str) -> tuple[int, str]:
    """Depth of quotation, and the line without its marks and its stuffed space (4.4, 4.5)."""
    content = line.lstrip(">")
    return len(line) - len(content), content.removeprefix(" ")
