"""The operator's commands: `python3 ops.py COMMAND`, with `--function-app` or `--settings` before it.

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
WRONG, NO_SERVICE, STOPPED = 2, 3, 130
KEY = "VAULTPOST_FUNCTION_KEY"


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

    try:
        _take_settings(options)
        from shared.operations.commands.running import run
        from shared.services import Services

        services = Services.from_environment(os.environ, ROOT)
    except StartRefused as refused:
        return _complain(WRONG, "ops.py: settings or configuration are wrong:", *refused.faults)
    return asyncio.run(run(services, options))


def _take_settings(options: argparse.Namespace) -> None:
    """Put the app's settings into the environment, before clients are imported: they read SSL_CERT_FILE then.

    Those of the file win over those in Azure. Raises StartRefused.
    """
    from shared.operations.commands.azure_settings import check_registration, settings_in_azure
    from shared.operations.local_settings import read_values

    of_app: dict[str, str] = {}
    if options.function_app is not None:
        of_app = settings_in_azure(options.function_app, options.resource_group)
    of_file = read_values(options.settings) if options.settings is not None else {}
    if of_app:
        check_registration(options.command, of_app, of_app | of_file)
    os.environ.update(of_app | of_file)


def _examine(options: argparse.Namespace) -> int:
    """Of the doctor, what is wrong with the settings is a finding."""
    from shared.errors import StartRefused

    faults: Sequence[str] = ()
    try:
        _take_settings(options)
    except StartRefused as refused:
        if options.function_app is not None:
            return _complain(WRONG, "ops.py: the settings of the app were not read:", *refused.faults)
        faults = refused.faults
    no_key = _take_key(options)
    from shared.operations.commands import doctor

    status = asyncio.run(doctor.run(options, os.environ, ROOT, faults))
    return max(status, no_key) if status != WRONG else WRONG


def _take_key(options: argparse.Namespace) -> int:
    """Put the app's function key into the environment; NO_SERVICE where az has none: then from here."""
    from shared.errors import StartRefused
    from shared.operations.commands.azure_settings import function_key

    if options.function_app is None or options.here or options.key or os.environ.get(KEY):
        return 0
    try:
        os.environ[KEY] = function_key(options.function_app, options.resource_group)
    except StartRefused as refused:
        return _complain(NO_SERVICE, "ops.py: no function key was read:", *refused.faults)
    return 0


def _complain(status: int, head: str, *faults: str) -> int:
    print("\n- ".join([head, *faults]), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
