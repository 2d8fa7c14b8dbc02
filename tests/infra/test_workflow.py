"""The workflow deploys what it says it does, with no right that it needs not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from .bicep_text import read
from .templates import BICEP, ROOT, bicep, bicep_files, plain, terraform

WORKFLOW = (ROOT / ".github/workflows/deploy.yml").read_text("utf-8")


def test_each_action_is_pinned_to_a_commit() -> None:
    """A tag can be moved to other code, which would run with the token for Azure."""
    used = re.findall(r"uses: (\S+)(.*)", WORKFLOW)
    assert len(used) >= 6
    for action, comment in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def _resources() -> str:
    """The script of the step that deploys the template."""
    return WORKFLOW.partition("- name: Resources")[2].partition("- name: App")[0].partition("run: |")[2]


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash on this machine")
def test_the_example_of_parameters_reaches_the_template_as_it_is_meant() -> None:
    example = re.search(r"# Such as: (.+)", WORKFLOW)
    assert example is not None
    script = "az() { printf '%s\\n' \"$@\"; }\n" + _resources()
    environment = {"VAULTPOST_PARAMETERS": example[1], "VAULTPOST_NAME": "mail", "RESOURCE_GROUP": "rg"}
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=ROOT,
        env={**environment, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=30,
    )
    words = done.stdout.splitlines()
    given = [word.partition("=") for word in words[words.index("--parameters") + 1 :]]
    # az takes the last of several.
    values = {name: value for name, _, value in given}
    assert json.loads(values["alertEmails"]) == ["it@example.com"]
    assert (values["name"], values["grantGraphPermissions"], values["changesMail"]) == (
        "mail",
        "false",
        "true",
    )
    parameters = bicep("main.bicep")["parameters"]
    assert set(values) <= set(parameters)
    assert values["operatorPrincipalId"] != ""


def test_its_variables_are_named_and_no_secret_is() -> None:
    assert "secrets." not in WORKFLOW
    named = set(re.findall(r"vars\.(\w+)", WORKFLOW))
    assert named == {
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "AZURE_SUBSCRIPTION_ID",
        "RESOURCE_GROUP",
        "VAULTPOST_NAME",
        "VAULTPOST_PARAMETERS",
    }


def test_terraform_registers_what_the_resources_are_of() -> None:
    """Resource Manager does so by itself for what a template names, but for Microsoft.App."""
    (provider,) = (block for labels, block in terraform()["provider"] if labels == ["azurerm"])
    registered = set(re.findall(r'"(Microsoft\.\w+)"', provider["resource_providers_to_register"]))
    made = {
        resource["type"].partition("/")[0]
        for name in bicep_files()
        for resource in bicep(name).get("resources", {}).values()
        if not resource["existing"]
    }
    delegated_to = set(
        re.findall(r"serviceName: '(Microsoft\.\w+)/", (BICEP / "modules/network.bicep").read_text())
    )
    # Azure makes a rule of its own for each Application Insights.
    by_azure = {"Microsoft.AlertsManagement"}
    always_there = {"Microsoft.Authorization", "Microsoft.Graph"}
    assert registered == (made - always_there) | delegated_to | by_azure


@pytest.mark.parametrize(
    ("name", "is_taken"),
    [
        ("vaultpost", True),
        ("v-1", True),
        ("2mail", True),
        ("a--b", False),
        ("-ab", False),
        ("ab-", False),
        ("Mail", False),
        ("ab", False),
        ("a234567890123", False),
    ],
)
def test_a_name_is_one_that_key_vault_takes(name: str, is_taken: bool) -> None:
    (variable,) = (plain(block) for labels, block in terraform()["variable"] if labels == ["name"])
    (rule,) = variable["validation"]
    limits = [int(one) for one in re.findall(r"length\(var\.name\) [<>]= (\d+)", rule["condition"])]
    pattern = re.search(r'regex\("([^"]+)"', rule["condition"])
    assert pattern is not None
    fits = limits[0] <= len(name) <= limits[1] and re.search(pattern[1], name) is not None
    assert fits is is_taken
    if is_taken:
        assert re.fullmatch(r"[a-z](?!.*--)[a-z0-9-]{1,22}[a-z0-9]", f"kv-{name}-12345678")


def test_bicep_makes_small_letters_of_the_name() -> None:
    main = read("main.bicep")
    assert main.variables["prefix"] == "toLower(name)"
    assert main.variables["plain"] == "replace(prefix, '-', '')"
    assert "${name}" not in (BICEP / "main.bicep").read_text("utf-8")
