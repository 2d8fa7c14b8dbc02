"""Tokens: given to anybody, judged when they are used, as the web service does it.

developer.m-files.com/APIs/REST-API/Authentication
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from msgspec import field as wire

from sandbox.vault.errors import Login, ServiceError, login_failed, token_refused
from sandbox.vault.uploads import Upload

TOKEN_BYTES = 256
"""Gives tokens of 342 characters, as recorded."""


class Authentication(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """The body of a request for a token. What the example vault has no use for must be empty."""

    username: str
    password: str
    vault_guid: str | None = None
    expiration: Annotated[datetime, Meta(tz=True)] | None = None
    session_id: str | None = wire(name="SessionID", default=None)
    computer_name: str | None = None
    domain: str | None = None
    windows_user: bool | None = None
    read_only: bool | None = None
    url: str | None = wire(name="URL", default=None)
    method: str | None = None

    @property
    def unsupported(self) -> list[str]:
        """The names of options that ask for what is not held here."""
        asked = {
            "Domain": self.domain,
            "WindowsUser": self.windows_user,
            "ReadOnly": self.read_only,
            "URL": self.url,
            "Method": self.method,
        }
        return [name for name, value in asked.items() if value]


@dataclass(eq=False)
class Session:
    """What a token stands for, the uploads made with it included."""

    token: str
    node: str
    authentication: Authentication
    uploads: dict[int, Upload] = field(default_factory=dict)
    uploads_begun: int = 0
    ended: bool = False

    def next_upload(self) -> int:
        """The number of a new upload; they count from 1 within one token."""
        self.uploads_begun += 1
        return self.uploads_begun

    def require(self) -> None:
        """Raises ServiceError (403) when the token was refused while its request was under way."""
        if self.ended:
            raise token_refused(other_node=False)

    def discard_uploads(self) -> None:
        """Forget the uploads and their bytes."""
        for upload in self.uploads.values():
            upload.path.unlink(missing_ok=True)
        self.uploads.clear()


class Sessions:
    """All tokens that the server still knows."""

    def __init__(self, guid: str, accepts: Callable[[str, str], bool], now: Callable[[], datetime]) -> None:
        """`accepts` says whether a user name and a password are valid at present."""
        self._guid = guid.upper()
        self._accepts = accepts
        self._now = now
        self._sessions: dict[str, Session] = {}

    def begin(self, authentication: Authentication, node: str) -> Session:
        """A token for whoever asks; `node` is the server it can be used on."""
        session = Session(secrets.token_urlsafe(TOKEN_BYTES), node, authentication)
        self._sessions[session.token] = session
        return session

    def end(self, session: Session) -> None:
        """From now on the token is refused; its uploads are gone."""
        session.ended = True
        session.discard_uploads()
        self._sessions.pop(session.token, None)

    def end_all(self) -> None:
        """What a restart of the server does to its tokens."""
        for session in list(self._sessions.values()):
            self.end(session)

    def authenticate(self, token: str | None, node: str | None) -> Session:
        """The session behind a token, logged in to the server.

        Raises ServiceError: 403 without a token, without the sticky cookie, for a token that is unknown,
        expired or made of credentials that are not valid (any more).
        """
        if not token:
            raise login_failed()
        session = self._sessions.get(token)
        if node is None or (session is not None and session.node != node):
            raise token_refused(other_node=True)
        if session is None:
            raise token_refused(other_node=False)
        self._check(session)
        return session

    def _check(self, session: Session) -> None:
        expiration = session.authentication.expiration
        refusal: ServiceError | None = None
        if expiration is not None and expiration <= self._now():
            refusal = token_refused(other_node=False)
        elif not self._accepts(session.authentication.username, session.authentication.password):
            refusal = login_failed()
        if refusal is not None:
            self.end(session)
            raise refusal

    def enter_vault(self, session: Session, header: str | None) -> None:
        """Go on from the server to the vault that the token names, or else the `X-Vault` header.

        A GUID without its braces names no vault: the documentation asks for them, and whether the server
        does without is unverified. Raises ServiceError (403).
        """
        guid = session.authentication.vault_guid or header or ""
        if guid.upper() != self._guid:
            raise login_failed(Login(application=True))
