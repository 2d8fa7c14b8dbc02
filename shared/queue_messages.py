"""What is sent from one function to the next (design, section 5): text JSON, unknown fields ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from shared.identities import filing_key

VERSION = 1
MAIL_ARRIVED = "mail-arrived"
VAULT_IMPORT = "vault-import"
MAIL_FILED = "mail-filed"
FOLDER_SWEEP = "folder-sweep"
LIFECYCLE_EVENT = "lifecycle-event"

Cause = Literal["notification", "sweep", "backfill", "replay"]
Event = Literal["missed", "subscriptionRemoved", "reauthorizationRequired"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What every message has; `traceparent` as in W3C Trace Context, since the host passes none on."""

    v: int = VERSION
    source: str
    revived: int = 0
    traceparent: str

    @property
    def filing_key(self) -> str | None:
        """The key of the mail that it is about, if it is about one."""
        return None


class MailMessage(Message, frozen=True, kw_only=True):
    """A message of one mail."""

    @property
    def filing_key(self) -> str:
        """The key of its mail."""
        raise NotImplementedError


class MailArrived(MailMessage, frozen=True, kw_only=True):
    """A mail is in a watched folder; `noticed` is when that was known, ISO 8601."""

    message: str
    cause: Cause
    noticed: str

    @property
    def filing_key(self) -> str:
        """The key under the id that was announced."""
        return filing_key(self.source, self.message)


class VaultImport(MailMessage, frozen=True, kw_only=True):
    """A mail is staged and can be filed."""

    key: str

    @property
    def filing_key(self) -> str:
        """The key that it names."""
        return self.key


class MailFiled(MailMessage, frozen=True, kw_only=True):
    """A mail has ended: filed, skipped or failed. What is left to do is done in its mailbox."""

    key: str

    @property
    def filing_key(self) -> str:
        """The key that it names."""
        return self.key


class FolderSweep(Message, frozen=True, kw_only=True):
    """A folder of a source is to be swept: what no notification announced is looked for."""

    folder: str


class LifecycleEvent(Message, frozen=True, kw_only=True):
    """Graph says that a subscription needs care."""

    event: Event
    subscription: str


KINDS: Mapping[str, type[Message]] = {
    MAIL_ARRIVED: MailArrived,
    VAULT_IMPORT: VaultImport,
    MAIL_FILED: MailFiled,
    FOLDER_SWEEP: FolderSweep,
    LIFECYCLE_EVENT: LifecycleEvent,
}
"""What each queue holds."""
_M = TypeVar("_M", bound=Message)
_encoder = msgspec.json.Encoder()


class Unreadable(ValueError):
    """A queue message is not of the form that its queue holds."""


class FromTheFuture(ValueError):
    """A queue message is of a later version of the app; a roll-back must not lose it."""


def encode(message: Message) -> str:
    """The text of `message` in its queue."""
    return _encoder.encode(message).decode()


def decode(body: bytes, kind: type[_M]) -> _M:
    """The message of that `kind` in the `body` of a queue message.

    Raises Unreadable and FromTheFuture.
    """
    try:
        # A queue holds text: without this, what is no UTF-8 passes in fields that are not read.
        message = msgspec.json.decode(body.decode(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if _version(body) > VERSION:
            raise FromTheFuture(f"a message of version {_version(body)}; this app reads {VERSION}") from None
        raise Unreadable(f"not a {kind.__name__} ({type(error).__name__})") from None
    if message.v > VERSION:
        raise FromTheFuture(f"a message of version {message.v}; this app reads {VERSION}")
    return message


class _Versioned(msgspec.Struct):
    v: int


def _version(body: bytes) -> int:
    try:
        return msgspec.json.decode(body.decode(), type=_Versioned).v
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0
