"""What a run has seen, as JSON lines and as a report, without anything that names a tenant."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from tests.live.fact import Fact, Seen

AS_EXPECTED, DIFFERENT, RECORDED = "as expected", "different", "recorded"
NOT_LOOKED_AT, BROKE_OFF = "not looked at", "broke off"
_ORDER = (DIFFERENT, BROKE_OFF, AS_EXPECTED, RECORDED, NOT_LOOKED_AT)
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ADDRESS = re.compile(r"[^\s@<>\"'(){}]+@[^\s@<>\"'(){}]+\.[^\s@<>\"'(){}]+")
_HOST = re.compile(r"https?://[^\s\"'<>)]+")
_OPAQUE = re.compile(r"[A-Za-z0-9+/_=-]{40,}")


class Result(msgspec.Struct, frozen=True):
    """One line: what a check has seen of a fact, when, and in what kind of tenant."""

    fact: str
    question: str
    expected: str
    seen: str
    verdict: str
    at: str
    tenant: str


def verdict(seen: Seen) -> str:
    """What a sight says of its fact."""
    if seen.agrees is None:
        return RECORDED
    return AS_EXPECTED if seen.agrees else DIFFERENT


def without_names(text: str, private: Collection[str] = ()) -> str:
    """`text` without addresses, ids, hosts, opaque texts, and what is `private`."""
    for word in sorted((word for word in private if word), key=len, reverse=True):
        text = re.sub(re.escape(word), "…", text, flags=re.IGNORECASE)
    for pattern in (_HOST, _ADDRESS, _GUID, _OPAQUE):
        text = pattern.sub("…", text)
    return text


def result(fact: Fact, said: str, text: str, at: datetime, tenant: str, private: Collection[str]) -> Result:
    """The line for `fact`, where a check `said` the verdict and has seen `text`."""
    return Result(
        fact=fact.name,
        question=fact.question,
        expected=fact.expected,
        seen=without_names(text, private),
        verdict=said,
        at=at.isoformat(timespec="seconds"),
        tenant=tenant,
    )


def append(file: Path, line: Result) -> None:
    """Add one line to the results."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(msgspec.to_builtins(line), ensure_ascii=False) + "\n")


def read(file: Path) -> list[Result]:
    """The last line of each fact, in the order in which they were first looked at."""
    latest: dict[str, Result] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        one = msgspec.json.decode(line, type=Result)
        latest[one.fact] = one
    return list(latest.values())


def report(lines: Iterable[Result]) -> str:
    """The results in Markdown, what is different first."""
    found = sorted(lines, key=lambda one: _ORDER.index(one.verdict))
    rows = [
        f"| {one.fact} | {_cell(one.question)} | {_cell(one.expected or '—')} | {_cell(one.seen)} "
        f"| {one.verdict} | {one.at[:10]} | {_cell(one.tenant)} |"
        for one in found
    ]
    head = [
        "| fact | question | expected | seen | verdict | date | tenant |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join(["# Live results", "", *head, *rows, ""])


def table(facts: Iterable[Fact]) -> str:
    """The facts in Markdown, as docs/live-check.md has them."""
    head = [
        "| fact | question | expected | what depends on it | if it is otherwise |",
        "|---|---|---|---|---|",
    ]
    rows = [
        f"| {one.name} | {_cell(one.question)} | {_cell(one.expected or '—')} "
        f"| {', '.join(f'`{name}`' for name in one.depends)} | {_cell(one.otherwise)} |"
        for one in facts
    ]
    return "\n".join([*head, *rows])


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()
