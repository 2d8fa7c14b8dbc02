"""A status that was provoked, in the shape that each service has for its errors.

Codes and messages are those on record; where none is, a docstring says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus

from aiohttp import web

from sandbox.faults.fault import Status
from sandbox.faults.faults import Refusal
from sandbox.keyvault.errors import VaultRefused, challenge
from sandbox.tenant.graph import envelope
from sandbox.tenant.graph.errors import GraphError
from sandbox.tenant.managed_identity import IdentityRefused, refuse_identity
from sandbox.tenant.sign_in_refusals import SignInRefused, refuse_sign_in
from sandbox.vault.errors import (
    ServiceError,
    error_response,
    iis_page,
    not_found,
    page_unavailable,
    token_refused,
)

Words = tuple[str, str]
Clock = Callable[[], datetime]

GRAPH: Mapping[int, Words] = {
    400: ("BadRequest", "The request is malformed or incorrect."),
    401: ("InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
    403: ("ErrorAccessDenied", "Access is denied. Check credentials and try again."),
    404: ("ErrorItemNotFound", "The specified object was not found in the store."),
    429: ("ApplicationThrottled", "Application is over its MailboxConcurrency limit."),
    500: ("InternalServerError", "Internal server error."),
    503: ("ServiceUnavailable", "The service is unavailable."),
}
UNKNOWN: Words = ("UnknownError", "")
"""What Graph's gateway was seen to say, with 504 above all."""

THROTTLED: Words = (
    "Throttled",
    "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
)

BY_SERVICE = frozenset({400, 401, 403, 404, 405, 409, 500})
"""What M-Files itself answers with; the rest is IIS's."""


def graph(now: Clock) -> Refusal:
    """Graph's JSON: learn.microsoft.com/graph/errors. The message of 503 is not on record."""

    def refuse(request: web.Request, fault: Status) -> web.Response:
        request_id = str(uuid.uuid4())
        client_id = request.headers.get("client-request-id", request_id)
        # The answer's headers are made from these.
        request[envelope.REQUEST_ID] = request_id
        request[envelope.CLIENT_REQUEST_ID] = client_id
        error = GraphError(fault.status, *_words(fault, GRAPH.get(fault.status, UNKNOWN)))
        answer = envelope.json_answer(error.body(request_id, client_id, now()), fault.status)
        if fault.status == HTTPStatus.UNAUTHORIZED:
            answer.headers["WWW-Authenticate"] = envelope.CHALLENGE
        return answer

    return refuse


def entra(now: Clock) -> Refusal:
    """Entra ID's JSON; a throttled request was seen to be answered with two words of plain text."""

    def refuse(request: web.Request, fault: Status) -> web.Response:
        if fault.status == HTTPStatus.TOO_MANY_REQUESTS and fault.code is None:
            return web.Response(text=fault.message or "Too Many Requests", status=fault.status)
        error, usual = _sign_in_words(fault.status)
        code, message = _words(fault, usual)
        if not code.isdecimal():
            error, code = code, usual[0]
        return refuse_sign_in(request, SignInRefused(error, int(code), message, fault.status), now())

    return refuse


def _sign_in_words(status: int) -> tuple[str, Words]:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "temporarily_unavailable", ("90033", "A transient error has occurred. Please try again.")
    if status == HTTPStatus.UNAUTHORIZED:
        return "invalid_client", ("7000215", "Invalid client secret provided.")
    message = "The request body must contain the following parameter: 'scope'."
    return "invalid_request", ("900144", message)


def identity(_: web.Request, fault: Status) -> web.Response:
    """The JSON of the managed identity endpoint; its messages for these cases are not documented."""
    message = _phrase(fault.status) if fault.message is None else fault.message
    return refuse_identity(IdentityRefused(fault.status, message))


def keyvault(authority_url: str) -> Refusal:
    """Key Vault's JSON; messages other than that of throttling are not on record.

    learn.microsoft.com/azure/key-vault/general/rest-error-codes
    """

    def refuse(_: web.Request, fault: Status) -> web.Response:
        usual = (_name(fault.status), _phrase(fault.status))
        throttled = fault.status == HTTPStatus.TOO_MANY_REQUESTS
        refused = VaultRefused(fault.status, *_words(fault, THROTTLED if throttled else usual))
        headers = challenge(authority_url) if fault.status == HTTPStatus.UNAUTHORIZED else None
        return web.json_response(refused.body(), status=fault.status, headers=headers)

    return refuse


def vault(request: web.Request, fault: Status) -> web.Response:
    """M-Files' JSON, or a page of IIS for what it answers before M-Files gets the request.

    With a code, which is the name of an exception, it is always JSON.
    """
    if fault.status not in BY_SERVICE and fault.code is None:
        return _page(fault.status)
    error = _service_error(fault.status)
    error.name, error.message = _words(fault, (error.name, error.message))
    path = request.rel_url.raw_path.removeprefix("/REST")
    return error_response(error, path, request.method)


def _page(status: int) -> web.Response:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return page_unavailable()
    return iis_page(status, _phrase(status), f"HTTP Error {status}. {_phrase(status)}.")


def _service_error(status: int) -> ServiceError:
    if status == HTTPStatus.FORBIDDEN:
        return token_refused(other_node=False)
    if status == HTTPStatus.NOT_FOUND:
        return not_found()
    return ServiceError(status, "Exception", 'Exception of type "System.Exception" was thrown.')


def _words(fault: Status, usual: Words) -> Words:
    """Code and message: the fault's own, else the usual ones; a code of its own has no usual message."""
    if fault.code is not None:
        return fault.code, fault.message or ""
    return usual[0], usual[1] if fault.message is None else fault.message


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Error"


def _name(status: int) -> str:
    return _phrase(status).replace(" ", "")
