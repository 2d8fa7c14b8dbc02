"""The host's own addresses: `POST /admin/functions/{name}` and `GET /admin/host/status`.

Azure asks for the master key here, a local host does not
(learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable

from aiohttp import web

from sandbox.host.bindings import TriggerInput, manual_queue_input
from sandbox.host.functions import Function, QueueTrigger, TimerTrigger
from sandbox.host.invocation import FunctionFailed, Invoker
from sandbox.host.timer_listener import manual_timer_input, utc_now


class InputRefused(ValueError):
    """The body of a request to run a function is not `{"input": ...}`."""


class Admin:
    """Runs functions by hand. They run apart from queue and schedule; nothing is retried or deleted."""

    def __init__(self, functions: Iterable[Function], invoker: Invoker) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._invoker = invoker
        self._started = time.monotonic()
        self._runs: set[asyncio.Task[None]] = set()

    async def run_function(self, request: web.Request) -> web.Response:
        """202 as soon as the function is started.

        404 for an unknown function, or one with an HTTP trigger; 400 for a body that is not a JSON object
        whose `input` is text, a number or a boolean.

        Any content type is taken: this address is for people and tests, not for the app.
        """
        body = await request.read()
        function = self._functions.get(request.match_info["name"].lower())
        if function is None:
            return web.Response(status=404)
        try:
            trigger = _trigger_input(function, read_input(body))
        except InputRefused:
            return web.Response(status=400)
        if trigger is None:
            return web.Response(status=404)
        run = asyncio.create_task(self._run(function, trigger))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        return web.Response(status=202)

    async def status(self, _: web.Request) -> web.Response:
        """That the host runs, and for how many milliseconds."""
        uptime = round(1000 * (time.monotonic() - self._started))
        return web.json_response({"state": "Running", "processUptime": uptime})

    async def drained(self) -> None:
        """Wait until every function started here has ended."""
        if self._runs:
            await asyncio.wait(self._runs)

    async def _run(self, function: Function, trigger: TriggerInput) -> None:
        try:
            await self._invoker.invoke(function, trigger)
        except FunctionFailed:
            # Logged by the invoker; the caller has had its 202.
            return


def read_input(body: bytes) -> str:
    """The `input` of a request body, as text; `""` when it is missing or null. Raises InputRefused."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise InputRefused("not JSON") from error
    if not isinstance(document, dict):
        raise InputRefused("not an object")
    value = document.get("input")
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise InputRefused("input must be text, a number or a boolean")


def _trigger_input(function: Function, text: str) -> TriggerInput | None:
    match function.trigger:
        case QueueTrigger():
            return manual_queue_input(text, utc_now())
        case TimerTrigger() as trigger:
            return manual_timer_input(trigger, utc_now())
        case _:
            return None
