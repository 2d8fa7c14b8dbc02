"""How a mail comes into a mailbox: what its MIME cannot say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Scan(Enum):
    """How far Safe Attachments has come with a mail.

    withheld      its attachments are listed, and have no bytes yet
    placeholder   one item stands for all of them (Dynamic Delivery), in the list and in the MIME
    """

    DONE = "done"
    WITHHELD = "withheld"
    PLACEHOLDER = "placeholder"


@dataclass(frozen=True)
class Link:
    """A file elsewhere that is attached as a reference. Version 1.0 of Graph shows no `url`."""

    name: str
    url: str
    content_type: str | None = None
    inline: bool = False


@dataclass(frozen=True)
class Manner:
    """How one mail comes.

    draft           it is written here, not received
    outlook_items   its vCards and iCalendars are contacts and events of Outlook, no files
    links           what is attached by reference, behind its other attachments
    scan            how far the scan of its attachments is
    regenerated     its MIME is made anew at each call
    """

    draft: bool = False
    outlook_items: bool = False
    links: tuple[Link, ...] = ()
    scan: Scan = Scan.DONE
    regenerated: bool = False


RECEIVED = Manner()
