"""`python -m sandbox.host`: puts the settings in the environment, then starts the app's own interpreter.

Standard library only. The app sees its settings as Azure shows them: there before its interpreter starts.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.host.settings import StartRefused, read_values
from sandbox.host.stopping import stop_signals

CHECKOUT = Path(__file__).resolve().parents[2]
LONGEST_LEASE = 7 * 24 * 3600


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the host until it is told to stop; 2 when the settings cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        values = read_values(options.settings)
    except StartRefused as refused:
        print(*refused.faults, sep="\n", file=sys.stderr)  # noqa: T201
        return 2
    os.environ.update(values)
    command = [sys.executable, "-m", "sandbox.host.process", str(options.app.resolve())]
    command += ["--port", str(options.port), "--lease", str(options.lease)]
    if os.name == "posix":
        # The same process goes on, so that every signal reaches the app's interpreter itself; one that comes
        # too early for its handlers is kept for them.
        signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals())
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted # nosec B606
    return supervise(command)


def supervise(command: Sequence[str]) -> int:
    """Run `command` as a child that stops when this process ends, however it ends; give its exit status.

    For systems that cannot replace a process. The child drains when its standard input is closed, which also
    happens when this process is terminated without notice.
    """
    with subprocess.Popen([*command, "--until-input-ends"], stdin=subprocess.PIPE) as child:
        for number in stop_signals():
            signal.signal(number, lambda *_: child.stdin and child.stdin.close())
        while True:
            try:
                # In short waits: on Windows a handler runs only between them.
                return child.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.host", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="a local.settings.json")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="0 takes a free one")
    parser.add_argument("--lease", type=_lease, default=600, metavar="SECONDS", help="of a queue message")
    parser.add_argument("--app", type=Path, default=CHECKOUT, metavar="DIR", help="where function_app.py is")
    return parser


def _port(text: str) -> int:
    return _whole_number(text, 0, 65535)


def _lease(text: str) -> int:
    return _whole_number(text, 1, LONGEST_LEASE)


def _whole_number(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
