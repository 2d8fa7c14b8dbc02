"""What has happened in a folder, in order: the delta query reads it from a place on.

came        a message is here: delivered, or moved in
changed     a message that is here has changed
left        a message was moved out (reason `changed`) or deleted for good (`deleted`)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.tenant.graph.ids import ItemId

if TYPE_CHECKING:
    from sandbox.tenant.graph.store import Message

CREATED, UPDATED, DELETED = "created", "updated", "deleted"


@dataclass(frozen=True)
class Shown:
    """One change as a delta query shows it: `number` is its place; `reason` only of what has left."""

    number: int
    kind: str
    message: Message
    ids: ItemId
    reason: str = ""


class FolderLog:
    """The changes of one folder. Whoever reads or writes holds the lock of the mailbox."""

    def __init__(self) -> None:
        self._log: list[Shown] = []
        self._here_since: dict[Message, int] = {}
        self._latest: dict[Message, int] = {}

    def __len__(self) -> int:
        return len(self._log)

    @property
    def held(self) -> int:
        """How many messages are here."""
        return len(self._here_since)

    def messages(self) -> list[Message]:
        """The messages that are here, in the order in which they came."""
        return list(self._here_since)

    def came(self, message: Message) -> None:
        """A message is here from now on."""
        self._here_since[message] = len(self)
        self._write(CREATED, message)

    def changed(self, message: Message) -> None:
        """A message that is here has changed."""
        self._write(UPDATED, message)

    def left(self, message: Message, reason: str) -> None:
        """A message is here no more; it is known by the ids that it has now."""
        del self._here_since[message]
        self._write(DELETED, message, reason)

    def between(self, start: int, end: int, base: int, kinds: frozenset[str]) -> Iterator[Shown]:
        """What a round that began at `base` shows of the changes from `start` up to `end`.

        Each message at its latest change, as it is now: it was created if it came since `base`.
        """
        for number in range(start, end):
            one = self._log[number]
            kind = self._kind(one, base, kinds)
            if kind in kinds:
                yield Shown(one.number, kind, one.message, one.ids, one.reason)

    def _kind(self, one: Shown, base: int, kinds: frozenset[str]) -> str:
        latest = self._latest[one.message] == one.number
        if one.kind == DELETED:
            return DELETED if latest else ""
        came = self._here_since.get(one.message)
        if one.kind == CREATED:
            # One that has changed since is shown there, unless changes are not asked for.
            return CREATED if came == one.number and (latest or UPDATED not in kinds) else ""
        if came is None or not latest:
            return ""
        if came < base:
            return UPDATED
        return CREATED if UPDATED in kinds else ""

    def _write(self, kind: str, message: Message, reason: str = "") -> None:
        number = self._latest[message] = len(self._log)
        self._log.append(Shown(number, kind, message, message.ids, reason))
