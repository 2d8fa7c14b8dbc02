"""What Exchange reads from the headers and the text of an arriving mail."""

from __future__ import annotations

import base64
import binascii
import email.utils
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message as MimePart
from typing import Any

from sandbox.tenant.graph.contents import part_bytes
from sandbox.tenant.graph.long_runs import NONE, LongRuns
from sandbox.tenant.graph.parts import shown_type, text_part
from sandbox.tenant.graph.text import decode_bytes, guarded, header_text, preview

# Newer releases of Python are strict and drop all addresses of a damaged list; Exchange keeps what it can.
LENIENT: dict[str, Any] = {"strict": False} if getattr(email.utils, "supports_strict_parsing", False) else {}

IMPORTANCE = {
    "high": "high",
    "urgent": "high",
    "1": "high",
    "2": "high",
    "low": "low",
    "non-urgent": "low",
    "4": "low",
    "5": "low",
}


@dataclass(frozen=True)
class Address:
    """One correspondent, decoded."""

    name: str
    address: str


@dataclass(frozen=True)
class Body:
    """The text of a mail; `kind` is `html` or `text`."""

    kind: str
    content: str


@dataclass(frozen=True)
class MailContent:
    """A mail as Graph describes it, but for what the mailbox adds."""

    subject: str | None
    author: Address | None
    sender: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    sent: datetime | None
    internet_message_id: str | None
    headers: tuple[tuple[str, str], ...]
    importance: str
    thread: str | None
    thread_index: str | None
    body: Body
    body_preview: str
    delivery_receipt: bool
    read_receipt: bool


def read_mail(root: MimePart, runs: LongRuns = NONE) -> MailContent:
    """The content of a parsed mail; whatever of it is damaged is left out, never an error."""
    headers = tuple(guarded(lambda: [(name, str(value)) for name, value in root.raw_items()], ()))
    named = _Headers(headers)
    authors = named.addresses("from")
    body = _body(root, runs)
    return MailContent(
        subject=named.text("subject"),
        author=_first(authors),
        sender=_first(named.addresses("sender")) or _first(authors),
        to=named.addresses("to"),
        cc=named.addresses("cc"),
        bcc=named.addresses("bcc"),
        reply_to=named.addresses("reply-to"),
        sent=guarded(lambda: _date(named.text("date")), None),
        internet_message_id=named.text("message-id"),
        headers=tuple((header_text(name), header_text(value)) for name, value in headers),
        importance=_importance(named),
        thread=_thread(named),
        thread_index=_thread_index(named.text("thread-index")),
        body=body,
        body_preview=preview(body.content, body.kind == "html"),
        delivery_receipt=named.text("return-receipt-to") is not None,
        read_receipt=named.text("disposition-notification-to") is not None,
    )


class _Headers:
    def __init__(self, items: Sequence[tuple[str, str]]) -> None:
        self._items = items

    def raw(self, name: str) -> list[str]:
        return [value for key, value in self._items if key.lower() == name]

    def text(self, name: str) -> str | None:
        values = self.raw(name)
        return header_text(values[0]) if values else None

    def addresses(self, name: str) -> tuple[Address, ...]:
        # Addresses are taken apart before names are decoded: a decoded name may hold a comma.
        pairs = guarded(lambda: email.utils.getaddresses(self.raw(name), **LENIENT), ())
        return tuple(
            Address(header_text(shown) or header_text(address), header_text(address))
            for shown, address in pairs
            if address
        )


def _first(addresses: Sequence[Address]) -> Address | None:
    return addresses[0] if addresses else None


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    sent = email.utils.parsedate_to_datetime(text)
    aware = sent if sent.tzinfo else sent.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(microsecond=0)


def _importance(named: _Headers) -> str:
    for name in ("importance", "x-priority", "priority"):
        word = (named.text(name) or "").split(" ")[0].strip().lower()
        if word in IMPORTANCE:
            return IMPORTANCE[word]
    return "normal"


def _thread(named: _Headers) -> str | None:
    for name in ("references", "in-reply-to", "message-id"):
        words = (named.text(name) or "").split()
        if words:
            return words[0]
    return None


def _thread_index(text: str | None) -> str | None:
    try:
        decoded = base64.b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(decoded).decode() if decoded else None


def conversation_id(thread: str) -> str:
    """The id of the conversation whose first mail has the Message-ID `thread`."""
    digest = hashlib.sha256(thread.encode("utf-8", "replace")).digest()
    return "AAQkA" + base64.urlsafe_b64encode(digest + digest[:14]).decode()


def _body(root: MimePart, runs: LongRuns) -> Body:
    part = guarded(lambda: text_part(root), None)
    if part is None:
        return Body("text", "")
    charset = guarded(part.get_content_charset, None)
    kind = "html" if shown_type(part) == "text/html" else "text"
    return Body(kind, decode_bytes(part_bytes(part, runs), charset))
