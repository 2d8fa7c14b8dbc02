"""On which line of a TOML text each key and value stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from shared.configuration_lines import lines_of
from shared.configuration_places import Path


def places(value: object, at: Path = ()) -> Iterator[Path]:
    """All that a parsed TOML holds, tables and lists too."""
    if at:
        yield at
    if isinstance(value, dict):
        for key, below in value.items():
            yield from places(below, (*at, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from places(below, (*at, index))


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("\ufeff# \n\na.b.c = 1".lstrip("\ufeff"), ("a", "b", "c"), 3),
        ("[x]\n\n[y.z]\na = 1", ("y", "z", "a"), 4),
        ("[x]\n\n[y.z]\na = 1", ("y",), 3),
        ("[[x]]\na = 1\n[[x]]\nb = 1", ("x", 1, "b"), 4),
        ("[[x]]\na = 1\n[[x]]\nb = 1", ("x", 1), 3),
        ("[[x]]\n[[x.y]]\n[x.y.z]\na = 1\n[[x]]\n[[x.y]]\na = 2", ("x", 0, "y", 0, "z", "a"), 4),
        ("[[x]]\n[[x.y]]\n[x.y.z]\na = 1\n[[x]]\n[[x.y]]\na = 2", ("x", 1, "y", 0, "a"), 7),
        ('a = """\n[b]\nc = 1 \\"""\n""""\nb = 2', ("b",), 5),
        ("a = '''\n''''\nb = 2", ("b",), 3),
        ('a = "#" # b = 1\nb = 2', ("b",), 2),
        ("a = [ # x = 1 ]\n 1,\n [2,\n 3],\n]\nb = 2", ("a", 1, 1), 4),
        ("a = [ # x = 1 ]\n 1,\n [2,\n 3],\n]\nb = 2", ("b",), 6),
        ("a = { b = 1, 'c.d' = { e = [\n 1, 2] } }\nf = 2", ("a", "c.d", "e", 1), 2),
        ("a = { b = 1, 'c.d' = { e = [\n 1, 2] } }\nf = 2", ("f",), 3),
        ('"\\u00e4 \\"x\\"" = 1', ('ä "x"',), 1),
        ("a = 1979-05-27 07:32:00Z\r\nb = 2\r\n", ("b",), 2),
        ("[ x . 'y' ] # a\nz = 1", ("x", "y", "z"), 2),
    ],
)
def test_a_place_is_on_the_line_where_it_begins(text: str, place: Path, line: int) -> None:
    tomllib.loads(text)

    assert lines_of(text)[place] == line


bare_keys = some.text("abcXYZ019_-", min_size=1, max_size=4)
quoted_keys = some.sampled_from(['"a b"', "'c.d'", '"é\\n"', '"\\""', "'['", '"# no"', '""', '"="'])
blanks = some.sampled_from(["", " ", "\t", "  "])
breaks = some.sampled_from(["", " ", "\n", " # ] } ''' \"\"\"\n", "\r\n\t"])
scalars = some.sampled_from(
    [
        "1",
        "-1.5e3",
        "true",
        "inf",
        "1979-05-27",
        "1979-05-27 07:32:00",
        "07:32:00",
        '""',
        '"a # [x] = \\" \\\\"',
        "'a \" = ['",
        '"""\n[x]\ny = 1\n\\""" x"""',
        '"""a\\\n   b"""',
        "'''\n# ''\n'''",
        '""""q""""',
        "''''q''''",
        '""""""',
    ]
)


@some.composite
def keys(draw: some.DrawFn, prefix: str, dotted: bool = True) -> str:
    """A key that no other has: it begins with its own prefix."""
    parts = [f"{prefix}{draw(bare_keys)}"]
    parts += draw(some.lists(bare_keys | quoted_keys, max_size=2)) if dotted else []
    return f"{draw(blanks)}.{draw(blanks)}".join(parts)


@some.composite
def values(draw: some.DrawFn, depth: int = 2) -> str:
    kind = draw(some.sampled_from(["scalar", "list", "table"])) if depth else "scalar"
    if kind == "scalar":
        return draw(scalars)
    if kind == "list":
        items = draw(some.lists(values(depth - 1), max_size=3))
        end = draw(some.sampled_from(["", ","])) if items else ""
        inner = ",".join(f"{draw(breaks)}{item}{draw(breaks)}" for item in items)
        return f"[{inner}{end}{draw(breaks)}]"
    count = draw(some.integers(0, 3))
    pairs = [
        "".join(
            draw(part)
            for part in (
                blanks,
                keys(f"k{number}"),
                blanks,
                some.just("="),
                blanks,
                values(depth - 1),
                blanks,
            )
        )
        for number in range(count)
    ]
    return f"{{{','.join(pairs)}}}"


@some.composite
def documents(draw: some.DrawFn) -> str:
    """TOML in all its forms: dotted and quoted keys, tables, lists of tables, values over several lines."""
    lines = [
        f"{draw(keys(f'p{number}'))}{draw(blanks)}={draw(blanks)}{draw(values())}"
        for number in range(draw(some.integers(0, 4)))
    ]
    for number in range(draw(some.integers(0, 4))):
        is_list = draw(some.booleans())
        name = draw(keys(f"t{number}", dotted=not is_list))
        for _ in range(draw(some.integers(1, 2)) if is_list else 1):
            lines.append(f"{draw(blanks)}[[{name}]]" if is_list else f"[{draw(blanks)}{name}{draw(blanks)}]")
            if draw(some.booleans()):
                lines.append(f"x = {draw(values())}")
            if is_list and draw(some.booleans()):
                lines.append(f"[{name}.below]\ny = {draw(values())}\n[[{name}.more]]\nz = {draw(scalars)}")
        lines.append(draw(some.sampled_from(["", "# [no] = 1", "  "])))
    return "\n".join(lines)


@settings(max_examples=60)
@given(documents())
def test_exactly_what_the_parser_finds_has_a_line_and_is_not_above_it(text: str) -> None:
    found, lines = lines_of(text), text.split("\n")

    assert set(found) == set(places(tomllib.loads(text)))
    for place, line in found.items():
        if isinstance(place[-1], str) and (above := parsed("\n".join(lines[: line - 1]))) is not None:
            assert place not in set(places(above))


def parsed(text: str) -> dict[str, Any] | None:
    """None for what ends within a value."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
