"""The facts of a mail: what Graph says of it, what it is, and what its folder is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import msgspec

from shared.configuration import Source
from shared.errors import VaultpostError
from shared.graph.answers import Attachment, Message, mail_of
from shared.graph.mailbox import MailboxReader
from shared.log import Events
from shared.mail import Mail
from shared.mail_kinds import AttachmentClue, Clues, nature_of


@dataclass(frozen=True)
class MailFacts:
    """Gathers them. `own` are the configured mailboxes, casefolded."""

    mailboxes: MailboxReader
    own: frozenset[str]

    async def of(self, source: Source, message: Message, attachments: Sequence[Attachment]) -> Mail:
        """What is known before any byte is fetched."""
        mail = mail_of(message, await self._folder_name(source, message))
        return self.with_head(mail, message, attachments)

    def with_head(
        self, mail: Mail, message: Message, attachments: Sequence[Attachment], head: bytes = b""
    ) -> Mail:
        """`mail` with what it is as Graph tells, and the head of its MIME, where that is known."""
        nature = nature_of(clues_of(mail, message, attachments, self.own), head)
        return msgspec.structs.replace(mail, **asdict(nature))

    async def _folder_name(self, source: Source, message: Message) -> str:
        """What the folder of a message is called now; empty where Graph does not say: mail does not wait."""
        if not message.parent_folder_id:
            return ""
        try:
            return await self.mailboxes.folder_name(source.mailbox, message.parent_folder_id)
        except VaultpostError as fault:
            Events("staging", source=source.name).warning("folder-unnamed", why=str(fault))
            return ""


def clues_of(mail: Mail, message: Message, attachments: Sequence[Attachment], own: frozenset[str]) -> Clues:
    """What Graph tells of the nature of a mail; `own` are the configured mailboxes, casefolded."""
    return Clues(
        headers=mail.headers,
        odata_type=message.odata_type,
        is_draft=bool(message.is_draft),
        attachments=tuple(AttachmentClue(one.name or "", one.content_type or "") for one in attachments),
        senders=(mail.from_.address, mail.sender.address),
        own=own,
    )
