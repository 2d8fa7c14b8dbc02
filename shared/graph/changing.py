"""Changing messages: marking, moving, deleting. All of it needs the permission Mail.ReadWrite.

Sources: learn.microsoft.com/graph/api/message-update, message-move, message-delete.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import msgspec
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.users.item.messages.item.message_item_request_builder import MessageItemRequestBuilder

from shared.clock import Clock
from shared.errors import ConfigurationFault, Transient
from shared.graph.client import GraphClient
from shared.graph.faults import NotFound
from shared.graph.folders import FolderReader

KNOWN_FOR = 60.0
"""Seconds for which the folder of a name is not looked up again: each look is a request or more."""
_MISSING = frozenset({"erroritemnotfound", "itemnotfound"})
_DELETED = ("deleteditems", "recoverableitemsdeletions")
_TOP = "msgfolderroot"


class MessageState(msgspec.Struct, rename="camel"):
    """What of a message counts before it is changed.

    Nothing of it is read leniently: categories that were taken for none would be lost.
    """

    categories: list[str | None] | None
    is_read: bool | None = None
    parent_folder_id: str | None = None


class MailboxWriter:
    """Changes messages by their immutable id, never by folder: a message may have moved on."""

    def __init__(self, client: GraphClient, folders: FolderReader, clock: Clock) -> None:
        self._client = client
        self._folders = folders
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[str, float]] = {}

    async def state(self, mailbox: str, message: str) -> MessageState | None:
        """How a message stands; None for one that is gone.

        Raises ConfigurationFault (also where there is no such mailbox), Refused, Unavailable.
        """
        query = MessageItemRequestBuilder.MessageItemRequestBuilderGetQueryParameters(
            select=[field.encode_name for field in msgspec.structs.fields(MessageState)]
        )
        request = self._message(mailbox, message).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        try:
            return await self._client.answer(request, MessageState, mailbox=mailbox)
        except NotFound as fault:
            if is_gone(fault):
                return None
            raise ConfigurationFault(
                f"mailbox {mailbox}: {fault}.",
                "Look whether the mailbox exists in Exchange Online, under this address.",
            ) from None

    async def update(self, mailbox: str, message: str, changes: dict[str, Any]) -> None:
        """Replace properties of a message, those alone that `changes` names; categories as a whole.

        Raises NotFound, ConfigurationFault, Conflict, Refused, Unavailable.
        """
        await self._send(self._writing(Method.PATCH, self._message(mailbox, message), changes), mailbox)

    async def move(self, mailbox: str, message: str, folder: str) -> None:
        """Put a message into a folder, an id; it keeps its immutable id.

        Raises Transient where one of the two is not there any more, ConfigurationFault, Conflict, Refused,
        Unavailable.
        """
        builder = self._message(mailbox, message).move
        try:
            await self._send(self._writing(Method.POST, builder, {"destinationId": folder}), mailbox)
        except NotFound:
            # Graph does not say which: a new look at both tells.
            self._known = {key: known for key, known in self._known.items() if known[0] != folder}
            raise Transient(f"mailbox {mailbox}: a mail or the folder for it has just gone") from None

    async def delete(self, mailbox: str, message: str) -> None:
        """Delete a message as Graph does it: how long Exchange can restore it is set there.

        Raises NotFound, ConfigurationFault, Conflict, Refused, Unavailable.
        """
        builder = self._message(mailbox, message)
        request = RequestInformation(Method.DELETE, builder.url_template, builder.path_parameters)
        request.headers.try_add("Accept", "application/json")
        await self._send(request, mailbox)

    async def target(self, mailbox: str, reference: str) -> str:
        """The id of the folder that mail is moved to: named as those of a source, or by its name at the top.

        Raises ConfigurationFault (also where there is none), NotFound for the mailbox, Refused, Unavailable.
        """
        folder = await self._folder(mailbox, reference) or await self._folder(mailbox, f"{_TOP}/{reference}")
        if folder:
            return folder
        raise ConfigurationFault(
            f'mailbox {mailbox}: there is no folder "{reference}" to move mail to.',
            "Create it, or write another one in move-to: a well-known name such as archive, the id of a "
            "folder, or a path below one of these, such as inbox/Filed.",
        )

    async def has_deleted(self, mailbox: str, folder: str | None) -> bool:
        """Whether that folder, an id, is one that holds deleted mail.

        Which of them a deletion leads to is not documented; in the second one nothing can be deleted
        (learn.microsoft.com/graph/api/message-delete). Raises as `target` does.
        """
        holding = {await self._folder(mailbox, name) for name in _DELETED} - {None}
        return folder in holding

    async def _folder(self, mailbox: str, reference: str) -> str | None:
        now = self._clock.monotonic()
        known = self._known.get((mailbox, reference))
        if known is not None and now - known[1] < KNOWN_FOR:
            return known[0]
        found = await self._folders.find(mailbox, reference)
        if found is None:
            return None
        self._known[mailbox, reference] = found.id, now
        return found.id

    async def _send(self, request: RequestInformation, mailbox: str) -> None:
        """The answer repeats all of the message: its pieces are let go."""
        with _permission_to_write():
            async with aclosing(self._client.stream(request, mailbox=mailbox)) as answer:
                async for _ in answer:
                    pass

    def _writing(self, method: Method, builder: Any, body: dict[str, Any]) -> RequestInformation:
        request = RequestInformation(method, builder.url_template, builder.path_parameters)
        request.headers.try_add("Accept", "application/json")
        request.set_stream_content(msgspec.json.encode(body), "application/json")
        return request

    def _message(self, mailbox: str, message: str) -> MessageItemRequestBuilder:
        return self._client.requests.users.by_user_id(mailbox).messages.by_message_id(message)


def is_gone(fault: NotFound) -> bool:
    """Whether a message is not there any more, rather than its mailbox."""
    return fault.code.casefold() in _MISSING


@contextmanager
def _permission_to_write() -> Iterator[None]:
    """What is refused to an app that may read. Raises ConfigurationFault with the permission it lacks."""
    try:
        yield
    except ConfigurationFault as fault:
        raise ConfigurationFault(
            f"{fault.reason} It may not be changed.",
            "Grant the app Mail.ReadWrite beside Mail.Read, in a scope that holds this mailbox or for the "
            "whole tenant (`python3 ops.py permissions` has the commands; Exchange follows after 30 minutes "
            "to 2 hours); or take after and on-failure out of the source.",
        ) from None
