"""A mail as templates and rules see it. What a mail lacks is empty, all the way down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self

from msgspec import Struct


class Address(Struct, frozen=True):
    """A mailbox named in a mail."""

    name: str = ""
    address: str = ""

    @property
    def domain(self) -> str:
        """What stands after the last @, in lower case."""
        return self.address.rpartition("@")[2].lower() if "@" in self.address else ""

    def __str__(self) -> str:
        if self.name and self.address and self.name != self.address:
            return f"{self.name} <{self.address}>"
        return self.address or self.name


class Addresses(tuple[Address, ...]):
    """Several mailboxes; as text, with a semicolon between them."""

    __slots__ = ()

    def __str__(self) -> str:
        return "; ".join(str(address) for address in self)


class Texts(tuple[str, ...]):
    """Several texts; as text, with a semicolon between them."""

    __slots__ = ()

    def __str__(self) -> str:
        return "; ".join(self)


class Moment(datetime):
    """A time in UTC; as text in the form 2026-11-24T16:37:44Z."""

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The moment that an ISO 8601 text with a zone names, or None."""
        try:
            moment = cls.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo is not None else None
        except (ValueError, OverflowError):
            return None

    def __str__(self) -> str:
        # Not strftime: on some systems it writes years below 1000 with fewer digits.
        return f"{self.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


class Header(Struct, frozen=True):
    """One internet header of a mail."""

    name: str
    value: str


class Mail(Struct, frozen=True, omit_defaults=True):
    """The facts of a mail that a manifest keeps. Times are ISO 8601, as Graph gave them.

    `folder` is the name of the folder in which it was staged; `link` opens it in Outlook on the web.
    `kind` and the flags after it are those of `shared.mail_kinds`.
    """

    subject: str = ""
    sender: Address = Address()
    from_: Address = Address()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    received: str = ""
    sent: str = ""
    importance: str = ""
    message_id: str = ""
    conversation_id: str = ""
    categories: tuple[str, ...] = ()
    headers: tuple[Header, ...] = ()
    folder: str = ""
    link: str = ""
    kind: str = "letter"
    signed: bool = False
    encrypted: bool = False
    tnef: bool = False

    def header(self, name: str) -> str:
        """The value of the first header called `name`, in any case; empty where there is none."""
        wanted = name.casefold()
        return next((header.value for header in self.headers if header.name.casefold() == wanted), "")


ONLY_WHILE_FILING = frozenset({"size"})
"""Names that are empty while a mail is staged: no byte of it has been fetched by then."""


def vocabulary(
    mail: Mail, attachments: Sequence[str], source: str, mailbox: str, *, size: int | None = None
) -> dict[str, object]:
    """The names that a template or a rule can use, with their values in this mail.

    `attachments` are what all of its attachments are called; `size` is that of its MIME in bytes.
    """
    sent = Moment.read(mail.sent)
    return {
        "subject": mail.subject,
        "from": mail.from_,
        "sender": mail.sender,
        "to": Addresses(mail.to),
        "cc": Addresses(mail.cc),
        "bcc": Addresses(mail.bcc),
        "reply_to": Addresses(mail.reply_to),
        "received": Moment.read(mail.received),
        "sent": sent,
        "date": sent,
        "importance": mail.importance,
        "sensitivity": _one_line(mail.header("Sensitivity")),
        "message_id": mail.message_id,
        "in_reply_to": _one_line(mail.header("In-Reply-To")),
        "references": _one_line(mail.header("References")),
        "conversation_id": mail.conversation_id,
        "categories": Texts(mail.categories),
        "attachments": Texts(attachments),
        "attachment_count": len(attachments),
        "has_attachments": bool(attachments),
        "header": mail.header,
        "kind": mail.kind,
        "signed": mail.signed,
        "encrypted": mail.encrypted,
        "tnef": mail.tnef,
        "size": size,
        "folder": mail.folder,
        "link": mail.link,
        "source": source,
        "mailbox": mailbox,
    }


def _one_line(text: str) -> str:
    return " ".join(text.split())


EXAMPLE = Mail(
    subject="Invoice 4711",
    sender=Address("Ada Lovelace", "ada@example.com"),
    from_=Address("Ada Lovelace", "ada@example.com"),
    to=(Address("Invoices", "invoices@example.com"),),
    cc=(Address("Charles Babbage", "charles@example.com"),),
    bcc=(Address("Archive", "archive@example.com"),),
    reply_to=(Address("Ada Lovelace", "ada@example.com"),),
    received="2026-11-24T16:37:44Z",
    sent="2026-11-24T16:37:41Z",
    importance="normal",
    message_id="<1@example.com>",
    conversation_id="AAQkADOUpag6yWs=",
    categories=("Blue category",),
    headers=(
        Header("X-Ticket", "T-1"),
        Header("Sensitivity", "Private"),
        Header("In-Reply-To", "<0@example.com>"),
        Header("References", "<00@example.com>\r\n <0@example.com>"),
    ),
    folder="Inbox",
    link="https://outlook.office365.com/owa/?ItemID=AAkALgAA",
    kind="letter",
    signed=True,
    encrypted=True,
    tnef=True,
)
"""A mail that has everything: templates are tried on it when the configuration is read."""
