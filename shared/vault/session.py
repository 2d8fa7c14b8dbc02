"""A log-in to M-Files, made anew when the server has forgotten it.

Source: developer.m-files.com/APIs/REST-API/Authentication. A wrong password gets a token all the same, and
the next call 403; cookies of the log-in must come back (multi-server mode).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

import httpx

from shared.answers import Unreadable, decoded
from shared.errors import ConfigurationFault, Transient, Unavailable, VaultpostError
from shared.retry_after import retry_after
from shared.secret_store import SecretStore
from shared.vault.answers import Token, WebServiceError

USERNAME, PASSWORD = "mfiles-username", "mfiles-password"
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_TOO_LARGE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_T = TypeVar("_T")


class NotLoggedIn(VaultpostError):
    """The server does not know the token any more, or never did."""


class TooLarge(VaultpostError):
    """The web server in front of M-Files does not take a file of that size."""


class RequestRefused(VaultpostError):
    """M-Files refuses the request itself: `name` is that of its exception."""

    def __init__(self, status: int, name: str) -> None:
        self.status, self.name = status, name
        super().__init__(f"M-Files answered {status} {name}".rstrip())


class Session:
    """Sends requests to one vault with a token, which it gets and renews."""

    def __init__(self, url: str, guid: str, secrets: SecretStore) -> None:
        self._http = httpx.AsyncClient(timeout=_TIMEOUT)
        self._base = f"{url.rstrip('/')}/REST"
        self._guid = "{" + guid.strip("{}") + "}"
        self._secrets = secrets
        self._token = ""
        self._username = ""
        self._password = ""
        self._logging_in = asyncio.Lock()

    @property
    def username(self) -> str:
        """The user name of the last log-in; empty before the first one."""
        return self._username

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def with_login(self, work: Callable[[str], Awaitable[_T]]) -> _T:
        """What `work` gives with a token. It begins again, once, with a new token when that one is refused.

        User name and password that are refused are read anew from Key Vault.
        Raises Transient when the log-in is refused, Unavailable, and what `work` raises.
        """
        token = await self._token_other_than("")
        try:
            return await work(token)
        except NotLoggedIn:
            token = await self._token_other_than(token)
        try:
            return await work(token)
        except NotLoggedIn:
            token = await self._token_with_newer_secrets(token)
        try:
            return await work(token)
        except NotLoggedIn:
            raise self._refused() from None

    async def answer(self, token: str, method: str, path: str, kind: type[_T], **request: Any) -> _T:
        """The answer to one request, decoded.

        Raises NotLoggedIn, RequestRefused, TooLarge, ConfigurationFault, Unavailable.
        """
        response = await self._send(method, path, token, **request)
        try:
            return decoded(response.content, kind)
        except Unreadable as error:
            raise Unavailable(f"M-Files' answer cannot be read ({error})", origin="vault") from None

    async def perform(self, token: str, method: str, path: str, **request: Any) -> None:
        """Send one request whose answer says nothing but that it was granted. Raises as `answer` does."""
        await self._send(method, path, token, **request)

    async def post_stream(
        self, token: str, path: str, content: AsyncIterator[bytes], size: int, kind: type[_T]
    ) -> _T:
        """Send `size` bytes as they come. Raises as `answer` does, and what `content` raises."""
        # With a length, as IIS may refuse a body in chunks of unknown number.
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        exact = _exactly(size, content)
        return await self.answer(token, "POST", path, kind, content=exact, headers=headers)

    async def _send(self, method: str, path: str, token: str, **request: Any) -> httpx.Response:
        headers = {"Accept": "application/json", **request.pop("headers", {})}
        if token:
            headers["X-Authentication"] = token
        try:
            response = await self._http.request(method, f"{self._base}{path}", headers=headers, **request)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"M-Files did not answer in full ({type(error).__name__})", origin="vault"
            ) from None
        if not response.is_success:
            raise _fault_of(response, path)
        return response

    async def _token_other_than(self, refused: str) -> str:
        async with self._logging_in:
            if not self._token or self._token == refused:
                await self._log_in(await self._secrets.get(USERNAME), await self._secrets.get(PASSWORD))
            return self._token

    async def _token_with_newer_secrets(self, refused: str) -> str:
        async with self._logging_in:
            if self._token == refused:
                former = (self._username, self._password)
                username = await self._secrets.get_other_than(USERNAME, former[0])
                password = await self._secrets.get_other_than(PASSWORD, former[1])
                if (username, password) == former:
                    self._token = ""
                    raise self._refused()
                await self._log_in(username, password)
            return self._token

    async def _log_in(self, username: str, password: str) -> None:
        body = {"Username": username, "Password": password, "VaultGuid": self._guid}
        self._http.cookies.clear()  # the former node's cookie would lead back to it
        self._username, self._password = username, password
        try:
            answer = await self.answer("", "POST", "/server/authenticationtokens", Token, json=body)
        except NotLoggedIn:
            # The server gives a token to anybody: this comes from what stands before it.
            raise Unavailable(
                "M-Files' web server answered 403 to the log-in itself: look at what stands before it.",
                origin="vault",
            ) from None
        self._token = answer.value

    @staticmethod
    def _refused() -> Transient:
        return Transient(
            f"M-Files refuses the log-in. Look at the secrets {USERNAME} and {PASSWORD} in Key Vault, "
            "at vault.guid, and whether the account may log in to the vault.",
            origin="vault",
            rejected=True,
        )


async def _exactly(size: int, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """`content`, if that is its size; else Unavailable: httpx lets another library's fault through there."""
    left = size
    async for piece in content:
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise Unavailable("a file has another length than was said")


def _fault_of(response: httpx.Response, path: str) -> VaultpostError:
    status = response.status_code
    error = _error(response.content)
    if status == HTTPStatus.FORBIDDEN and (error is None or not error.is_logged_to_vault):
        return NotLoggedIn("M-Files answered 403, not logged in")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _AGAIN:
        after = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
        return Unavailable(f"M-Files answered {status}", after=after, origin="vault")
    if error is None and path == "/files" and status in _TOO_LARGE:
        return TooLarge(f"the web server answered {status} to a file")
    if error is None:
        return ConfigurationFault(
            f"The web server at vault.url answered {status}, and not as M-Files does.",
            "Look at vault.url, and whether the M-Files Web Service is set up there (M-Files Classic Web).",
        )
    return RequestRefused(status, error.exception_name)


def _error(body: bytes) -> WebServiceError | None:
    try:
        return decoded(body, WebServiceError)
    except Unreadable:
        return None
