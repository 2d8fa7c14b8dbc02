"""What a mailbox holds, as tests and the control address see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sandbox.tenant.graph.store import Message, StoredFile


@dataclass(frozen=True)
class Delivered:
    """A mail that has arrived: its ids in both spaces and when."""

    id: str
    immutable_id: str
    received: datetime


@dataclass(frozen=True)
class HeldFile:
    """An attachment with bytes, a file or an item, as Graph answers it."""

    immutable_id: str
    name: str
    file: StoredFile


@dataclass(frozen=True)
class Held:
    """A message as Graph answers it; `source` is the file that was delivered, where there was one.

    MIME that is made anew at each call is here as it was delivered.
    """

    immutable_id: str
    received: datetime
    source: Path | None
    mime: StoredFile
    files: tuple[HeldFile, ...]


def delivered(message: Message) -> Delivered:
    """A message as the mail that has arrived."""
    return Delivered(message.ids.regular, message.ids.immutable, message.received)


def held(message: Message) -> Held:
    """A message with the digests of its bytes."""
    return Held(
        immutable_id=message.ids.immutable,
        received=message.received,
        source=message.source,
        mime=message.mime,
        files=tuple(
            HeldFile(one.ids.immutable, one.name, one.file)
            for one in message.attachments
            if one.file is not None
        ),
    )
