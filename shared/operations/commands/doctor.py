"""`doctor`: what is wrong with a set-up, and what to do; asked of the app, or looked at from here."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.clock import SystemClock
from shared.doctor.composition import Doctor, refused_start
from shared.doctor.report import Report
from shared.doctor.runner import examine
from shared.log import quieten_clients
from shared.operations.app_doctor import KeyRefused, NotAnswered, SignInNeeded, ask, may_have_key
from shared.operations.doctor_text import doctor_lines
from shared.operations.terminal import NO_SERVICE, NOT_WELL, WELL, WRONG, complain, say
from shared.operations.text import as_json
from shared.services import Services
from shared.starting import read_start

KEY, TOKEN = "VAULTPOST_FUNCTION_KEY", "VAULTPOST_APP_TOKEN"
_FROM_HERE = (
    "ops.py: looked at from this machine, with your own login. What the app's own identity may do, only the "
    f"app can tell: give its function key in {KEY}."
)
_NO_KEY = (
    "A function key: az functionapp keys list --resource-group GROUP --name APP --query functionKeys.default "
    "--output tsv. Of a local host: FUNCTIONS_LOCAL_KEY in its settings, or the line in its log."
)


_NO_TOKEN = (
    f"Give a token for its app registration in {TOKEN}: az account get-access-token --resource "
    "api://CLIENT-ID --query accessToken --output tsv. docs/operations.md: what that registration needs."
)


async def run(
    options: argparse.Namespace, environment: Mapping[str, str], root: Path, faults: Sequence[str] = ()
) -> int:
    """Tell what is found. `faults` are those of the settings file; `root` is the app's own folder."""
    quieten_clients()
    url, key = _app(options, environment)
    if options.here or not key or not url:
        complain(WELL, _FROM_HERE)
        return await _from_here(options, environment, root, faults)
    if not may_have_key(url):
        return complain(WRONG, f"ops.py: {url} is not https: the key is not sent there.")
    try:
        report = await ask(url, key, write=options.write, token=environment.get(TOKEN, "").strip())
    except KeyRefused as fault:
        return complain(NO_SERVICE, f"ops.py: {fault}. {_NO_KEY}")
    except SignInNeeded as fault:
        return complain(NO_SERVICE, f"ops.py: {fault}. {_NO_TOKEN}")
    except NotAnswered as fault:
        complain(NO_SERVICE, f"ops.py: {fault} ({url}). What can be seen from here:")
        status = await _from_here(options, environment, root, faults)
        return WRONG if status == WRONG else NO_SERVICE
    _show(report, options)
    return _status(report)


def _app(options: argparse.Namespace, environment: Mapping[str, str]) -> tuple[str, str]:
    """Where the app is, and the key: as the settings have them, however wrong the others are."""
    host = environment.get("WEBSITE_HOSTNAME", "").strip()
    own = environment.get("VAULTPOST_NOTIFICATION_URL", "").strip() or (f"https://{host}/api" if host else "")
    return (options.app or own).rstrip("/"), options.key or environment.get(KEY, "").strip()


async def _from_here(
    options: argparse.Namespace, environment: Mapping[str, str], root: Path, faults: Sequence[str]
) -> int:
    start = read_start(environment, root)
    if faults or start.settings is None:
        # What a file that cannot be read would have set, is not told as missing.
        checks = refused_start(faults or start.of_settings, () if faults else start.of_configuration)
        _show(Report(SystemClock().now(), tuple(await examine(checks))), options)
        return WRONG
    services = Services(start.settings, start.configuration)
    try:
        report = await Doctor(services, start.of_configuration).examine(write=options.write)
    finally:
        await services.close()
    _show(report, options)
    return WRONG if start.of_configuration else _status(report)


def _status(report: Report) -> int:
    return WELL if report.well else NOT_WELL


def _show(report: Report, options: argparse.Namespace) -> None:
    if options.json:
        say(as_json(report.as_json()))
        return
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    say("\n".join(doctor_lines(report, coloured=coloured)))
