"""HTML with every element closed where it belongs.

A parser of HTML repairs what is not so, and does it at a cost that grows with the square of the length when
someone wishes it to. So what goes to it needs no repair: end tags match, nothing lies within a table but
rows and cells, nothing is nested without end, and there is a limit to the number of tags.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Set

from shared.body.html_tokens import Token, tokens

MOST_TAGS = 100_000
"""Start tags and end tags that are kept: as many as a table of 5,000 rows and 9 columns has. nh3 takes up to
half a kilobyte for each."""
DEEPEST = 100
LONGEST_ATTRIBUTE = 8_192
"""Characters of one that holds any of `_SLOW`; a picture within an address is longer, and has none."""
MOST_TOKENS = 500_000
MOST_CHARACTERS = 3 * 1024 * 1024
"""Of all that is written: some characters become five, and each may take four bytes."""

_DEEPENING = frozenset({"blockquote", "div", "ol", "span", "table", "ul"})
"""What ends nothing that is open."""
_SLOW = "&" + "".join(map(chr, range(0x80, 0xC0)))
"""For each of these nh3 goes through the text that holds it: it looks for bytes that no-break spaces have."""
_SLOW_BYTES = _SLOW.encode("latin-1")
_MOST_SLOW = 500
_MANY_SLOW = re.compile(rf"(?:[{_SLOW}][^{_SLOW}]*){{{_MOST_SLOW}}}")
LONGEST_ESCAPE = len("&amp;")
_BREAK = "<!---->"
"""A comment, taken out later, divides a text that has many of them: together they need quadratic time."""
VOID = frozenset({"br", "hr", "img", "wbr"})
_ROWS = frozenset({"table", "thead", "tbody", "tfoot", "tr"})
_GROUPS = frozenset({"thead", "tbody", "tfoot"})
_CELLS = frozenset({"td", "th", "caption"})
_OF_TABLES = _ROWS | _CELLS
BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "figcaption", "figure"}
    | {
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
    }
    | {"table", "ul"}
)
_ENDS_OF_ITEMS = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol"})),
    "dt": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "dd": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "a": (frozenset({"a"}), frozenset[str]()),
}
"""Which open element ends where another of its kind begins, and what it may lie in on its own account."""


def balanced(
    html: str, tags: Set[str], attributes: Set[str], most: int = MOST_CHARACTERS
) -> tuple[str, bool]:
    """`html` with only these tags and attributes, closed; and whether it was cut to the limits."""
    builder = _Builder(tags, attributes, most)
    for number, token in enumerate(tokens(html)):
        if number == MOST_TOKENS or builder.count >= MOST_TAGS or builder.is_full:
            return builder.finish(), True
        builder.add(token)
    return builder.finish(), builder.is_full


class _Builder:
    def __init__(self, tags: Set[str], attributes: Set[str], most: int) -> None:
        self.count = 0
        self.is_full = False
        self._left = most
        self._tags = tags
        self._attributes = attributes
        self._open: list[str] = []
        self._slow = 0
        self._number_open: Counter[str] = Counter()
        self._out: list[str] = []

    def add(self, token: Token) -> None:
        if not token.tag:
            self._text(token.text)
        elif token.tag not in self._tags:
            return
        elif token.is_end:
            self._end(token.tag)
        else:
            self._start(token)

    def finish(self) -> str:
        self._close(0)
        return "".join(self._out)

    def _text(self, text: str) -> None:
        if text.isspace() and self._top in _ROWS:
            return
        self._into_cell()
        text = self._fitting(text)
        self._slow += _number_slow(text)
        text = text.replace("<", "&lt;").replace(">", "&gt;")
        if self._slow > _MOST_SLOW:
            self._slow = 0
            text = _BREAK + _divided(text)
        self._out.append(text)

    def _fitting(self, text: str) -> str:
        """As much of a text as there is room for once it is escaped."""
        if escaped_length(text) > self._left:
            self.is_full = True
            text = text[: self._left // LONGEST_ESCAPE]
        self._left -= escaped_length(text)
        return text

    def _start(self, token: Token) -> None:
        tag = token.tag
        if len(self._open) >= DEEPEST and tag in _DEEPENING:
            return
        if tag in _OF_TABLES and tag != "table":
            if not self._make_place_in_table(tag):
                return
        else:
            self._into_cell()
            self._end_what_cannot_hold(tag)
        if len(self._open) >= DEEPEST:
            return
        self._emit(tag, token)

    def _emit(self, tag: str, token: Token | None = None) -> None:
        self.count += 1
        written = self._attributes_of(token) if token else ""
        self._left -= len(tag) + escaped_length(written)
        if self._left < 0:
            self.is_full, written = True, ""
        self._out.append(f"<{tag}{written}>")
        if tag not in VOID:
            self._open.append(tag)
            self._number_open[tag] += 1

    def _attributes_of(self, token: Token) -> str:
        """Each once: as it stands, so that references stay what they are."""
        found: dict[str, str] = {}
        for name, value in token.attributes:
            if name in self._attributes and (len(value) <= LONGEST_ATTRIBUTE or not _number_slow(value)):
                found.setdefault(name, value)
        return "".join(f' {name}="{_quoted(value)}"' for name, value in found.items())

    def _end(self, tag: str) -> None:
        edges = frozenset({"table"}) if tag in _OF_TABLES else _OF_TABLES
        level = self._level(frozenset({tag}), edges - {tag})
        if level is not None:
            self._close(level)

    def _end_what_cannot_hold(self, tag: str) -> None:
        """What HTML itself ends here: a paragraph before a block, an item before the next one."""
        if tag in _ENDS_OF_ITEMS:
            ended, edges = _ENDS_OF_ITEMS[tag]
            self._close_within(ended, edges | _OF_TABLES)
        if tag in BLOCKS:
            self._close_within(frozenset({"p"}), _OF_TABLES)

    def _make_place_in_table(self, tag: str) -> bool:
        """Whether there is a table, of which now only what may hold `tag` is open."""
        table = self._level(frozenset({"table"}), frozenset())
        if table is None:
            return False
        if tag in _GROUPS or tag == "caption":
            self._close(table + 1)
            return True
        if tag == "tr":
            group = self._level(_GROUPS, frozenset({"table"}))
            self._close(table + 1 if group is None else group + 1)
            return True
        row = self._level(frozenset({"tr"}), frozenset({"table"}))
        if row is not None:
            self._close(row + 1)
            return True
        self._close_within(_CELLS, frozenset({"table"}))
        return self._open_row()

    def _open_row(self) -> bool:
        if len(self._open) < DEEPEST:
            self._emit("tr")
        return self._top == "tr"

    def _into_cell(self) -> None:
        """Text between rows and cells would be moved out of the table: it gets a cell of its own."""
        if self._top in _ROWS and (self._top == "tr" or self._open_row()):
            self._emit("td")

    @property
    def _top(self) -> str:
        return self._open[-1] if self._open else ""

    def _close_within(self, tags: Set[str], edges: Set[str]) -> None:
        level = self._level(tags, edges)
        if level is not None:
            self._close(level)

    def _level(self, tags: Set[str], edges: Set[str]) -> int | None:
        """The innermost open element of `tags`, unless one of `edges` lies within it."""
        if not any(self._number_open[tag] for tag in tags):
            return None
        for level in range(len(self._open) - 1, -1, -1):
            if self._open[level] in tags:
                return level
            if self._open[level] in edges:
                return None
        return None

    def _close(self, level: int) -> None:
        while len(self._open) > level:
            self.count += 1
            tag = self._open.pop()
            self._number_open[tag] -= 1
            self._left -= len(tag)
            self._out.append(f"</{tag}>")


def escaped_length(text: str) -> int:
    """The length of `text` as HTML."""
    return len(text) + 3 * (text.count("<") + text.count(">")) + 4 * text.count("&")


def _number_slow(text: str) -> int:
    latin = text.encode("latin-1", "ignore")
    return len(latin) - len(latin.translate(None, _SLOW_BYTES))


def _divided(text: str) -> str:
    """`text` with a break after every so many of `_SLOW`, and what follows the last of those.

    What is left over is not looked at: the pattern would be tried from each of them to the end of the text.
    """
    number = _number_slow(text) // _MOST_SLOW
    return _MANY_SLOW.sub(rf"\g<0>{_BREAK}", text, count=number) if number else text


def _quoted(value: str) -> str:
    return re.sub('"', "&quot;", value)
