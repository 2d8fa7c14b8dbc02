"""Reading a service's JSON into structs of ours, damaged text within it too."""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

_T = TypeVar("_T")


class Unreadable(ValueError):
    """An answer is not JSON of the form that was asked for. The message repeats nothing of it."""


def decoded(body: bytes, kind: type[_T]) -> _T:
    """The JSON in `body` as a `kind`; numbers and truths may stand as text.

    Mail is damaged: half a surrogate pair, which JSON can carry and Unicode cannot, becomes a question
    mark rather than a mail that is never filed. Raises Unreadable.
    """
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = error
    try:
        whole = json.dumps(json.loads(body.decode(errors="replace")), ensure_ascii=False)
        return msgspec.json.decode(whole.encode(errors="replace"), type=kind, strict=False)
    except (ValueError, RecursionError):
        raise Unreadable(type(fault).__name__) from None
