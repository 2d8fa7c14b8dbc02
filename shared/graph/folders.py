"""The folders of a mailbox, and what is in them (learn.microsoft.com/graph/api/resources/mailfolder)."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.users.item.mail_folders.item.child_folders.child_folders_request_builder import (
    ChildFoldersRequestBuilder,
)
from msgraph.generated.users.item.mail_folders.item.mail_folder_item_request_builder import (
    MailFolderItemRequestBuilder,
)
from msgraph.generated.users.item.mail_folders.item.messages.messages_request_builder import (
    MessagesRequestBuilder,
)

from shared.configuration import folder_name
from shared.errors import ConfigurationFault
from shared.graph.answers import ENTRY_PROPERTIES, FOLDER_PROPERTIES, Entry, MailFolder, Page
from shared.graph.client import GraphClient
from shared.graph.faults import NotFound, Refused

FOLDERS_AT_ONCE = 100
ENTRIES_AT_ONCE = 500

_MISSING = "erroritemnotfound"
_MALFORMED_ID = "errorinvalididmalformed"
_SEARCH = "#microsoft.graph.mailSearchFolder"


@dataclass(frozen=True)
class Folder:
    """A folder by its id, which stays when it is renamed or moved."""

    id: str
    name: str


class FolderReader:
    """Finds folders, and lists them and their messages."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    async def resolve(self, mailbox: str, reference: str) -> Folder:
        """The folder that a source names, as `find` finds it.

        Raises ConfigurationFault (also where there is no such folder), NotFound, Refused, Unavailable.
        """
        folder = await self.find(mailbox, reference)
        if folder is not None:
            return folder
        raise ConfigurationFault(
            f'mailbox {mailbox}: there is no folder "{reference}".',
            "Create it, or write another one in folders of this source: a well-known name such as inbox, "
            "the id of a folder, or a path below one of these.",
        )

    async def find(self, mailbox: str, reference: str) -> Folder | None:
        """A folder by a well-known name in any case, an id, or a path below one; None where there is none.

        Names of a path count in any case, as they do in Exchange.
        Raises ConfigurationFault, NotFound for the mailbox itself, Refused, Unavailable.
        """
        top, *below = [step.strip() for step in reference.strip("/").split("/")]
        try:
            folder = await self._folder(mailbox, folder_name(top))
            for step in below:
                folder = await self._child(mailbox, folder, step)
        except NotFound as fault:
            if fault.code.casefold() != _MISSING:
                raise
        except Refused as fault:
            if fault.code.casefold() != _MALFORMED_ID:
                raise
        except LookupError:
            pass
        else:
            return folder
        return None

    async def below(self, mailbox: str, folder: Folder) -> AsyncGenerator[Folder, None]:
        """All subfolders at all depths, each once, those nearest first; hidden and search folders are none.

        One that goes while they are listed is left out.
        Raises NotFound where `folder` itself is gone, ConfigurationFault, Refused, Unavailable.
        """
        seen, waiting = {folder.id}, deque([folder])
        while waiting:
            parent = waiting.popleft()
            try:
                async for child in self._children(mailbox, parent):
                    if child.id in seen:
                        continue
                    seen.add(child.id)
                    yield Folder(child.id, child.display_name or "")
                    if child.child_folder_count != 0:
                        waiting.append(Folder(child.id, child.display_name or ""))
            except NotFound as fault:
                if parent is folder or fault.code.casefold() != _MISSING:
                    raise

    async def messages(self, mailbox: str, folder: str, since: datetime) -> AsyncGenerator[Entry, None]:
        """The messages in a folder, an id, received at `since` or later, the oldest first, each once.

        Each page is asked for by the time at which the last one ended: Graph's own pages count messages, and
        what leaves the folder between two of them, filed and moved on, would make it pass over as many.
        Raises NotFound, ConfigurationFault, Refused, Unavailable.
        """
        start, seen = since.astimezone(UTC).replace(microsecond=0), set[str]()
        request = self._since(mailbox, folder, start)
        while True:
            page = await self._client.answer(request, Page[Entry], mailbox=mailbox)
            for entry in page.value:
                if entry.id not in seen:
                    yield entry
            if page.next_link is None:
                return
            end = max((entry.received for entry in page.value if entry.received), default=start)
            if (second := end.replace(microsecond=0)) > start:
                # The second in which the page ended is read again: there may be more in it.
                start = second
                seen = {entry.id for entry in page.value if entry.received and entry.received >= start}
                request = self._since(mailbox, folder, start)
            else:
                seen.update(entry.id for entry in page.value)
                request = self._client.page_after(page.next_link)

    async def _folder(self, mailbox: str, folder: str) -> Folder:
        query = MailFolderItemRequestBuilder.MailFolderItemRequestBuilderGetQueryParameters(
            select=FOLDER_PROPERTIES
        )
        request = self._item(mailbox, folder).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        found = await self._client.answer(request, MailFolder, mailbox=mailbox)
        return Folder(found.id, found.display_name or "")

    async def _child(self, mailbox: str, parent: Folder, name: str) -> Folder:
        """The folder of this name within `parent`. Raises LookupError for none."""
        async with aclosing(self._children(mailbox, parent)) as children:
            async for child in children:
                if _comparable(child.display_name or "") == _comparable(name):
                    return Folder(child.id, child.display_name or "")
        raise LookupError(name)

    async def _children(self, mailbox: str, parent: Folder) -> AsyncGenerator[MailFolder, None]:
        query = ChildFoldersRequestBuilder.ChildFoldersRequestBuilderGetQueryParameters(
            select=FOLDER_PROPERTIES, top=FOLDERS_AT_ONCE
        )
        request = self._item(mailbox, parent.id).child_folders.to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        while True:
            page = await self._client.answer(request, Page[MailFolder], mailbox=mailbox)
            for child in page.value:
                if child.odata_type != _SEARCH:
                    yield child
            if page.next_link is None:
                return
            request = self._client.page_after(page.next_link)

    def _since(self, mailbox: str, folder: str, start: datetime) -> RequestInformation:
        text = start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters(
            select=ENTRY_PROPERTIES,
            filter=f"receivedDateTime ge {text}",
            orderby=["receivedDateTime asc"],
            top=ENTRIES_AT_ONCE,
        )
        return self._item(mailbox, folder).messages.to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )

    def _item(self, mailbox: str, folder: str) -> MailFolderItemRequestBuilder:
        return self._client.requests.users.by_user_id(mailbox).mail_folders.by_mail_folder_id(folder)


def _comparable(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
