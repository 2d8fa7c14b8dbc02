"""Values that many tests need: sources, mails, manifests, messages."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

import msgspec

from shared.body.reader import Rendered
from shared.configuration import Source
from shared.identities import filing_key
from shared.mail import EXAMPLE, Mail
from shared.mail_content import Format
from shared.manifest import FileKind, LeftOut, Manifest, StagedFile
from shared.queue_messages import MailArrived, VaultImport
from shared.tracing import traceparent

MESSAGE = "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AdSFc_6I2P0OpDkxsAAAA="
KEY = "a secret of the tests"


@dataclass(frozen=True)
class NoContent:
    """The content of a mail that says nothing, or only what it is given."""

    says: str | None = None
    shows: frozenset[str] = frozenset()

    async def text(self) -> str:
        return self.says or ""

    async def rendered(self, kind: Format) -> Rendered | None:
        return None if self.says is None else Rendered(f"{kind}: {self.says}")

    async def shown_pictures(self) -> frozenset[str]:
        return self.shows


def unique_name(stem: str) -> str:
    """A name that no other test uses: the storage is one for all."""
    return f"{stem}-{uuid.uuid4().hex[:12]}"


def source(name: str = "invoices", **changed: Any) -> Source:
    """A source over one inbox, as a configuration says it."""
    data = {"name": name, "mailbox": f"{name}@example.com", "document": {"class": "CL.Invoice"}, **changed}
    return msgspec.convert(data, Source)


def staged(path: str, content: bytes, name: str = "", content_type: str = "") -> StagedFile:
    """What a manifest says of a staged file."""
    kind: FileKind = "file" if path.startswith("attachments/") else "message"
    digest = hashlib.sha256(content).hexdigest()
    return StagedFile(path, kind, len(content), digest, name=name, type=content_type)


def manifest(
    source: str = "invoices",
    *files: StagedFile,
    message: str = MESSAGE,
    mail: Mail = EXAMPLE,
    left_out: tuple[LeftOut, ...] = (),
    run: str = "run1",
) -> Manifest:
    """The manifest of a mail; without files, of one that has a message of three bytes."""
    return Manifest(
        source=source,
        key=filing_key(source, message),
        message=message,
        run=run,
        mail=mail,
        files=files or (staged("message.eml", b"mim", content_type="message/rfc822"),),
        left_out=left_out,
    )


def arrived(source: str, message: str = MESSAGE) -> MailArrived:
    """The announcement of a mail."""
    return MailArrived(
        source=source,
        traceparent=traceparent(),
        message=message,
        cause="notification",
        noticed="2026-11-24T16:37:44Z",
    )


def order(source: str, message: str = MESSAGE) -> VaultImport:
    """The order to file a staged mail."""
    return VaultImport(source=source, key=filing_key(source, message), traceparent=traceparent())
