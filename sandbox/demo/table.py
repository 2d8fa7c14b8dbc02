"""The table that the demonstration ends with."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.demo.outcome import Outcome, figures

_WIDEST = 44


def table(outcomes: Sequence[Outcome]) -> str:
    """Each mail, its document, the seconds between; the totals below."""
    rows = [("mail", "state", "document", "files", "bytes", "seconds")]
    rows += [_row(one) for one in outcomes]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    reasons = [f"{one.path}: {one.reason}" for one in outcomes if one.reason]
    totals = figures(outcomes)["totals"]
    summary = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in totals.items())
    return "\n".join(line.rstrip() for line in (*lines, "", *reasons, summary))


def _row(one: Outcome) -> tuple[str, str, str, str, str, str]:
    document = ", ".join(f"{found.id} {found.title}" for found in one.objects)
    return (
        _short(one.path),
        one.state,
        _short(document),
        str(sum(len(found.files) for found in one.objects)),
        str(one.bytes),
        "" if one.seconds is None else f"{one.seconds:.2f}",
    )


def _short(text: str) -> str:
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return printable if len(printable) <= _WIDEST else printable[: _WIDEST - 1] + "…"
