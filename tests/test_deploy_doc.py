"""The commands and names of the guides that lead an operator are ones that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from shared.operations.command_line import parse

ROOT = Path(__file__).parents[1]
GUIDES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "infra/exchange/README.md"]
_COMMAND = re.compile(r"^ +(?:[A-Z_]+=\S+ )*python3 ops\.py ([^\[\n]+?)(?: +[#>].*)?$", re.MULTILINE)
"""In a block of code, without a comment, and without where its output goes."""
_DATE = re.compile(r"(?<=--since )[A-Z]+\b")
DEPLOYING = (ROOT / "docs/deploy.md").read_text("utf-8").partition("## What it costs")[0]
MAIN = (ROOT / "infra/bicep/main.bicep").read_text("utf-8")
OF_BICEP = set(re.findall(r"^(?:param|output) (\w+)", MAIN, re.MULTILINE))
OF_TERRAFORM = {
    name
    for file in ("variables.tf", "outputs.tf")
    for name in re.findall(
        r'^(?:variable|output) "(\w+)"', (ROOT / "infra/terraform" / file).read_text("utf-8"), re.MULTILINE
    )
}
OF_THE_NETWORK = {"allowGatewayTransit"}
"""Of the company's hub, which no template of ours makes."""


def commands() -> list[str]:
    """As they would be typed, with a day where one is to be filled in."""
    found = [command for guide in GUIDES for command in _COMMAND.findall(guide.read_text("utf-8"))]
    return sorted({_DATE.sub("2026-11-01", command.removeprefix("... ")) for command in found})


def test_there_are_commands_to_check() -> None:
    assert len(commands()) > 25


@pytest.mark.parametrize("command", commands())
def test_each_command_of_the_guides_is_one(command: str) -> None:
    assert parse(shlex.split(command)).command


def test_what_azd_is_told_is_read() -> None:
    names = set(re.findall(r"azd env set (\w+)", DEPLOYING))
    read = (ROOT / "infra/bicep/main.bicepparam").read_text("utf-8")

    assert names >= {"ALERT_EMAIL", "AZURE_PRINCIPAL_TYPE", "VAULTPOST_SOURCES"}
    assert [name for name in names if f"readEnvironmentVariable('{name}'" not in read] == []


def test_each_parameter_and_output_of_bicep_that_is_named_is_one() -> None:
    named = set(re.findall(r"`([a-z]+(?:[A-Z]\w*)+)(?: ?= ?[^`]+)?`", DEPLOYING))
    given = set(re.findall(r"(?<=[ `])([a-z]+(?:[A-Z]\w*)*)=(?=[\w'\[$])", DEPLOYING))

    assert named >= {"functionAppName", "hubHasGateway", "privateNetwork"}
    assert given >= {"name", "operatorPrincipalId", "alertEmails"}
    assert (named | given) - OF_BICEP - OF_THE_NETWORK == set()


def test_each_variable_and_output_of_terraform_that_is_named_is_one() -> None:
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", DEPLOYING))
    given = set(re.findall(r"-var '?(\w+)=", DEPLOYING))

    assert named >= {"function_app_name", "register_resource_providers"}
    assert given >= {"subscription_id", "alert_emails"}
    assert (named | given) - OF_TERRAFORM == set()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda file: file.name)
def test_links_to_a_section_lead_to_one(guide: Path) -> None:
    """As GitHub names them: small letters, hyphens for blanks, nothing else."""
    text = guide.read_text("utf-8")
    for file, anchor in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", text):
        target = (guide.parent / file).read_text("utf-8") if file else text
        headings = re.findall(r"^#+ (.+)$", target, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in anchors | set(re.findall(r'<a id="([\w-]+)">', target)), f"{file}#{anchor}"
