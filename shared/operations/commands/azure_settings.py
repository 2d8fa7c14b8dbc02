"""Reading the app's settings from Azure, by the Azure CLI: as whoever has logged in to it (`az login`).

Standard library only, like all that is read before any client is imported.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from shared.errors import StartRefused
from shared.settings_graph import CREDENTIALS
from shared.settings_list import SETTINGS

_NAME = re.compile(r"[\w.()-]{1,90}")
"""Of a function app or a resource group. On Windows `az` is a batch file: no other may get to its shell."""
_SECONDS = 120.0
_LAST_WORDS = 400
"""Characters of what `az` says when it fails."""
_ANOTHER = (
    "the file names another registration for Graph than the app's. Graph shows each its own subscriptions "
    "alone: all of the app's would seem gone, and a second set would be made. Ask the doctor of the app."
)


def settings_in_azure(app: str, group: str) -> dict[str, str]:
    """What the function app has of the settings that Vaultpost knows, and its host name; "" is not set.

    All others are for the machine that the app runs on. An empty one hides what this machine's environment
    says. Raises StartRefused. The answer's form is that of
    learn.microsoft.com/cli/azure/functionapp/config/appsettings.
    """
    listed = _az("config", "appsettings", "list", app=app, group=group)
    if not isinstance(listed, list):
        raise StartRefused([f"function app {app}: az listed no settings."])
    values = {_text(_member(one, "name")): _member(one, "value") for one in listed}
    found = {setting.name: _text(values.get(setting.name)) for setting in SETTINGS}
    return found | {"WEBSITE_HOSTNAME": _host(_az("show", app=app, group=group))}


def check_registration(command: str, app: Mapping[str, str], given: Mapping[str, str]) -> None:
    """Refuse to look at subscriptions as another registration than the app's: to that one, all are gone.

    `app` are its settings, `given` those with the file's. Raises StartRefused.
    """
    if command == "subscriptions" and _registration(app) != _registration(given):
        raise StartRefused([_ANOTHER])


def _registration(settings: Mapping[str, str]) -> tuple[str, str]:
    """An identity is a registration, too: the client id beside it is not asked for."""
    credential = settings.get("GRAPH_CREDENTIAL") or CREDENTIALS[0]
    if credential == CREDENTIALS[0]:
        return credential, ""
    return "registration", settings.get("GRAPH_CLIENT_ID", "").casefold()


def function_key(app: str, group: str) -> str:
    """The function key `default` of the app. Raises StartRefused."""
    keys = _az("keys", "list", app=app, group=group)
    key = _text(_member(_member(keys, "functionKeys"), "default"))
    if not key:
        raise StartRefused([f"function app {app}: has no function key yet. Does its host run?"])
    return key


def _host(shown: object) -> str:
    """Of an app on Flex Consumption, az shows what Resource Manager answers; of others, its properties."""
    return _text(_member(shown, "defaultHostName")) or _text(
        _member(_member(shown, "properties"), "defaultHostName")
    )


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _az(*words: str, app: str, group: str) -> Any:
    """What `az functionapp` answers. Raises StartRefused with what it says."""
    for name in (app, group):
        if not _NAME.fullmatch(name):
            raise StartRefused([f"{name!r} is no name of a function app or resource group."])
    command = shutil.which("az")
    if command is None:
        raise StartRefused(
            ["the Azure CLI (az) is not there. Install it, or give the settings by --settings."]
        )
    asked = [command, "functionapp", *words, "--name", app, "--resource-group", group]
    done = _done(app, [*asked, "--output", "json", "--only-show-errors"])
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[-_LAST_WORDS:]
        raise StartRefused([f"function app {app}: az functionapp {' '.join(words)}: {said}"])
    try:
        return json.loads(done.stdout or b"null")
    except ValueError:
        raise StartRefused([f"function app {app}: what az answered is not JSON."]) from None


def _done(app: str, command: list[str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - a list of words, of which two are given: names, which were checked
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StartRefused([f"function app {app}: az did not answer within {_SECONDS:.0f} s."]) from None
    except OSError as error:
        raise StartRefused([f"az, the Azure CLI, does not start ({type(error).__name__})."]) from None
