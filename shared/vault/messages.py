"""What M-Files says of a request that it refuses, without what it repeats of a mail.

M-Files' own words are what an administrator can look up, so they are kept; but they may repeat a value, and
nothing out of a mail goes into a log or into the journal. What could be out of one is replaced by `…`:
text in quotation marks that a value has in it, each longer word of a short value, and longer pieces of any
value. Names of properties and classes stay, even where a mail has the same word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from shared.vault.typed_values import LONGEST_TEXT, one_line

LONGEST = 300
"""Characters of a message that are kept."""
GAP = "…"
_SHORTEST_WORD = 4
_PIECE = 12
_LOOKED_AT = 100_000
"""Characters of a value that are compared: a whole body need not be."""
_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"\"([^\"]*)\"|“([^”]*)”|«([^»]*)»|(?<!\w)'([^']*)'(?!\w)")


def kept(message: str, values: Iterable[str], names: Iterable[str] = ()) -> str:
    """`message` on one line, at most 300 characters, without what it repeats of `values`.

    `names` are names in the vault's structure, which may be repeated.
    """
    said = one_line(message)[:LONGEST]
    compared = [one_line(value[:_LOOKED_AT]).casefold() for value in values]
    compared = [value for value in compared if value]
    known = {name.casefold() for name in names}
    hidden = [False] * len(said)
    for start, end in (*_quotations(said, compared, known), *_words(said, compared, known)):
        hidden[start:end] = [True] * (end - start)
    for start, end in _pieces(said, compared):
        hidden[start:end] = [True] * (end - start)
    return _with_gaps(said, hidden)


def _quotations(said: str, values: list[str], known: set[str]) -> Iterable[tuple[int, int]]:
    for match in _QUOTED.finditer(said):
        group = next(number for number in range(1, 5) if match.group(number) is not None)
        quoted = match.group(group).casefold()
        if quoted and quoted not in known and any(quoted in value or value in quoted for value in values):
            yield match.span(group)


def _words(said: str, values: list[str], known: set[str]) -> Iterable[tuple[int, int]]:
    of_mail = {word for value in values if len(value) <= LONGEST_TEXT for word in _WORD.findall(value)}
    of_vault = {word for name in known for word in _WORD.findall(name)}
    for match in _WORD.finditer(said):
        word = match.group().casefold()
        if len(word) >= _SHORTEST_WORD and word in of_mail and word not in of_vault:
            yield match.span()


def _pieces(said: str, values: list[str]) -> Iterable[tuple[int, int]]:
    folded = said.casefold()
    if len(folded) != len(said):  # some letters fold to two: then lower case has to do
        folded = said.lower() if len(said.lower()) == len(said) else said
    for start in range(len(folded) - _PIECE + 1):
        piece = folded[start : start + _PIECE]
        if any(piece in value for value in values):
            yield start, start + _PIECE


def _with_gaps(said: str, hidden: list[bool]) -> str:
    parts = []
    for character, is_hidden in zip(said, hidden, strict=True):
        if not is_hidden:
            parts.append(character)
        elif not parts or parts[-1] != GAP:
            parts.append(GAP)
    return "".join(parts)
