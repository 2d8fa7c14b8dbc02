"""Requests to Graph whose raw answers matter."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from shared.graph.client import IMMUTABLE_IDS


class RawGraph:
    """Sends what it is told to, with the app's token unless another one is given."""

    def __init__(self, endpoint: str, token: Callable[[], Awaitable[str]], http: httpx.AsyncClient) -> None:
        self.endpoint = endpoint
        self.token = token
        self._http = http

    async def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        immutable: bool = True,
        **request: Any,
    ) -> httpx.Response:
        """The answer to one request; `path` is below the version, or a whole link of Graph's own."""
        url = path if path.startswith("http") else f"{self.endpoint}/{path}"
        sent = {"Authorization": f"Bearer {await self.token() if token is None else token}"}
        if immutable:
            sent["Prefer"] = IMMUTABLE_IDS
        return await self._http.request(method, url, headers={**sent, **(headers or {})}, **request)

    async def json(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The same, decoded. Raises AssertionError with status and code when it is refused."""
        response = await self.send(method, path, **request)
        assert response.is_success, told(response)
        body: dict[str, Any] = response.json()
        return body

    async def claims(self) -> dict[str, Any]:
        """What the app's token says of the app, not verified: it is Graph's to verify."""
        return claims_of(await self.token())


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, not verified."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def code_of(response: httpx.Response) -> str:
    """The code of a refusal; empty where its body is not of Graph's shape."""
    try:
        return str(response.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def message_of(response: httpx.Response) -> str:
    """The message of a refusal; empty where its body is not of Graph's shape."""
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""


def told(response: httpx.Response) -> str:
    """Status and code: what of a refusal is written down."""
    return f"{response.status_code} {code_of(response)}".rstrip()
