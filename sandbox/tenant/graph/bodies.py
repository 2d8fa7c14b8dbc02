"""Reading the bodies of requests that write."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from sandbox.tenant.graph.errors import bad_request


async def json_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body of a request. Raises GraphError 400 for anything else."""
    if request.content_type != "application/json":
        raise bad_request(
            "Write requests (excluding DELETE) must contain the Content-Type header declaration."
        )
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of "
            "valid JSON format."
        )
    return body
