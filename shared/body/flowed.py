"""Paragraphs of text/plain; format=flowed put together again (RFC 3676, section 4)."""

from __future__ import annotations

_SIGNATURE = "-- "


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """`text` with each paragraph in one line. `delete_space` is the parameter DelSp=yes."""
    out: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for raw in text.split("\n"):
        quotes, line = _unquoted(raw)
        if paragraph and (quotes != depth or line == _SIGNATURE):
            out.append(_quoted(depth, "".join(paragraph)))
            paragraph = []
        depth = quotes
        flows = line.endswith(" ") and line != _SIGNATURE
        paragraph.append(line[:-1] if flows and delete_space else line)
        if not flows:
            out.append(_quoted(depth, "".join(paragraph)))
            paragraph = []
    if paragraph:
        out.append(_quoted(depth, "".join(paragraph)))
    return "\n".join(out)


def _unquoted(line: str) -> tuple[int, str]:
    """Depth of quotation, and the line without its marks and its stuffed space (4.4, 4.5)."""
    content = line.lstrip(">")
    return len(line) - len(content), content.removeprefix(" ")


def _quoted(depth: int, line: str) -> str:
    return f"{'>' * depth} {line}" if depth else line
