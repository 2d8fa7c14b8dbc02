"""Bicep and Terraform as values: what the tests compare."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
from pycep import BicepParser

ROOT = Path(__file__).resolve().parents[2]
BICEP = ROOT / "infra/bicep"
TERRAFORM = ROOT / "infra/terraform"


@cache
def _parser() -> BicepParser:
    """To make one takes longer than to parse a file."""
    return BicepParser()


@cache
def bicep(name: str) -> dict[str, Any]:
    """One Bicep file, by its path below infra/bicep."""
    return dict(_parser().parse(text=(BICEP / name).read_text("utf-8")))


def bicep_files() -> list[str]:
    return sorted(path.relative_to(BICEP).as_posix() for path in BICEP.rglob("*.bicep"))


@cache
def terraform() -> dict[str, list[tuple[list[str], dict[str, Any]]]]:
    """All blocks of the root module by kind: their labels, and what stands in them."""
    blocks: dict[str, list[tuple[list[str], dict[str, Any]]]] = {}
    for file in sorted(TERRAFORM.glob("*.tf")):
        with file.open(encoding="utf-8") as text:
            for kind, found in hcl2.load(text).items():
                if not kind.startswith("__"):
                    blocks.setdefault(kind, []).extend(_labelled([], one) for one in found)
    return blocks


def _labelled(labels: list[str], block: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    if "__is_block__" in block:
        return labels, {key: value for key, value in block.items() if not key.startswith("__")}
    ((label, inner),) = block.items()
    return _labelled([*labels, label.strip('"')], inner)


def local(name: str) -> Any:
    """The value of a local of Terraform."""
    (found,) = (block[name] for _, block in terraform()["locals"] if name in block)
    return plain(found)


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of that type in Terraform, by name."""
    return {labels[1]: block for labels, block in terraform()["resource"] if labels[0] == kind}


def plain(value: Any) -> Any:
    """A value of Terraform without the quotation marks that the parser leaves around literals."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key.strip('"'): plain(item) for key, item in value.items() if not key.startswith("__")}
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"')
    return value


def snake(name: str) -> str:
    """A name of Bicep as Terraform writes it: `stagingDays`, `staging_days`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@dataclass(frozen=True)
class Alert:
    """One alert, however it is deployed."""

    severity: int
    every: str
    window: str
    scope: str
    remedy: str
    query: str


def bicep_alerts() -> dict[str, Alert]:
    known: list[dict[str, Any]] = bicep("modules/alerts.bicep")["variables"]["alerts"]["value"]
    return {
        one["name"]: Alert(
            one["severity"],
            one["every"],
            one["window"],
            one["scope"],
            one["remedy"].replace("\\'", "'"),
            one["query"].strip(),
        )
        for one in known
    }


_SCOPES = {"azurerm_application_insights": "component", "azurerm_log_analytics_workspace": "workspace"}


def terraform_alerts() -> dict[str, Alert]:
    return {
        name: Alert(
            int(one["severity"]),
            one["every"],
            one["window"],
            _SCOPES[re.sub(r"[${}]", "", one["scope"]).split(".")[0]],
            one["remedy"],
            _heredoc(one["query"]),
        )
        for name, one in local("alerts").items()
    }


def _heredoc(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines()]
    return "\n".join(line for line in lines if not re.fullmatch(r"(<<-)?KQL", line)).strip()


def app_settings_of_bicep() -> set[str]:
    """The names of the application settings that Bicep gives the app."""
    platform = bicep("modules/app.bicep")["variables"]["platformSettings"]["value"]
    own = bicep("main.bicep")["modules"]["app"]["config"]["params"]["settings"]
    return {one["name"] for one in platform} | set(own)


def app_settings_of_terraform() -> set[str]:
    """The same of Terraform."""
    app = resources("azurerm_function_app_flex_consumption")["app"]
    return set(plain(app["app_settings"]))
