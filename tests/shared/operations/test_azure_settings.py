"""The app's settings out of Azure: what the CLI answers is taken, what it says when it fails is told."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from shared.errors import StartRefused
from shared.operations.commands.azure_settings import (
    check_registration,
    function_key,
    settings_in_azure,
)
from shared.settings import SETTINGS

from .azure_cli import AzureCli, settings_of

LIST, SHOW, KEYS = (
    "functionapp config appsettings list",
    "functionapp show",
    "functionapp keys list",
)
HOST = {"defaultHostName": "func-a.azurewebsites.net"}


def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **answers: object) -> AzureCli:
    words = {"listed": LIST, "shown": SHOW, "keys": KEYS}
    cli = AzureCli(tmp_path / "bin", {words[name]: answer for name, answer in answers.items()})
    monkeypatch.setenv("PATH", cli.path)
    return cli


@pytest.mark.parametrize(
    "shown", [HOST, {"properties": HOST}], ids=["as properties", "as in Resource Manager"]
)
def test_what_vaultpost_knows_is_taken_with_the_apps_address(
    shown: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the app has for its own machine, such as a file of authorities, is not for this one."""
    values = {"KEY_VAULT_URL": "https://kv.vault.azure.net", "SSL_CERT_FILE": "/home/site/ca.pem"}
    cli = installed(monkeypatch, tmp_path, listed=settings_of(values), shown=shown)

    found = settings_in_azure("func-a", "rg.(a)")

    assert {name: value for name, value in found.items() if value} == {
        "KEY_VAULT_URL": "https://kv.vault.azure.net",
        "WEBSITE_HOSTNAME": "func-a.azurewebsites.net",
    }
    assert found.keys() == {setting.name for setting in SETTINGS} | {"WEBSITE_HOSTNAME"}
    for asked in cli.asked:
        assert asked[asked.index("--name") :] == [
            *("--name", "func-a", "--resource-group", "rg.(a)"),
            *("--output", "json", "--only-show-errors"),
        ]


def test_the_function_key_is_the_one_called_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = {"functionKeys": {"default": "the-key", "other": "x"}, "masterKey": "y", "systemKeys": {}}
    installed(monkeypatch, tmp_path, keys=keys)

    assert function_key("func-a", "rg") == "the-key"


def test_a_key_that_is_not_there_yet_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch, tmp_path, keys={"functionKeys": {}, "masterKey": "y"})

    with pytest.raises(StartRefused, match="func-a: has no function key yet"):
        function_key("func-a", "rg")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "az functionapp config appsettings list: ERROR: (ResourceNotFound) The Resource was not found."),
        ({"listed": []}, "az functionapp show: ERROR: (ResourceNotFound)"),
        ({"listed": "Welcome"}, "is not JSON"),
        ({"listed": ""}, "listed no settings"),
    ],
)
def test_what_the_cli_says_when_it_fails_is_told(
    answers: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, **answers)

    with pytest.raises(StartRefused, match=re.escape(said)) as caught:
        settings_in_azure("func-a", "rg")

    assert "function app func-a" in str(caught.value)


@pytest.mark.parametrize(
    ("app", "file", "is_another"),
    [
        ({}, {}, False),
        ({"GRAPH_CREDENTIAL": "managed-identity", "GRAPH_CLIENT_ID": ""}, {"GRAPH_CLIENT_ID": "b"}, False),
        ({"GRAPH_CREDENTIAL": ""}, {"GRAPH_CREDENTIAL": "client-secret", "GRAPH_CLIENT_ID": "b"}, True),
        ({"GRAPH_CREDENTIAL": "federated", "GRAPH_CLIENT_ID": "a"}, {"GRAPH_CLIENT_ID": "b"}, True),
        (
            {"GRAPH_CREDENTIAL": "federated", "GRAPH_CLIENT_ID": "A"},
            {"GRAPH_CREDENTIAL": "client-secret", "GRAPH_CLIENT_ID": "a"},
            False,
        ),
    ],
)
def test_subscriptions_are_looked_at_as_the_app_alone(
    app: dict[str, str], file: dict[str, str], is_another: bool
) -> None:
    """To another registration all of the app's are gone: it would make a second set."""
    check_registration("backfill", app, app | file)
    with pytest.raises(StartRefused, match="another registration") if is_another else nullcontext():
        check_registration("subscriptions", app, app | file)


@pytest.mark.parametrize("name", ["a&calc", "a b|c", 'a"', "a%PATH%", ""])
def test_a_name_that_is_none_is_given_to_no_shell(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cli = installed(monkeypatch, tmp_path, listed=[], shown=HOST)

    for app, group in ((name, "rg"), ("func-a", name)):
        with pytest.raises(StartRefused, match="is no name"):
            settings_in_azure(app, group)

    assert cli.asked == []


def test_a_machine_without_the_cli_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StartRefused, match=r"\(az\) is not there"):
        settings_in_azure("func-a", "rg")
