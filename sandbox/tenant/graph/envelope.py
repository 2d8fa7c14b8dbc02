"""What all answers of Graph have in common: identification, authentication, headers, refusals."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from aiohttp import web

from sandbox.tenant.graph.errors import (
    GraphError,
    bad_request,
    method_not_allowed,
    unauthenticated,
    unknown_segment,
)
from sandbox.tenant.tokens import Claims, TokenRefused

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

VERSION = "v1.0"
JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"

CLAIMS = web.RequestKey("claims", Claims)
REQUEST_ID = web.RequestKey("request_id", str)
CLIENT_REQUEST_ID = web.RequestKey("client_request_id", str)

# What Graph says for a refused token, by our reason.
REFUSALS = {
    "no Authorization header": "Access token is empty.",
    "token has expired": "Access token has expired or is not yet valid.",
    "token is not valid yet": "Access token has expired or is not yet valid.",
    "wrong audience": "Access token validation failure. Invalid audience.",
    "wrong signature": "Access token validation failure. Invalid signature.",
    "wrong issuer": "Access token validation failure. Invalid issuer.",
}
UNREADABLE_TOKEN = "CompactToken parsing failed with error code: 80049217"  # noqa: S105 - a message
CHALLENGE = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
    'client_id="00000003-0000-0000-c000-000000000000"'
)

logger = logging.getLogger(__name__)


class Issuer(Protocol):
    """Who verifies tokens."""

    def verify(self, authorization_header: str | None, audience: str) -> Claims:
        """The claims of a token for `audience`. Raises TokenRefused."""


def json_answer(body: Mapping[str, Any], status: int = 200) -> web.Response:
    """An answer in JSON, as Graph labels it."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    headers = {"Content-Type": JSON, "OData-Version": "4.0"}
    return web.Response(body=text.encode(), status=status, headers=headers)


def root_of(request: web.Request) -> str:
    """The address of the service as the caller knows it, with its version."""
    return f"{request.url.origin()}/{VERSION}"


def middleware(issuer: Issuer, audience: str, now: Callable[[], datetime]) -> Any:
    """Give each request its ids and claims, and each refusal its shape."""

    @web.middleware
    async def envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = str(uuid.uuid4())
        request[CLIENT_REQUEST_ID] = request.headers.get("client-request-id", request[REQUEST_ID])
        try:
            request[CLAIMS] = _authenticated(request, issuer, audience)
            return await handler(request)
        except GraphError as error:
            return _refusal(request, error, now())
        except web.HTTPException as error:
            return _refusal(request, _routing_error(request, error), now())
        except ConnectionError:
            raise
        except Exception:
            logger.exception("the sandbox's Graph failed")
            return _refusal(request, GraphError(500, "InternalServerError", "Internal server error."), now())

    return envelope


async def identify(request: web.Request, response: web.StreamResponse) -> None:
    """Name the request in the headers of its answer."""
    response.headers["request-id"] = request[REQUEST_ID]
    response.headers["client-request-id"] = request[CLIENT_REQUEST_ID]
    response.headers["Cache-Control"] = "private"


def _authenticated(request: web.Request, issuer: Issuer, audience: str) -> Claims:
    try:
        return issuer.verify(request.headers.get("Authorization"), audience)
    except TokenRefused as refused:
        raise unauthenticated(REFUSALS.get(refused.reason, UNREADABLE_TOKEN)) from refused


def _routing_error(request: web.Request, error: web.HTTPException) -> GraphError:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return method_not_allowed()
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return GraphError(413, "RequestEntityTooLarge", "The request is larger than the server takes.")
    segments = request.path.strip("/").split("/")
    if segments[0] != VERSION:
        return bad_request(f"Invalid version: {segments[0]}")
    return unknown_segment(segments[-1])


def _refusal(request: web.Request, error: GraphError, now: datetime) -> web.Response:
    answer = json_answer(error.body(request[REQUEST_ID], request[CLIENT_REQUEST_ID], now), error.status)
    answer.headers.update(error.headers)
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = CHALLENGE
    return answer
