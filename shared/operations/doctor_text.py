"""The doctor's findings for a person: a line each, what to do indented below."""

from __future__ import annotations

from collections.abc import Iterator

from shared.doctor.finding import Finding, Status
from shared.doctor.report import Report
from shared.operations.text import printable

_INDENT = " " * 6
_COLOURS: dict[Status, str] = {"ok": "32", "warning": "33", "failed": "31", "not-run": "2"}
_WIDTH = len("warning")


def doctor_lines(report: Report, *, coloured: bool = False) -> Iterator[str]:
    """Each finding in the order of the checks, then what they come to."""
    width = max((len(one.check) for one in report.findings), default=0)
    for one in report.findings:
        yield from _lines(one, width, coloured=coloured)
    yield ""
    yield _sum(report)


def _lines(one: Finding, width: int, *, coloured: bool) -> Iterator[str]:
    status = one.status.ljust(_WIDTH)
    if coloured:
        status = f"\x1b[{_COLOURS[one.status]}m{status}\x1b[0m"
    told = f"{one.subject}: {one.what}" if one.subject else one.what
    yield f"{status}  {one.check.ljust(width)}  {printable(told)}"
    if one.remedy:
        yield from (f"{_INDENT}{printable(line)}" for line in one.remedy.splitlines())


def _sum(report: Report) -> str:
    warnings = report.number("warning")
    also = f" {_counted(warnings, 'warning')}." if warnings else ""
    if report.well:
        return f"All is well.{also}"
    return f"Not all is well: {_counted(report.number('failed'), 'failure')}.{also}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
