"""Sending requests to Graph: built and authenticated by the SDK, streamed or decoded by us."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from azure.core.credentials_async import AsyncTokenCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware.options import (
    RedirectHandlerOption,
    RetryHandlerOption,
    UrlReplaceHandlerOption,
)
from msgraph.generated.users.item.mail_folders.item.mail_folder_item_request_builder import (
    MailFolderItemRequestBuilder,
)
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_request_adapter import options as sdk_options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory

from shared.answers import Unreadable, decoded
from shared.errors import Unavailable, VaultpostError
from shared.graph.faults import connection_faults, fault_of
from shared.settings import GraphSettings
from shared.tls import client_context

IMMUTABLE_IDS = 'IdType="ImmutableId"'
"""The `Prefer` that every request carries (learn.microsoft.com/graph/outlook-immutable-id)."""
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_AT_ONCE = 4
"""Requests to one mailbox at once (learn.microsoft.com/graph/throttling-limits, Outlook service)."""
_LARGEST_ERROR = 64 * 1024
_UNCOMPRESSED = ("Accept-Encoding", "identity")
"""A piece is then as large in memory as on the wire."""
_T = TypeVar("_T")


class TooLarge(VaultpostError):
    """An answer is larger than it may be: its rest was not read."""


class GraphClient:
    """One client for a worker: it holds the connections, so it is built once and closed."""

    def __init__(
        self,
        settings: GraphSettings,
        credential: AsyncTokenCredential,
        forget_token: Callable[[], None] = lambda: None,
    ) -> None:
        """`forget_token` is called when Graph refuses the token that `credential` keeps."""
        self._forget_token = forget_token
        # Retrying is ours (design, 4.8), and a token goes to no other host: the middleware does neither.
        options = {
            **sdk_options,
            RetryHandlerOption.get_key(): RetryHandlerOption(should_retry=False),
            RedirectHandlerOption.get_key(): RedirectHandlerOption(should_redirect=False),
            # It is for addresses of `me`, and writes every address into a span.
            UrlReplaceHandlerOption.get_key(): UrlReplaceHandlerOption(enabled=False),
        }
        plain = httpx.AsyncClient(timeout=_TIMEOUT, http2=True, verify=client_context())
        # The SDK puts its own transport around these, and does not close them.
        self._transports = (plain._transport, *plain._mounts.values())  # noqa: SLF001
        self._http = GraphClientFactory.create_with_default_middleware(client=plain, options=options)
        authentication = AzureIdentityAuthenticationProvider(
            credential, scopes=[settings.scope], allowed_hosts=[settings.host], is_cae_enabled=False
        )
        self._adapter = GraphRequestAdapter(authentication, self._http)
        # A span of OpenTelemetry names no mailbox and no mail: they are in the addresses.
        self._adapter.observability_options.include_euii_attributes = False
        self._adapter.base_url = settings.endpoint
        self._origin = _origin(settings.endpoint)
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))
        self.requests = GraphServiceClient(request_adapter=self._adapter)
        """The SDK's request builders."""

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        for transport in self._transports:
            if transport is not None:
                await transport.aclose()

    async def answer(
        self, request: RequestInformation, kind: type[_T], *, mailbox: str, largest: int | None = None
    ) -> _T:
        """The answer to a request about `mailbox`, decoded; `largest` is how many bytes it may have.

        Raises what `shared.graph.faults.fault_of` says, Unavailable, and TooLarge where `largest` is given.
        """
        if largest is not None:
            request.headers.try_add(*_UNCOMPRESSED)
        async with self._sent(request, mailbox) as response:
            with connection_faults():
                body = await (response.aread() if largest is None else _beginning(response, largest + 1))
        if largest is not None and len(body) > largest:
            raise TooLarge(f"Graph's answer has more than {largest} bytes")
        try:
            return decoded(body, kind)
        except Unreadable as error:
            raise Unavailable(f"Graph's answer cannot be read ({error})", origin="graph") from None

    async def stream(self, request: RequestInformation, *, mailbox: str) -> AsyncGenerator[bytes, None]:
        """The bytes of the answer to a request about `mailbox`, as they come.

        Raises what `shared.graph.faults.fault_of` says, and Unavailable where the stream is cut short, or
        could be without anybody's knowing.
        """
        request.headers.try_add(*_UNCOMPRESSED)
        async with self._sent(request, mailbox) as response:
            if not _tells_its_end(response):
                raise Unavailable("Graph's answer does not tell where it ends", origin="graph")
            with connection_faults():
                async for piece in response.aiter_bytes():
                    yield piece

    async def ping(self, mailbox: str) -> None:
        """Ask for a token, and for the inbox of `mailbox`.

        Raises what `shared.graph.faults.fault_of` says, and Unavailable.
        """
        query = MailFolderItemRequestBuilder.MailFolderItemRequestBuilderGetQueryParameters(select=["id"])
        folders = self.requests.users.by_user_id(mailbox).mail_folders
        request = folders.by_mail_folder_id("inbox").to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        async with self._sent(request, mailbox) as response:
            with connection_faults():
                await response.aread()

    def page_after(self, link: str) -> RequestInformation:
        """The request for the page that a `@odata.nextLink` names.

        Raises Unavailable when it leads to another host, as the token goes to Graph alone, or is no address.
        """
        if _origin(link) != self._origin:
            raise Unavailable("Graph's answer names a next page on another host", origin="graph")
        with connection_faults():
            httpx.URL(link)  # what cannot be sent must not be kept
        request = RequestInformation(Method.GET)
        request.url = link
        request.headers.try_add("Accept", "application/json")
        return request

    @asynccontextmanager
    async def _sent(self, request: RequestInformation, mailbox: str) -> AsyncIterator[httpx.Response]:
        request.headers.try_add("Prefer", IMMUTABLE_IDS)
        async with self._places[mailbox.casefold()]:
            with connection_faults():
                self._adapter.set_base_url_for_request_information(request)
                # Expanded once: the authentication and the request itself would each do it.
                request.url = request.url
                native = await self._adapter.convert_to_native_async(request)
                response = await self._http.send(native, stream=True)
            try:
                if response.status_code == HTTPStatus.UNAUTHORIZED:
                    self._forget_token()
                if not response.is_success:
                    with connection_faults():
                        body = await _beginning(response, _LARGEST_ERROR)
                    raise fault_of(response.status_code, response.headers, body, mailbox)
                yield response
            finally:
                await response.aclose()


def _tells_its_end(response: httpx.Response) -> bool:
    """Whether a cut shows: not where the connection's end is that of the answer (RFC 9112, 6.3 and 8)."""
    if response.status_code == HTTPStatus.NO_CONTENT:
        return True
    is_framed = "Content-Length" in response.headers or "Transfer-Encoding" in response.headers
    return is_framed or not response.http_version.startswith("HTTP/1")


async def _beginning(response: httpx.Response, size: int) -> bytes:
    """At least the first `size` bytes of the body, if it has as many, and less than one piece more."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) >= size:
            break
    return bytes(body)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", None, None
    return parts.scheme, parts.hostname, port
