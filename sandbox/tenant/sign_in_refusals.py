"""How Entra ID's sign-in service refuses.

Codes: learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from aiohttp import web

NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


class SignInRefused(Exception):
    """A request that Entra ID answers with an error; `code` is the number after `AADSTS`."""

    def __init__(self, error: str, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.error = error
        self.code = code
        self.message = message
        self.status = status


def client_refused(code: int, message: str) -> SignInRefused:
    """A client that has not proved itself (RFC 6749, 5.2)."""
    return SignInRefused("invalid_client", code, message, 401)


def refuse_sign_in(request: web.Request, refusal: SignInRefused, now: datetime) -> web.Response:
    """A refusal as Entra ID sends it."""
    trace = str(uuid.uuid4())
    correlation = request.headers.get("client-request-id") or str(uuid.uuid4())
    timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
    answer = {
        "error": refusal.error,
        "error_description": f"AADSTS{refusal.code}: {refusal.message} Trace ID: {trace} "
        f"Correlation ID: {correlation} Timestamp: {timestamp}",
        "error_codes": [refusal.code],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"{request.url.origin()}/error?code={refusal.code}",
    }
    return web.json_response(answer, status=refusal.status, headers=NO_STORE)
