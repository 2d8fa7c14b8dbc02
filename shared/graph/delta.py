"""The delta query: what has come into a folder (learn.microsoft.com/graph/delta-query-messages)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.users.item.mail_folders.item.messages.delta.delta_request_builder import (
    DeltaRequestBuilder,
)

from shared.errors import Unavailable
from shared.graph.answers import ENTRY_PROPERTIES, DeltaAnswer, Entry
from shared.graph.client import IMMUTABLE_IDS, GraphClient
from shared.graph.faults import NotFound, Refused, TokenLost, is_token_loss

PAGE_SIZE = 200
"""Entries of a page that are asked for; Graph may give fewer. The documentation recommends no number."""


@dataclass(frozen=True)
class DeltaPage:
    """A page of a round. One of the links is there: to the next page, or to the next round."""

    entries: list[Entry]
    next_link: str | None
    delta_link: str | None


class DeltaReader:
    """Reads the rounds of a folder page by page. Links are opaque, and used as they are."""

    def __init__(self, client: GraphClient, page_size: int = PAGE_SIZE) -> None:
        self._client = client
        # A request says for itself how it wants its page and its ids: the link does not.
        self._preferences = [f"odata.maxpagesize={page_size}", IMMUTABLE_IDS]

    async def page(self, mailbox: str, folder: str, link: str | None) -> DeltaPage:
        """The page that `link` leads to; without one, the first of a first round over `folder`, an id.

        Only mail that came is asked for, but nothing documented says that removals never come. An entry may
        come more than once, in a later round too, and a page may be empty with others after it.
        Raises TokenLost, NotFound (the folder or the mailbox), ConfigurationFault, Refused, Unavailable.
        """
        request = self._first(mailbox, folder) if link is None else self._following(link)
        request.headers.add("Prefer", self._preferences)
        with _token_losses() if link is not None else nullcontext():
            answer = await self._client.answer(request, DeltaAnswer, mailbox=mailbox)
        following = answer.next_link or answer.delta_link
        if following is None or (link is not None and answer.next_link == link):
            raise Unavailable("Graph's answer to a delta query leads no further", origin="graph")
        self._client.page_after(following)  # a link to another host must not be kept
        delta_link = None if answer.next_link else answer.delta_link
        return DeltaPage(answer.value, answer.next_link, delta_link)

    def _first(self, mailbox: str, folder: str) -> RequestInformation:
        query = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(
            select=ENTRY_PROPERTIES, change_type="created"
        )
        folders = self._client.requests.users.by_user_id(mailbox).mail_folders
        return folders.by_mail_folder_id(folder).messages.delta.to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )

    def _following(self, link: str) -> RequestInformation:
        try:
            return self._client.page_after(link)
        except Unavailable:
            # What Graph answered was of its own host: since then GRAPH_ENDPOINT was changed.
            raise TokenLost("the delta link that was kept leads to another host") from None


@contextmanager
def _token_losses() -> Iterator[None]:
    try:
        yield
    except Refused as fault:
        if not is_token_loss(fault.status, fault.code):
            raise
        raise TokenLost(str(fault)) from None
    except NotFound as fault:
        if not is_token_loss(404, fault.code):
            raise
        raise TokenLost(str(fault)) from None
