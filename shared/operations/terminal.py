"""What a command writes: results on standard output, progress and complaints on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TextIO

from shared.operations.text import as_json, plain, printable

WELL, NOT_WELL, WRONG, NO_SERVICE = 0, 1, 2, 3
LISTED = 50
"""So many lines of a list are shown to a person."""
_LINE_EVERY, _REDRAWN_EVERY = 10.0, 0.2


def say(text: str) -> None:
    """Write a line, or several, to standard output."""
    sys.stdout.write(f"{text}\n")


def complain(status: int, head: str, *faults: str) -> int:
    """Write what is wrong to standard error; answers `status`."""
    sys.stderr.write("\n- ".join([head, *faults]) + "\n")
    return status


class ProgressLine:
    """How far a command has come: one line that is drawn anew in a terminal, else a line every 10 s."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that only go forward."""
        self._stream = stream or sys.stderr
        self._clock = clock
        self._is_terminal = self._stream.isatty()
        self._every = _REDRAWN_EVERY if self._is_terminal else _LINE_EVERY
        self._last = clock()
        self._drawn = 0

    def tell(self, text: str) -> None:
        """Show where things are, if it is time to."""
        now = self._clock()
        if now - self._last < self._every:
            return
        self._last = now
        if self._is_terminal:
            self._stream.write(f"\r{text.ljust(self._drawn)}")
            self._drawn = len(text)
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Leave no half a line for what is written next."""
        if self._drawn:
            self._stream.write(f"\r{' ' * self._drawn}\r")
            self._stream.flush()
            self._drawn = 0


class Listing(Protocol):
    """What is found, written as it comes, so that a long list takes no memory."""

    def item(self, line: str, facts: Mapping[str, Any]) -> None:
        """One of the list: for a person, and for a program."""

    def end(self, lines: list[str], facts: Mapping[str, Any]) -> None:
        """What is to be said at last."""


class Lines:
    """For a person: the first ones, or all of them with `limit` None; those with an empty line are passed."""

    def __init__(self, progress: ProgressLine, limit: int | None = LISTED) -> None:
        self._progress = progress
        self._limit = limit
        self._number = 0

    def item(self, line: str, facts: Mapping[str, Any]) -> None:
        """As `Listing` says."""
        if not line:
            return
        self._number += 1
        if self._limit is None or self._number <= self._limit:
            self._progress.clear()
            say(printable(line))

    def end(self, lines: list[str], facts: Mapping[str, Any]) -> None:
        """As `Listing` says."""
        self._progress.clear()
        if self._limit is not None and self._number > self._limit:
            say(f"  ... and {self._number - self._limit} more; all of them with --json")
        for line in lines:
            say(printable(line))


class JsonListing:
    """For a program: one object, with the list as `name` in it."""

    def __init__(self, progress: ProgressLine, name: str, head: Mapping[str, Any]) -> None:
        self._progress = progress
        self._name = name
        self._head = head
        self._is_begun = False

    def item(self, line: str, facts: Mapping[str, Any]) -> None:
        """As `Listing` says."""
        before = ",\n    " if self._is_begun else f"{self._beginning()}\n    "
        self._is_begun = True
        self._progress.clear()
        sys.stdout.write(before + json.dumps(facts, default=plain))

    def end(self, lines: list[str], facts: Mapping[str, Any]) -> None:
        """As `Listing` says."""
        self._progress.clear()
        before = "\n  ],\n" if self._is_begun else f"{self._beginning()}],\n"
        sys.stdout.write(before + as_json(facts).removeprefix("{\n") + "\n")

    def _beginning(self) -> str:
        head = as_json(self._head).removesuffix("\n}")
        return f"{head},\n  {json.dumps(self._name)}: ["
