"""Calling functions of the app: in the loop or in a thread, within the time limit, failures told apart."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
import uuid
from collections.abc import Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from sandbox.host.bindings import TriggerInput
from sandbox.host.context import InvocationContext, TraceContext
from sandbox.host.functions import Function, HttpTrigger

_log = logging.getLogger(__name__)

# How long a function that was cancelled for its age may take to clean up, in seconds.
_CANCELLATION_GRACE = 5.0


class FunctionFailed(Exception):
    """The function raised, or took too long; it is logged already."""


class Invoker:
    """Runs functions and knows how many are running. `limit` in seconds, None without one.

    A synchronous function over the limit cannot be stopped: its invocation fails, its thread goes on. (Azure
    ends the whole worker then.)
    """

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        threads = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
        self._threads = ThreadPoolExecutor(int(threads) if threads else None, thread_name_prefix="function")
        self._local = threading.local()

    async def invoke(self, function: Function, trigger: TriggerInput) -> object:
        """Call the function and give what it returns. Raises FunctionFailed."""
        invocation_id = str(uuid.uuid4())
        started = time.monotonic()
        _log.info("Executing %s (id %s)", function.name, invocation_id)
        with self._counted():
            result = await self._outcome(function, trigger, invocation_id)
        _log.info(
            "Executed %s in %d ms (id %s)", function.name, 1000 * (time.monotonic() - started), invocation_id
        )
        return result

    async def drained(self) -> None:
        """Wait until no function is running."""
        await self._idle.wait()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def _outcome(self, function: Function, trigger: TriggerInput, invocation_id: str) -> object:
        try:
            work = self._start(function, trigger, invocation_id)
        except Exception as error:
            raise _failure(function, invocation_id, error) from error
        done, _ = await asyncio.wait({work}, timeout=self._limit)
        if not done:
            work.cancel()
            await asyncio.wait({work}, timeout=_CANCELLATION_GRACE)
            raise _failure(function, invocation_id, TimeoutError(f"ran longer than {self._limit:g} s"))
        if work.cancelled():
            raise _failure(function, invocation_id, asyncio.CancelledError("cancelled itself"))
        if raised := work.exception():
            raise _failure(function, invocation_id, raised) from raised
        if work.result() is not None and not isinstance(function.trigger, HttpTrigger):
            # As in the worker: there is no binding that would take the value.
            raise _failure(function, invocation_id, TypeError("returned a value without a $return binding"))
        return work.result()

    def _start(self, function: Function, trigger: TriggerInput, invocation_id: str) -> asyncio.Future[object]:
        arguments: dict[str, object] = {function.argument: trigger.decode()}
        if function.wants_context:
            trace = TraceContext.below(trigger.trace_parent)
            arguments["context"] = InvocationContext(
                invocation_id, function.name, str(function.directory), self._local, trace
            )
        if function.asynchronous:
            return asyncio.ensure_future(_without_exit(function.call(**arguments)))
        call = partial(self._in_thread, function, arguments, invocation_id)
        return asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _in_thread(self, function: Function, arguments: dict[str, object], invocation_id: str) -> object:
        self._local.invocation_id = invocation_id
        try:
            return function.call(**arguments)
        finally:
            self._local.invocation_id = None


async def _without_exit(work: Awaitable[object]) -> object:
    """SystemExit in a task would end the loop, and the host with it."""
    try:
        return await work
    except SystemExit as error:
        raise RuntimeError(f"the function asked to exit with {error.code!r}") from error


def _failure(function: Function, invocation_id: str, error: BaseException) -> FunctionFailed:
    _log.error(
        "Failed %s: %s: %s (id %s)", function.name, type(error).__name__, error, invocation_id, exc_info=error
    )
    return FunctionFailed(function.name)
