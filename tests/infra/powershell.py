"""PowerShell scripts as syntax trees: which commands they run, with which parameters, inside what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser, Tree

ROOT = Path(__file__).resolve().parents[2]
EXCHANGE = ROOT / "infra/exchange"
_PARSER = Parser(Language(tree_sitter_powershell.language()))


def text_of(node: Node) -> str:
    """What stands there."""
    return (node.text or b"").decode()


def nodes(root: Node, *kinds: str) -> Iterator[Node]:
    """All nodes below of these kinds, as they follow one another; of none given, all."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if not kinds or node.type in kinds:
            yield node
        waiting.extend(reversed(node.children))


def around(node: Node) -> Iterator[Node]:
    """What a node is in, from the inside out, the function or the script last."""
    above = node.parent
    while above is not None:
        yield above
        if above.type == "function_statement":
            return
        above = above.parent


def child(node: Node, kind: str) -> Node | None:
    """The first child of that kind."""
    return next((one for one in node.children if one.type == kind), None)


@dataclass(frozen=True)
class Command:
    """A command that is run by its name."""

    script: Script
    node: Node
    name: str
    parameters: tuple[str, ...]

    @property
    def line(self) -> int:
        return self.node.start_point[0] + 1

    @property
    def function(self) -> Function | None:
        """The function that it is in; None at the top of its script."""
        inside = next((one for one in around(self.node) if one.type == "function_statement"), None)
        return None if inside is None else Function(inside)

    def has(self, parameter: str, value: str) -> bool:
        """Whether it is given this value for a parameter, as it is written."""
        words = text_of(self.node).replace(f"-{parameter}:", f"-{parameter} ").split()
        return any(one == f"-{parameter}" and words[at + 1] == value for at, one in enumerate(words[:-1]))

    def __str__(self) -> str:
        return f"{self.script.name}:{self.line} {self.name}"


@dataclass(frozen=True)
class Function:
    """A function that a script defines, or, without a name, the script itself."""

    node: Node

    @property
    def name(self) -> str:
        found = child(self.node, "function_name")
        return "" if found is None else text_of(found)

    @property
    def head(self) -> str:
        """Attributes and parameters, as they are written."""
        return text_of(next(nodes(self.node, "param_block")))

    def parameters(self, *, mandatory: bool = False) -> set[str]:
        """Its parameters, or those that must be given."""
        declared = nodes(next(nodes(self.node, "param_block")), "script_parameter")
        return {
            text_of(variable).removeprefix("$")
            for one in declared
            if (variable := child(one, "variable")) is not None
            and (not mandatory or "Mandatory" in text_of(one).partition("$")[0])
        }


@dataclass(frozen=True)
class Script:
    """One file."""

    path: Path
    source: bytes
    tree: Tree

    @property
    def name(self) -> str:
        return self.path.relative_to(EXCHANGE).as_posix()

    @property
    def functions(self) -> list[Function]:
        return [Function(one) for one in nodes(self.tree.root_node, "function_statement")]

    def commands(self, within: Node | None = None) -> list[Command]:
        """The commands in it, or within a part of it, as they follow one another."""
        found = []
        for node in nodes(within or self.tree.root_node, "command"):
            name = child(node, "command_name")
            if name is not None:
                elements = child(node, "command_elements")
                given = () if elements is None else elements.children
                parameters = [text_of(one)[1:] for one in given if one.type == "command_parameter"]
                found.append(Command(self, node, text_of(name), tuple(parameters)))
        return found

    def at_the_top(self) -> list[Command]:
        """The commands that are in no function."""
        return [one for one in self.commands() if one.function is None]


@cache
def script(name: str) -> Script:
    """The file at this path below infra/exchange."""
    source = (EXCHANGE / name).read_bytes()
    return Script(EXCHANGE / name, source, _PARSER.parse(source))


def scripts() -> list[str]:
    return sorted(path.relative_to(EXCHANGE).as_posix() for path in EXCHANGE.rglob("*.ps1"))


def parsed(source: str) -> Node:
    """Any text as a tree."""
    return _PARSER.parse(source.encode()).root_node
