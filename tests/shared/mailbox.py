"""A mailbox reader without Graph, with the same interface."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from shared.graph.answers import Attachment, Message
from shared.graph.faults import NotFound
from shared.graph.mailbox import MailboxReader


@dataclass
class Mail:
    """A message as the mailbox answers it; `attachments` with their bytes, or why they have none."""

    message: Message
    mime: bytes = b"Subject: Hello\r\n\r\nHello"
    attachments: list[tuple[Attachment, bytes | Exception]] = field(default_factory=list)


class FakeMailbox(MailboxReader):
    """One mailbox; `calls` counts what was asked for, and `before` runs at each call."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.mails: dict[str, Mail] = {}
        self.calls: Counter[str] = Counter()
        self.faults: dict[str, Exception] = {}
        self.before: Callable[[str], Awaitable[None]] | None = None
        self.breaks_after: int | None = None

    def add(self, announced: str, mail: Mail) -> None:
        """A mail that is found under the id `announced`."""
        self.mails[announced] = mail

    async def message(self, mailbox: str, message: str) -> Message:
        return (await self._mail("message", mailbox, message)).message

    async def attachments(self, mailbox: str, message: str) -> list[Attachment]:
        mail = await self._mail("attachments", mailbox, message)
        return [attachment for attachment, _ in mail.attachments]

    async def mime(self, mailbox: str, message: str) -> AsyncGenerator[bytes, None]:
        mail = await self._mail("mime", mailbox, message)
        async for piece in self._streamed(mail.mime):
            yield piece

    async def attachment_bytes(
        self, mailbox: str, message: str, attachment: str
    ) -> AsyncGenerator[bytes, None]:
        mail = await self._mail("attachment_bytes", mailbox, message)
        (content,) = [content for one, content in mail.attachments if one.id == attachment]
        if isinstance(content, Exception):
            raise content
        async for piece in self._streamed(content):
            yield piece

    async def _streamed(self, content: bytes) -> AsyncGenerator[bytes, None]:
        for at in range(0, len(content), 10):
            if self.breaks_after is not None and at >= self.breaks_after:
                raise self.faults["stream"]
            yield content[at : at + 10]

    async def _mail(self, call: str, mailbox: str, message: str) -> Mail:
        assert mailbox == self.address
        self.calls[call] += 1
        if self.before is not None:
            await self.before(call)
        if call in self.faults:
            raise self.faults[call]
        try:
            return self.mails[message]
        except KeyError:
            raise NotFound("ErrorItemNotFound") from None
