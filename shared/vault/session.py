"""A log-in to M-Files, made anew when the server has forgotten it.

Source: developer.m-files.com/APIs/REST-API/Authentication. A wrong password gets a token all the same, and
the next call 403; in multi-server mode, as in M-Files Cloud, only the node that gave a token knows it, and
all cookies of the log-in must come back. Tokens without an expiration end when the server likes.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import Any, TypeVar

import httpx

from shared.answers import Unreadable, decoded
from shared.errors import ConfigurationFault, Transient, Unavailable
from shared.log import Events
from shared.secret_store import SecretStore
from shared.tls import client_context, connection_fault
from shared.vault.answer_size import read_whole, too_long
from shared.vault.answers import Token
from shared.vault.exact_streams import exactly
from shared.vault.log_ins import LogIn, LogIns
from shared.vault.refusals import NotLoggedIn, RequestRefused, fault_of

USERNAME, PASSWORD = "mfiles-username", "mfiles-password"
AT_ONCE = 4
_TRIES = 4
"""With the token that is kept, with a new one, and with those of two other log-ins."""
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_T = TypeVar("_T")


class LogInRefused(Transient):
    """M-Files refuses the log-in; `in_server` says that its server takes the account, the vault does not."""

    def __init__(self, *, in_server: bool = False) -> None:
        self.in_server = in_server
        super().__init__(
            f"M-Files refuses the log-in. Look at the secrets {USERNAME} and {PASSWORD} in Key Vault, "
            "at vault.guid and vault.domain, and whether the account may log in to the vault.",
            origin="vault",
            rejected=True,
        )


class StoppedBefore(Unavailable):
    """A web server in front of M-Files answers in its place."""


class Session:
    """Sends requests to one vault with a token, which it gets and renews: so many at once, at most.

    With a `domain` the account is one of Windows. User name, password and token go to no other address: no
    redirection is followed. `tls` is the context of the connections; without it, the default one.
    """

    def __init__(
        self,
        url: str,
        guid: str,
        secrets: SecretStore,
        *,
        domain: str | None = None,
        at_once: int = AT_ONCE,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = httpx.AsyncClient(
            timeout=_TIMEOUT, verify=tls or client_context(), follow_redirects=False
        )
        self._base = f"{url.rstrip('/')}/REST"
        self._guid = "{" + guid.strip("{}") + "}"
        self._secrets = secrets
        self._domain = domain
        self._places = asyncio.Semaphore(at_once)
        self._token = self._proven = ""
        self._used: LogIn | None = None
        self._log_ins = LogIns(clock)
        self._logging_in = asyncio.Lock()

    @property
    def account(self) -> str:
        """The user of the last log-in, with the domain, if there is one; no name before the first one."""
        username = self._used.username if self._used is not None else ""
        return f"{self._domain}\\{username}" if self._domain else username

    def place(self) -> AbstractAsyncContextManager[None]:
        """One of the places for requests; what is sent within it has to say that it has one."""
        return self._places

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def with_login(self, work: Callable[[str], Awaitable[_T]]) -> _T:
        """What `work` gives with a token. It begins again with a new token when that one is refused.

        User name and password that are refused are read anew from Key Vault; `LogIns` says which are tried.
        Raises Transient when the log-in is refused, Unavailable, and what `work` raises.
        """
        token, was_renewed = await self._token_other_than(""), False
        for _ in range(_TRIES):
            try:
                return await work(token)
            except NotLoggedIn as error:
                refusal = error
            if token == self._proven and not was_renewed:
                token, was_renewed = await self._token_other_than(token), True
            elif token == self._proven:
                break  # the log-in is good: it is for something else that the vault says so
            elif refusal.by_web_server:
                raise _refused_by_web_server() from None
            else:
                token = await self._token_of_another(token, refusal)
        raise LogInRefused(in_server=refusal.in_server) from None

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

        Raises NotLoggedIn, RequestRefused, TooLarge, ConfigurationFault, Unavailable. An answer that is too
        long is a ConfigurationFault to a GET; what else was sent may have been done, so it is Unavailable.
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
        async with aclosing(content), aclosing(exactly(size, content)) as exact:
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
            async with (
                nullcontext() if has_place else self._places,
                self._http.stream(method, f"{self._base}{path}", headers=headers, **request) as stream,
            ):
                response = await read_whole(stream)
        except httpx.HTTPError as error:
            raise Unavailable(connection_fault("M-Files", error), origin="vault") from None
        fault = too_long(response, self._base) if response.is_success else fault_of(response)
        if token == self._token != "" and (fault is None or isinstance(fault, RequestRefused)):
            self._note_works(token)
        if fault is not None:
            raise fault
        return response

    def _note_works(self, token: str) -> None:
        if self._proven != token and self._used is not None:
            self._proven = token
            self._log_ins.works(self._used)

    async def _token_other_than(self, refused: str) -> str:
        async with self._logging_in:
            if not self._token or self._token == refused:
                await self._log_in(await self._chosen() or await self._chosen(anew=True))
            return self._token

    async def _token_of_another(self, refused: str, refusal: NotLoggedIn) -> str:
        """That of another log-in than the one whose token is `refused`, with secrets that are read now.

        Where the server itself takes that one, another would not do better: it may have to be let in.
        """
        async with self._logging_in:
            if self._token == refused:
                self._token, former = "", self._used
                if former is not None and not refusal.in_server:
                    self._log_ins.refuse(former)
                chosen = await self._chosen(anew=True)
                if chosen == former:
                    raise LogInRefused(in_server=refusal.in_server)
                await self._log_in(chosen)
            return self._token

    async def _chosen(self, *, anew: bool = False) -> LogIn | None:
        """What to log in with; None where all that is known was refused a short while ago."""
        username, password = await self._secrets.together(USERNAME, PASSWORD, anew=anew)
        present = LogIn(username, password)
        chosen = self._log_ins.choose(present)
        if chosen is not None and chosen != present:
            Events("vault").warning("former-log-in-serves", why="the present one is refused or half changed")
        return chosen

    async def _log_in(self, log_in: LogIn | None) -> None:
        if log_in is None:
            raise LogInRefused
        self._http.cookies.clear()  # the former node's cookie would lead back to it
        self._used = log_in
        try:
            answer = await self.answer(
                "", "POST", "/server/authenticationtokens", Token, json=self._authentication(log_in)
            )
        except NotLoggedIn:
            # The server gives a token to anybody: this comes from what stands before it.
            raise StoppedBefore(
                "M-Files' web server answered 403 to the log-in itself: look at what stands before it.",
                origin="vault",
            ) from None
        except RequestRefused as error:
            raise ConfigurationFault(
                f"{error} to the log-in itself.", "Look at vault.guid and vault.domain."
            ) from None
        self._token = answer.value

    def _authentication(self, log_in: LogIn) -> dict[str, str | bool]:
        """The body of a log-in (developer.m-files.com, Authentication)."""
        account: dict[str, str | bool] = {"Username": log_in.username, "Password": log_in.password}
        if self._domain:
            account |= {"Domain": self._domain, "WindowsUser": True}
        return {**account, "VaultGuid": self._guid}


def _refused_by_web_server() -> StoppedBefore:
    return StoppedBefore(
        "A web server in front of M-Files answers 403 in its place, also after a new log-in: look at its "
        "rules, such as those of a web application firewall.",
        origin="vault",
    )
