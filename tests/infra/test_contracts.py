"""What is deployed is what the code uses: settings, queues, tables, containers, functions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import get_args

import msgspec
import pytest

from shared import (
    breaker_table,
    fingerprints,
    folder_register,
    journal,
    staging_area,
    subscription_register,
    sweep_state,
    unfinished,
)
from shared.configuration import Configuration
from shared.configuration_forms import StagingDays
from shared.notification import LARGEST_BODY
from shared.queue_messages import KINDS
from shared.settings import SETTINGS

from .templates import BICEP, ROOT, TERRAFORM, app_settings_of_bicep, bicep

_MAIN = bicep("main.bicep")
_PLATFORM = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
    *(
        f"AzureWebJobsStorage__{name}"
        for name in ("blobServiceUri", "queueServiceUri", "tableServiceUri", "credential", "clientId")
    ),
}
"""Settings that the platform reads, not the app."""
_LOCALLY = {"MailStorage", "AzureWebJobsStorage"}
"""Connection strings: there are none in Azure."""
_FORBIDDEN = {
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_EXTENSION_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
    "WEBSITE_TIME_ZONE",
    "TZ",
}
"""Not for Flex Consumption (learn.microsoft.com/azure/azure-functions/functions-app-settings)."""


def test_every_setting_of_the_app_is_deployed_and_no_other_one() -> None:
    known = {setting.name for setting in SETTINGS}
    assert app_settings_of_bicep() == (known - _LOCALLY) | _PLATFORM
    assert not app_settings_of_bicep() & _FORBIDDEN


def test_defaults_of_parameters_are_those_of_the_settings() -> None:
    own = _MAIN["modules"]["app"]["config"]["params"]["settings"]
    defaults = {one.name: one.default for one in SETTINGS if one.default is not None}
    parameters = {name: one["default"] for name, one in _MAIN["parameters"].items()}
    shown = {
        "VAULTPOST_SOURCES": "sources",
        "GRAPH_CREDENTIAL": "graphCredential",
        "GRAPH_ENDPOINT": "graphEndpoint",
    }
    for setting, parameter in shown.items():
        assert own[setting] == parameter
        assert defaults[setting] == parameters[parameter]
    assert defaults["VAULTPOST_MEMORY_MB"] == str(parameters["memoryMB"])


def test_every_setting_is_documented_and_stands_in_the_example_for_this_machine() -> None:
    document = (ROOT / "docs/settings.md").read_text("utf-8")
    example = json.loads((ROOT / "local.settings.example.json").read_text("utf-8"))["Values"]
    in_azure = {one.name for one in SETTINGS if one.name.startswith("MailStorage__")}
    assert {one.name for one in SETTINGS} - in_azure == set(example) - {"FUNCTIONS_WORKER_RUNTIME"}
    for setting in SETTINGS:
        assert f"`{setting.name}`" in document, setting.name


def test_the_guide_names_each_default() -> None:
    """In the row of its setting, not anywhere."""
    defaults = {one.name: one.default for one in SETTINGS}
    # Found out where it runs; given by the templates.
    not_shown = {"VAULTPOST_NOTIFICATION_URL", "MailStorage__credential"}
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in (ROOT / "docs/settings.md").read_text("utf-8").partition("\n## ")[0].splitlines()
        if line.startswith("| `")
    ]
    documented: dict[str, str | None] = {}
    for names, _, shown in rows:
        known = [name for name in re.findall(r"`([^`]+)`", names) if name not in not_shown]
        values = re.findall(r"`([^`]+)`", shown) or [None] * len(known)
        documented |= dict(zip(known, values, strict=False))
    assert documented == {name: value for name, value in defaults.items() if name not in not_shown}


def test_every_queue_and_its_poison_queue_is_deployed() -> None:
    assert _MAIN["variables"]["queues"]["value"] == [*KINDS, *(f"{name}-poison" for name in KINDS)]


def test_every_table_is_deployed() -> None:
    used = {
        module.TABLE
        for module in (
            journal,
            unfinished,
            subscription_register,
            folder_register,
            fingerprints,
            breaker_table,
        )
    }
    assert set(_MAIN["variables"]["tables"]["value"]) == used
    named = [
        found
        for path in (ROOT / "shared").glob("*.py")
        for found in re.findall(r'^TABLE = "(\w+)"', path.read_text("utf-8"), re.MULTILINE)
    ]
    assert set(named) == used


def test_every_container_is_deployed() -> None:
    used = {staging_area.CONTAINER, sweep_state.CONTAINER, staging_area.KEPT}
    # The app makes none for its configuration: somebody else writes that.
    assert set(_MAIN["variables"]["containers"]["value"]) == used | {"configuration"}
    assert _MAIN["variables"]["containers"]["value"][0] == staging_area.CONTAINER


def test_staged_bytes_live_as_long_as_the_configuration_says_by_default() -> None:
    defaults = {field.name: field.default for field in msgspec.structs.fields(Configuration)}
    parameter = _MAIN["parameters"]["stagingDays"]
    assert parameter["default"] == defaults["staging_days"]
    limits = {one["type"]: one["argument"] for one in parameter["decorators"]}
    must = next(one for one in get_args(StagingDays) if isinstance(one, msgspec.Meta))
    assert (limits["min_value"], limits["max_value"]) == (must.ge, must.le)


@pytest.fixture(scope="module")
def functions() -> dict[str, dict[str, object]]:
    """The triggers of the app by the names of its functions, as the host reads them."""
    code = (
        "import json; from function_app import app; "
        "print(json.dumps({one.get_function_name(): json.loads(str(one)) for one in app.get_functions()}))"
    )
    settings = {
        "VAULTPOST_NOTIFICATION_URL": "https://vaultpost.example.com/api",
        "KEY_VAULT_URL": "https://vaultpost.vault.azure.net",
        "MailStorage": "UseDevelopmentStorage=true",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=settings, capture_output=True, check=True, timeout=60
    )
    return {
        name: next(one for one in function["bindings"] if one["type"].casefold().endswith("trigger"))
        for name, function in json.loads(done.stdout).items()
    }


def test_what_is_always_ready_is_a_function_of_the_app(functions: dict[str, dict[str, object]]) -> None:
    ready = _MAIN["variables"]["alwaysReady"]["value"]
    assert ready[0] == "http"
    assert {name.removeprefix("function:") for name in ready[1:]} <= set(functions)


def test_what_needs_no_sign_in_are_the_functions_that_anybody_may_call(
    functions: dict[str, dict[str, object]],
) -> None:
    anonymous = {
        f"/api/{one['route']}"
        for one in functions.values()
        if str(one.get("authLevel")).upper() == "ANONYMOUS"
    }
    assert set(_MAIN["variables"]["openPaths"]["value"]) == anonymous


def test_functions_that_alerts_ask_about_exist(functions: dict[str, dict[str, object]]) -> None:
    text = (BICEP / "modules/alerts.bicep").read_text("utf-8")
    named = set(re.findall(r"operation_Name == '(\w+)'", text))
    named |= {
        one
        for group in re.findall(r"operation_Name in \(([^)]*)\)", text)
        for one in re.findall(r"'(\w+)'", group)
    }
    assert named == {"notifications", "lifecycle", "subscriptions"}
    assert named <= set(functions)


def test_the_host_takes_no_smaller_body_than_the_app() -> None:
    assert _MAIN["variables"]["largestRequestBody"]["value"] >= LARGEST_BODY


def test_neither_template_holds_or_writes_a_secret() -> None:
    for file in (*BICEP.rglob("*.bicep"), *TERRAFORM.glob("*.tf")):
        text = file.read_text("utf-8")
        assert "vaults/secrets@" not in text, file.name
        assert "azurerm_key_vault_secret" not in text, file.name
        assert "listKeys" not in text, file.name
        assert "primary_access_key" not in text, file.name
        assert "azuread_application_password" not in text, file.name
