"""Words that stand nowhere but in what must not leak, and the search for them in whatever form."""

from __future__ import annotations

import base64
import json
import secrets
import string
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

_WINDOW = 12
"""Characters of a secret that are a leak: less says nothing, and could stand anywhere by chance."""
_STEP = 6
_LONG = 100


class Canaries:
    """The words and secrets of a run, each by what it is."""

    def __init__(self) -> None:
        self._named: dict[str, str] = {}

    def word(self, of: str) -> str:
        """A new word that stands for something `of` a mail: letters, digits, of no language."""
        made = "q" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(11))
        self.add(made, of)
        return made

    def add(self, secret: str, of: str) -> None:
        """Look for a secret too, and for any longer piece of it."""
        assert len(secret) >= _WINDOW, "a shorter one would be found by chance"
        self._named[secret] = of

    @property
    def kinds(self) -> frozenset[str]:
        """What is looked for."""
        return frozenset(self._named.values())

    def found_in(self, content: bytes) -> set[str]:
        """What of them `content` holds, in plain text in any case, or encoded."""
        exact, folded = content.decode("latin-1"), content.decode("latin-1").casefold()
        found = {of for needle, of in self._exact() if needle in exact}
        return found | {of for needle, of in self._in_any_case() if needle in folded}

    def _exact(self) -> Iterator[tuple[str, str]]:
        for secret, of in self._named.items():
            for piece in _pieces(secret):
                for encoded in (piece.encode(), piece.encode("utf-16-le")):
                    yield from ((needle, f"{of} in base64") for needle in _base64(encoded))

    def _in_any_case(self) -> Iterator[tuple[str, str]]:
        for secret, of in self._named.items():
            for piece in _pieces(secret):
                yield piece.casefold(), of
                yield piece.encode().hex(), f"{of} in hex"
                yield piece.encode("utf-16-le").hex(), f"{of} in hex of UTF-16"
                yield piece.encode("utf-16-le").decode("latin-1").casefold(), f"{of} in UTF-16"
                for escaped in (quote(piece, safe=""), quote_plus(piece), json.dumps(piece)[1:-1]):
                    if escaped != piece:
                        yield escaped.casefold(), f"{of}, escaped"


def _pieces(secret: str) -> Iterable[str]:
    """Windows such that a run of 18 characters of `secret`, wherever it begins, has a whole one.

    Of a token, which has hundreds, a run of 48.
    """
    step = _STEP if len(secret) <= _LONG else 3 * _WINDOW
    last = len(secret) - _WINDOW
    return {secret[start : start + _WINDOW] for start in (*range(0, last, step), last)}


def _base64(content: bytes) -> Iterator[str]:
    """What stands in the base64 of anything that has `content` in it, at each place that this can begin.

    The first and the last characters depend on what is beside it, so they are left out.
    """
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + content).decode().rstrip("=")
        whole = (before + len(content)) // 3 * 4
        inner = encoded[-(-before * 8 // 6) : whole]
        yield from {inner, inner.replace("+", "-").replace("/", "_")}
