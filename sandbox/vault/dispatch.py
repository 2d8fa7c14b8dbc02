"""From an HTTP request to a handler: addresses, verbs, options, cookies, log-in, errors.

developer.m-files.com/APIs/REST-API/Reference/compatibility: every address also with `.aspx` or `.ashx`, and
PUT and DELETE also as POST with `_method`.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from urllib.parse import parse_qsl, unquote

import msgspec
from aiohttp import web

from sandbox.vault.errors import (
    Login,
    ServiceError,
    error_response,
    invalid,
    login_failed,
    not_found,
    page_not_found,
    page_server_error,
    page_too_large,
    page_unavailable,
    wrong_verb,
)
from sandbox.vault.sessions import Session

if TYPE_CHECKING:
    from sandbox.vault.vault import ExampleVault

BASE = "/REST"
TOKEN_HEADER = "X-Authentication"  # noqa: S105
VAULT_HEADER = "X-Vault"
SESSION_COOKIE = "ASP.NET_SessionId"
NODE_COOKIE = "mfilesmsm"

T = TypeVar("T")


class Access(Enum):
    """Who may call an address."""

    ANYBODY = 0
    SERVER = 1
    VAULT = 2


@dataclass
class Call:
    """One request on its way through its handler."""

    vault: ExampleVault
    request: web.Request
    path: str
    method: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    current: Session | None = None

    @property
    def session(self) -> Session:
        """The session of a call that is logged in."""
        assert self.current is not None
        return self.current

    def number(self, name: str) -> int:
        """A part of the address that must be a number. Raises ServiceError (404)."""
        text = self.arguments[name]
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            raise not_found()
        return int(text)

    def object_reference(self) -> int | str:
        """The object in the address: its id, or after an `e` its external id, a text.

        developer.m-files.com/APIs/REST-API/Reference/syntax, Search conditions. Raises ServiceError (404).
        """
        text = self.arguments["id"]
        return text[1:] if len(text) > 1 and text.startswith("e") else self.number("id")

    async def body(self, shape: type[T]) -> T:
        """The JSON of the body; the content type is not asked for, as on the real server.

        Raises ServiceError (400) for anything but JSON of that shape.
        """
        try:
            return msgspec.json.decode(await self.request.read(), type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise invalid(f"The body cannot be read: {error}.") from None


Handler: TypeAlias = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Route:
    """An address below /REST, and who answers it. `free_query`: the handler judges the query itself."""

    method: str
    template: str
    handler: Handler
    access: Access = Access.VAULT
    options: frozenset[str] = frozenset()
    free_query: bool = False

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """The arguments in an address that is this one, else None."""
        expected = self.template.split("/")
        if len(expected) != len(segments):
            return None
        arguments: dict[str, str] = {}
        for pattern, segment in zip(expected, segments, strict=True):
            if pattern.startswith("{"):
                arguments[pattern.strip("{}")] = segment
            elif pattern != segment:
                return None
        return arguments if all(arguments.values()) else None


class Dispatcher:
    """Answers every request that the site gets."""

    def __init__(self, vault: ExampleVault, routes: Sequence[Route]) -> None:
        self._vault = vault
        self._routes = routes

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """The answer to one request, cookies included."""
        try:
            response = await self._answer(request)
        except (ConnectionError, web.RequestPayloadError):
            # The client has gone in the middle of its body: nobody reads this.
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        if SESSION_COOKIE not in request.cookies:
            alphabet = string.ascii_lowercase + string.digits
            value = "".join(secrets.choice(alphabet) for _ in range(24))
            response.set_cookie(SESSION_COOKIE, value, secure=True, httponly=True, samesite="Lax")
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if not self._vault.available:
            return page_unavailable()
        if self._vault.broken:
            return page_server_error()
        limit = self._vault.max_upload_bytes
        if limit is not None and (request.content_length or 0) > limit:
            return page_too_large(self._vault.oversize_status)
        path = request.rel_url.raw_path
        if not path.startswith(f"{BASE}/"):
            return page_not_found()
        call = Call(self._vault, request, path.removeprefix(BASE), request.method)
        try:
            return await self._call(call)
        except ServiceError as error:
            return error_response(error, call.path, call.method)

    async def _call(self, call: Call) -> web.StreamResponse:
        call.query, call.method = _overridden(call.request)
        parts = segments(call.path)
        found = [
            (route, arguments) for route in self._routes if (arguments := route.match(parts)) is not None
        ]
        chosen = next((pair for pair in found if pair[0].method == call.method), None)
        access = chosen[0].access if chosen else Access.SERVER
        if access is not Access.ANYBODY:
            self._log_in(call, access)
        if chosen is None:
            raise wrong_verb(call.method) if found else not_found()
        route, call.arguments = chosen
        if not route.free_query:
            call.options = _options(call.query, route.options)
        return await route.handler(call)

    def _log_in(self, call: Call, access: Access) -> None:
        headers, cookies = call.request.headers, call.request.cookies
        sessions = self._vault.sessions
        call.current = sessions.authenticate(headers.get(TOKEN_HEADER), cookies.get(NODE_COOKIE))
        if access is Access.VAULT:
            if not self._vault.lets_in:
                raise login_failed(Login(application=True))
            sessions.enter_vault(call.current, headers.get(VAULT_HEADER))


def segments(path: str) -> list[str]:
    """The parts of an address below /REST, decoded, without the ending for older servers."""
    parts = [unquote(part) for part in path.removeprefix("/").split("/")]
    parts[-1] = re.sub(r"\.(aspx|ashx)$", "", parts[-1])
    return parts


def _overridden(request: web.Request) -> tuple[str, str]:
    """The query without `_method`, and the verb that it asks for; only POST can be overridden."""
    parts = [part for part in request.rel_url.raw_query_string.split("&") if part]
    rest = [part for part in parts if not part.startswith("_method=")]
    verbs = [part.removeprefix("_method=") for part in parts if part.startswith("_method=")]
    if not verbs:
        return "&".join(rest), request.method
    if request.method != "POST" or verbs not in (["PUT"], ["DELETE"]):
        raise invalid("Parameter _method is PUT or DELETE, once, on a POST.")
    return "&".join(rest), verbs[0]


def _options(query: str, known: frozenset[str]) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    unknown = options.keys() - known
    if unknown:
        raise invalid(f"Unknown parameter: {', '.join(sorted(unknown))}.")
    if len(options) != len(pairs):
        raise invalid("A parameter is given twice.")
    return options
