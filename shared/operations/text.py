"""What the commands print: for a person, or as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from shared.journal_row import STATES
from shared.operations.replay import Chosen
from shared.operations.status import Status

_LISTED = 50
_SAYS = {
    "chosen": "would be replayed",
    "replayed": "replayed",
    "queued": "had not ended: queued again",
    "changed": "changed meanwhile: left alone",
    "not-queued": "journalled, but NOT queued: storage did not answer. Replay it by its key",
    "untouched": "left alone: storage did not answer",
}


def printable(text: str) -> str:
    """`text` without what would move a terminal's cursor, such as a service's answer may hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def as_json(value: object) -> str:
    """Indented, times in ISO 8601."""
    return json.dumps(value, indent=2, default=plain)


def status_json(status: Status) -> dict[str, Any]:
    """The shape of `status --json`."""
    return {**asdict(status), "failures": status.failures, "unannounced": status.unannounced}


def replay_json(mails: Sequence[Chosen], *, dry_run: bool) -> dict[str, Any]:
    """The shape of `replay --json`."""
    outcomes = Counter(mail.outcome for mail in mails)
    return {"dry_run": dry_run, "outcomes": dict(outcomes), "mails": [asdict(mail) for mail in mails]}


def status_lines(status: Status) -> Iterator[str]:
    """`status`, for a person."""
    yield from _table(status)
    if status.oldest is not None:
        oldest = status.oldest
        yield ""
        yield f"Oldest unfinished: {oldest.source} {oldest.key}, {oldest.state}, {_age(oldest.seconds)} old"
    if status.waiting:
        yield ""
        yield _head("Waiting", len(status.waiting), status.reasons_to_wait, "reasons")
        for one in status.waiting:
            due = f", next {time_of(one.due)}" if one.due else ""
            yield f"  {one.source}, {one.state}: {counted(one.mails)}{due}"
            yield from _because(one.reason, one.remedy)
    if status.shut:
        yield ""
        yield "Standing still"
        for shut in status.shut:
            part = "" if shut.scope == "all" else f" ({shut.scope})"
            yield f'  {shut.kind} "{shut.name}"{part} is {shut.state} since {time_of(shut.since)}'
            yield from _because(shut.reason, shut.remedy)
    if status.folders:
        yield ""
        yield from _swept(status)
    if status.failed:
        yield ""
        yield _head("Failed", len(status.failed), status.failures, "mails")
        for mail in status.failed:
            yield f"  {mail.source} {mail.key}  {time_of(mail.at)}"
            yield from _because(mail.reason, mail.remedy)
    yield ""
    yield "All is well." if status.well else "Not all is well."


def replay_lines(mails: Sequence[Chosen]) -> Iterator[str]:
    """What became of each, the first ones by name; for a person."""
    for mail in mails[:_LISTED]:
        yield printable(f"  {mail.source} {mail.key}  {_SAYS[mail.outcome]}  ({mail.reason or mail.state})")
    if len(mails) > _LISTED:
        yield f"  ... and {len(mails) - _LISTED} more"
    for outcome, number in Counter(mail.outcome for mail in mails).items():
        yield f"{counted(number)} {_SAYS[outcome]}."
    if not mails:
        yield "No mail to replay."


def _swept(status: Status) -> Iterator[str]:
    yield "Sweeps"
    for source, unannounced in status.unannounced.items():
        yield f"  {source}: {counted(unannounced)} came without a notification"
        for folder in (one for one in status.folders if one.source == source):
            due = f"; goes on at {time_of(folder.due)}" if folder.due else ""
            last = f"last good one {time_of(folder.last_good)}" if folder.last_good else "none has ended yet"
            yield printable(f"    {folder.name}: {last}{due}")


def _table(status: Status) -> Iterator[str]:
    states = [*dict.fromkeys([*STATES, *(state for of in status.counts.values() for state in of)])]
    rows = [["source", *states]]
    rows += [[name, *(str(of.get(state, 0)) for state in states)] for name, of in status.counts.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
        yield "  ".join([name.ljust(widths[0]), *cells])


def _because(*sentences: str) -> Iterable[str]:
    return [f"    {printable(sentence)}" for sentence in sentences if sentence]


def _head(title: str, shown: int, of: int, what: str) -> str:
    return f"{title}: {of}" if shown == of else f"{title}: {of}; {shown} {what} are shown, all with --all"


def counted(number: int) -> str:
    """A number of mails."""
    return "1 mail" if number == 1 else f"{number} mails"


def _age(seconds: int) -> str:
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"


def time_of(at: datetime | None) -> str:
    """A time for a person."""
    return "some time" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def plain(value: object) -> str:
    """A time, as JSON has it. Raises TypeError for what JSON has not."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
