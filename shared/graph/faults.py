"""What Graph's refusals mean to the app. Only codes decide, never the text of a message.

Source: learn.microsoft.com/graph/errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus

import httpx
import msgspec
from azure.core.exceptions import AzureError, ClientAuthenticationError

from shared.credential_faults import refused
from shared.errors import ConfigurationFault, Origin, Unavailable, VaultpostError
from shared.graph.answers import ErrorAnswer
from shared.retry_after import retry_after
from shared.tls import connection_fault, what_is_wrong

_AGAIN = frozenset({408, 423, 425, 429})
_NO_SUBSCRIPTION = "ExtensionError"
"""The code of a 403 to a request about subscriptions, as services were seen to answer."""
_READ = (
    "Grant the app Mail.Read: in a scope that holds this mailbox (infra/exchange; "
    "Test-ServicePrincipalAuthorization shows it), or for the whole tenant, where no application access "
    "policy keeps it out (Test-ApplicationAccessPolicy). `python3 ops.py permissions` has the commands. "
    "Exchange follows after 30 minutes to 2 hours."
)
_SUBSCRIBE = (
    "Grant the app Mail.Read, not Mail.ReadWrite alone: `python3 ops.py permissions` has the commands; "
    "Exchange follows after 30 minutes to 2 hours. Where it has Mail.Read in a scope and this stays, Graph "
    "makes no subscriptions with scopes: grant Mail.Read for the whole tenant, or be content with the sweep, "
    "which files all mail each half hour (docs/permissions.md)."
)


_TOKEN_LOSSES = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired", "invalidsyncstatedata"})
"""Codes of a delta token that Graph knows no longer: in small letters, without Exchange's `Error`.

Source: learn.microsoft.com/graph/delta-query-overview, and what services were seen to answer.
"""


class NotFound(VaultpostError):
    """Graph does not find what was asked for: `code` says whether the item or its mailbox."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"Graph answered 404 {code}")


class Conflict(VaultpostError):
    """A subscription for the same changes of the same folder is there already."""


class Refused(VaultpostError):
    """Graph refuses the request itself. `detail` is its text: for requests about subscriptions only."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        self.status, self.code, self.detail = status, code, detail
        super().__init__(f"Graph answered {status} {code}")


class TokenLost(VaultpostError):
    """Graph knows a delta token no longer: a new round has to begin."""


def is_token_loss(status: int, code: str) -> bool:
    """Whether this refusal of a delta query says that its token is lost."""
    known = code.casefold().removeprefix("error") in _TOKEN_LOSSES
    return status == HTTPStatus.GONE or (known and 400 <= status < 500)


def fault_of(status: int, headers: httpx.Headers, body: bytes, mailbox: str) -> VaultpostError:
    """The exception for an answer that is an error, to a request about `mailbox`."""
    code, detail = _code(body)
    said = f"Graph answered {status} {code}".rstrip()
    if status == HTTPStatus.UNAUTHORIZED:
        return Unavailable(
            f"{said}: it does not take the app's token. Look at GRAPH_CREDENTIAL.", origin="graph"
        )
    if status == HTTPStatus.FORBIDDEN:
        return _forbidden(said, code, mailbox)
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(code)
    if status == HTTPStatus.CONFLICT:
        return Conflict(said)
    if status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Outlook's limits are those of one mailbox (learn.microsoft.com/graph/throttling-limits).
        origin: Origin = "mailbox" if status == HTTPStatus.TOO_MANY_REQUESTS else "graph"
        after = retry_after(headers.get("Retry-After"), datetime.now(UTC))
        return Unavailable(said, after=after, origin=origin)
    return Refused(status, code, detail)


def _forbidden(said: str, code: str, mailbox: str) -> ConfigurationFault:
    """Who may not use a mailbox; or, with Exchange's own code, not subscribe to it."""
    about = f"mailbox {mailbox}" if mailbox else "all mailboxes"
    if code == _NO_SUBSCRIPTION:
        return ConfigurationFault(f"{about}: {said}: no subscription is made.", _SUBSCRIBE)
    return ConfigurationFault(f"{about}: {said}.", _READ)


def _code(body: bytes) -> tuple[str, str]:
    try:
        error = msgspec.json.decode(body, type=ErrorAnswer).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", ""
    return error.code or "", error.message or ""


@contextmanager
def connection_faults() -> Iterator[None]:
    """Turn what the HTTP client and the credential raise into ours.

    Raises Unavailable, and CredentialFault where Entra ID refuses the app.
    """
    try:
        yield
    except httpx.InvalidURL:
        raise Unavailable("an address that Graph has given is none", origin="graph") from None
    except httpx.HTTPError as error:
        raise Unavailable(connection_fault("Graph", error), origin="graph") from None
    except ClientAuthenticationError as error:
        raise refused(error) from None
    except AzureError as error:
        why = what_is_wrong(error) or type(error).__name__
        raise Unavailable(f"no token for Graph ({why})", origin="graph") from None
