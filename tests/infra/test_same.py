"""Bicep and Terraform deploy the same: whoever changes one changes the other."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .templates import (
    BICEP,
    TERRAFORM,
    app_settings_of_bicep,
    app_settings_of_terraform,
    bicep,
    bicep_alerts,
    bicep_files,
    local,
    plain,
    resources,
    snake,
    terraform,
    terraform_alerts,
)

_TERRAFORM_ALONE = {"subscription_id", "resource_group_name"}
"""Bicep is told by the command that deploys it."""
_COMPUTED = {"location", "graphTenantId", "graphAuthority"}
"""In Bicep, their default is what the deployment runs in; in Terraform it is found out, or that of most."""

ROLES = {
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
"""learn.microsoft.com/azure/role-based-access-control/built-in-roles"""

TWINS = {
    "Microsoft.Authorization/roleAssignments": {"azurerm_role_assignment"},
    "Microsoft.Graph/appRoleAssignedTo": {"azuread_app_role_assignment"},
    "Microsoft.Graph/applications": {"azuread_application"},
    "Microsoft.Graph/applications/federatedIdentityCredentials": {
        "azuread_application_federated_identity_credential"
    },
    "Microsoft.Graph/servicePrincipals": {"azuread_service_principal"},
    "Microsoft.Insights/actionGroups": {"azurerm_monitor_action_group"},
    "Microsoft.Insights/components": {"azurerm_application_insights"},
    "Microsoft.Insights/diagnosticSettings": {"azurerm_monitor_diagnostic_setting"},
    "Microsoft.Insights/scheduledQueryRules": {"azurerm_monitor_scheduled_query_rules_alert_v2"},
    "Microsoft.KeyVault/vaults": {"azurerm_key_vault"},
    "Microsoft.ManagedIdentity/userAssignedIdentities": {"azurerm_user_assigned_identity"},
    "Microsoft.Network/natGateways": {
        "azurerm_nat_gateway",
        "azurerm_nat_gateway_public_ip_association",
        "azurerm_subnet_nat_gateway_association",
    },
    "Microsoft.Network/networkSecurityGroups": {
        "azurerm_network_security_group",
        "azurerm_subnet_network_security_group_association",
    },
    "Microsoft.Network/privateDnsZones": {"azurerm_private_dns_zone"},
    "Microsoft.Network/privateDnsZones/A": {"azurerm_private_dns_a_record"},
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": {
        "azurerm_private_dns_zone_virtual_network_link"
    },
    "Microsoft.Network/privateEndpoints": {"azurerm_private_endpoint"},
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": {"azurerm_private_endpoint"},
    "Microsoft.Network/publicIPAddresses": {"azurerm_public_ip"},
    "Microsoft.Network/routeTables": {"azurerm_route_table", "azurerm_subnet_route_table_association"},
    "Microsoft.Network/virtualNetworks": {"azurerm_virtual_network", "azurerm_subnet"},
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings": {"azurerm_virtual_network_peering"},
    "Microsoft.OperationalInsights/workspaces": {"azurerm_log_analytics_workspace"},
    "Microsoft.Storage/storageAccounts": {"azurerm_storage_account"},
    "Microsoft.Storage/storageAccounts/blobServices": {"azurerm_storage_account"},
    "Microsoft.Storage/storageAccounts/blobServices/containers": {"azurerm_storage_container"},
    "Microsoft.Storage/storageAccounts/managementPolicies": {"azurerm_storage_management_policy"},
    "Microsoft.Storage/storageAccounts/queueServices": {"azurerm_storage_account"},
    "Microsoft.Storage/storageAccounts/queueServices/queues": {"azurerm_storage_queue"},
    "Microsoft.Storage/storageAccounts/tableServices": {"azurerm_storage_account"},
    "Microsoft.Storage/storageAccounts/tableServices/tables": {"azurerm_storage_table"},
    "Microsoft.Web/serverfarms": {"azurerm_service_plan"},
    "Microsoft.Web/sites": {"azurerm_function_app_flex_consumption"},
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"azurerm_function_app_flex_consumption"},
    "Microsoft.Web/sites/config": {"azurerm_function_app_flex_consumption"},
}
"""What Terraform has for each type of Bicep."""


@pytest.mark.parametrize("name", bicep_files())
def test_every_bicep_file_can_be_parsed(name: str) -> None:
    assert bicep(name)


def test_the_same_resources() -> None:
    made = {
        resource["type"]
        for name in bicep_files()
        for resource in bicep(name).get("resources", {}).values()
        if not resource["existing"]
    }
    assert made == set(TWINS)
    assert {labels[0] for labels, _ in terraform()["resource"]} == set().union(*TWINS.values())


def _variables() -> dict[str, dict[str, Any]]:
    return {labels[0]: plain(block) for labels, block in terraform()["variable"]}


def test_the_same_parameters_with_the_same_meaning_and_default() -> None:
    parameters, variables = bicep("main.bicep")["parameters"], _variables()
    assert {snake(name) for name in parameters} == set(variables) - _TERRAFORM_ALONE
    for name, parameter in parameters.items():
        variable = variables[snake(name)]
        assert variable.get("description", "") == _description(parameter), name
        if name not in _COMPUTED:
            assert variable.get("default") == parameter["default"], name


def _description(parameter: dict[str, Any]) -> str:
    texts = [one["argument"] for one in parameter["decorators"] if one["type"] == "description"]
    return str(texts[0]).replace("\\'", "'") if texts else ""


def test_the_same_limits_of_parameters() -> None:
    for name, parameter in bicep("main.bicep")["parameters"].items():
        limits = {one["type"]: one["argument"] for one in parameter["decorators"]}
        texts = [one["condition"] for one in _variables()[snake(name)].get("validation", [])]
        numbers = sorted(int(number) for text in texts for number in re.findall(r"[=, {[](\d+)\b", text))
        if "allowed" in limits and all(isinstance(one, str) for one in limits["allowed"]):
            assert re.findall(r'"([^"]+)"', texts[0]) == limits["allowed"], name
        elif "allowed" in limits:
            assert numbers == limits["allowed"], name
        else:
            expected = [value for kind, value in limits.items() if kind != "description"]
            assert numbers == sorted(expected), name


def test_the_same_outputs() -> None:
    of_terraform = {labels[0]: plain(block) for labels, block in terraform()["output"]}
    of_bicep = bicep("main.bicep")["outputs"]
    assert {snake(name) for name in of_bicep} == set(of_terraform)
    for name, output in of_bicep.items():
        assert of_terraform[snake(name)].get("description", "") == _description(output), name


def test_the_same_application_settings() -> None:
    # Terraform's provider writes this one itself.
    by_provider = {"APPLICATIONINSIGHTS_CONNECTION_STRING"}
    assert app_settings_of_bicep() == app_settings_of_terraform() | by_provider


@pytest.mark.parametrize("name", ["queues", "tables", "containers", "alwaysReady", "openPaths"])
def test_the_same_names(name: str) -> None:
    assert bicep("main.bicep")["variables"][name]["value"] == local(snake(name))


def test_the_same_largest_body() -> None:
    value = bicep("main.bicep")["variables"]["largestRequestBody"]["value"]
    assert value == local("largest_request_body")


def test_the_same_alerts() -> None:
    assert bicep_alerts() == terraform_alerts()


def _roles_of_bicep() -> list[str]:
    return sorted(
        ROLES[value]
        for name in bicep_files()
        for variable in bicep(name).get("variables", {}).values()
        if isinstance(value := variable["value"], str) and value in ROLES
    )


def test_the_same_roles_each_known_by_its_id() -> None:
    text = re.sub(r"\s+", " ", (TERRAFORM / "roles.tf").read_text("utf-8"))
    named = re.findall(r'(?:role_definition_name|role) ?= "([^"]+)"', text)
    assert sorted(named) == _roles_of_bicep()
    ids = {
        found
        for name in bicep_files()
        for found in re.findall(
            r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", (BICEP / name).read_text("utf-8")
        )
    }
    graph = set(local("graph_role_ids").values()) | {"00000003-0000-0000-c000-000000000000"}
    assert ids == set(ROLES) | graph


def test_the_same_application_permissions() -> None:
    ids = bicep("modules/graph-role.bicep")["variables"]["roleIds"]["value"]
    assert {name.strip("'"): value for name, value in ids.items()} == local("graph_role_ids")


def test_the_same_private_addresses() -> None:
    of_bicep = [
        f"{one['of']}-{one['service']}" for one in bicep("main.bicep")["variables"]["endpoints"]["value"]
    ]
    text = (TERRAFORM / "network.tf").read_text("utf-8")
    assert re.findall(r"^    ([a-z-]+) +\= \{ service", text, re.MULTILINE) == of_bicep


def test_diagnostic_settings_of_the_same_services_and_categories() -> None:
    of_bicep = sorted(
        tuple(sorted(log["category"] for log in one["config"]["properties"].get("logs", [])))
        for one in bicep("modules/diagnostics.bicep")["resources"].values()
        if not one["existing"]
    )
    of_terraform = sorted(
        tuple(sorted(plain(log["category"]) for log in one.get("enabled_log", [])))
        for one in resources("azurerm_monitor_diagnostic_setting").values()
    )
    assert of_bicep == of_terraform
