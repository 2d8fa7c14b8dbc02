"""The HTTP side of the host: functions with an HTTP trigger, and the host's own addresses below /admin."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from multidict import MultiMapping

from sandbox.host.admin import Admin
from sandbox.host.bindings import AnswerRefused, HttpAnswer, http_answer, http_input
from sandbox.host.functions import ANONYMOUS, Function, HttpTrigger
from sandbox.host.invocation import FunctionFailed, Invoker
from sandbox.host.stopping import Stopping

_log = logging.getLogger(__name__)

LARGEST_BODY = 100 * 1024 * 1024
"""Bytes that the real host takes where no setting says otherwise."""


def application(
    functions: Iterable[Function],
    invoker: Invoker,
    admin: Admin,
    stopping: Stopping,
    key: str,
    largest_body: int = LARGEST_BODY,
) -> web.Application:
    """The web application of a host. `key` opens functions of the levels `function` and `admin`."""
    front = _HttpFunctions(functions, invoker, key)
    middlewares = [_refuse_when(stopping), _refuse_larger_than(largest_body)]
    app = web.Application(client_max_size=largest_body, middlewares=middlewares)
    app.router.add_post("/admin/functions/{name}", admin.run_function)
    app.router.add_get("/admin/host/status", admin.status)
    app.router.add_route("*", "/admin/{rest:.*}", _not_found)
    app.router.add_route("*", "/{rest:.*}", front.handle)
    return app


def _refuse_when(stopping: Stopping) -> Middleware:
    """A connection that was kept alive may still bring requests when no new one is taken."""

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        if stopping.requested:
            return web.Response(status=503, headers={"connection": "close"})
        return await handler(request)

    return refuse


def _refuse_larger_than(largest: int) -> Middleware:
    """A body that says how large it is need not be read; one that does not is read up to the limit."""

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (request.content_length or 0) > largest:
            return web.Response(status=413, headers={"connection": "close"})
        return await handler(request)

    return refuse


async def _not_found(_: web.Request) -> web.Response:
    return web.Response(status=404)


class _HttpFunctions:
    """Finds the function for a request, asks for its key, runs it.

    As in Azure: a path or method that no function takes is 404, a missing or wrong key 401, a failure 500,
    each without a body.
    """

    def __init__(self, functions: Iterable[Function], invoker: Invoker, key: str) -> None:
        found = [(function, trigger) for function in functions if (trigger := _http_trigger(function))]
        self._functions = sorted(found, key=lambda pair: pair[1].route.precedence)
        self._invoker = invoker
        self._key = key.encode()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        target = self._target(request.method, request.rel_url.raw_path)
        if target is None:
            return web.Response(status=404)
        function, trigger, route = target
        if trigger.level != ANONYMOUS and not self._has_key(request):
            return web.Response(status=401)
        body = await request.read()
        return _response(await self._answer(function, request, route, body))

    async def _answer(
        self, function: Function, request: web.Request, route: Mapping[str, str], body: bytes
    ) -> HttpAnswer:
        trigger = http_input(
            request.method,
            str(request.url),
            headers=_joined(request.headers),
            query=_joined(request.query),
            route=route,
            body=body,
        )
        try:
            return http_answer(await self._invoker.invoke(function, trigger))
        except FunctionFailed:
            return HttpAnswer(500)
        except AnswerRefused as error:
            _log.error("Failed %s: %s", function.name, error)
            return HttpAnswer(500)

    def _target(self, method: str, path: str) -> tuple[Function, HttpTrigger, dict[str, str]] | None:
        for function, trigger in self._functions:
            if trigger.methods is None or method in trigger.methods:
                route = trigger.route.match(path)
                if route is not None:
                    return function, trigger, route
        return None

    def _has_key(self, request: web.Request) -> bool:
        given = request.headers.get("x-functions-key") or request.query.get("code") or ""
        return hmac.compare_digest(given.encode(errors="replace"), self._key)


def _http_trigger(function: Function) -> HttpTrigger | None:
    return function.trigger if isinstance(function.trigger, HttpTrigger) else None


def _joined(values: MultiMapping[str]) -> dict[str, str]:
    """One value for each name, whatever its case; several become one with commas, as .NET writes them."""
    joined: dict[str, str] = {}
    spelling: dict[str, str] = {}
    for name, value in values.items():
        known = spelling.setdefault(name.lower(), name)
        joined[known] = f"{joined[known]},{value}" if known in joined else value
    return joined


def _response(answer: HttpAnswer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body)
    if not answer.body:
        response.headers.popall("content-type", None)
    for name, value in answer.headers:
        if name.lower() == "set-cookie":
            response.headers.add(name, value)
        else:
            response.headers[name] = value
    return response
