"""What reads and what changes mailboxes, without Graph, with the same interfaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from shared.errors import ConfigurationFault
from shared.graph.answers import Attachment, Message
from shared.graph.changing import MailboxWriter, MessageState
from shared.graph.faults import NotFound, Refused
from shared.graph.mailbox import ASKED_FOR_ALONE, MailboxReader


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
        self.folders: dict[str, str] = {}

    def add(self, announced: str, mail: Mail) -> None:
        """A mail that is found under the id `announced`."""
        self.mails[announced] = mail

    async def message(self, mailbox: str, message: str) -> Message:
        return (await self._mail("message", mailbox, message)).message

    async def folder_name(self, mailbox: str, folder: str) -> str:
        assert mailbox == self.address
        self.calls["folder_name"] += 1
        if "folder_name" in self.faults:
            raise self.faults["folder_name"]
        return self.folders[folder]

    async def attachments(self, mailbox: str, message: str) -> list[Attachment]:
        mail = await self._mail("attachments", mailbox, message)
        return [attachment for attachment, _ in mail.attachments]

    async def expanded(self, mailbox: str, message: str) -> tuple[Message, list[Attachment] | None]:
        mail = await self._mail("message", mailbox, message)
        found = [attachment for attachment, _ in mail.attachments]
        return mail.message, found if len(found) < ASKED_FOR_ALONE else None

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


class FakeWriter(MailboxWriter):
    """Changes messages; those that it does not know are gone.

    `written` notes each change that was made, `calls` counts what was asked, what is in `faults` is raised by
    the call of that name, and the messages in `refused` cannot be changed.
    """

    DELETED = "deleteditems"

    def __init__(self) -> None:
        self.states: dict[str, MessageState] = {}
        self.folders = {"Filed": "of filed", "Faulty": "of faulty"}
        self.written: list[tuple[str, str]] = []
        self.calls: Counter[str] = Counter()
        self.faults: dict[str, Exception] = {}
        self.refused: set[str] = set()

    def put(self, message: str, *categories: str, folder: str = "inbox") -> None:
        """A message that nobody has read yet."""
        self.states[message] = MessageState(list(categories), False, folder)

    async def state(self, mailbox: str, message: str) -> MessageState | None:
        self.ask("state")
        known = self.states.get(message)
        return None if known is None else copy(known)

    async def target(self, mailbox: str, reference: str) -> str:
        self.ask("target")
        if reference not in self.folders:
            raise ConfigurationFault(f'there is no folder "{reference}".', "Create it.")
        return self.folders[reference]

    async def has_deleted(self, mailbox: str, folder: str | None) -> bool:
        self.ask("has_deleted")
        return folder == self.DELETED

    async def update(self, mailbox: str, message: str, changes: dict[str, Any]) -> None:
        state = self._changed("update", message)
        state.is_read = changes.get("isRead", state.is_read)
        state.categories = changes.get("categories", state.categories)

    async def move(self, mailbox: str, message: str, folder: str) -> None:
        self._changed("move", message).parent_folder_id = folder

    async def delete(self, mailbox: str, message: str) -> None:
        """To where it can still be read by its id: the case in which a second deletion would do harm."""
        self._changed("delete", message).parent_folder_id = self.DELETED

    def ask(self, call: str) -> None:
        """A call comes. Raises the fault that it is to meet."""
        self.calls[call] += 1
        if call in self.faults:
            raise self.faults[call]

    def _changed(self, call: str, message: str) -> MessageState:
        self.ask(call)
        if message not in self.states:
            raise NotFound("ErrorItemNotFound")
        if message in self.refused:
            raise Refused(400, "ErrorInternalServerError", "")
        self.written.append((call, message))
        return self.states[message]
