"""The running host: its listeners, and how they come to an end."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from azure.storage.queue.aio import QueueServiceClient

from sandbox.host.admin import Admin
from sandbox.host.functions import ANONYMOUS, Function, HttpTrigger, QueueTrigger, TimerTrigger
from sandbox.host.invocation import Invoker
from sandbox.host.listener import LARGEST_BODY, application
from sandbox.host.options import HostOptions
from sandbox.host.queue_listener import QueueListener, poison_name
from sandbox.host.settings import StartRefused
from sandbox.host.stopping import Stopping
from sandbox.host.storage_queue import ConnectionRefused, StorageQueue, queue_service
from sandbox.host.timer_listener import TimerListener
from sandbox.serving import serve

_log = logging.getLogger(__name__)

# The setting that fixes the key of functions that are not anonymous; without it each start makes its own.
KEY_SETTING = "FUNCTIONS_LOCAL_KEY"
BODY_SETTING = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
"""Bytes of the largest body that is taken.

Source: learn.microsoft.com/azure/azure-functions/functions-app-settings.
"""


class Host:
    """Runs `functions` until told to stop. `lease` of queue messages in seconds, port 0 for a free one."""

    def __init__(
        self,
        functions: Sequence[Function],
        options: HostOptions,
        settings: Mapping[str, str],
        *,
        port: int,
        lease: int,
    ) -> None:
        self._functions = functions
        self._options = options
        self._settings = settings
        self._port = port
        self._lease = lease

    async def run(self, stopping: Stopping, ready: Callable[[str], None]) -> None:
        """Listen, call `ready` with the host's address, and return when everything has ended after a stop.

        Raises StartRefused when the settings of a connection lead nowhere, OSError when the port is taken.
        """
        stopping.attach()
        invoker = Invoker(self._options.function_timeout)
        async with AsyncExitStack() as stack:
            services = await self._services(stack)
            listeners: list[QueueListener | TimerListener] = [
                *self._queue_listeners(services, invoker),
                *self._timer_listeners(invoker),
            ]
            admin = Admin(self._functions, invoker)
            app = application(self._functions, invoker, admin, stopping, self._key(), self._largest_body())
            served = await serve(app, context=None, port=self._port, auto_decompress=False)
            stack.push_async_callback(served.close)
            running = [asyncio.create_task(listener.run(stopping)) for listener in listeners]
            ready(served.origin)
            await _until_stopped(running, stopping)
            _log.info("Stopping: no new work is taken, running functions end")
            for site in list(served.runner.sites):
                await site.stop()
            await asyncio.gather(*running, admin.drained(), invoker.drained())

    async def _services(self, stack: AsyncExitStack) -> dict[str, QueueServiceClient]:
        services: dict[str, QueueServiceClient] = {}
        faults = []
        triggers = [f.trigger for f in self._functions if isinstance(f.trigger, QueueTrigger)]
        for connection in dict.fromkeys(trigger.connection for trigger in triggers):
            try:
                service = await stack.enter_async_context(queue_service(connection, self._settings))
            except ConnectionRefused as refused:
                faults.append(str(refused))
            else:
                services[connection] = service
        if faults:
            raise StartRefused(faults)
        return services

    def _queue_listeners(
        self, services: Mapping[str, QueueServiceClient], invoker: Invoker
    ) -> list[QueueListener]:
        listeners = []
        for function in self._functions:
            if isinstance(trigger := function.trigger, QueueTrigger):
                service = services[trigger.connection]
                poison = poison_name(trigger.queue)
                listener = QueueListener(
                    function=function,
                    queue=StorageQueue(service.get_queue_client(trigger.queue)),
                    poison=StorageQueue(service.get_queue_client(poison)) if poison else None,
                    options=self._options.queues,
                    lease=self._lease,
                    invoker=invoker,
                )
                listeners.append(listener)
        return listeners

    def _timer_listeners(self, invoker: Invoker) -> list[TimerListener]:
        return [
            TimerListener(function, trigger, invoker)
            for function in self._functions
            if isinstance(trigger := function.trigger, TimerTrigger)
        ]

    def _largest_body(self) -> int:
        text = self._settings.get(BODY_SETTING) or str(LARGEST_BODY)
        if not (text.isascii() and text.isdigit()):
            raise StartRefused([f"{BODY_SETTING}: {text!r} is no number of bytes"])
        return int(text)

    def _key(self) -> str:
        key = self._settings.get(KEY_SETTING)
        if key:
            return key
        key = secrets.token_urlsafe(32)
        levels = {f.trigger.level for f in self._functions if isinstance(f.trigger, HttpTrigger)}
        if levels - {ANONYMOUS}:
            _log.info("Key of functions that are not anonymous (x-functions-key, or ?code=): %s", key)
        return key


async def _until_stopped(listeners: Sequence[asyncio.Task[None]], stopping: Stopping) -> None:
    """A listener never ends by itself: if one does, that is a fault of the host, and is raised."""
    pending = set(listeners)
    while not stopping.requested:
        if not pending:
            await stopping.wait()
            return
        pending = await stopping.first_done(pending)
        for ended in set(listeners) - pending:
            ended.result()
