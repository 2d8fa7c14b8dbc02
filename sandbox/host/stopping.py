"""The request to stop: from a signal, or from the end of standard input, at any time, into the loop."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterable
from typing import TypeVar

_STANDARD_INPUT = 0

_Result = TypeVar("_Result")


def stop_signals() -> set[signal.Signals]:
    """Those of this system."""
    return {item for item in signal.Signals if item.name in {"SIGINT", "SIGTERM", "SIGBREAK"}}


class Stopping:
    """Becomes true once and stays so. Waiting is for the event loop, asking for any thread."""

    def __init__(self) -> None:
        self.requested = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()

    def request(self) -> None:
        """Ask to stop; from any thread or signal handler."""
        self.requested = True
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    def on_signals(self) -> None:
        """SIGTERM, Ctrl-C and, on Windows, Ctrl-Break ask to stop."""
        for number in stop_signals():
            signal.signal(number, lambda *_: self.request())
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals())

    def on_end_of_input(self) -> None:
        """The end of standard input asks to stop: its other end is held by who started this process."""
        threading.Thread(target=self._drain_input, daemon=True).start()

    def _drain_input(self) -> None:
        # By descriptor: a thread that waits in sys.stdin holds its lock, which blocks the end of the process.
        while os.read(_STANDARD_INPUT, 1024):
            pass
        self.request()

    def attach(self) -> None:
        """Bind to the running loop, before any waiting."""
        self._loop = asyncio.get_running_loop()
        if self.requested:
            self._event.set()

    async def wait(self) -> None:
        """Return when stopping is requested."""
        await self._event.wait()

    async def rest(self, seconds: float) -> None:
        """Wait for `seconds`, or less when stopping is requested."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return

    async def first_done(self, tasks: Iterable[asyncio.Task[_Result]]) -> set[asyncio.Task[_Result]]:
        """Those of `tasks` that are pending when one has ended or stopping is requested."""
        waiting = asyncio.create_task(self.wait())
        try:
            await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        return {task for task in tasks if not task.done()}
