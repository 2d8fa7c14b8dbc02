"""The operator's commands: `python3 ops.py [--settings FILE] COMMAND`.

They work on the app's services, with the app's settings and the operator's own login: docs/operations.md.
This file and what it imports at first are of the standard library, so that a bare Python can say what it
lacks.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.operations.command_line import parse

ROOT = Path(__file__).resolve().parent
WRONG, STOPPED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit status."""
    options = parse(arguments)
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python is told so
        return _complain(WRONG, "ops.py needs Python 3.11 or newer.")
    # A terminal without UTF-8 gets escapes.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        return _start(options)
    except ModuleNotFoundError as error:
        return _complain(
            WRONG,
            f"ops.py: {error.name} is not installed for {sys.executable}. Use the interpreter of an "
            "environment that `python3 dev.py test` made below .dev, or run: pip install -r requirements.txt",
        )
    except KeyboardInterrupt:
        return _complain(STOPPED, "ops.py: stopped. What was done stays; run it again for the rest.")


def _start(options: argparse.Namespace) -> int:
    if options.command == "schema":
        from shared.operations.commands import schema

        return schema.run()
    if options.command == "doctor":
        return _examine(options)
    from shared.errors import StartRefused
    from shared.operations.local_settings import read_values

    try:
        if options.settings is not None:
            # Before the clients are imported: they read SSL_CERT_FILE then.
            os.environ.update(read_values(options.settings))
        from shared.operations.commands.running import run
        from shared.services import Services

        services = Services.from_environment(os.environ, ROOT)
    except StartRefused as refused:
        return _complain(WRONG, "ops.py: settings or configuration are wrong:", *refused.faults)
    return asyncio.run(run(services, options))


def _examine(options: argparse.Namespace) -> int:
    """Of the doctor, what is wrong with the settings is a finding."""
    from shared.errors import StartRefused
    from shared.operations.local_settings import read_values

    faults: Sequence[str] = ()
    try:
        if options.settings is not None:
            # Before the clients are imported, as above.
            os.environ.update(read_values(options.settings))
    except StartRefused as refused:
        faults = refused.faults
    from shared.operations.commands import doctor

    return asyncio.run(doctor.run(options, os.environ, ROOT, faults))


def _complain(status: int, head: str, *faults: str) -> int:
    print("\n- ".join([head, *faults]), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
