"""What an answer of M-Files, or of the web server before it, means when it is not the one asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx

from shared.answers import Unreadable, decoded
from shared.errors import ConfigurationFault, Unavailable, VaultpostError
from shared.retry_after import retry_after
from shared.vault import messages
from shared.vault.answers import WebServiceError

NEVER_TOO_LARGE = 1024 * 1024
"""Bytes: a 404 to less is no limit of IIS, whose own are 28.6 MB (maxAllowedContentLength) and 4 MB
(maxRequestLength)."""
NOT_SHOWN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""What M-Files answers, to an account that is logged in, of what it has not or does not show to it."""
_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_PAGE_OF_A_LIMIT = (b"404.13", b"maximum request length exceeded")
_LOOKED_AT = 64 * 1024


class NotLoggedIn(VaultpostError):
    """The server does not know the token any more, or never did; or what stands before it refuses all.

    `in_server` says that the server takes the account, and the vault does not.
    """

    def __init__(self, *, by_web_server: bool, in_server: bool = False) -> None:
        self.by_web_server, self.in_server = by_web_server, in_server
        super().__init__("M-Files answered 403, not logged in")


class TooLarge(VaultpostError):
    """The web server in front of M-Files does not take a request of that size, in bytes.

    `in_chunks` says that it does not take the file in parts either.
    """

    def __init__(self, status: int, size: int, *, in_chunks: bool = False) -> None:
        self.size, self.in_chunks = size, in_chunks
        super().__init__(f"the web server answered {status} to {size} bytes")


class RequestRefused(VaultpostError):
    """M-Files refuses the request itself: `name` is that of its exception.

    `message` is what it says, which may repeat what the request held.
    """

    def __init__(self, status: int, name: str, message: str) -> None:
        self.status, self.name, self.message = status, name, message
        super().__init__(f"M-Files answered {status} {name}".rstrip())

    def told(self, values: Iterable[str] = (), names: Iterable[str] = ()) -> str:
        """Status, exception and message, without what the latter repeats of `values`: see `messages.kept`."""
        return told(str(self), self.message, values, names)


class RefusedByWebServer(ConfigurationFault):
    """What stands before M-Files refuses a request, with a page of its own."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(
            f"The web server at vault.url answered {status}, and not as M-Files does.",
            "Look at vault.url, and whether the M-Files Web Service is set up there (M-Files Classic Web).",
        )


class NotReadable(ConfigurationFault):
    """The account may not read a value list or the objects of a type, or M-Files knows none of that id.

    `kind` says which of the two, `name` is its name or id, `said` what M-Files answers.
    """

    def __init__(self, kind: str, name: str, said: str, *, property_name: str = "") -> None:
        self.kind, self.said = kind, said
        place = f'property "{property_name}": ' if property_name else ""
        super().__init__(
            f'{place}{kind} "{name}" cannot be read ({said}).',
            "Let the account of mfiles-username see it, or take the property out of mail-sources.toml.",
        )

    def within(self, property_name: str, name: str) -> NotReadable:
        """The same, as the fault of a property that chooses from what is called `name`."""
        return NotReadable(self.kind, name, self.said, property_name=property_name)


class ServerFault(Unavailable):
    """M-Files itself answers that it cannot, which may be for what the request holds; `message` as above."""

    def __init__(self, status: int, error: WebServiceError, after: float | None) -> None:
        self.message = error.message
        super().__init__(f"M-Files answered {status} {error.name}".rstrip(), after=after, origin="vault")

    def told(self, values: Iterable[str], names: Iterable[str]) -> Unavailable:
        """The same with its message, without what that repeats of `values`."""
        said = told(str(self), self.message, values, names)
        return Unavailable(said, after=self.after, origin=self.origin)


def reading_refusal(error: RequestRefused, kind: str, name: str, said: str) -> NotReadable | Unavailable:
    """The fault that it is when a value list, or an object type, is refused to who reads it."""
    if error.status in NOT_SHOWN:
        return NotReadable(kind, name, said)
    return Unavailable(f'{kind} "{name}" cannot be read ({said})', origin="vault")


def told(answer: str, message: str, values: Iterable[str], names: Iterable[str]) -> str:
    """What was answered, with M-Files' message behind it, if there is one."""
    said = messages.kept(message, values, names)
    return f'{answer}, "{said}"' if said else answer


def fault_of(response: httpx.Response) -> VaultpostError:
    """The fault that a refusal is: NotLoggedIn, RequestRefused, TooLarge, RefusedByWebServer, Unavailable.

    Source: developer.m-files.com/APIs/REST-API/Reference/error. M-Files answers in JSON; HTML or nothing
    comes from IIS or from a proxy.
    """
    status, error = response.status_code, _error(response.content)
    if status == HTTPStatus.FORBIDDEN and (error is None or not error.is_logged_to_vault):
        in_server = error is not None and error.is_logged_to_server
        return NotLoggedIn(by_web_server=error is None, in_server=in_server)
    if _is_of_size(response, error):
        return TooLarge(status, _sent(response))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _AGAIN:
        after = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
        if error is not None:
            return ServerFault(status, error, after)
        return Unavailable(f"M-Files answered {status}", after=after, origin="vault")
    if error is not None:
        return RequestRefused(status, error.name, error.message)
    if status == HTTPStatus.NOT_FOUND and _is_upload(response):
        return Unavailable("M-Files' web server did not take a small file (404)", origin="vault")
    return RefusedByWebServer(status)


def _is_of_size(response: httpx.Response, error: WebServiceError | None) -> bool:
    """Whether a refusal is for the size of the request, which M-Files itself does not mind.

    IIS answers 404.13 over maxAllowedContentLength, whose second half only its page shows, if that comes
    through; ASP.NET, over maxRequestLength, 404 or 500 with a page; proxies 413.
    """
    if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return True
    if error is not None:
        return False
    page = response.content[:_LOOKED_AT].lower()
    if any(words in page for words in _PAGE_OF_A_LIMIT):
        return True
    return response.status_code == HTTPStatus.NOT_FOUND and _sent(response) >= NEVER_TOO_LARGE


def _sent(response: httpx.Response) -> int:
    return int(response.request.headers.get("Content-Length", "0"))


def _is_upload(response: httpx.Response) -> bool:
    return response.request.method == "POST" and response.request.url.path.endswith("/REST/files")


def _error(body: bytes) -> WebServiceError | None:
    anything: Any = Any
    try:
        return WebServiceError.of(decoded(body, anything))
    except Unreadable:
        return None
