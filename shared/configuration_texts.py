"""Whether the templates and expressions of a configuration work, in microseconds each.

Compiling one takes most of a millisecond, and a file may have thousands. They differ in their words, seldom
in their shape: what is written around `{{ }}`, what a value is compared with, which regular expression is
searched. So each shape is compiled once, and each regular expression by itself; where one of these fails, the
whole text says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import re2

from shared.template_environment import TEXT, plain_text

_INSERTED = rf"""\{{\{{(?:[^'"{{}}]++|{TEXT.pattern})*+\}}\}}"""
_INSERTIONS = re.compile(_INSERTED, re.DOTALL)
_ONLY_INSERTIONS = re.compile(rf"(?:[^{{]++|\{{(?![{{%#])|{_INSERTED})*+", re.DOTALL)
_SEARCHED = re.compile(r"\bmatching\s*\(?\s*$")
_FREE = (
    # Compared with something: the answer is yes or no, whatever it is used for.
    (r"(?:[=!]=|\bin)\s*$", r"\s*(?:$|\)|-?\}\}|(?:and|or|if|else)\b)"),
    (r"(?:^|\(|\{\{-?|\b(?:and|or|not|if|else))\s*$", r"\s*(?:[=!]=|(?:not\s+)?in\b)"),
    # The text that comes out: nothing is done with it.
    (r"(?:\{\{-?|\belse)\s*$", r"\s*(?:-?\}\}|if\b)"),
)
"""What stands before and after a string whose words are free."""
_FREE_BETWEEN = tuple((re.compile(before), re.compile(after)) for before, after in _FREE)
_SEARCH_ENDS = re.compile(_FREE[0][1])
_QUIET = re2.Options()
_QUIET.log_errors = False
_WORDS = re.compile(r"\^?[\w @.,:;/#=&%!~<>'\"-]{0,100}\$?")
"""A regular expression that cannot be wrong."""
_LOOK_BACK = 16
"""Characters before a string in which the operator stands that it belongs to."""

Check = Callable[[str], str]
Shape = tuple[str, list[str]]
"""A text without its words, and the regular expressions that were among these."""


def by_shape(check: Check, shape: Callable[[str], Shape]) -> Check:
    """A `check` of whole texts, which answers what is wrong, that is asked once only for each shape."""
    of_shape = lru_cache(maxsize=1024)(check)

    def checked(text: str) -> str:
        plain, searched = shape(text)
        is_right = all(map(_is_regular, searched)) and not of_shape(plain)
        return "" if is_right else check(text)

    return checked


def template_shape(text: str) -> Shape:
    """The insertions of a template, as `expression_shape` has them; all of it if there are other blocks."""
    if not _ONLY_INSERTIONS.fullmatch(text):
        return text, []  # what looks like a text there may stand outside of a block
    return expression_shape("".join(_INSERTIONS.findall(text)))


def expression_shape(text: str) -> Shape:
    """A text without the words that cannot make it fail, and the regular expressions that it searches."""
    searched: list[str] = []

    def blank(found: re.Match[str]) -> str:
        before = text[max(0, found.start() - _LOOK_BACK) : found.start()]
        if _SEARCHED.search(before) and _SEARCH_ENDS.match(text, found.end()):
            searched.append(plain_text(found[0]))
            return "''"
        return "''" if _is_free(before, text, found.end()) else found[0]

    return TEXT.sub(blank, text), searched


def _is_free(before: str, text: str, end: int) -> bool:
    return any(left.search(before) and right.match(text, end) for left, right in _FREE_BETWEEN)


def _is_regular(pattern: str) -> bool:
    return _WORDS.fullmatch(pattern) is not None or _compiles(pattern)


@lru_cache(maxsize=8192)
def _compiles(pattern: str) -> bool:
    try:
        re2.compile(pattern, _QUIET)
    except re2.error:
        return False
    return True
