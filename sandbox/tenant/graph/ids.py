"""The two id spaces of Outlook items: learn.microsoft.com/graph/outlook-immutable-id

A regular id changes when its item moves to another folder; an immutable one lives as long as the item stays
in its mailbox. Both are case-sensitive, base64url with its padding.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

RandomBytes = Callable[[int], bytes]

REGULAR = "AAMkA"
IMMUTABLE = "AAkALgA"
FOLDER = "AQMkA"

FORM = re.compile(rf"(?:{REGULAR}|{IMMUTABLE}|{FOLDER})[A-Za-z0-9_-]{{20,400}}={{0,2}}")


@dataclass(frozen=True)
class ItemId:
    """One item in both spaces."""

    regular: str
    immutable: str

    def shown(self, immutable: bool) -> str:
        """The id that an answer carries."""
        return self.immutable if immutable else self.regular


class IdSource:
    """Makes ids and change keys from `random_bytes`."""

    def __init__(self, random_bytes: RandomBytes = secrets.token_bytes) -> None:
        self._random = random_bytes

    def item(self) -> ItemId:
        """Ids of a new item."""
        return ItemId(self._make(REGULAR, 98), self._make(IMMUTABLE, 58))

    def moved(self, item: ItemId) -> ItemId:
        """Ids of an item after a move: the regular one is new."""
        return ItemId(self._make(REGULAR, 98), item.immutable)

    def folder(self) -> str:
        """The id of a folder; it is the same in both spaces."""
        return self._make(FOLDER, 61)

    def change_key(self) -> str:
        """A new version of an item, as its ETag shows it: standard base64, with `/` and `+`."""
        return base64.b64encode(b"\x09\x00\x00\x00\x16\x00\x00\x00" + self._random(22)).decode()

    def _make(self, prefix: str, length: int) -> str:
        return prefix + base64.urlsafe_b64encode(self._random(length)).decode()


def is_well_formed(text: str) -> bool:
    """Whether `text` can be an id at all; Graph says so before it looks for the item."""
    return FORM.fullmatch(text) is not None
