"""HTML as readable text."""

from __future__ import annotations

import html as references
import io
import re

from shared.body.html_balance import BLOCKS, MOST_CHARACTERS, MOST_TOKENS
from shared.body.html_tokens import Token, tokens

_DEEPEST_QUOTE = 20
_SPACES = re.compile(r"[ \t\n\f\r]+")
_ENDLESS_NUMBER = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
_SURROGATES = re.compile("[\ud800-\udfff]")
_LINKED = ("http:", "https:", "ftp:")
_APART = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "table", "ul", "ol", "dl", "pre"})
"""Blocks with an empty line around them."""


def readable(html: str) -> tuple[str, bool]:
    """The text of `html` with its paragraphs, items, quotations and links; and whether it was cut."""
    writer = _Writer()
    for number, token in enumerate(tokens(html)):
        if number == MOST_TOKENS or writer.is_full:
            return writer.finish(), True
        writer.add(token)
    return writer.finish(), writer.is_full


def unescaped(text: str) -> str:
    """`text` with its character references resolved; a number that no character has does no harm."""
    plain = references.unescape(_ENDLESS_NUMBER.sub("\ufffd", text))
    return _SURROGATES.sub("\ufffd", plain)


class _Writer:
    def __init__(self) -> None:
        # No list of lines: a short one takes 60 bytes there.
        self._out = io.StringIO()
        self._between = ""
        self._left = MOST_CHARACTERS
        self._line: list[str] = []
        self._quotes = 0
        self._preformatted = 0
        self._lists: list[int] = []
        self._link = ""
        self._link_text: list[str] = []
        self._gap: int | None = None
        """The depth of quotation of an empty line that is due before the next line."""

    @property
    def is_full(self) -> bool:
        """Whether there was more than is kept: within quotations a line break alone becomes 22 characters."""
        return self._left < 0

    def add(self, token: Token) -> None:
        if not token.tag:
            self._text(unescaped(token.text))
        elif token.is_end:
            self._end(token.tag)
        else:
            self._start(token.tag, dict(token.attributes))

    def finish(self) -> str:
        self._end_link()
        self._break()
        return self._out.getvalue().strip("\n")

    def _text(self, text: str) -> None:
        if self._preformatted:
            self._preformatted_text(text)
            return
        plain = _SPACES.sub(" ", text).replace("\xa0", " ")
        if plain.startswith(" ") and (not self._line or self._line[-1].endswith((" ", "\t"))):
            plain = plain[1:]
        self._put(plain)

    def _preformatted_text(self, text: str) -> None:
        at = 0
        while (end := text.find("\n", at)) >= 0 and not self.is_full:
            self._put(text[at:end])
            self._break(always=True)
            at = end + 1
        self._put(text[at:])

    def _put(self, text: str) -> None:
        if text:
            self._line.append(text)
            if self._link:
                self._link_text.append(text)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._block(tag, is_nested=bool(self._lists))
        if tag == "br":
            self._break(always=True)
        elif tag == "hr":
            self._put("-" * 20)
            self._break()
        elif tag == "li":
            self._put(self._item())
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else -1)
        elif tag in ("td", "th") and self._line:
            self._put("\t")
        elif tag == "blockquote":
            self._quotes += 1
        elif tag == "pre":
            self._preformatted += 1
        elif tag == "img":
            self._picture(attributes)
        elif tag == "a":
            self._end_link()
            self._link = unescaped(attributes.get("href", "")).strip()

    def _end(self, tag: str) -> None:
        if tag == "a":
            self._end_link()
        if tag == "blockquote":
            self._break()
            self._quotes = max(0, self._quotes - 1)
        self._block(tag, is_nested=len(self._lists) > 1)
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()

    def _picture(self, attributes: dict[str, str]) -> None:
        name = _SPACES.sub(" ", unescaped(attributes.get("alt", ""))).strip()
        if name:
            self._put(f"[{name}]")

    def _item(self) -> str:
        if not self._lists or self._lists[-1] < 0:
            return "- "
        self._lists[-1] += 1
        return f"{self._lists[-1]}. "

    def _end_link(self) -> None:
        """The address of a link follows its text, unless it is that text."""
        link, said = self._link, "".join(self._link_text).strip()
        self._link, self._link_text = "", []
        bare = link.partition("://")[2].rstrip("/")
        if link.lower().startswith(_LINKED) and said.rstrip("/") not in (link.rstrip("/"), bare) and said:
            self._put(f" <{_SPACES.sub('', link)}>")

    def _block(self, tag: str, *, is_nested: bool) -> None:
        if tag in BLOCKS or tag == "tr":
            self._break()
        if tag in _APART and not (tag in ("ul", "ol") and is_nested):
            self._gap = self._quotes if self._gap is None else min(self._gap, self._quotes)

    def _break(self, *, always: bool = False) -> None:
        line = "".join(self._line).rstrip()
        self._line = []
        if line or always:
            if self._gap is not None and self._between:
                self._write(_mark(self._gap))
            self._gap = None
            self._write(_mark(self._quotes) + line)

    def _write(self, line: str) -> None:
        self._left -= len(line) + 1
        if self._left >= 0:
            self._out.write(f"{self._between}{line.rstrip()}")
            self._between = "\n"


def _mark(quotes: int) -> str:
    depth = min(quotes, _DEEPEST_QUOTE)
    return f"{'>' * depth} " if depth else ""
