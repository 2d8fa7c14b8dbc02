"""HTML as tokens, in time proportional to its length whatever it is made of.

Not the standard library's parser: versions of it that are in use need quadratic time for what is malformed.
The end of an unclosed tag, comment or script is the end of the text (html.spec.whatwg.org, 13.2.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TAG = re.compile(r"</?([A-Za-z][^\s/>]*)")
_BETWEEN = re.compile(r"[\s/]*")
_ATTRIBUTE = re.compile(r"""(=?[^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|(["'])|([^\s>]*)))?""")
_COMMENT_END = re.compile(r"--!?>")
_WITHOUT_MARKUP = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})
"""Elements whose content is text up to their end tag, and no part of what is read."""
_MOST_ATTRIBUTES = 40


class Token(NamedTuple):
    """Text as it stands, or a tag: its name in lower case, an end if so, its attributes as they stand."""

    text: str = ""
    tag: str = ""
    is_end: bool = False
    attributes: tuple[tuple[str, str], ...] = ()


def tokens(html: str) -> Iterator[Token]:
    """The tokens of `html`, without comments, scripts, styles and the like."""
    at = 0
    while at < len(html):
        start = html.find("<", at)
        if start < 0:
            start = len(html)
        if start > at:
            yield Token(html[at:start])
        if start == len(html):
            return
        token, at = _markup(html, start)
        if token is None:
            continue
        yield token
        if token.tag == "plaintext" and not token.is_end:
            yield Token(html[at:])
            return
        if token.tag in _WITHOUT_MARKUP and not token.is_end:
            at = _end_of_element(html, token.tag, at)


def _markup(html: str, start: int) -> tuple[Token | None, int]:
    """The token that begins with a <, if it is one, and where it ends."""
    if tag := _TAG.match(html, start):
        return _tag(html, tag)
    following = html[start + 1 : start + 2]
    if html.startswith("<!--", start):
        return None, _end_of_comment(html, start + 4)
    if following in ("!", "?", "/") and following:
        end = html.find(">", start)
        return None, end + 1 if end >= 0 else len(html)
    return Token("<"), start + 1


def _end_of_comment(html: str, at: int) -> int:
    for empty in (">", "->"):
        if html.startswith(empty, at):
            return at + len(empty)
    end = _COMMENT_END.search(html, at)
    return end.end() if end else len(html)


def _tag(html: str, tag: re.Match[str]) -> tuple[Token | None, int]:
    found: list[tuple[str, str]] = []
    at = _past(_BETWEEN, html, tag.end())
    while at < len(html) and html[at] != ">":
        attribute = _ATTRIBUTE.match(html, at)
        if attribute is None or attribute[4] is not None:
            return None, len(html)
        if len(found) < _MOST_ATTRIBUTES:
            double, single, bare = attribute[2], attribute[3], attribute[5]
            found.append((attribute[1].lower(), double or single or bare or ""))
        at = _past(_BETWEEN, html, attribute.end())
    if at >= len(html):
        return None, len(html)
    is_end = html.startswith("</", tag.start())
    return Token("", tag[1].lower(), is_end, tuple(found)), at + 1


def _past(pattern: re.Pattern[str], html: str, at: int) -> int:
    found = pattern.match(html, at)
    return found.end() if found else at


def _end_of_element(html: str, name: str, at: int) -> int:
    """Where its end tag begins."""
    end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, at)
    return end.start() if end else len(html)
