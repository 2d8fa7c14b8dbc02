"""Each role is given to whom it is for alone, at its smallest scope, in both templates."""

from __future__ import annotations

import re

import pytest

from shared.configuration_blob import LAST_GOOD

from .assignments import APP, OPERATOR, ROLES, Assignment, conditions_of_operators, of_bicep, of_terraform
from .bicep_text import read
from .expressions import local_text
from .templates import BICEP, ROOT, bicep, bicep_files, local
from .test_roles import GRANTS

EXPECTED = {
    APP: {
        ("Storage Blob Data Contributor", "azurerm_storage_container.mail"),
        ("Storage Queue Data Contributor", "azurerm_storage_queue.mail"),
        ("Storage Table Data Contributor", "azurerm_storage_table.mail"),
        ("Storage Blob Data Owner", "azurerm_storage_account.host"),
        ("Key Vault Secrets User", "azurerm_key_vault.app"),
        ("Monitoring Metrics Publisher", "azurerm_application_insights.app"),
    },
    OPERATOR: {
        ("Storage Blob Data Contributor", "azurerm_storage_container.mail[local.containers[3]]"),
        ("Storage Queue Data Message Sender", "azurerm_storage_account.mail"),
        ("Storage Table Data Contributor", "azurerm_storage_account.mail"),
        ("Key Vault Secrets Officer", "azurerm_key_vault.app"),
        ("Key Vault Certificates Officer", "azurerm_key_vault.app"),
    },
}
"""The smallest scopes. What ops.py needs of queues and tables it needs of each."""
KINDS = {APP: '"ServicePrincipal"', OPERATOR: "var.operator_principal_type"}


@pytest.mark.parametrize("found", [of_bicep, of_terraform], ids=["bicep", "terraform"])
def test_each_has_its_roles_at_the_smallest_scope(found: object) -> None:
    assert callable(found)
    assert set(found()) == {
        Assignment(role, scope, principal, KINDS[principal])
        for principal, roles in EXPECTED.items()
        for role, scope in roles
    }


def test_no_role_is_given_twice_or_by_another_way() -> None:
    made = sum(
        resource.of == "Microsoft.Authorization/roleAssignments"
        for name in bicep_files()
        for resource in read(name).resources.values()
    )
    assert made == len(of_bicep()) == len(of_terraform()) == sum(map(len, EXPECTED.values()))


def test_each_role_is_known_by_its_id() -> None:
    ids = {
        found
        for name in bicep_files()
        for found in re.findall(
            r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", (BICEP / name).read_text("utf-8")
        )
    }
    graph = set(local("graph_role_ids").values()) | {"00000003-0000-0000-c000-000000000000"}
    assert ids == set(ROLES) | graph


def test_operators_get_roles_where_there_is_one_and_certificates_where_there_is_one() -> None:
    named = 'var.operator_principal_id != ""'
    certificate = 'var.graph_credential == "client-certificate"'
    assert conditions_of_operators() == (named, f"{named} && {certificate}")
    assert local_text("operators") == (
        'var.operator_principal_id == "" ? [] : [for name in keys(local.operator_roles) : name '
        f'if name != "certificates" || {certificate}]'
    )
    credentials = next(
        one["argument"]
        for one in bicep("main.bicep")["parameters"]["graphCredential"]["decorators"]
        if one["type"] == "allowed"
    )
    assert "client-certificate" in credentials


def test_the_configuration_stands_in_a_container_that_operators_may_write() -> None:
    """And the app, which keeps the last good one beside it."""
    containers = bicep("main.bicep")["variables"]["containers"]["value"]
    assert containers[3] == "configuration"
    assert LAST_GOOD
    for text in (
        (BICEP / "main.bicep").read_text("utf-8"),
        (ROOT / "infra/terraform/variables.tf").read_text("utf-8"),
        (ROOT / "docs/settings.md").read_text("utf-8"),
    ):
        assert re.findall(r"blob:([a-z-]+)/", text) == ["configuration"]


def test_operators_have_what_the_guide_says_that_ops_py_needs() -> None:
    guide = (ROOT / "docs/operations.md").read_text("utf-8")
    needed = set(re.findall(r"(?:Storage|Key Vault) (?:\w+ )+?(?:Reader|Contributor|Sender|User)\b", guide))
    assert needed >= {"Storage Table Data Contributor", "Key Vault Secrets User", "Storage Blob Data Reader"}
    granted = set().union(*(GRANTS[role] for role, _ in EXPECTED[OPERATOR]))
    for role in needed:
        assert GRANTS[role] <= granted, role
    for role, _ in EXPECTED[OPERATOR]:
        by_hand = role.startswith("Key Vault") and role.endswith("Officer")
        assert by_hand or any(GRANTS[one] & GRANTS[role] for one in needed), role
