"""`POST /v1.0/$batch`: learn.microsoft.com/graph/json-batching

Each request within is made at this service as if it had come alone, with the caller's own token, so that it
is refused, throttled and struck by faults like any other. The exact texts of refusals are not on record.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from sandbox.tenant.graph.envelope import VERSION, json_answer, root_of
from sandbox.tenant.graph.errors import bad_request
from sandbox.tenant.graph.notifier import Notifier

LARGEST_BATCH = 20
# Of one batch, for Outlook: learn.microsoft.com/graph/throttling-limits
AT_ONCE = 4
METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
PROPERTIES = frozenset({"id", "method", "url", "headers", "body", "dependsOn"})
# What of a single answer's headers stands in that of a batch.
HEADERS = ("Content-Type", "Location", "Retry-After")


@dataclass(frozen=True)
class Step:
    """One request of a batch."""

    id: str
    method: str
    url: str
    headers: dict[str, str]
    body: dict[str, Any] | None
    depends_on: tuple[str, ...]


class BatchRoutes:
    """The handler on batches; the requests within go through the session of `notify`, which trusts us."""

    def __init__(self, notify: Notifier) -> None:
        self._notify = notify

    def table(self) -> list[web.RouteDef]:
        """The route."""
        return [web.post(f"/{VERSION}/$batch", self.run)]

    async def run(self, request: web.Request) -> web.StreamResponse:
        """All requests, each with an answer of its own: what becomes of them changes nothing in the 200."""
        steps = read_steps(await _body(request))
        root, token = root_of(request), request.headers["Authorization"]
        places = asyncio.Semaphore(AT_ONCE)
        running: dict[str, asyncio.Task[dict[str, Any]]] = {}
        async with asyncio.TaskGroup() as group:
            for step in steps:
                before = [running[name] for name in step.depends_on]
                running[step.id] = group.create_task(self._answer(step, root, token, places, before))
        # Their order is not that of the requests, and is not to be relied on.
        return json_answer({"responses": [running[step.id].result() for step in reversed(steps)]})

    async def _answer(
        self,
        step: Step,
        root: str,
        token: str,
        places: asyncio.Semaphore,
        before: Iterable[asyncio.Task[dict[str, Any]]],
    ) -> dict[str, Any]:
        for one in before:
            if (await one)["status"] >= 400:
                return {"id": step.id, "status": 424, "body": _failed_dependency()}
        async with places:
            return {"id": step.id, **await self._alone(step, root, token)}

    async def _alone(self, step: Step, root: str, token: str) -> dict[str, Any]:
        address = URL(f"{root}/{step.url.lstrip('/')}", encoded=True)
        data = None if step.body is None else json.dumps(step.body).encode()
        headers = {**step.headers, "Authorization": token}
        try:
            async with self._notify.session.request(
                step.method, address, data=data, headers=headers, allow_redirects=False
            ) as answer:
                body = _body_of(answer, await answer.read())
                found = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
                return {"status": answer.status, "headers": found, "body": body}
        except aiohttp.ClientError:
            # The service behind did not answer; what Graph says then is not on record.
            return {"status": 504, "headers": {}, "body": {"error": {"code": "UnknownError", "message": ""}}}


def read_steps(body: Any) -> list[Step]:
    """The requests of a batch. Raises GraphError 400 for whatever is not as documented."""
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not requests or set(body) != {"requests"}:
        raise bad_request("Invalid batch payload format.")
    if len(requests) > LARGEST_BATCH:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {LARGEST_BATCH}.")
    steps: list[Step] = []
    for one in requests:
        steps.append(_step(one, steps))
    return steps


def _step(one: Any, before: Sequence[Step]) -> Step:
    if not isinstance(one, dict) or not set(one) <= PROPERTIES:
        raise bad_request("Invalid batch payload format.")
    name, method, url = (_text(one.get(key), key) for key in ("id", "method", "url"))
    if name.casefold() in {step.id.casefold() for step in before}:
        raise bad_request("Request Id has to be unique in a batch.")
    if method not in METHODS:
        raise bad_request(f"Invalid http method specified: {method}.")
    if "://" in url or url.startswith("//") or url.lstrip("/").startswith(("$batch", f"{VERSION}/")):
        raise bad_request(f"Invalid request URL specified: {url}.")
    return Step(name, method, url, _headers(one), one.get("body"), _dependencies(one, before))


def _headers(one: dict[str, Any]) -> dict[str, str]:
    given = one.get("headers") or {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise bad_request("Invalid batch payload format.")
    headers: dict[str, str] = given
    names = {name.casefold() for name in headers}
    if "authorization" in names:
        raise bad_request("Authorization within a batch is that of the batch.")
    body = one.get("body")
    if body is not None and (not isinstance(body, dict) or "content-type" not in names):
        raise bad_request(
            "Write requests (excluding DELETE) must contain the Content-Type header declaration."
        )
    return headers


def _dependencies(one: dict[str, Any], before: Sequence[Step]) -> tuple[str, ...]:
    """Only requests that stand before it: the strict reading."""
    given = one.get("dependsOn") or []
    known = {step.id for step in before}
    if not isinstance(given, list) or not all(isinstance(name, str) and name in known for name in given):
        raise bad_request("Invalid dependsOn specified.")
    return tuple(given)


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise bad_request(f"Invalid batch payload format: '{key}' is missing.")
    return value


async def _body(request: web.Request) -> Any:
    if request.content_type != "application/json":
        raise bad_request("Invalid Content-Type: a batch is application/json.")
    try:
        return json.loads(await request.read())
    except ValueError:
        raise bad_request("Invalid batch payload format.") from None


def _body_of(answer: aiohttp.ClientResponse, raw: bytes) -> Any:
    """JSON stands there as it is, other bytes in base64, and nothing as null."""
    if not raw:
        return None
    if answer.content_type == "application/json":
        return json.loads(raw)
    return base64.b64encode(raw).decode()


def _failed_dependency() -> dict[str, Any]:
    return {
        "error": {"code": "FailedDependency", "message": "A request that this one depends on has failed."}
    }
