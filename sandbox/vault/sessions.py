"""Tokens: given to anybody, judged when they are used, as the web service does it.

developer.m-files.com/APIs/REST-API/Authentication
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.vault.accounts import Accounts
from sandbox.vault.authentication import Authentication
from sandbox.vault.chunks import PartialUpload
from sandbox.vault.errors import Login, ServiceError, login_failed, token_refused
from sandbox.vault.uploads import Upload

TOKEN_BYTES = 256
"""Gives tokens of 342 characters, as recorded."""


@dataclass(eq=False)
class Session:
    """What a token stands for, the uploads made with it included."""

    token: str
    node: str
    authentication: Authentication
    uploads: dict[int, Upload] = field(default_factory=dict)
    partial: dict[int, PartialUpload] = field(default_factory=dict)
    """Files that come in chunks, as long as a chunk is missing."""
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
        for partial in self.partial.values():
            if not partial.busy:
                partial.path.unlink(missing_ok=True)
        self.partial.clear()


class Sessions:
    """All tokens that the server still knows."""

    def __init__(self, guid: str, accounts: Accounts, now: Callable[[], datetime]) -> None:
        self._guid = guid.upper()
        self._accounts = accounts
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
        elif not self._accounts.accept(session.authentication):
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
