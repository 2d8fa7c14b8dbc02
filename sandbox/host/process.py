"""The interpreter of the app: indexes it, announces its address, and ends as Azure ends a worker."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sandbox.host.functions import Function, load_functions
from sandbox.host.options import HostOptions, read_options
from sandbox.host.settings import StartRefused
from sandbox.host.stopping import Stopping

DEBUG_SETTING = "PYTHON_ENABLE_DEBUG_LOGGING"
_TRUE = {"1", "true", "t", "yes", "y"}
_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the app in `DIR`: 0 after a stop, 2 for faults of settings or bindings, 1 for any other failure."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.host.process")
    parser.add_argument("app", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--lease", type=int, required=True)
    parser.add_argument("--until-input-ends", action="store_true")
    asked = parser.parse_args(arguments)
    announce = _take_standard_output()
    _log_to_standard_error(os.environ)
    stopping = Stopping()
    stopping.on_signals()
    if asked.until_input_ends:
        stopping.on_end_of_input()
    try:
        options, functions = _load(asked.app)
        if stopping.requested:
            return 0
        # Only now: it brings the storage client, which takes a second that faults need not wait for.
        from sandbox.host.host import Host

        host = Host(functions, options, os.environ, port=asked.port, lease=asked.lease)
        asyncio.run(host.run(stopping, announce))
    except Exception as error:  # noqa: BLE001 — whatever the app raises is told, and ends the host
        return _told(error)
    return 0


def _load(app: Path) -> tuple[HostOptions, list[Function]]:
    """Options and functions, or StartRefused with the faults of both, of the app's settings too."""
    faults: list[str] = []
    options = HostOptions()
    try:
        options = read_options(app / "host.json")
    except StartRefused as refused:
        faults += refused.faults
    try:
        functions = load_functions(app, os.environ, options.route_prefix)
    except Exception as error:
        if (found := _faults_of(error)) is None:
            raise
        faults += found
    if faults:
        raise StartRefused(faults)
    return options, functions


def _faults_of(error: BaseException) -> list[str] | None:
    """What an exception lists in `faults`: this host's own refusal, or the app's."""
    faults = getattr(error, "faults", None)
    if not isinstance(faults, Sequence) or isinstance(faults, str):
        return None
    return [str(fault) for fault in faults]


def _told(error: Exception) -> int:
    faults = _faults_of(error)
    if faults is None:
        traceback.print_exception(error)
        return 1
    print("The function app does not start:", *(f"- {fault}" for fault in faults), sep="\n", file=sys.stderr)  # noqa: T201
    return 2


def _take_standard_output() -> Callable[[str], None]:
    """Keep standard output for one announcement; gives the function that writes it.

    All that the app prints, or what it starts, goes to standard error.
    """
    kept = os.dup(_STANDARD_OUTPUT)
    os.dup2(_STANDARD_ERROR, _STANDARD_OUTPUT)
    sys.stdout = sys.stderr

    def announce(address: str) -> None:
        os.write(kept, f"ready {address}\n".encode())

    return announce


def _log_to_standard_error(settings: Mapping[str, str]) -> None:
    """Every record that its logger lets through is written: host.json's own levels only drop some of them.

    With `PYTHON_ENABLE_DEBUG_LOGGING`, as in the Python worker, the root level is DEBUG, and nothing is done
    for other loggers (learn.microsoft.com/azure/azure-functions/functions-app-settings).
    """
    logging.Formatter.converter = time.gmtime
    line = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=line, datefmt="%Y-%m-%dT%H:%M:%S")
    if settings.get(DEBUG_SETTING, "").lower().strip() in _TRUE:
        logging.getLogger().setLevel(logging.DEBUG)
        return
    # The host's own clients log each request at INFO; in Azure they are none of the worker's.
    for name in ("azure", "httpx", "msal"):
        logging.getLogger(name).setLevel(logging.WARNING)


def leave(status: int) -> None:
    """End without finalizers, as Azure ends a worker: Python has no shutdown hook there, and here neither a
    client that the app left open nor a thread that hangs may hold up the end."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    leave(main())
