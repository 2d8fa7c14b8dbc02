"""Bicep files with their expressions as they are written.

The parser of `templates.bicep` does not tell a text from a name, and binds `!` too loosely: where it matters
what a value is, the text is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from .templates import BICEP


@dataclass(frozen=True)
class Loop:
    """`[for head: body]`."""

    head: str
    body: Node


Node = str | list["Node"] | dict[str, "Node"] | Loop
"""An expression, a list, an object or a loop."""


@dataclass(frozen=True)
class Declared:
    """A resource or module: its type or path, and what it is made of."""

    of: str
    body: Node
    existing: bool = False
    condition: str = ""

    @property
    def properties(self) -> dict[str, Node]:
        """What stands in it, of one or of each that a loop makes."""
        body = self.body.body if isinstance(self.body, Loop) else self.body
        assert isinstance(body, dict)
        return body


@dataclass
class File:
    """What one file declares, by name."""

    parameters: dict[str, str] = field(default_factory=dict)
    """With their types."""
    variables: dict[str, Node] = field(default_factory=dict)
    outputs: dict[str, Node] = field(default_factory=dict)
    resources: dict[str, Declared] = field(default_factory=dict)
    modules: dict[str, Declared] = field(default_factory=dict)


_STATEMENT = re.compile(
    r"^(?P<kind>param|var|output|resource|module) (?P<name>\w+)"
    r"(?: '(?P<of>[^']+)')?(?P<existing> existing)?(?: (?P<type>\w+))?(?: *= *(?P<condition>if \()?)?",
    re.MULTILINE,
)
_COMMENT = re.compile(r"^ *//.*\n", re.MULTILINE)
_KEY = re.compile(r"'(?:[^'\\]|\\.)*'|\w+")
_OPENING, _CLOSING = "([{", ")]}"


@cache
def read(name: str) -> File:
    """One file, by its path below infra/bicep."""
    text = _COMMENT.sub("", (BICEP / name).read_text("utf-8"))
    file = File()
    for found in _STATEMENT.finditer(text):
        reader = _Reader(text, found.end())
        of = (found["of"] or "").partition("@")[0]
        if found["kind"] == "param":
            file.parameters[found["name"]] = found["type"]
        elif found["kind"] in ("var", "output"):
            known = file.variables if found["kind"] == "var" else file.outputs
            known[found["name"]] = reader.value()
        else:
            condition = reader.until_closed() if found["condition"] else ""
            declared = Declared(of, reader.value(), bool(found["existing"]), condition)
            (file.resources if found["kind"] == "resource" else file.modules)[found["name"]] = declared
    return file


class _Reader:
    """Reads one value out of a text."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._at = at

    def value(self) -> Node:
        self._pass(" ")
        start = self._at
        if self._text[start] == "{":
            found: Node = self._object()
        elif self._text[start] == "[":
            found = self._list()
        else:
            return self._expression()
        # `[ ... ][0]` and the like are expressions.
        if self._at < len(self._text) and self._text[self._at] not in " \n,}])":
            self._at = start
            return self._expression()
        return found

    def until_closed(self) -> str:
        """What stands before the bracket that closes the one just passed."""
        start = self._at
        self._to_end(lambda char, depth: depth < 0)
        self._at += 1
        return self._text[start : self._at - 1].strip()

    def _object(self) -> dict[str, Node]:
        self._at += 1
        found: dict[str, Node] = {}
        while self._next() != "}":
            key = _KEY.match(self._text, self._at)
            assert key is not None, self._text[self._at : self._at + 60]
            self._at = key.end()
            self._pass(" :")
            found[key[0].strip("'")] = self.value()
        self._at += 1
        return found

    def _list(self) -> list[Node] | Loop:
        self._at += 1
        if self._next() == "f" and self._text.startswith("for ", self._at):
            start = self._at + 4
            self._to_end(lambda char, depth: depth == 0 and char == ":")
            head = self._text[start : self._at].strip()
            self._at += 1
            body = self.value()
            assert self._next() == "]"
            self._at += 1
            return Loop(head, body)
        found: list[Node] = []
        while self._next() != "]":
            found.append(self.value())
        self._at += 1
        return found

    def _expression(self) -> str:
        start = self._at
        self._to_end(lambda char, depth: depth < 0 or (depth == 0 and char in "\n,"))
        return self._text[start : self._at].strip()

    def _next(self) -> str:
        self._pass(" \n,")
        return self._text[self._at]

    def _pass(self, chars: str) -> None:
        while self._text[self._at] in chars:
            self._at += 1

    def _to_end(self, is_end: Callable[[str, int], bool]) -> None:
        depth = 0
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "'":
                self._at = self._after_string()
                continue
            depth -= char in _CLOSING
            if is_end(char, depth):
                return
            depth += char in _OPENING
            self._at += 1

    def _after_string(self) -> int:
        if self._text.startswith("'''", self._at):
            return self._text.index("'''", self._at + 3) + 3
        found = re.compile(r"'(?:[^'\\]|\\.)*'").match(self._text, self._at)
        assert found is not None
        return found.end()
