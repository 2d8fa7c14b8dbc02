"""The tokens of the delta query: opaque to the caller, bound to a mailbox, a folder and what was asked for.

learn.microsoft.com/graph/delta-query-messages, .../delta-query-overview
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime
from enum import Enum

import msgspec
from msgspec import Struct

from sandbox.tenant.graph.errors import GraphError, bad_request
from sandbox.tenant.graph.ids import RandomBytes
from sandbox.tenant.graph.query import Since

SKIP, DELTA = "$skiptoken", "$deltatoken"
_MARK = 16


class TokenLoss(Enum):
    """How the service says that it knows a token no longer: status and code, each on record somewhere.

    410 `SyncStateNotFound` is what Outlook was seen to answer; the documentation has the codes, in another
    case, and a 410 whose `Location` begins anew. It says of mail only "a 40X-series error".
    """

    NOT_FOUND = (410, "SyncStateNotFound")
    INVALID = (410, "SyncStateInvalid")
    GONE = (410, "resyncRequired")
    GONE_WITHOUT_CODE = (410, "")
    BAD_NOT_FOUND = (400, "syncStateNotFound")
    BAD_RESYNC = (400, "resyncRequired")
    BAD_DATA = (400, "ErrorInvalidSyncStateData")
    MISSING_NOT_FOUND = (404, "syncStateNotFound")
    MISSING_RESYNC = (404, "ResyncRequired")
    MISSING_DATA = (404, "InvalidSyncStateData")

    def refusal(self, restart: str) -> GraphError:
        """The answer; a 410 names `restart`, the address of a new round."""
        status, code = self.value
        message = "The sync state generation is not found; generation=149;[highest=157][157][155][156]."
        return GraphError(status, code, message, {"Location": restart} if status == 410 else {})


class Asked(Struct, frozen=True):
    """What the first request of a round asked for; the token carries it on."""

    select: tuple[str, ...] | None
    kinds: frozenset[str]
    since: Since | None = None
    newest_first: bool = False


class Round(Struct, frozen=True):
    """How far a round has come, in places of the folder's log.

    It began at `base`. What was there before `horizon` is listed, what came after it is told as changes:
    `listed` have been listed, the last one `before` this time and place. `empty`: a page of nothing is next.
    """

    mailbox: str
    folder: str
    generation: int
    asked: Asked
    base: int
    horizon: int
    position: int
    listed: int = 0
    before: tuple[datetime, int] | None = None
    empty: bool = False


class DeltaTokens:
    """Writes and reads tokens that nobody else can make."""

    def __init__(self, random_bytes: RandomBytes = secrets.token_bytes) -> None:
        self._key = random_bytes(32)

    def issue(self, option: str, state: Round) -> str:
        """A token for the query option `option`."""
        body = msgspec.json.encode(state)
        return base64.urlsafe_b64encode(self._mark(option, body) + body).decode().rstrip("=")

    def read(self, option: str, token: str) -> Round:
        """What a token says.

        Raises GraphError 400 for what is none; the message is on record, the code is not.
        """
        try:
            content = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            content = b""
        mark, body = content[:_MARK], content[_MARK:]
        if not hmac.compare_digest(mark, self._mark(option, body)):
            raise bad_request("Badly formed token.")
        return msgspec.json.decode(body, type=Round)

    def _mark(self, option: str, body: bytes) -> bytes:
        return hmac.digest(self._key, option.encode() + b"\x00" + body, hashlib.sha256)[:_MARK]
