"""What is written while a command runs: nothing piles up, nothing is mixed."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest

from shared.operations.terminal import JsonListing, Lines, ProgressLine


class Terminal(io.StringIO):
    """A stream with a person before it."""

    def isatty(self) -> bool:
        return True


class Seconds:
    """A clock that is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_a_terminal_it_is_a_line_every_ten_seconds() -> None:
    stream, clock = io.StringIO(), Seconds()
    progress = ProgressLine(stream, clock)

    for second in range(31):
        clock.now = float(second)
        progress.tell(f"at {second}")
    progress.clear()

    assert stream.getvalue() == "at 10\nat 20\nat 30\n"


def test_in_a_terminal_it_is_one_line_that_is_drawn_anew_and_leaves_nothing() -> None:
    stream, clock = Terminal(), Seconds()
    progress = ProgressLine(stream, clock)

    for step, text in enumerate(("at once", "too soon", "longer text", "short")):
        clock.now = (0.0, 0.1, 0.3, 0.6)[step]
        progress.tell(text)
    progress.clear()

    assert stream.getvalue() == "\rlonger text\rshort      \r     \r"


def test_a_list_for_a_person_is_cut_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    listing = Lines(ProgressLine(io.StringIO()), limit=2)

    for number in range(5):
        listing.item(f"mail {number}\x1b[2J", {})
    listing.item("", {})
    listing.end(["All."], {})

    assert capsys.readouterr().out.splitlines() == [
        "mail 0 [2J",
        "mail 1 [2J",
        "  ... and 3 more; all of them with --json",
        "All.",
    ]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_list_for_a_program_is_one_object(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    listing = JsonListing(ProgressLine(io.StringIO()), "mails", {"source": "a", "since": at})

    for one in range(number):
        listing.item("line", {"key": str(one), "received": at})
    listing.end(["All."], {"counts": {"x": number}})

    assert json.loads(capsys.readouterr().out) == {
        "source": "a",
        "since": "2026-11-24T00:00:00+00:00",
        "mails": [{"key": str(one), "received": "2026-11-24T00:00:00+00:00"} for one in range(number)],
        "counts": {"x": number},
    }
