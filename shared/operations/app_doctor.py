"""Asking the app for its doctor: `GET /api/doctor`, with a function key."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from shared.doctor.report import Report, report_of
from shared.errors import VaultpostError
from shared.settings import is_loopback
from shared.tls import client_context, connection_fault

KEY_HEADER = "x-functions-key"
"""learn.microsoft.com/azure/azure-functions/function-keys-how-to."""
_PATIENCE = httpx.Timeout(240.0, connect=10.0)
"""Seconds: Azure cuts an answer off after 230."""


class NotAnswered(VaultpostError):
    """The app did not give a report: it is not reached, or does not run as it should."""


class KeyRefused(VaultpostError):
    """The app runs, and does not take the key."""


class SignInNeeded(VaultpostError):
    """A sign-in stands before the app (Easy Auth), and does not take the token, or there was none."""


def may_have_key(url: str) -> bool:
    """Whether a key may be sent to that address: only over TLS, or to this machine."""
    scheme = urlsplit(url).scheme
    return scheme == "https" or (scheme == "http" and is_loopback(url))


async def ask(url: str, key: str, *, write: bool, token: str = "") -> Report:
    """The report of the app whose functions are at `url`. Raises NotAnswered, KeyRefused and SignInNeeded.

    `token` is for a sign-in before the app. That answers with a challenge, which the Functions host never
    does: learn.microsoft.com/azure/app-service/overview-authentication-authorization.
    """
    headers = {KEY_HEADER: key} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE, verify=client_context()) as client:
            answer = await client.get(
                f"{url.rstrip('/')}/doctor",
                params={"write": "true"} if write else None,
                headers=headers,
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotAnswered(connection_fault("the app", error)) from None
    if answer.status_code == HTTPStatus.UNAUTHORIZED and "WWW-Authenticate" in answer.headers:
        raise SignInNeeded(f"the app at {url} asks for a sign-in (401)")
    if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise KeyRefused(f"the app at {url} refuses the key ({answer.status_code})")
    if answer.status_code != HTTPStatus.OK:
        raise NotAnswered(f"the app answered {answer.status_code}")
    try:
        return report_of(answer.content)
    except ValueError as error:
        raise NotAnswered(f"what answers there is not the app: {error}") from None
