"""A log-in to M-Files, made anew when the server has forgotten it.

Source: developer.m-files.com/APIs/REST-API/Authentication. A wrong password gets a token all the same, and
the next call 403; in multi-server mode, as in M-Files Cloud, only the node that gave a token knows it, and
all cookies of the log-in must come back. Tokens without an expiration end when the server likes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import Any, TypeVar

import httpx

from shared.answers import Unreadable, decoded
from shared.errors import ConfigurationFault, Transient, Unavailable
from shared.secret_store import SecretStore
from shared.vault.answers import Token
from shared.vault.refusals import NotLoggedIn, RequestRefused, fault_of

USERNAME, PASSWORD = "mfiles-username", "mfiles-password"
AT_ONCE = 4
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_SENT_AT_ONCE = 64 * 1024
_T = TypeVar("_T")


class Session:
    """Sends requests to one vault with a token, which it gets and renews: so many at once, at most.

    With a `domain` the account is one of Windows.
    """

    def __init__(
        self, url: str, guid: str, secrets: SecretStore, *, domain: str | None = None, at_once: int = AT_ONCE
    ) -> None:
        self._http = httpx.AsyncClient(timeout=_TIMEOUT)
        self._base = f"{url.rstrip('/')}/REST"
        self._guid = "{" + guid.strip("{}") + "}"
        self._secrets = secrets
        self._domain = domain
        self._places = asyncio.Semaphore(at_once)
        self._token = ""
        self._username = ""
        self._password = ""
        self._logging_in = asyncio.Lock()

    @property
    def account(self) -> str:
        """The user of the last log-in, with the domain, if there is one; no name before the first one."""
        return f"{self._domain}\\{self._username}" if self._domain else self._username

    def place(self) -> AbstractAsyncContextManager[None]:
        """One of the places for requests; what is sent within it has to say that it has one."""
        return self._places

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
        except NotLoggedIn as error:
            if error.by_web_server:
                raise _refused_by_web_server() from None
            token = await self._token_with_newer_secrets(token)
        try:
            return await work(token)
        except NotLoggedIn as last:
            raise (_refused_by_web_server() if last.by_web_server else self._refused()) from None

    async def answer(
        self,
        token: str,
        method: str,
        path: str,
        kind: type[_T],
        *,
        has_place: bool = False,
        **request: Any,
    ) -> _T:
        """The answer to one request, decoded.

        Raises NotLoggedIn, RequestRefused, TooLarge, ConfigurationFault, Unavailable.
        """
        response = await self._send(method, path, token, has_place=has_place, **request)
        try:
            return decoded(response.content, kind)
        except Unreadable as error:
            raise Unavailable(f"M-Files' answer cannot be read ({error})", origin="vault") from None

    async def perform(self, token: str, method: str, path: str, **request: Any) -> None:
        """Send one request whose answer says nothing but that it was granted. Raises as `answer` does."""
        await self._send(method, path, token, **request)

    async def post_stream(
        self,
        token: str,
        path: str,
        content: AsyncGenerator[bytes, None],
        size: int,
        kind: type[_T],
        **request: Any,
    ) -> _T:
        """Send `size` bytes as they come, and close `content`.

        Raises as `answer` does, and what `content` raises.
        """
        # With a length, as IIS may refuse a body in chunks of unknown number.
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        async with aclosing(content), aclosing(_exactly(size, content)) as exact:
            # Before the request: what is read may have to wait for memory, or not be there at all.
            await anext(exact)
            return await self.answer(token, "POST", path, kind, content=exact, headers=headers, **request)

    async def _send(
        self, method: str, path: str, token: str, *, has_place: bool = False, **request: Any
    ) -> httpx.Response:
        headers = {"Accept": "application/json", **request.pop("headers", {})}
        if token:
            headers["X-Authentication"] = token
        try:
            async with nullcontext() if has_place else self._places:
                response = await self._http.request(method, f"{self._base}{path}", headers=headers, **request)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"M-Files did not answer in full ({type(error).__name__})", origin="vault"
            ) from None
        if not response.is_success:
            raise fault_of(response)
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
        self._http.cookies.clear()  # the former node's cookie would lead back to it
        self._username, self._password = username, password
        try:
            answer = await self.answer(
                "", "POST", "/server/authenticationtokens", Token, json=self._authentication()
            )
        except NotLoggedIn:
            # The server gives a token to anybody: this comes from what stands before it.
            raise Unavailable(
                "M-Files' web server answered 403 to the log-in itself: look at what stands before it.",
                origin="vault",
            ) from None
        except RequestRefused as error:
            raise ConfigurationFault(
                f"{error} to the log-in itself.", "Look at vault.guid and vault.domain."
            ) from None
        self._token = answer.value

    def _authentication(self) -> dict[str, str | bool]:
        """The body of a log-in (developer.m-files.com, Authentication)."""
        account: dict[str, str | bool] = {"Username": self._username, "Password": self._password}
        if self._domain:
            account |= {"Domain": self._domain, "WindowsUser": True}
        return {**account, "VaultGuid": self._guid}

    @staticmethod
    def _refused() -> Transient:
        return Transient(
            f"M-Files refuses the log-in. Look at the secrets {USERNAME} and {PASSWORD} in Key Vault, "
            "at vault.guid and vault.domain, and whether the account may log in to the vault.",
            origin="vault",
            rejected=True,
        )


def _refused_by_web_server() -> Unavailable:
    return Unavailable(
        "A web server in front of M-Files answers 403 in its place, also after a new log-in: look at its "
        "rules, such as those of a web application firewall.",
        origin="vault",
    )


async def _exactly(size: int, content: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """`content`, if that is its size; else Unavailable: httpx lets another library's fault through there.

    First nothing, as soon as the first piece has come. What is encrypted at once is copied three times for
    that, so it comes in short parts.
    """
    left = size
    piece = await anext(content, b"")
    yield b""
    while piece and left >= len(piece):
        left -= len(piece)
        for start in range(0, len(piece), _SENT_AT_ONCE):
            yield piece[start : start + _SENT_AT_ONCE]
        piece = b""  # it would stay until the next one has come
        piece = await anext(content, b"")
    if left or piece:
        raise Unavailable("a file has another length than was said")
