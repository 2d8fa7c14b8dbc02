"""Where a value stands in `mail-sources.toml`, and what is wrong there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Path = tuple[str | int, ...]
"""The keys that lead to a value from the top of the file; of a list, the index from 0."""


class Faults:
    """What is wrong with a file: each fault once, however many sources have inherited it."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._found: dict[tuple[Path, str], None] = {}
        self.noted = 0
        """How often something was noted, each time that it was."""

    def add(self, at: Path, wrong: str) -> None:
        """Note what is wrong with the value, or with the lack of one, at this place."""
        self._found[at, wrong] = None
        self.noted += 1

    def __bool__(self) -> bool:
        return bool(self._found)

    def are_at(self, at: Path) -> bool:
        """Whether something is wrong at this place, or below it."""
        return any(place[: len(at)] == at for place, _ in self._found)

    def texts(self, file: str, lines: Mapping[Path, int]) -> list[str]:
        """All of them, in the order of the file where its `lines` are known."""
        found = [(_line(at, lines), named(at, self._data), wrong) for at, wrong in self._found]
        found.sort(key=lambda fault: fault[0])
        return [
            f"{file}{f':{line}' if line else ''}: {f'{place}: ' if place else ''}{wrong}"
            for line, place, wrong in found
        ]


def named(at: Path, data: Mapping[str, Any]) -> str:
    """A place as a person reads it, such as `source 1 "invoices".document.class`."""
    text, here, above = "", object(), ""
    value: Any = data
    for part in at:
        value = _within(value, part)
        here = value.get("name") if isinstance(value, dict) else None
        if isinstance(part, int):
            text += f' {part + 1} "{here}"' if isinstance(here, str) else f" {part + 1}"
        elif above == "properties":
            text += f'."{part}"'
        else:
            text += f".{part}" if text else part
        above = str(part)
    return text


def _within(value: object, part: str | int) -> Any:
    if isinstance(part, str):
        return value.get(part) if isinstance(value, dict) else None
    return value[part] if isinstance(value, list) and part < len(value) else None


def _line(at: Path, lines: Mapping[Path, int]) -> int:
    """The line of a place, or of the table that something is missing in; 0 where none is known."""
    return next((lines[at[:end]] for end in range(len(at), 0, -1) if at[:end] in lines), 0)
