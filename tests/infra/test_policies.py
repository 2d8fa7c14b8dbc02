"""What checkov says is held to what stands in the files; `dev.py lint` runs it over `infra`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

import dev

from . import policies
from .policies import Resource, check, declared, faults, for_checkov, said

BICEP = """
param name string

resource known 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: name
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  // checkov:skip=CKV_AZURE_59: closed where the network is private
  name: name
}
"""
TERRAFORM = """
resource "azurerm_subnet" "app" {
  count = var.has_network ? 1 : 0
  name  = "app"
}
"""
FILES = {"bicep/storage.bicep": BICEP, "terraform/network.tf": TERRAFORM}
ACCOUNT = Resource("bicep/storage.bicep", "Microsoft.Storage/storageAccounts.account")
SUBNET = Resource("terraform/network.tf", "azurerm_subnet.app")


def record(check_id: str, resource: Resource, reason: str = "") -> dict[str, Any]:
    """One result of a check, with the fields of checkov's report that are read."""
    return {
        "check_id": check_id,
        "check_name": f"Ensure what {check_id} wants",
        "file_path": f"/{resource.file}",
        "resource": resource.name,
        "check_result": {"suppress_comment": f" {reason}"},
    }


SKIPPED = record("CKV_AZURE_59", ACCOUNT, "closed where the network is private")


def report(
    failed: list[Any] | None = None, skipped: list[Any] | None = None, unparsed: list[str] | None = None
) -> dict[str, Any]:
    results = {
        "failed_checks": failed or [],
        "skipped_checks": [SKIPPED] if skipped is None else skipped,
        "parsing_errors": unparsed or [],
    }
    return {"check_type": "bicep", "results": results}


def materials(*seen: Resource) -> dict[str, Any]:
    components = [
        {"name": one.name, "purl": f"pkg:bicep/cli_repo/infra/{one.file}/{one.name}@sha1:0"} for one in seen
    ]
    return {"components": components}


COPY = Path(tempfile.gettempdir(), "infra").absolute()
ALL = materials(ACCOUNT, SUBNET)


def wrong(reports: Any, seen: Any = ALL, log: str = "") -> list[str]:
    return faults(said(reports, seen, log, COPY), FILES)


def test_what_a_template_makes_is_declared_and_what_exists_already_is_not() -> None:
    assert declared(FILES) == {ACCOUNT, SUBNET}


def test_all_seen_and_nothing_found_is_well() -> None:
    assert wrong(report()) == []
    assert wrong([report(), {"passed": 0}]) == [], "a kind of file without any result has no results"


def test_a_finding_fails_with_its_place() -> None:
    (line,) = wrong(report(failed=[record("CKV_AZURE_44", ACCOUNT)]))
    assert line == f"{ACCOUNT.file}: {ACCOUNT.name}: CKV_AZURE_44: Ensure what CKV_AZURE_44 wants"


def test_a_file_that_checkov_cannot_parse_fails() -> None:
    assert wrong(report(unparsed=[str(COPY / "bicep/other.bicep")])) == [
        "bicep/other.bicep: checkov cannot parse it"
    ]


def test_a_resource_that_checkov_has_not_seen_fails() -> None:
    assert wrong(report(), materials(ACCOUNT)) == [f"{SUBNET.file}: {SUBNET.name}: checkov has not seen it"]


def test_one_of_several_of_a_resource_is_enough_to_have_seen_it() -> None:
    assert wrong(report(), materials(ACCOUNT, Resource(SUBNET.file, f"{SUBNET.name}[0]"))) == []


@pytest.mark.parametrize("reason", ["", "No comment provided"])
def test_a_skip_needs_a_reason(reason: str) -> None:
    (line,) = wrong(report(skipped=[record("CKV_AZURE_59", ACCOUNT, reason)]))
    assert line.startswith(f"{ACCOUNT.file}: {ACCOUNT.name}: CKV_AZURE_59")
    assert line.endswith("a skip without a reason")


def test_a_skip_that_skips_nothing_fails() -> None:
    """It would stay when its check is gone, and tell of what is not so."""
    assert wrong(report(skipped=[])) == [f"{ACCOUNT.file}: CKV_AZURE_59: a skip that skips nothing"]


@pytest.mark.parametrize(("check_id", "fails"), [("CKV_AZURE_59", False), ("CKV_AZURE_44", True)])
def test_a_check_that_breaks_fails_unless_it_is_skipped(check_id: str, fails: bool) -> None:
    error = (
        f"2026-11-25 [MainThread] [ERROR]  Failed to run check {check_id} on {ACCOUNT.file}:{ACCOUNT.name}"
    )
    log = f"{error}\nTraceback (most recent call last):\nAttributeError: no attribute 'lower'\n"
    assert wrong(report(), log=log) == ([error] if fails else [])


def test_any_other_error_fails() -> None:
    error = "2026-11-25 [MainThread] [ERROR]  Failed to load the checks"
    assert wrong(report(), log=error) == [error]


def test_what_checkov_gets_hides_nothing_from_it_and_keeps_its_lines() -> None:
    assert (
        for_checkov("a.bicep", "extension graph\nparam a string\n") == "// extension graph\nparam a string\n"
    )
    assert for_checkov("a.bicep", "var a = failed ? fail('no') : 1") == "var a = failed ? string('no') : 1"
    given = for_checkov("terraform/network.tf", TERRAFORM)
    assert given == TERRAFORM.replace("  count = ", "#   count = ")


def test_without_a_report_the_end_of_checkov_is_told(tmp_path: Path) -> None:
    """The interpreter of the tests has no checkov."""
    (line,) = check(Path(sys.executable), tmp_path)
    assert line.startswith("checkov ended without a report:")
    assert "No module named" in line


@pytest.mark.parametrize(("found", "status"), [([], 0), (["a fault"], 1)])
def test_as_a_program_it_tells_the_faults_and_fails_for_them(
    found: list[str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(policies, "check", lambda python, root: found)
    assert policies.main("python") == status
    assert capsys.readouterr().out.splitlines() == found


BAD = {
    "bicep/bad.bicep": """
param name string

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  properties: {
    supportsHttpsTrafficOnly: false
  }
}
""",
    "bicep/unparsable.bicep": """
param names string[] {

resource group 'Microsoft.Network/networkSecurityGroups@2024-10-01' = {
  name: names[0]
}
""",
    "terraform/bad.tf": """
resource "azurerm_subnet" "app" {
  count = 0
  # checkov:skip=CKV2_AZURE_31
  # checkov:skip=CKV_AZURE_59: it is no storage account
  name = "app"
}
""",
    "terraform/unparsable.tf": 'variable "name" {\n  default = [\n',
}


def test_checkov_itself_finds_what_is_bad(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--long"):
        pytest.skip("takes a quarter of a minute, and `dev.py lint` runs it over infra: with --long")
    try:
        python = dev.ensure(dev.checkov_environment(dev.this_interpreter()))
    except dev.PreparationError as error:
        pytest.skip(str(error))
    for name, text in BAD.items():
        file = tmp_path / "infra" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    found = "\n".join(check(python, tmp_path / "infra"))
    for line in (
        "bicep/bad.bicep: Microsoft.Storage/storageAccounts.account: CKV_AZURE_3: ",
        "bicep/unparsable.bicep: checkov cannot parse it",
        "bicep/unparsable.bicep: Microsoft.Network/networkSecurityGroups.group: checkov has not seen it",
        "terraform/unparsable.tf: checkov cannot parse it",
        "terraform/bad.tf: azurerm_subnet.app: CKV2_AZURE_31: No comment provided, a skip without a reason",
        "terraform/bad.tf: CKV_AZURE_59: a skip that skips nothing",
    ):
        assert line in found
